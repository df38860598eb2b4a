/** How much is logged, the least first. */
export type LogLevel = 'off' | 'error' | 'warn' | 'info' | 'debug'

/** Where logs go: `console` does, and so do pino and most others. */
export interface Logger {
  error(message: string, ...rest: unknown[]): void
  warn(message: string, ...rest: unknown[]): void
  info(message: string, ...rest: unknown[]): void
  debug(message: string, ...rest: unknown[]): void
}

/** @internal */
export const LEVELS: readonly LogLevel[] = ['off', 'error', 'warn', 'info', 'debug']

/** @internal `logger` without what `level` leaves out. */
export function leveled(logger: Logger, level: LogLevel): Logger {
  const wanted = LEVELS.indexOf(level)
  const at = (of: Exclude<LogLevel, 'off'>) =>
    LEVELS.indexOf(of) <= wanted
      ? (message: string, ...rest: unknown[]) => logger[of](`theazo: ${message}`, ...rest)
      : () => {}
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}

const SECRET = /authorization|key|secret|token|password|credential|^value$|signature|cookie/i
const HIDDEN = '[redacted]'
const LONG = 200

/** @internal `text` without keys and signing secrets, should it have one. */
export const clean = (text: string): string =>
  text.replace(/\b(th_(?:live|test)_|whsec_|sk-)[\w+/=-]+/g, `$1${HIDDEN}`)

/** @internal `value` as it may be logged: without secrets, and not long. */
export function redact(value: unknown, name = ''): unknown {
  const isText = typeof value === 'string'
  if (SECRET.test(name) && name !== 'idempotency-key' && value != null) {
    return name.toLowerCase().endsWith('ref') ? value : HIDDEN
  }
  if (isText) {
    const text = clean(value)
    return text.length > LONG ? `${text.slice(0, LONG)}… (${text.length} characters)` : text
  }
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`
  if (Array.isArray(value)) return value.map((item) => redact(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redact(item, key)]))
}
