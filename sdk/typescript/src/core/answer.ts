// What is asked, and what an answer is read as.

import { type ApiError, apiError, ConnectionError, UnexpectedAnswerError } from '../errors.js'
import type { TheazoError } from '../errors.js'
import { clean } from './log.js'
import { isPassing, retryAfter } from './retry.js'

/** One request, as a resource asks for it. */
export interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From `/v1` on. */
  path: string
  query?: object | undefined
  /** Sent as JSON, bytes as they are. */
  body?: unknown
  /** What its JSON has for sure. */
  has?: string
  /** How the body of an answer is read. Default: as JSON. */
  as?: 'json' | 'bytes' | 'stream'
  /** The type of an answer that is not JSON. Default: bytes. */
  accept?: string
  headers?: Record<string, string>
  /** Milliseconds that the server itself may take, on top of which comes the client's patience. */
  waits?: number
}

/** An answer that was a good one, with what it says. */
export interface Answered {
  response: Response
  data: any
}

/** What a try came to that was none. */
export interface Failure {
  error: TheazoError
  /** Whether the same request may end differently. */
  again: boolean
  /** Milliseconds that the server asks to wait. */
  wait: number
  /** Whether the request may have had its effect all the same. */
  unclear: boolean
}

/** What files are answered as. */
export const BYTES = 'application/octet-stream'
/** What streams are answered as, but with 204 where nothing comes any more. */
export const EVENTS = 'text/event-stream'

export const isFailure = (result: Answered | Failure): result is Failure => 'error' in result

/** What an answer says: the data of a good one, or why it is none. */
export async function read(
  request: Request,
  url: string,
  response: Response,
): Promise<Answered | Failure> {
  const type = response.headers.get('content-type') ?? ''
  if (response.ok && isAsked(request, response.status, type)) {
    if (request.as === 'stream') return { response, data: undefined }
    return { response, data: new Uint8Array(await response.arrayBuffer()) }
  }
  const text = await response.text()
  const [body, broken] = type.includes('json') ? parsed(text) : []
  if (response.ok && broken) return cut(request, url, text)
  if (response.ok && !request.as && isWhat(request, body)) return { response, data: body }
  const error: ApiError | UnexpectedAnswerError = body?.error?.code
    ? apiError(body.error, response.status)
    : unexpected(request, url, response, text, body)
  const again = isPassing(response, error.code)
  const wait = retryAfter(response.headers.get('retry-after')) ?? 0
  return { error, again, wait, unclear: response.status >= 500 }
}

/** Whether the bytes or the stream that was asked for came, and not the page of a proxy. */
function isAsked({ as, accept = BYTES }: Request, status: number, type: string): boolean {
  return as !== undefined && (type.startsWith(accept) || (status === 204 && accept === EVENTS))
}

/** Whether JSON can be what was asked for, and is not that of another server. */
function isWhat({ has }: Request, body: unknown): boolean {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  return isObject && (has === undefined || has in body)
}

function parsed(text: string): [body: any, broken: boolean] {
  try {
    return [JSON.parse(text), false]
  } catch {
    return [undefined, true]
  }
}

/** JSON that breaks off: the connection did, without a word, or something in between. */
function cut(request: Request, url: string, text: string): Failure {
  const message =
    `${request.method} ${url} was answered with JSON that breaks off or is none. ` +
    `It begins: ${beginning(text)}`
  return { error: new ConnectionError(message), again: true, wait: 0, unclear: true }
}

/** Without a key: some servers answer with the headers that they were sent. */
function beginning(text: string): string {
  return clean(text).slice(0, 120).replace(/\s+/g, ' ').trim() || '(nothing)'
}

function unexpected(request: Request, url: string, response: Response, text: string, body: any) {
  const target = response.headers.get('location')
  const { status } = response
  if (target && status < 400) {
    const message =
      `${request.method} ${url} was redirected (${status}) to ${target}: ` +
      'make `baseUrl` the address that answers by itself.'
    return new UnexpectedAnswerError(message, { status })
  }
  const type = response.headers.get('content-type') ?? 'no content type'
  const of = response.ok && body !== undefined ? 'JSON of something else' : type
  const message =
    `${request.method} ${url} was answered with ${status} and ${of}, which is not how ` +
    'Theazo answers: look whether `baseUrl` is right, and what a proxy in between does. ' +
    `It begins: ${beginning(text)}`
  return new UnexpectedAnswerError(message, { status })
}

type Why = { code: string; message: string }

export function unreachable(request: Request, url: string, cause: unknown): ConnectionError {
  const { cause: deeper, message } = (cause ?? {}) as { cause?: Partial<Why>; message?: string }
  const why = clean(deeper?.code ?? deeper?.message ?? message ?? String(cause))
  const { origin } = new URL(url)
  const hint = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(why)
    ? `Is the server running, and is \`baseUrl\` (${origin}) right?`
    : /SSL|CERT|VERIFY/.test(why)
      ? `Is \`baseUrl\` (${origin}) to begin with http://, or is a certificate in between not trusted?`
      : 'The connection broke off, or what came was not whole.'
  const said = `${request.method} ${url} was not answered: ${why}. ${hint}`
  return new ConnectionError(said, { cause })
}
