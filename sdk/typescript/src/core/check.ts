// What callers get wrong without a type checker, said before anything is sent.

import { ArgumentError } from '../errors.js'
import type { RequestOptions } from '../options.js'
import { show } from './duration.js'

/** An id that is to be part of a path; `prefix` is `ses_`, where only such ids are meant. */
export function id(value: string, call: string, what: string, prefix?: string): string {
  const example = prefix ? `, like '${prefix}…'` : ''
  // Within a path `.` and `..` are not names: the call would go to another route.
  const names = typeof value === 'string' && !['', '.', '..'].includes(value.trim())
  const part = names ? encoded(value) : undefined
  if (part === undefined) {
    throw new ArgumentError(`${call} takes ${what}${example}, and was given ${show(value)}.`)
  }
  const other = prefix && /^[a-z]+_(?=[0-9A-Z]{26}$)/.exec(value)?.[0]
  if (other && other !== prefix) {
    throw new ArgumentError(`${call} takes ${what}${example}; ${show(value)} is of another kind.`)
  }
  return part
}

/** A text as a part of a path; nothing where it has half a character, which no bytes stand for. */
function encoded(value: string): string | undefined {
  try {
    return encodeURIComponent(value)
  } catch {
    return undefined
  }
}

/** A text that must say something. */
export function text(value: string, call: string, what: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new ArgumentError(`${call} takes ${what} as a text, and was given ${show(value)}.`)
}

/** An object of options, which must be there. */
export function options<T extends object>(value: T, call: string, example: string): T {
  if (isObject(value)) return value
  throw new ArgumentError(`${call} takes an object like ${example}, and was given ${show(value)}.`)
}

/** Options that may be left away; a `null` or a text in their place is a mistake. */
export function more<T extends object>(value: T): T {
  if (isObject(value)) return value
  const example = "{ timeout: '30s' }"
  throw new ArgumentError(
    `The options of a call are an object like ${example}, not ${show(value)}.`,
  )
}

/** What any one call can be given. */
export function request({ maxRetries, signal, headers }: RequestOptions): void {
  if (maxRetries !== undefined) retries(maxRetries)
  if (signal && typeof signal.addEventListener !== 'function') {
    throw new ArgumentError(
      `signal is an AbortSignal, like \`controller.signal\`, and is ${show(signal)}.`,
    )
  }
  if (headers) headersOf(headers)
}

/** How often something is tried again. */
export function retries(value: number): number {
  if (Number.isInteger(value) && value >= 0) return value
  throw new ArgumentError(`maxRetries is a whole number from 0 on, and is ${show(value)}.`)
}

/** Headers that can be sent. What they hold may be secret, and is not quoted. */
export function headersOf(value: Record<string, string>): Record<string, string> {
  options(value, '`headers`', "{ 'x-trace': 'abc' }")
  for (const [name, held] of Object.entries(value)) {
    const isName = /^[\w!#$%&'*+.^`|~-]+$/.test(name)
    const isText = typeof held === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(held)
    if (isName && (isText || held === undefined)) continue
    const why = isName
      ? 'what it holds has to be a text in one line, of Latin letters'
      : 'that is no name of a header'
    throw new ArgumentError(`The header ${show(name)} cannot be sent: ${why}.`)
  }
  return value
}

/** What a task is asked to do: a text or an object, neither of them empty. */
export function input<T>(value: T, call: string): T {
  const isText = typeof value === 'string' && value.trim() !== ''
  if (isText || (isObject(value) && Object.keys(value).length > 0)) return value
  throw new ArgumentError(
    `${call} takes a task: a text, or an object with fields; it was given ${
      isObject(value) || value === ('' as unknown) ? 'an empty one' : show(value)
    }.`,
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
