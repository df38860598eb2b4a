import { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { ArgumentError } from '../errors.js'
import { hide } from '../core/hide.js'
import { list, type List, type ListOptions } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import type { RequestOptions } from '../options.js'
import type {
  AgentLogEntry,
  AgentState,
  ExecResult,
  Lang,
  RunResult,
  Schemas,
  SnapshotRef,
  TaskInput,
} from '../types.js'
import { AgentFiles } from './files.js'
import { AgentPorts } from './ports.js'
import { type RawStreamEvent, rawEvents, RunStream, type StreamOptions } from './stream.js'
import { SessionTasks } from './tasks.js'

type AgentData = Schemas['Agent']

/** What an agent is and costs, as of now. */
export type AgentStatus = Omit<AgentData, 'startedAt' | 'createdAt' | 'updatedAt' | 'timeout'> & {
  state: AgentState
  /** When its compute began; not there before that. */
  startedAt: Date | undefined
  createdAt: Date
  updatedAt: Date
  /** Milliseconds that a run may take. */
  timeout: number
}

/** How a task is run. */
export type RunOptions = Omit<Schemas['RunAgent'], 'task'> & RequestOptions

/** What a retry came to. */
export type RetryResult = RunResult & {
  /** The fresh agent that ran it. */
  agentId: string
}

/** How events of an agent are read. */
export type AgentEventsOptions = StreamOptions & {
  /** `'start'`: its whole history. Default: from the run that is under way on. */
  from?: 'start'
}

/** The languages of `exec`. */
const LANGS: readonly Lang[] = ['python', 'typescript', 'bash']
/** Milliseconds that code may run, by the API's contract. */
const EXEC = 120_000
/** Milliseconds that a sandbox may take to start, stop or be saved. */
const LIFECYCLE = 60_000

/** An agent: a sandbox of its own, with files, a runtime, and a model where it is to think. */
export class Agent {
  /** `agt_…` */
  readonly id: string
  /** `ses_…`, the session that it is in. */
  readonly sessionId: string
  /** The agent's `/workspace`. */
  readonly files: AgentFiles
  /** What the agent serves, on public URLs. */
  readonly ports: AgentPorts
  readonly #transport: Transport
  readonly #tasks: SessionTasks
  /** Whether its sandbox was still being made when it was last looked at. */
  #isNew: boolean

  /** @internal */
  constructor(transport: Transport, data: AgentData) {
    this.#isNew = data.state === 'provisioning'
    this.#transport = transport
    this.id = data.id
    this.sessionId = data.sessionId
    this.#tasks = new SessionTasks(transport, data.sessionId)
    this.files = hide(this, 'files', new AgentFiles(transport, this.#path))
    this.ports = hide(this, 'ports', new AgentPorts(transport, this.#path, this.#ready))
  }

  get #path(): string {
    return `/v1/agents/${this.id}`
  }

  /**
   * Runs a task to its end. A run that fails is an {@link ApiError} with `taskId` and, in
   * `details.output`, what the agent had said by then.
   *
   * @example
   * const result = await agent.run('Produce a comparison table and save it to /workspace/a.md')
   * console.log(result.output, result.artifacts, result.cost, result.duration, result.toolCalls)
   */
  async run(task: TaskInput, options: RunOptions = {}): Promise<RunResult> {
    const { taskId } = await this.#submit(task, options, 'agent.run')
    const [result] = await this.#tasks.result(taskId, requestOf(options))
    return result
  }

  /**
   * Runs a task and tells what it does, as it does it. The run begins when the stream is read.
   *
   * @example
   * for await (const event of agent.stream('Write a market analysis report')) {
   *   if (event.type === 'text') process.stdout.write(event.delta)
   *   if (event.type === 'done') console.log('cost:', event.result.cost)
   * }
   */
  stream(task: TaskInput, options: RunOptions = {}): RunStream {
    check.input(task, 'agent.stream')
    const open = async () => {
      const { taskId } = await this.#submit(task, options, 'agent.stream')
      return this.#tasks.source(taskId)
    }
    return new RunStream(open, requestOf(options))
  }

  /**
   * Runs code in the sandbox, without a model, for up to 120 seconds.
   *
   * @example
   * const result = await agent.exec('python', 'print(2 + 2)')
   * const same = await agent.exec({ lang: 'python', code: 'print(2 + 2)' })
   * console.log(result.stdout, result.stderr, result.exitCode)
   */
  exec(lang: Lang, code: string, options?: RequestOptions): Call<ExecResult>
  exec(what: { lang: Lang; code: string }, options?: RequestOptions): Call<ExecResult>
  exec(
    what: Lang | { lang: Lang; code: string },
    code?: string | RequestOptions,
    options?: RequestOptions,
  ): Call<ExecResult> {
    const body = typeof what === 'object' ? { ...what } : { lang: what, code: code as string }
    const more = typeof what === 'object' ? (code as RequestOptions) : options
    if (!LANGS.includes(body.lang)) {
      const example = "agent.exec('python', 'print(2 + 2)')"
      throw new ArgumentError(`agent.exec runs ${LANGS.join(', ')}: write ${example}.`)
    }
    check.text(body.code, 'agent.exec', 'code')
    const path = `${this.#path}/exec`
    return this.#transport.call({ method: 'POST', path, body, has: 'exitCode', waits: EXEC }, more)
  }

  /**
   * The agent's state, cost and time, as of now.
   *
   * @example
   * const { state, cost, computeMinutes, startedAt } = await agent.status()
   */
  status(options: RequestOptions = {}): Call<AgentStatus> {
    const request = { method: 'GET', path: this.#path, has: 'state' } as const
    const call = this.#transport.call<AgentData>(request, options)
    return call.map(statusOf)
  }

  /**
   * Saves the agent's state and stops its compute, and what that costs.
   *
   * @example
   * const snapshot = await agent.pause()
   * console.log(snapshot.id, snapshot.size)
   */
  pause(options: RequestOptions = {}): Call<SnapshotRef> {
    const pause = () => this.#do<AgentData>('pause', {}, options, 'snapshot').withResponse()
    const call = new Call(this.#ready(options).then(pause))
    // What the API says of a paused agent always has it.
    return call.map(({ snapshot }) => snapshot as SnapshotRef)
  }

  /**
   * Goes on from where it was paused, or from any snapshot.
   *
   * @example
   * await agent.resume()
   * await agent.resume({ snapshotId: 'snp_…' })
   */
  resume(from: { snapshotId?: string } = {}, options: RequestOptions = {}): Call<void> {
    const body = { ...check.options(from, 'agent.resume', "{ snapshotId: 'snp_…' }") }
    return this.#do('resume', body, options).map(() => undefined)
  }

  /**
   * Runs the agent's last task again, from scratch, on a fresh agent that is made of the same.
   *
   * @example
   * const result = await agent.retry()
   */
  async retry(options: RequestOptions = {}): Promise<RetryResult> {
    const { taskId } = await this.#do<Schemas['Submitted']>('retry', {}, options, 'taskId')
    const { idempotencyKey: _, ...rest } = options
    const [result, { agentId }] = await this.#tasks.result(taskId, rest)
    return { ...result, agentId }
  }

  /**
   * Ends the agent at once and for good, and lets go of its compute.
   *
   * @example
   * await agent.terminate()
   */
  terminate(options: RequestOptions = {}): Call<void> {
    return this.#do('terminate', {}, options, 'ok').map(() => undefined)
  }

  /**
   * What happens to the agent, run after run, as the API tells it.
   *
   * @example
   * for await (const { event, data } of agent.events({ from: 'start' })) console.log(event, data)
   */
  events(options: AgentEventsOptions = {}): AsyncGenerator<RawStreamEvent> {
    const { from, ...rest } = check.more(options)
    const source = { path: `${this.#path}/stream`, query: { from }, isLast: () => false }
    return rawEvents(this.#transport, source, rest)
  }

  /**
   * What the agent did and what was done to it, newest first.
   *
   * @example
   * for await (const entry of agent.logs({ level: 'error' })) console.log(entry.message)
   */
  logs(options: { level?: AgentLogEntry['level'] } & ListOptions & RequestOptions = {}) {
    const { level, ...rest } = check.more(options)
    const request = { path: `${this.#path}/logs`, query: { level } }
    return list(
      this.#transport,
      request,
      rest,
      (entry: AgentLogEntry) => entry,
    ) as List<AgentLogEntry>
  }

  /** Waits for the sandbox of an agent that was made just now: not everything waits by itself. */
  readonly #ready = async (given: RequestOptions): Promise<void> => {
    const { signal, timeout, maxRetries } = check.more(given)
    if (!this.#isNew) return
    const options = { signal, timeout, maxRetries }
    if ((await this.status(options)).state === 'provisioning') {
      for await (const { event, data } of this.events(options)) {
        if (event === 'status' && data.agentId && data.status !== 'provisioning') break
      }
    }
    this.#isNew = false
  }

  #do<T>(verb: string, body: object, options: RequestOptions, has = 'id'): Call<T> {
    const path = `${this.#path}/${verb}`
    const waits = LIFECYCLE
    return this.#transport.call({ method: 'POST', path, body, has, waits }, options)
  }

  #submit(task: TaskInput, options: RunOptions, call: string): Call<Schemas['Submitted']> {
    const { priority, webhook, maxSteps, ...rest } = check.more(options)
    const body = { task: check.input(task, call), priority, webhook, maxSteps }
    const request = { method: 'POST', path: `${this.#path}/run`, body, has: 'taskId' } as const
    return this.#transport.call(request, rest)
  }
}

/** What of a run's options is for the requests after the one that begins it. */
function requestOf(options: RunOptions): RequestOptions {
  const { signal, timeout, maxRetries } = check.more(options)
  return { signal, timeout, maxRetries }
}

/** An agent as `status()` shows it. */
function statusOf(data: AgentData): AgentStatus {
  return {
    ...data,
    timeout: data.timeout * 1_000,
    startedAt: data.startedAt ? new Date(data.startedAt) : undefined,
    createdAt: new Date(data.createdAt),
    updatedAt: new Date(data.updatedAt),
  }
}
