// What is asked, and what an answer is read as.

import { type ApiError, apiError, ConnectionError, UnexpectedAnswerError } from '../errors.js'
import type { TheazoError } from '../errors.js'
import { isPassing, retryAfter } from './retry.js'

/** One request, as a resource asks for it. */
export interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From `/v1` on. */
  path: string
  query?: object | undefined
  /** Sent as JSON, bytes as they are. */
  body?: unknown
  /** How the body of an answer is read. Default: as JSON. */
  as?: 'json' | 'bytes' | 'stream'
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

export const isFailure = (result: Answered | Failure): result is Failure => 'error' in result

/** What an answer says: the data of a good one, or why it is none. */
export async function read(
  request: Request,
  url: string,
  response: Response,
): Promise<Answered | Failure> {
  const type = response.headers.get('content-type') ?? ''
  if (response.ok && (request.as === 'stream' || response.status === 204)) {
    return { response, data: undefined }
  }
  if (response.ok && request.as === 'bytes') {
    return { response, data: new Uint8Array(await response.arrayBuffer()) }
  }
  const text = await response.text()
  const body = type.includes('json') ? JSON.parse(text) : undefined
  if (response.ok && body !== undefined) return { response, data: body }
  const error: ApiError | UnexpectedAnswerError = body?.error?.code
    ? apiError(body.error, response.status)
    : unexpected(request, url, response, text)
  const again = isPassing(response, error.code)
  const wait = retryAfter(response.headers.get('retry-after')) ?? 0
  return { error, again, wait, unclear: response.status >= 500 }
}

function unexpected(request: Request, url: string, response: Response, text: string) {
  const type = response.headers.get('content-type') ?? 'no content type'
  const target = response.headers.get('location')
  if (target && response.status < 400) {
    const message =
      `${request.method} ${url} was redirected (${response.status}) to ${target}: ` +
      'make `baseUrl` the address that answers by itself.'
    return new UnexpectedAnswerError(message, { status: response.status })
  }
  const message =
    `${request.method} ${url} was answered with ${response.status} and ${type}, which is not how ` +
    'Theazo answers: look whether `baseUrl` is right, and what a proxy in between does. ' +
    `It begins: ${text.slice(0, 120).replace(/\s+/g, ' ').trim() || '(nothing)'}`
  return new UnexpectedAnswerError(message, { status: response.status })
}

export function unreachable(request: Request, url: string, cause: unknown): ConnectionError {
  const { cause: deeper } = cause as { cause?: { code?: string; message?: string } }
  const why = deeper?.code ?? deeper?.message ?? (cause as Error)?.message ?? String(cause)
  const { origin } = new URL(url)
  const hint = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(why)
    ? `Is the server running, and is \`baseUrl\` (${origin}) right?`
    : 'The connection broke off, or what came was not whole.'
  const message = `${request.method} ${url} was not answered: ${why}. ${hint}`
  return new ConnectionError(message, { cause })
}
