import { ArgumentError, ConnectionError, RequestTimeoutError, type TheazoError } from '../errors.js'
import type { RequestOptions, Settled } from '../options.js'
import { VERSION } from '../version.js'
import {
  type Answered,
  BYTES,
  type Failure,
  isFailure,
  read,
  type Request,
  unreachable,
} from './answer.js'
import { isBytes } from './bytes.js'
import { Call } from './call.js'
import * as check from './check.js'
import { milliseconds } from './duration.js'
import { redact } from './log.js'
import { aborted, delay, LONGEST, sleep } from './retry.js'
import { isBrowser, type WebSignal } from './web.js'

/** What a repeated removal comes to. Made when it is needed: some platforms make nothing before. */
const removed = (): Answered => {
  return { response: new Response(null, { status: 204 }), data: { ok: true } }
}
/** Milliseconds after which a connection that breaks off was one that was waited on. */
const PATIENT = 60_000

/** Sends requests, again where that is safe and may help, and reads what comes back. */
export class Transport {
  readonly settled: Omit<Settled, 'apiKey'>
  /** Where nothing that prints this object finds it. */
  readonly #key: string
  /** The greatest position of a write that this client has seen: reads wait until they show it. */
  #position = 0

  constructor({ apiKey, ...settled }: Settled) {
    this.#key = apiKey
    this.settled = settled
  }

  /** A request whose answer is one thing. */
  call<T>(request: Request, options: RequestOptions = {}): Call<T> {
    const answer = this.send(request, options).then(({ response, data }) => {
      const requestId = response.headers.get('x-request-id') ?? undefined
      return { data: data as T, response, requestId }
    })
    return new Call<T>(answer)
  }

  /** Sends a request until it is answered well, or fails for good. */
  async send(request: Request, options: RequestOptions = {}): Promise<Answered> {
    check.request(check.more(options))
    const { log, backoff } = this.settled
    const retries = options.maxRetries ?? this.settled.maxRetries
    const [url, init] = this.#prepare(request, options)
    let unclear = false
    for (let tries = 1; ; tries += 1) {
      const began = Date.now()
      const result = await this.#attempt(request, url, init, options)
      if (!isFailure(result)) return result
      const { error, wait } = result
      // It was there, and an earlier try whose answer was lost has removed it.
      if (request.method === 'DELETE' && unclear && error.status === 404) return removed()
      unclear ||= result.unclear
      // Proxies, and Node itself, end a connection on which nothing comes for minutes: whoever
      // waits for a long run then asks again, as often as that takes.
      const cut = error instanceof ConnectionError && Date.now() - began > PATIENT
      if (request.waits && cut) tries -= 1
      if (!result.again || tries > retries || wait > backoff.maxRetryAfter) throw error
      const pause = Math.max(wait, delay(backoff, Math.max(tries, 1)))
      log.info(`${request.method} ${request.path} failed; again in ${Math.ceil(pause)} ms`, {
        error: error.message,
      })
      await sleep(pause, options.signal)
    }
  }

  /** Takes note of how far the log had got when this was answered. */
  #note(response: Response): void {
    const position = Number(response.headers.get('x-theazo-position') ?? 0)
    if (position > this.#position) this.#position = position
  }

  #prepare(request: Request, options: RequestOptions): [string, RequestInit] {
    const { method, path, query = {}, body } = request
    const { baseUrl } = this.settled
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, value instanceof Date ? time(value, name) : value)
    }
    const bytes = isBytes(body)
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.#key}`,
      accept: request.accept ?? (request.as ? BYTES : 'application/json'),
      ...request.headers,
    }
    // A browser says itself what it is.
    if (!isBrowser()) headers['user-agent'] = `theazo-js/${VERSION}`
    if (body !== undefined) {
      headers['content-type'] = bytes ? 'application/octet-stream' : 'application/json'
    }
    // Made once for all tries: a repeat of what was done is answered, and not done again.
    if (method === 'POST') {
      headers['idempotency-key'] = keyOf(options)
    }
    if (method === 'GET' && this.#position > 0) {
      headers['x-theazo-min-position'] = String(this.#position)
    }
    for (const [name, value] of Object.entries({ ...this.settled.headers, ...options.headers })) {
      if (value !== undefined) headers[name.toLowerCase()] = value
    }
    // A redirect would make a GET of a POST. A browser does not show where one leads.
    const init: RequestInit = { method, headers, redirect: isBrowser() ? 'error' : 'manual' }
    if (body !== undefined) init.body = (bytes ? body : json(body, request)) as BodyInit
    const text = search.toString()
    return [`${baseUrl}${path}${text && `?${text}`}`, init]
  }

  async #attempt(
    request: Request,
    url: string,
    init: RequestInit,
    options: RequestOptions,
  ): Promise<Answered | Failure> {
    const { log, fetch } = this.settled
    const own = milliseconds(options.timeout ?? this.settled.timeout, 'timeout')
    const limit = own + (request.waits ?? 0)
    const clock = new Clock(limit, options.signal)
    const began = Date.now()
    // A body that is yet to be read: the signal aborts it, and the time limit does not.
    let isOpen = false
    log.debug(`${request.method} ${request.path}`, redact({ ...init, body: request.body }))
    try {
      const response = (await fetch(url, { ...init, signal: clock.signal } as never)) as Response
      this.#note(response)
      const result = await read(request, url, response)
      isOpen = request.as === 'stream' && !isFailure(result)
      log.debug(`${response.status} after ${Date.now() - began} ms`, {
        requestId: response.headers.get('x-request-id'),
      })
      return result
    } catch (cause) {
      if (options.signal?.aborted) throw aborted(options.signal)
      if (cause instanceof ArgumentError) throw cause
      if (!clock.isOver) return failed(unreachable(request, url, cause))
      const message =
        `${request.method} ${url} was not answered within ${limit} ms. ` +
        'Give it more with `timeout`, or look at what keeps the server busy.'
      return failed(new RequestTimeoutError(message, { cause }))
    } finally {
      clock.stop(isOpen)
    }
  }
}

/** The caller's idempotency key, or a new one. */
function keyOf({ idempotencyKey }: RequestOptions): string {
  if (idempotencyKey === undefined) return `sdk-${crypto.randomUUID()}`
  const isText = typeof idempotencyKey === 'string'
  if (isText && /^[\x20-\x7e]{1,255}$/.test(idempotencyKey)) return idempotencyKey
  throw new ArgumentError('idempotencyKey must be 1 to 255 printable ASCII characters.')
}

/** A time as the API takes it. */
function time(value: Date, name: string): string {
  if (!Number.isNaN(value.getTime())) return value.toISOString()
  throw new ArgumentError(`\`${name}\` is a Date that is no time: what it was made of is no date.`)
}

/** The end of a try: by its time limit, or by the caller's signal. */
class Clock {
  readonly #controller = new AbortController()
  readonly #given: WebSignal | undefined
  readonly #timer: ReturnType<typeof setTimeout>
  isOver = false

  constructor(limit: number, given?: WebSignal) {
    this.#given = given
    if (given?.aborted) throw aborted(given)
    given?.addEventListener('abort', this.#abort)
    const over = () => {
      this.isOver = true
      this.#abort()
    }
    this.#timer = setTimeout(over, Math.min(limit, LONGEST))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  stop(isOpen: boolean): void {
    clearTimeout(this.#timer)
    if (!isOpen) this.#given?.removeEventListener('abort', this.#abort)
  }

  readonly #abort = (): void => this.#controller.abort()
}

/** Whether it had its effect cannot be known. */
const failed = (error: TheazoError): Failure => ({ error, again: true, wait: 0, unclear: true })

function json(body: unknown, request: Request): string {
  try {
    return JSON.stringify(body)
  } catch (cause) {
    const message = `${request.method} ${request.path}: the arguments are not JSON: ${cause}`
    throw new ArgumentError(message, { cause })
  }
}
