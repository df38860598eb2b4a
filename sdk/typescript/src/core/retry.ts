import { AbortedError } from '../errors.js'
import type { WebSignal } from './web.js'

/** @internal The longest that a timer can be: as good as for ever. */
export const LONGEST = 2 ** 31 - 1

/** How long to wait before a call is tried again. */
export interface Backoff {
  /** Before the first retry. Default: 500 ms. It doubles with each. */
  initialDelay: number
  /** At most. Default: 8 s. */
  maxDelay: number
  /** The longest `Retry-After` that is waited for; past it the call fails. Default: 60 s. */
  maxRetryAfter: number
}

/**
 * @internal
 * Milliseconds before the retry after `failures` failures: doubled each time, and up to a quarter
 * less, so that many clients do not come back at once.
 */
export function delay(backoff: Backoff, failures: number): number {
  const whole = Math.min(backoff.initialDelay * 2 ** (failures - 1), backoff.maxDelay)
  return whole * (1 - Math.random() / 4)
}

/** @internal `Retry-After` in milliseconds: seconds, or a date. */
export function retryAfter(header: string | null): number | undefined {
  if (header === null || header.trim() === '') return undefined
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1_000
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0)
}

/** Codes of answers that would be the same the next time: what failed is recorded as failed. */
const FINAL = ['provider_error', 'timeout']

/** @internal Whether an answer says that the same request may end differently. */
export function isPassing(response: { status: number; headers: Headers }, code?: string): boolean {
  const { status } = response
  // A request with the same Idempotency-Key is under way; other conflicts stay.
  if (status === 409) return response.headers.has('retry-after')
  if (status === 408 || status === 429) return true
  return status >= 500 && !FINAL.includes(code ?? '')
}

/** @internal Waits, unless `signal` is aborted. */
export function sleep(ms: number, signal?: WebSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal))
    const stop = () => {
      clearTimeout(timer)
      reject(aborted(signal))
    }
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      },
      Math.min(ms, LONGEST),
    )
    signal?.addEventListener('abort', stop, { once: true } as never)
  })
}

/** @internal What a call whose signal was aborted is rejected with. */
export function aborted(signal?: WebSignal): AbortedError {
  return new AbortedError('The call was aborted by its signal.', { cause: signal?.reason })
}
