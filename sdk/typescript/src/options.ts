import * as check from './core/check.js'
import { clean, LEVELS, leveled, type Logger, type LogLevel } from './core/log.js'
import { type Duration, milliseconds, show } from './core/duration.js'
import type { Backoff } from './core/retry.js'
import { environment, type Fetch, isBrowser, type WebSignal } from './core/web.js'
import { ArgumentError } from './errors.js'
import type { ProviderName } from './types.js'

/** Where a client's sessions run their agents: an account of your own. */
export interface ClientCompute {
  provider: ProviderName
  /**
   * What the provider needs, like `{ apiKey }`. Sent once, encrypted on arrival, before the first
   * session of this client is made, and never shown again. Leave it away when the provider has been
   * configured before.
   */
  credentials?: Record<string, unknown>
}

/** How a client is made. Everything has a default but the key. */
export interface ClientOptions {
  /** `th_live_…` or `th_test_…`. Default: the variable `THEAZO_API_KEY`. */
  apiKey?: string | undefined
  /** Default: the variable `THEAZO_BASE_URL`, else `https://api.theazo.com`. */
  baseUrl?: string | undefined
  /** Compute of your own. Default: what the platform's settings say. */
  compute?: ClientCompute | undefined
  /** How long one try of a request may take. Default: a minute. Calls that wait have more. */
  timeout?: Duration | undefined
  /** How often a call that failed in passing is tried again. Default: 3. */
  maxRetries?: number | undefined
  /** How long to wait before that. */
  retry?: Partial<Backoff> | undefined
  /** Used in place of the global `fetch`: for a proxy, for tests. */
  fetch?: Fetch | undefined
  /** Where logs go. Default: `console`. */
  logger?: Logger | undefined
  /** How much is logged. Default: the variable `THEAZO_SDK_LOG_LEVEL`, else `warn`. */
  logLevel?: LogLevel | undefined
  /** Headers for every request. */
  headers?: Record<string, string> | undefined
  /** Allows a live key in a browser, where every visitor can read it. */
  dangerouslyAllowBrowser?: boolean | undefined
}

/** What any one call can be given. */
export interface RequestOptions {
  /** Aborts the call, its retries and its waits. */
  signal?: WebSignal | undefined
  /** How long one try of a request may take, instead of the client's `timeout`. */
  timeout?: Duration | undefined
  /** Instead of the client's `maxRetries`. */
  maxRetries?: number | undefined
  /** Two calls with the same key have one effect; by default each call has a key of its own. */
  idempotencyKey?: string | undefined
  /** More headers. */
  headers?: Record<string, string> | undefined
}

/** @internal Options with all defaults in place. */
export interface Settled {
  apiKey: string
  baseUrl: string
  timeout: number
  maxRetries: number
  backoff: Backoff
  fetch: Fetch
  log: Logger
  headers: Record<string, string>
}

const BACKOFF: Backoff = { initialDelay: 500, maxDelay: 8_000, maxRetryAfter: 60_000 }

/** @internal Checks a client's options, and fills in what they leave open. */
export function settle(options: ClientOptions): Settled {
  check.options(options, 'new Theazo', '{ apiKey }')
  const level = options.logLevel ?? environment('THEAZO_SDK_LOG_LEVEL') ?? 'warn'
  if (!LEVELS.includes(level as LogLevel)) {
    throw new ArgumentError(`logLevel is one of ${LEVELS.join(', ')}, and is ${show(level)}.`)
  }
  const log = leveled(loggerOf(options), level as LogLevel)
  const given = options.fetch ?? globalThis.fetch
  if (typeof given !== 'function') {
    throw new ArgumentError(
      'There is no `fetch` here: use Node 20 or later, or pass one as `fetch`.',
    )
  }
  return {
    apiKey: checkKey(options, log),
    baseUrl: checkUrl(options.baseUrl ?? environment('THEAZO_BASE_URL')),
    timeout: milliseconds(options.timeout ?? 60_000, 'timeout'),
    maxRetries: check.retries(options.maxRetries ?? 3),
    backoff: backoffOf(options.retry ?? {}),
    // The global one does not work as a method of anything else.
    fetch: (url, init) => given(url, init),
    log,
    headers: check.headersOf(options.headers ?? {}),
  }
}

function loggerOf({ logger = console }: ClientOptions): Logger {
  for (const level of ['error', 'warn', 'info', 'debug'] as const) {
    if (typeof logger?.[level] === 'function') continue
    throw new ArgumentError(
      `logger has no method \`${level}\`: pass \`console\`, pino or their like.`,
    )
  }
  return logger
}

function backoffOf(retry: Partial<Backoff>): Backoff {
  check.options(retry, 'retry', '{ initialDelay: 500 }')
  for (const [name, value] of Object.entries(retry)) {
    if (value === undefined || (typeof value === 'number' && value >= 0)) continue
    throw new ArgumentError(`retry.${name} is a number of milliseconds, and is ${show(value)}.`)
  }
  return { ...BACKOFF, ...retry }
}

function checkKey(options: ClientOptions, log: Logger): string {
  const given: unknown = options.apiKey ?? environment('THEAZO_API_KEY')
  if (given !== undefined && typeof given !== 'string') {
    throw new ArgumentError(`apiKey is a text, and was given as ${typeof given}.`)
  }
  const key = given?.trim()
  const make = 'Make one with `theazo keys create`, or in the dashboard under Settings → API keys.'
  if (!key) {
    throw new ArgumentError(
      `No API key: pass it as \`new Theazo({ apiKey })\`, or set THEAZO_API_KEY. ${make}`,
    )
  }
  // The key itself is never quoted: messages end up in logs.
  if (!/^th_(live|test)_/.test(key)) {
    throw new ArgumentError(
      'The API key does not begin with `th_live_` or `th_test_`: it is not one of ' +
        `Theazo's. ${make}`,
    )
  }
  if (!/^th_(live|test)_[\w-]{16,}$/.test(key)) {
    throw new ArgumentError(
      `The API key is cut off, or has characters that no key has. Copy it whole. ${make}`,
    )
  }
  if (isBrowser() && key.startsWith('th_live_')) {
    const why = 'A live API key is in a browser, where every visitor can read it and spend with it.'
    if (!options.dangerouslyAllowBrowser) {
      throw new ArgumentError(
        `${why} Call Theazo from your backend; or, where all visitors are trusted, pass ` +
          '`dangerouslyAllowBrowser: true`.',
      )
    }
    log.warn(why)
  }
  return key
}

/** Without what callers tend to add: the routes begin with `/v1` by themselves. */
function checkUrl(given = 'https://api.theazo.com'): string {
  const url = URL.canParse(given) ? new URL(given) : undefined
  const example = 'a URL like https://api.theazo.com or http://localhost:7070'
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
    throw new ArgumentError(`baseUrl is ${example}, and is ${clean(show(given))}.`)
  }
  if (url.username || url.password) {
    throw new ArgumentError(`baseUrl is ${example}: leave the name and the password away.`)
  }
  return (url.origin + url.pathname).replace(/\/+$/, '').replace(/\/v1$/, '')
}
