import type { Schemas } from './types.js'

/** The codes of the API's errors; new ones may come. */
export type ErrorCode =
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'unprocessable_entity'
  | 'rate_limited'
  | 'session_limit_exceeded'
  | 'provider_error'
  | 'timeout'
  | 'internal_error'
  | 'method_not_allowed'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'unavailable'
  | (string & {})

/** What an error is about, beside its message. */
export type ErrorDetails = Schemas['ErrorDetails']

interface Known {
  code?: ErrorCode | undefined
  status?: number | undefined
  requestId?: string | undefined
  details?: ErrorDetails | undefined
  cause?: unknown
}

/**
 * Everything that this package throws is one of these.
 *
 * @example
 * try {
 *   await session.run('researcher', 'analyze competitor pricing')
 * } catch (error) {
 *   if (error instanceof SessionLimitExceededError) return upgradePage()
 *   if (error instanceof TheazoError) console.error(error.code, error.requestId, error.message)
 *   throw error
 * }
 */
export class TheazoError extends Error {
  /** What went wrong, for code: `not_found`, `rate_limited`, … */
  declare readonly code?: ErrorCode
  /** The HTTP status, where there was an answer. */
  declare readonly status?: number
  /** Names the request to Theazo's support, and in the audit. */
  declare readonly requestId?: string
  /** `fields` to mend, `retryAfter`, `taskId` and `output` of a run. */
  declare readonly details?: ErrorDetails

  /** @internal */
  constructor(message: string, known: Known = {}) {
    super(message, 'cause' in known ? { cause: known.cause } : undefined)
    const { code, status, requestId, details } = known
    for (const [name, value] of Object.entries({ code, status, requestId, details })) {
      if (value !== undefined) Object.assign(this, { [name]: value })
    }
  }
}

/** A call that makes no sense, found before anything was sent: a wrong key, a wrong argument. */
export class ArgumentError extends TheazoError {
  declare readonly name: 'ArgumentError'
}

/** No answer came: no server, no network, or one that broke off; and it was tried again in vain. */
export class ConnectionError extends TheazoError {
  declare readonly name: 'ConnectionError'
}

/** No answer came in time: see `timeout`. */
export class RequestTimeoutError extends TheazoError {
  declare readonly name: 'RequestTimeoutError'
}

/** The call's `signal` was aborted. */
export class AbortedError extends TheazoError {
  declare readonly name: 'AbortedError'
}

/** An answer that Theazo did not give: a page of a proxy, a wrong `baseUrl`. */
export class UnexpectedAnswerError extends TheazoError {
  declare readonly name: 'UnexpectedAnswerError'
}

/** A webhook that Theazo did not send, or not just now. */
export class WebhookVerificationError extends TheazoError {
  declare readonly name: 'WebhookVerificationError'
}

/** An error that the API answered, or that a run ended with. */
export class ApiError extends TheazoError {
  /** The fields to mend, of an `unprocessable_entity`. */
  get fields(): { path: string; message: string }[] {
    return this.details?.fields ?? []
  }
  /** The task that it is about, where it is about one. */
  get taskId(): string | undefined {
    return this.details?.taskId
  }
}

/** 401: the key is missing, mistyped or revoked. */
export class AuthenticationError extends ApiError {
  declare readonly name: 'AuthenticationError'
}

/** 402: a limit of the session is reached. */
export class SessionLimitExceededError extends ApiError {
  declare readonly name: 'SessionLimitExceededError'
}

/** 403: this key may not do that. */
export class PermissionDeniedError extends ApiError {
  declare readonly name: 'PermissionDeniedError'
}

/** 404: it does not exist, or not for this key's org and mode. */
export class NotFoundError extends ApiError {
  declare readonly name: 'NotFoundError'
}

/** 409: the state of the thing does not allow it. */
export class ConflictError extends ApiError {
  declare readonly name: 'ConflictError'
}

/** 422: `error.fields` says what to mend. */
export class UnprocessableEntityError extends ApiError {
  declare readonly name: 'UnprocessableEntityError'
}

/** 429: `error.details.retryAfter` has the seconds to wait. */
export class RateLimitError extends ApiError {
  declare readonly name: 'RateLimitError'
}

/** 5xx: something is wrong on the other side. */
export class ServerError extends ApiError {
  declare readonly name: 'ServerError'
}

/** 502: the compute provider, or the model's, failed. */
export class ProviderError extends ApiError {
  declare readonly name: 'ProviderError'
}

/** 504: the code or the run took longer than it may. */
export class TimeoutError extends ApiError {
  declare readonly name: 'TimeoutError'
}

// On the prototypes: a name is what a class is, and is right where code was made smaller too.
const NAMED = {
  TheazoError,
  ArgumentError,
  ConnectionError,
  RequestTimeoutError,
  AbortedError,
  UnexpectedAnswerError,
  WebhookVerificationError,
  ApiError,
  AuthenticationError,
  SessionLimitExceededError,
  PermissionDeniedError,
  NotFoundError,
  ConflictError,
  UnprocessableEntityError,
  RateLimitError,
  ServerError,
  ProviderError,
  TimeoutError,
}
for (const [name, type] of Object.entries(NAMED)) {
  Object.defineProperty(type.prototype, 'name', { value: name })
}

const BY_CODE: Record<string, [status: number, type: typeof ApiError]> = {
  unauthorized: [401, AuthenticationError],
  session_limit_exceeded: [402, SessionLimitExceededError],
  forbidden: [403, PermissionDeniedError],
  not_found: [404, NotFoundError],
  conflict: [409, ConflictError],
  cancelled: [409, ConflictError],
  unprocessable_entity: [422, UnprocessableEntityError],
  rate_limited: [429, RateLimitError],
  internal_error: [500, ServerError],
  provider_error: [502, ProviderError],
  unavailable: [503, ServerError],
  timeout: [504, TimeoutError],
}

/** @internal The error of an answer: its class is that of its code, else that of its status. */
export function apiError(
  body: { code: ErrorCode; message: string; details?: ErrorDetails; requestId?: string },
  status?: number,
): ApiError {
  const known = BY_CODE[body.code]
  const of = status ?? known?.[0] ?? 500
  const type = known?.[1] ?? (of >= 500 ? ServerError : ApiError)
  const where = [String(of), body.code, body.requestId].filter(Boolean).join(' ')
  const said = body.message || 'The server gave no message.'
  return new type(`${said} (${where})`, { ...body, status: of })
}
