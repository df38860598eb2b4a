// What callers get wrong without a type checker, said before anything is sent.

import { ArgumentError } from '../errors.js'
import { show } from './duration.js'

/** An id that is to be part of a path; `prefix` is `ses_`, where only such ids are meant. */
export function id(value: string, call: string, what: string, prefix?: string): string {
  const example = prefix ? `, like '${prefix}…'` : ''
  if (typeof value !== 'string' || value.trim() === '') {
    throw new ArgumentError(`${call} takes ${what}${example}, and was given ${show(value)}.`)
  }
  const other = prefix && /^[a-z]+_(?=[0-9A-Z]{26}$)/.exec(value)?.[0]
  if (other && other !== prefix) {
    throw new ArgumentError(`${call} takes ${what}${example}; ${show(value)} is of another kind.`)
  }
  return encodeURIComponent(value)
}

/** A text that must say something. */
export function text(value: string, call: string, what: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new ArgumentError(`${call} takes ${what} as a text, and was given ${show(value)}.`)
}

/** An object of options, which must be there. */
export function options<T extends object>(value: T, call: string, example: string): T {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new ArgumentError(`${call} takes an object like ${example}, and was given ${show(value)}.`)
}

/** What a task is asked to do: a text or an object, neither of them empty. */
export function input<T>(value: T, call: string): T {
  const isText = typeof value === 'string' && value.trim() !== ''
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (isText || (isObject && Object.keys(value).length > 0)) return value
  throw new ArgumentError(
    `${call} takes a task: a text, or an object with fields; it was given ${
      isObject || value === ('' as unknown) ? 'an empty one' : show(value)
    }.`,
  )
}
