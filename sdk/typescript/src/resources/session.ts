import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { seconds } from '../core/duration.js'
import { hide } from '../core/hide.js'
import { list, type List, type ListOptions } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import { TimeoutError } from '../errors.js'
import type { RequestOptions } from '../options.js'
import type { Delivery, InMilliseconds, RunResult, Schemas, TaskInput } from '../types.js'
import { SessionAgents } from './agents.js'
import { RunStream } from './stream.js'
import { SessionTasks } from './tasks.js'

type SessionData = Schemas['Session']

/** How a one-shot task is run. */
export type SessionRunOptions = InMilliseconds<
  Omit<Schemas['RunSession'], 'agent' | 'task' | 'input'>
> &
  Omit<RequestOptions, 'timeout'>

/** What of a session can be changed. What is given is replaced whole; `webhook: null` ends it. */
export type UpdateSessionOptions = Schemas['SessionOptions']

/** Milliseconds that the server itself waits for a run. */
const RUN = 600_000

/** What the API says of a session; {@link Session} has it all. */
export interface Session extends SessionData {}

/** A session: the isolation, the limits and the bill of one of your users. */
// eslint-disable-next-line no-redeclare -- the fields above are those of this class.
export class Session {
  /** The agents of this session. */
  readonly agents: SessionAgents
  /** Its runs in the background. */
  readonly tasks: SessionTasks
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport, data: SessionData) {
    Object.assign(this, data)
    this.#transport = transport
    this.agents = hide(this, 'agents', new SessionAgents(transport, data.id))
    this.tasks = hide(this, 'tasks', new SessionTasks(transport, data.id))
  }

  get #path(): string {
    return `/v1/sessions/${this.id}`
  }

  /**
   * One shot: makes an agent, runs the task, waits for its end, and destroys the agent.
   * `timeout`, in milliseconds, is the run's.
   *
   * @example
   * const result = await session.run('researcher', 'analyze competitor pricing for SaaS tools')
   * console.log(result.output, result.artifacts, result.cost, result.duration)
   */
  async run(
    agentType: string,
    task: TaskInput,
    options: SessionRunOptions = {},
  ): Promise<RunResult> {
    const [body, rest] = this.#oneShot('session.run', agentType, task, options)
    const request = {
      method: 'POST',
      path: `${this.#path}/run`,
      body,
      has: 'output',
      waits: RUN,
    } as const
    try {
      return await this.#transport.call<RunResult>(request, rest)
    } catch (error) {
      // The server waits ten minutes; a run that takes longer goes on. One that was ended by its
      // own timeout is over, and its task says so.
      if (!(error instanceof TimeoutError) || error.taskId === undefined) throw error
      const { idempotencyKey: _, ...more } = rest
      const [result] = await this.tasks.result(error.taskId, more)
      return result
    }
  }

  /**
   * As {@link run}, and tells what the run does, as it does it. The run begins when the stream is
   * read.
   *
   * @example
   * for await (const event of session.stream('researcher', 'analyze competitor pricing')) {
   *   if (event.type === 'text') process.stdout.write(event.delta)
   * }
   */
  stream(agentType: string, task: TaskInput, options: SessionRunOptions = {}): RunStream {
    const [body, rest] = this.#oneShot('session.stream', agentType, task, options)
    const { task: input, ...more } = body
    const request = { method: 'POST', path: `${this.#path}/tasks`, has: 'taskId' } as const
    const open = async () => {
      const all = { ...request, body: { ...more, input } }
      const { taskId } = await this.#transport.call<Schemas['Task']>(all, rest)
      return this.tasks.source(taskId)
    }
    const { signal, maxRetries } = rest
    return new RunStream(open, { signal, maxRetries })
  }

  /**
   * Changes limits, metadata, model or compute. What is given is replaced whole.
   *
   * @example
   * await session.update({ limits: { maxAgents: 10 } })
   */
  update(changes: UpdateSessionOptions, options: RequestOptions = {}): Call<Session> {
    const body = check.options(changes, 'session.update', '{ limits: { maxAgents: 10 } }')
    return this.#take({ method: 'PATCH', path: this.#path, body }, options)
  }

  /**
   * Reads the session anew: its status, what it has used.
   *
   * @example
   * await session.refresh()
   * console.log(session.usage.cost)
   */
  refresh(options: RequestOptions = {}): Call<Session> {
    return this.#take({ method: 'GET', path: this.#path }, options)
  }

  /**
   * Ends the session for good, and its agents with it.
   *
   * @example
   * await session.end()
   */
  end(options: RequestOptions = {}): Call<Session> {
    return this.#take({ method: 'POST', path: `${this.#path}/end` }, options)
  }

  /**
   * What became of the webhooks that told of this session's limits.
   *
   * @example
   * await session.update({ webhook: 'https://your-api.com/webhooks/limits' })
   * const [delivery] = await session.deliveries()
   */
  deliveries(options: ListOptions & RequestOptions = {}): List<Delivery> {
    const path = `${this.#path}/deliveries`
    return list(this.#transport, { path }, options, (delivery: Delivery) => delivery)
  }

  /** A request whose answer is this session as it is then. */
  #take(request: Parameters<Transport['call']>[0], options: RequestOptions): Call<Session> {
    const call = this.#transport.call<SessionData>({ ...request, has: 'id' }, options)
    return call.map((data) => Object.assign(this, data))
  }

  #oneShot(call: string, agent: string, task: TaskInput, options: SessionRunOptions) {
    check.text(agent, call, "an agent's definition (`'researcher'`)")
    const { signal, maxRetries, idempotencyKey, headers, timeout, ...more } = check.more(options)
    const limit = timeout === undefined ? {} : { timeout: seconds(timeout, 'timeout') }
    const body = { agent, task: check.input(task, call), ...more, ...limit }
    return [body, { signal, maxRetries, idempotencyKey, headers }] as const
  }
}
