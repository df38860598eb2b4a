import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { type Duration, milliseconds, seconds } from '../core/duration.js'
import { list, type List, type ListOptions } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import { type FileData, fileData } from '../core/bytes.js'
import type { RequestOptions } from '../options.js'
import type { Delivery, InMilliseconds, RunResult, Schemas, Step, TaskInput } from '../types.js'
import {
  type RawStreamEvent,
  rawEvents,
  RunStream,
  runError,
  type StreamOptions,
  taskSource,
} from './stream.js'

/** A task: one run of an agent, from its submission to its end. */
export type Task = Schemas['Task']

/** A new task: for a definition's own agent (`agent`), or for one that is there (`agentId`). */
export type SubmitTaskOptions = Omit<InMilliseconds<Schemas['SubmitTask']>, 'input'> & {
  input: TaskInput
}

/** Which tasks to list. */
export type ListTasksOptions = Omit<Schemas['TaskListQuery'], keyof ListOptions> &
  ListOptions &
  RequestOptions

/** How to wait for a task. */
export interface WaitOptions extends Omit<RequestOptions, 'timeout'> {
  /** How long to wait for its end. Default: ten minutes. */
  timeout?: Duration
}

/** One wait on the server: shorter than what Node and most proxies allow an answer to take. */
const ONE_WAIT = 240_000
const ENDS = ['completed', 'failed', 'cancelled']

/** `session.tasks`: runs in the background, of this session. */
export class SessionTasks {
  readonly #transport: Transport
  readonly #path: string

  /** @internal */
  constructor(transport: Transport, sessionId: string) {
    this.#transport = transport
    this.#path = `/v1/sessions/${encodeURIComponent(sessionId)}/tasks`
  }

  /**
   * Submits a task and answers at once, with a task that is `queued`.
   *
   * @example
   * const task = await session.tasks.submit({
   *   agent: 'researcher',
   *   input: { query: 'analyze competitor pricing for Q2 2025' },
   *   priority: 'high',
   *   webhook: 'https://your-api.com/webhooks/task-complete',
   * })
   */
  submit(task: SubmitTaskOptions, options: RequestOptions = {}): Call<Task> {
    const example = "{ agent: 'researcher', input: 'what to do' }"
    const { timeout, ...rest } = check.options(task, 'tasks.submit', example)
    check.input(rest.input, 'tasks.submit (`input`)')
    const limit = timeout === undefined ? {} : { timeout: seconds(timeout, 'timeout') }
    const body = { ...rest, ...limit }
    return this.#transport.call({ method: 'POST', path: this.#path, body, has: 'id' }, options)
  }

  /**
   * A task as it is now, with its progress, and once it has ended its output and cost.
   *
   * @example
   * const task = await session.tasks.get('task_…')
   * console.log(task.status, task.progress, task.message)
   */
  get(id: string, options: RequestOptions = {}): Call<Task> {
    const request = { method: 'GET', path: this.#of(id, 'tasks.get'), has: 'id' } as const
    return this.#transport.call(request, options)
  }

  /**
   * The session's tasks, newest first: awaited all of them, iterated page by page.
   *
   * @example
   * const running = await session.tasks.list({ status: 'running' })
   * for await (const task of session.tasks.list()) console.log(task.id, task.status)
   */
  list(options: ListTasksOptions = {}): List<Task> {
    const { status, ...rest } = check.more(options)
    return list(
      this.#transport,
      { path: this.#path, query: { status } },
      rest,
      (task: Task) => task,
    )
  }

  /**
   * Waits until the task has ended, or `timeout` is over: then it answers the task as it is. The
   * server holds the connection; nothing is polled.
   *
   * @example
   * const task = await session.tasks.wait('task_…', { timeout: '5m' })
   * if (task.status === 'completed') console.log(task.output)
   */
  async wait(id: string, options: WaitOptions = {}): Promise<Task> {
    const { timeout = '10m', ...rest } = check.more(options)
    const path = `${this.#of(id, 'tasks.wait')}/wait`
    const until = Date.now() + milliseconds(timeout, 'timeout')
    for (;;) {
      const waits = Math.round(Math.min(Math.max(until - Date.now(), 0), ONE_WAIT))
      const query = { timeout: `${waits}ms` }
      const request = { method: 'GET', path, query, has: 'status', waits } as const
      const task = await this.#transport.call<Task>(request, rest)
      if (ENDS.includes(task.status) || Date.now() >= until) return task
    }
  }

  /**
   * Cancels a queued or running task. What it cost up to then is billed.
   *
   * @example
   * await session.tasks.cancel('task_…')
   */
  cancel(id: string, options: RequestOptions = {}): Call<void> {
    const path = `${this.#of(id, 'tasks.cancel')}/cancel`
    return this.#transport.call<Task>({ method: 'POST', path }, options).map(() => undefined)
  }

  /**
   * What the task does, from its beginning on, as the five kinds of `agent.stream`.
   *
   * @example
   * for await (const event of session.tasks.stream('task_…')) {
   *   if (event.type === 'text') process.stdout.write(event.delta)
   * }
   */
  stream(id: string, options: StreamOptions = {}): RunStream {
    const source = taskSource(this.#of(id, 'tasks.stream'))
    return new RunStream(async () => [this.#transport, source], options)
  }

  /**
   * What the task does as the API tells it: also its reasoning, and a failure as an event.
   *
   * @example
   * for await (const { id, event, data } of session.tasks.events('task_…')) console.log(id, event)
   */
  events(id: string, options: StreamOptions = {}): AsyncGenerator<RawStreamEvent> {
    return rawEvents(this.#transport, taskSource(this.#of(id, 'tasks.events')), options)
  }

  /**
   * The durable history of the run: its model calls and tool calls, in order.
   *
   * @example
   * for await (const step of session.tasks.steps('task_…')) console.log(step.number, step.type)
   */
  steps(id: string, options: ListOptions & RequestOptions = {}): List<Step> {
    const path = `${this.#of(id, 'tasks.steps')}/steps`
    return list(this.#transport, { path }, options, (step: Step) => step)
  }

  /**
   * What became of the task's webhook.
   *
   * @example
   * const [delivery] = await session.tasks.deliveries('task_…')
   */
  deliveries(id: string, options: ListOptions & RequestOptions = {}): List<Delivery> {
    const path = `${this.#of(id, 'tasks.deliveries')}/deliveries`
    return list(this.#transport, { path }, options, (delivery: Delivery) => delivery)
  }

  /**
   * A file that the task made or changed, as it was when the task ended.
   *
   * @example
   * const report = await session.tasks.artifact('task_…', '/workspace/report.md')
   */
  artifact(id: string, path: string, options: RequestOptions = {}): Call<FileData> {
    const query = { path: check.text(path, 'tasks.artifact', 'a path') }
    const route = `${this.#of(id, 'tasks.artifact')}/artifacts`
    const request = { method: 'GET', path: route, query, as: 'bytes' } as const
    return this.#transport.call<Uint8Array>(request, options).map(fileData)
  }

  /** @internal What a task came to, when it has; an error when it failed. */
  async result(id: string, options: RequestOptions): Promise<[RunResult, Task]> {
    for (;;) {
      const { timeout: _, ...rest } = options
      const task = await this.wait(id, rest)
      if (!ENDS.includes(task.status)) continue
      if (task.status === 'completed') return [resultOf(task), task]
      const why = task.error ?? { code: 'cancelled', message: 'The run was cancelled.' }
      throw runError({ ...why, taskId: task.id, ...(task.output && { output: task.output }) })
    }
  }

  /** @internal */
  source(id: string): [Transport, ReturnType<typeof taskSource>] {
    return [this.#transport, taskSource(this.#of(id, 'stream'))]
  }

  #of(id: string, call: string): string {
    return `${this.#path}/${check.id(id, call, 'the id of a task', 'task_')}`
  }
}

function resultOf({ id, output = '', artifacts, cost, duration, toolCalls = [] }: Task): RunResult {
  return { taskId: id, output, artifacts, cost, duration, toolCalls }
}
