import * as check from '../core/check.js'
import type { Transport } from '../core/transport.js'
import { ArgumentError } from '../errors.js'
import type { ClientCompute, RequestOptions } from '../options.js'
import type { Compute } from '../types.js'

/**
 * Compute of the client's own: its credentials go to the platform once, before the first session of
 * this client, and its sessions run their agents there.
 *
 * It is not made the platform's default: other clients of the org are not this one's business.
 */
export class OwnCompute {
  readonly #transport: Transport
  readonly #given: ClientCompute
  #sent: Promise<unknown> | undefined

  constructor(transport: Transport, given: ClientCompute) {
    const example = "{ provider: 'e2b', credentials: { apiKey } }"
    const { provider, credentials = {} } = check.options(given, 'compute', example)
    check.text(provider, 'compute', 'a `provider`')
    check.options(credentials, 'compute.credentials', '{ apiKey }')
    for (const [name, value] of Object.entries(credentials)) {
      if (value !== undefined && value !== '') continue
      throw new ArgumentError(
        `compute.credentials.${name} is ${value === '' ? 'empty' : 'not there'}: ` +
          'is the environment variable that it comes from set?',
      )
    }
    this.#transport = transport
    this.#given = given
  }

  /** What sessions say of it. */
  get choice(): Compute {
    return { provider: this.#given.provider }
  }

  /** Resolves when the platform has the credentials; those who ask at the same time share it. */
  ready(options: RequestOptions): Promise<unknown> {
    const { timeout, maxRetries } = check.more(options)
    const { provider, credentials } = this.#given
    if (credentials === undefined) return Promise.resolve()
    const body = { provider, credentials }
    const request = { method: 'POST', path: '/v1/providers', body } as const
    // Without the caller's signal: it is not the only one that waits.
    this.#sent ??= this.#transport.send(request, { timeout, maxRetries }).catch((error) => {
      this.#sent = undefined
      throw error
    })
    return this.#sent
  }
}
