import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { seconds } from '../core/duration.js'
import { list, type List, type ListOptions } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import type { RequestOptions } from '../options.js'
import type { AgentState, CreateAgentOptions, Schemas } from '../types.js'
import { Agent } from './agent.js'

/** Which agents to list. */
export type ListAgentsOptions = { state?: AgentState } & ListOptions & RequestOptions

/** Milliseconds that a sandbox may take to start. */
const START = 60_000

/** `theazo.agents`: agents by their id, whatever session they are in. */
export class Agents {
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * An agent that is there.
   *
   * @example
   * const agent = await theazo.agents.get('agt_…')
   */
  get(id: string, options: RequestOptions = {}): Call<Agent> {
    const path = `/v1/agents/${check.id(id, 'agents.get', 'the id of an agent', 'agt_')}`
    const request = { method: 'GET', path, has: 'id' } as const
    const call = this.#transport.call<Schemas['Agent']>(request, options)
    return call.map((data) => new Agent(this.#transport, data))
  }
}

/** `session.agents`: the agents of this session. */
export class SessionAgents extends Agents {
  readonly #transport: Transport
  readonly #path: string

  /** @internal */
  constructor(transport: Transport, sessionId: string) {
    super(transport)
    this.#transport = transport
    this.#path = `/v1/sessions/${encodeURIComponent(sessionId)}/agents`
  }

  /**
   * Makes an agent, which lives until it is terminated or its session ends.
   *
   * What is not said comes from its definition, then from the session, then from the platform.
   * `timeout` is in milliseconds.
   *
   * @example
   * const agent = await session.agents.create({
   *   definition: 'researcher',
   *   model: 'anthropic/claude-opus',
   *   timeout: 600_000,
   *   costCap: { amount: 200, currency: 'usd' },
   * })
   */
  create(agent: CreateAgentOptions = {}, options: RequestOptions = {}): Call<Agent> {
    const example = "{ definition: 'researcher' }"
    const { timeout, ...rest } = check.options(agent, 'agents.create', example)
    const limit = timeout === undefined ? {} : { timeout: seconds(timeout, 'timeout') }
    const body = { ...rest, ...limit }
    const request = { method: 'POST', path: this.#path, body, has: 'id', waits: START } as const
    const call = this.#transport.call<Schemas['Agent']>(request, options)
    return call.map((data) => new Agent(this.#transport, data))
  }

  /**
   * The session's agents, newest first.
   *
   * @example
   * for await (const agent of session.agents.list({ state: 'idle' })) await agent.terminate()
   */
  list(options: ListAgentsOptions = {}): List<Agent> {
    const { state, ...rest } = check.more(options)
    const request = { path: this.#path, query: { state } }
    return list(this.#transport, request, rest, (data: Schemas['Agent']) => {
      return new Agent(this.#transport, data)
    })
  }
}
