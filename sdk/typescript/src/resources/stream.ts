import { type FollowOptions, follow, type ServerEvent, type Source } from '../core/follow.js'
import type { WebSignal, WebStream } from '../core/web.js'
import type { Transport } from '../core/transport.js'
import { apiError, ArgumentError, ConnectionError } from '../errors.js'
import type { RunResult, Schemas } from '../types.js'

/** More of the text that the model writes. */
export interface TextEvent {
  type: 'text'
  /** Names the event: give it as `after` to go on after it. */
  id: string
  delta: string
  /** The model call that it is of: the deltas of one step, joined, are its text. */
  step: number
}

/** The model asks for a tool. */
export interface ToolCallEvent {
  type: 'tool_call'
  id: string
  /** The `tool_result` has the same. */
  callId: string
  name: string
  /** As the model gave it; a text where that is not JSON. */
  input: any
}

/** What came of a tool call. */
export interface ToolResultEvent {
  type: 'tool_result'
  id: string
  callId: string
  name: string
  /** What the model is told. */
  output: string
  isError: boolean
  durationMs: number
}

/** How far the run is, or that it waits, goes on, or is tried again. */
export interface ProgressEvent {
  type: 'progress'
  id: string
  message: string
  /** 0 to 1, where the agent said so. */
  progress?: number
  /** `queued`, `running`, `paused`, `cancelling`: where the run itself says something. */
  status?: string
  /** The text of this step is void: its model call broke off. What is made again has another. */
  discardedStep?: number
}

/** The run is completed; nothing comes after this. */
export interface DoneEvent {
  type: 'done'
  id: string
  result: RunResult
}

/** What `stream()` gives. */
export type StreamEvent = TextEvent | ToolCallEvent | ToolResultEvent | ProgressEvent | DoneEvent

/** An event as the API names it: what `events()` gives. */
export type RawStreamEvent = Schemas['StreamEvent'] & {
  /** Names the event: give it as `after` to go on after it. */
  id: string | undefined
}

/** How a stream is read. */
export type StreamOptions = FollowOptions

/**
 * The events of one run, each once: a connection that breaks is made again from the last event on.
 * A run that fails or is cancelled ends it with an {@link ApiError}. Leaving the loop ends the
 * stream, not the run.
 *
 * @example
 * for await (const event of agent.stream('Write a market analysis report')) {
 *   if (event.type === 'text') process.stdout.write(event.delta)
 * }
 */
export class RunStream implements AsyncIterable<StreamEvent> {
  readonly #open: () => Promise<[Transport, Source]>
  readonly #options: StreamOptions
  #isTaken = false

  /** @internal */
  constructor(open: () => Promise<[Transport, Source]>, options: StreamOptions) {
    this.#open = open
    this.#options = options
  }

  [Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    return this.#events(this.#options)
  }

  async *#events(options: StreamOptions): AsyncGenerator<StreamEvent, void, undefined> {
    if (this.#isTaken) {
      throw new ArgumentError('A stream is read once: keep what you need, or ask for a new one.')
    }
    this.#isTaken = true
    const [transport, source] = await this.#open()
    for await (const event of follow(transport, source, options)) {
      const shown = show(event)
      if (shown) yield shown
    }
  }

  /** Reads to the end; what the run came to. */
  async result(): Promise<RunResult> {
    for await (const event of this) if (event.type === 'done') return event.result
    throw new ConnectionError('The stream has no `done` after the event that it began with.')
  }

  /** The stream as bytes of Server-Sent Events, for an answer of your own server. */
  toReadableStream(): WebStream {
    const { signal: given } = this.#options
    const controller = new AbortController()
    const abort = () => controller.abort(given?.reason)
    if (given?.aborted) abort()
    given?.addEventListener('abort', abort)
    const events = this.#events({ ...this.#options, signal: controller.signal as WebSignal })
    const encoder = new TextEncoder()
    return new ReadableStream({
      async pull(to) {
        const { done, value } = await events.next()
        if (done) given?.removeEventListener('abort', abort)
        if (done) return to.close()
        const { id, type } = value
        const frame = `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(value)}\n\n`
        to.enqueue(encoder.encode(frame))
      },
      // At once, also while nothing comes: whoever read it is gone.
      cancel() {
        given?.removeEventListener('abort', abort)
        abort()
      },
    })
  }
}

/** @internal What is followed of a task. */
export const taskSource = (path: string): Source => ({
  path: `${path}/stream`,
  isLast: ({ event }) => event === 'done' || event === 'error',
})

/** @internal Events as the API tells them. */
export async function* rawEvents(
  transport: Transport,
  source: Source,
  options: StreamOptions,
): AsyncGenerator<RawStreamEvent, void, undefined> {
  for await (const event of follow(transport, source, options)) yield event as RawStreamEvent
}

/** An event as `stream()` gives it; nothing for what it leaves out. */
function show({ id = '', event, data }: ServerEvent): StreamEvent | undefined {
  switch (event) {
    case 'text':
      return { type: 'text', id, delta: data.delta, step: data.step }
    case 'tool_call':
      return { type: 'tool_call', id, callId: data.id, name: data.tool, input: data.input }
    case 'tool_result': {
      const { output, isError, durationMs } = data
      return { type: event, id, callId: data.id, name: data.tool, output, isError, durationMs }
    }
    case 'progress':
      return { type: 'progress', id, message: data.message ?? '', progress: data.progress }
    case 'status': {
      const { status, reason, discardedStep } = data
      const more = discardedStep === undefined ? {} : { discardedStep }
      return { type: 'progress', id, message: reason ?? status, status, ...more }
    }
    case 'done':
      return { type: 'done', id, result: data.result }
    case 'error':
      throw runError(data)
    default:
      // Reasoning, the whole text at the end, and what later servers tell: `events()` has them.
      return undefined
  }
}

/** @internal Why a run did not come to its end, as the one-shot route would answer it. */
export function runError(data: {
  code: string
  message: string
  taskId?: string
  output?: string
}) {
  const code = data.code === 'cancelled' ? 'conflict' : data.code
  const { message, taskId, output } = data
  const details = { ...(taskId && { taskId }), ...(output && { output }) }
  return apiError({ code, message, details })
}
