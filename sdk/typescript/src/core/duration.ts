import { ArgumentError } from '../errors.js'

/** Milliseconds, or a text with a unit: `'500ms'`, `'30s'`, `'5m'`, `'1h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** @internal `duration` in milliseconds; `what` names it where it is none. */
export function milliseconds(duration: Duration, what: string): number {
  if (typeof duration === 'number' && duration >= 0) return duration
  const match = typeof duration === 'string' && /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(duration)
  if (match) return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
  throw new ArgumentError(
    `${what} must be milliseconds or a text like '30s' or '5m', and is ${show(duration)}.`,
  )
}

/** @internal What the API takes in whole seconds. */
export function seconds(duration: Duration, what: string): number {
  const ms = milliseconds(duration, what)
  if (ms === Infinity) throw new ArgumentError(`${what} has to end: it cannot be ${ms}.`)
  if (ms < 1_000) {
    throw new ArgumentError(
      `${what} is in milliseconds, and ${show(duration)} is less than a second: ` +
        `for ${ms} seconds write ${ms}_000, or '${ms}s'.`,
    )
  }
  return Math.ceil(ms / 1_000)
}

/** @internal A value in a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
