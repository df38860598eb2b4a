import { ArgumentError, ConnectionError, RequestTimeoutError, TheazoError } from '../errors.js'
import { EVENTS } from './answer.js'
import * as check from './check.js'
import { type Duration, show } from './duration.js'
import { aborted, delay, sleep } from './retry.js'
import { type Frame, FrameReader } from './sse.js'
import type { Transport } from './transport.js'
import type { WebSignal } from './web.js'

/** @internal What is followed. */
export interface Source {
  path: string
  query?: object
  /** Whether nothing comes after this event. */
  isLast(event: ServerEvent): boolean
}

/** How it is followed. */
export interface FollowOptions {
  /** Ends the stream. */
  signal?: WebSignal | undefined
  /** The `id` of the last event that was received: go on after it. */
  after?: string | undefined
  /** How long the server may take to begin with an answer. */
  timeout?: Duration | undefined
  /** How often in a row the stream may break off without a new event. Default: the client's
   * `maxRetries`, and 5 at least when that is not 0. */
  maxRetries?: number | undefined
}

/** @internal An event of a stream, as the server tells it. */
export interface ServerEvent {
  id: string | undefined
  event: string
  data: any
}

/** The server says something every 15 s: three times that in silence is a dead connection. */
const SILENCE = 45_000
/** Ids that are remembered, to know a repeat. */
const KNOWN = 1_000

/**
 * @internal
 * The events of `source`, each once: when the connection breaks, or is silent, it is made again
 * from the last event on. Ends after the last event, or when the server says that there are no
 * more.
 */
export async function* follow(
  transport: Transport,
  source: Source,
  options: FollowOptions,
): AsyncGenerator<ServerEvent, void, undefined> {
  check.request(check.more(options))
  const { backoff, log, maxRetries } = transport.settled
  const patience = options.maxRetries ?? (maxRetries && Math.max(maxRetries, 5))
  const place = new Place(options.after)
  let wasOpen = false
  for (let fruitless = 1; ; fruitless += 1) {
    const connection = new Connection(transport, source, place, options)
    try {
      for await (const event of connection.events()) {
        fruitless = 0
        yield event
        if (source.isLast(event)) return
      }
      if (connection.isOver) return
    } catch (error) {
      if (options.signal?.aborted) throw aborted(options.signal)
      // A server that was there comes back; one that refuses, or was never there, does not.
      const mends = error instanceof ConnectionError || error instanceof RequestTimeoutError
      if (error instanceof TheazoError && !(mends && wasOpen)) throw error
      connection.failure = error
    } finally {
      wasOpen ||= connection.wasOpen
      connection.close()
    }
    if (fruitless > patience) throw lost(source, fruitless, connection.failure)
    // The first time at once, or nearly: most breaks are of one connection, not of the server.
    const hint = fruitless > 1 || connection.isSentAway ? connection.retry : 0
    const pause = Math.max(delay(backoff, Math.max(fruitless, 1)), Math.min(hint, backoff.maxDelay))
    log.info(`${source.path} broke off; again in ${Math.ceil(pause)} ms`, { after: place.last })
    await sleep(pause, options.signal)
  }
}

function lost(source: Source, times: number, cause: unknown): ConnectionError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  const message = `The stream ${source.path} broke off ${times} times without a new event${why}.`
  return new ConnectionError(message, { cause })
}

/** What was received of a stream so far. */
class Place {
  readonly #known = new Set<string>()
  last: string | undefined

  constructor(after?: string) {
    if (!after) return
    if (typeof after !== 'string' || !/^[\x20-\x7e]+$/.test(after)) {
      throw new ArgumentError(`\`after\` is the \`id\` of an event, and is ${show(after)}.`)
    }
    this.isNew(after)
  }

  /** Takes note of an event; false when it was received before. */
  isNew(id: string): boolean {
    if (this.#known.has(id)) return false
    this.#known.add(id)
    const [oldest] = this.#known
    if (this.#known.size > KNOWN) this.#known.delete(oldest as string)
    this.last = id
    return true
  }
}

/** One connection of a stream. */
class Connection {
  readonly #transport: Transport
  readonly #source: Source
  readonly #place: Place
  readonly #options: FollowOptions
  readonly #controller = new AbortController()
  readonly #abort = (): void => this.#controller.abort()
  wasOpen = false
  /** Whether the server said that there is nothing more, and never will be. */
  isOver = false
  /** Whether it asked to come again, as one that restarts does. */
  isSentAway = false
  /** Milliseconds that it asks to wait before. */
  retry = 0
  failure: unknown

  constructor(t: Transport, source: Source, place: Place, options: FollowOptions) {
    this.#transport = t
    this.#source = source
    this.#place = place
    this.#options = options
    options.signal?.addEventListener('abort', this.#abort)
    if (options.signal?.aborted) this.#abort()
  }

  close(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#abort()
  }

  async *events(): AsyncGenerator<ServerEvent, void, undefined> {
    const { response } = await this.#open()
    this.wasOpen = true
    this.isOver = response.status === 204
    const body = response.body as ReadableStream<Uint8Array> | null
    if (this.isOver || !body) return
    const frames = new FrameReader()
    for await (const bytes of this.#chunks(body.getReader())) {
      const read = frames.read(bytes)
      this.retry = frames.retry ?? this.retry
      for (const frame of read) {
        const event = parse(frame)
        if (event.event === 'error' && event.data.resumable) {
          this.isSentAway = true
          return
        }
        if (event.id === undefined || this.#place.isNew(event.id)) yield event
      }
    }
  }

  #open() {
    const { last } = this.#place
    const { timeout } = this.#options
    const { path, query } = this.#source
    const headers: Record<string, string> = last ? { 'last-event-id': last } : {}
    return this.#transport.send(
      { method: 'GET', path, query, headers, accept: EVENTS, as: 'stream' },
      { signal: this.#controller.signal as WebSignal, timeout },
    )
  }

  /** What comes, as long as something does. */
  async *#chunks(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
    for (;;) {
      const timer = setTimeout(this.#abort, SILENCE)
      const { done, value } = await reader.read().finally(() => clearTimeout(timer))
      if (done) return
      yield value
    }
  }
}

function parse({ id, event, data }: Frame): ServerEvent {
  const said = JSON.parse(data)
  if (typeof said === 'object' && said !== null) return { id, event, data: said }
  throw new Error(`the event \`${event}\` has no data`)
}
