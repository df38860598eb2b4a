import { Call } from '../core/call.js'
import { show } from '../core/duration.js'
import { type List, whole } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import { ArgumentError } from '../errors.js'
import type { RequestOptions } from '../options.js'
import type { Port } from '../types.js'

/** `agent.ports`: what the agent serves, on public URLs. */
export class AgentPorts {
  readonly #transport: Transport
  readonly #path: string
  readonly #ready: (options: RequestOptions) => Promise<void>

  /** @internal `ready` resolves when the agent can have ports. */
  constructor(
    transport: Transport,
    agent: string,
    ready: (options: RequestOptions) => Promise<void>,
  ) {
    this.#transport = transport
    this.#ready = ready
    this.#path = `${agent}/ports`
  }

  /**
   * Makes a port of the agent reachable; its URL, which lives as long as the agent.
   *
   * @example
   * await agent.exec('bash', 'python3 -m http.server 8080 &')
   * const url = await agent.ports.expose(8080)
   */
  expose(port: number, options: RequestOptions = {}): Call<string> {
    const body = { port: checked(port, 'ports.expose') }
    const request = { method: 'POST', path: this.#path, body, has: 'url' } as const
    const expose = () => this.#transport.call<Port>(request, options).withResponse()
    return new Call(this.#ready(options).then(expose)).map(({ url }) => url)
  }

  /**
   * The ports that are exposed.
   *
   * @example
   * for (const { port, url } of await agent.ports.list()) console.log(port, url)
   */
  list(options: RequestOptions = {}): List<Port> {
    return whole(this.#transport, { path: this.#path }, options, (port: Port) => port)
  }

  /**
   * Makes a port unreachable again.
   *
   * @example
   * await agent.ports.close(8080)
   */
  close(port: number, options: RequestOptions = {}): Call<void> {
    const path = `${this.#path}/${checked(port, 'ports.close')}`
    return this.#transport.call<unknown>({ method: 'DELETE', path }, options).map(() => undefined)
  }
}

function checked(port: number, call: string): number {
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new ArgumentError(
    `${call} takes the number of a port, 1 to 65535, and was given ${show(port)}.`,
  )
}
