import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { milliseconds } from '../core/duration.js'
import { list, type List, type ListOptions } from '../core/list.js'
import { aborted, LONGEST } from '../core/retry.js'
import type { Transport } from '../core/transport.js'
import { ArgumentError, ConnectionError } from '../errors.js'
import type { RequestOptions } from '../options.js'
import type { BillingUsage, BillVerification, DailyCost, Export, ExportedRecord } from '../types.js'
import type { ModelCost, PeriodQuery, Schemas, UsageSummary, UserCost } from '../types.js'

/** What is exported, and as what. */
export interface ExportOptions extends PeriodQuery, RequestOptions {
  /** `json` is a line of JSON for each record, `stripe` a meter event. Default: `csv`. */
  format?: 'csv' | 'json' | 'stripe'
  /** A row's `position`: only what comes after it. */
  after?: string
}

/** What a push to a biller is begun with. */
export type StartExportOptions = PeriodQuery & {
  /** Pushes again what the biller refused the last time. */
  retryRejected?: boolean
}

/** `theazo.usage`. */
export class Usage {
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Compute, models, storage and their cost in a period.
   *
   * @example
   * const { total, compute } = await theazo.usage.summary({ from: '2025-05-01' })
   */
  summary(options: PeriodQuery & RequestOptions = {}): Call<UsageSummary> {
    const { from, until, ...rest } = check.more(options)
    const query = { from, until }
    return this.#transport.call({ method: 'GET', path: '/v1/usage/summary', query }, rest)
  }
}

/** `theazo.billing`: what your users' agents used, and what it costs. */
export class Billing {
  /** Pushes of usage to a biller. */
  readonly exports: BillingExports
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
    this.exports = new BillingExports(transport)
  }

  /**
   * The totals of a period.
   *
   * @example
   * const { totalCost, sessions } = await theazo.billing.usage({ from: '2025-05-01' })
   */
  usage(options: PeriodQuery & RequestOptions = {}): Call<BillingUsage> {
    return this.#get('/usage', options)
  }

  /**
   * The cost of each day.
   *
   * @example
   * for (const { date, cost } of await theazo.billing.daily()) console.log(date, cost.amount)
   */
  daily(options: PeriodQuery & RequestOptions = {}): Call<DailyCost[]> {
    return this.#rows('/usage/daily', options)
  }

  /**
   * The cost of each of your users, the dearest first.
   *
   * @example
   * const [dearest] = await theazo.billing.users({ from: '2025-05-01', limit: 10 })
   */
  users(options: PeriodQuery & { limit?: number } & RequestOptions = {}): Call<UserCost[]> {
    return this.#rows('/usage/users', options)
  }

  /**
   * The cost of each model.
   *
   * @example
   * for (const { model, cost } of await theazo.billing.models()) console.log(model, cost.amount)
   */
  models(options: PeriodQuery & RequestOptions = {}): Call<ModelCost[]> {
    return this.#rows('/usage/models', options)
  }

  /**
   * Every usage record of a period as a stream of text, of any length. It is a replay of the log: a
   * stream that ends without an error is whole.
   *
   * @example
   * for await (const text of theazo.billing.export({ format: 'csv', from: '2025-05-01' })) {
   *   file.write(text)
   * }
   */
  async *export(options: ExportOptions = {}): AsyncGenerator<string, void, undefined> {
    const { format = 'csv', from, until, after, ...rest } = check.more(options)
    if (!['csv', 'json', 'stripe'].includes(format)) {
      throw new ArgumentError(`billing.export has formats csv, json and stripe, and not ${format}.`)
    }
    const query = { format, from, until, after }
    const path = '/v1/billing/export'
    const accept = format === 'csv' ? 'text/csv' : 'application/x-ndjson'
    const request = { method: 'GET', path, query, as: 'stream', accept } as const
    const { response } = await this.#transport.send(request, rest)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const silence = milliseconds(rest.timeout ?? this.#transport.settled.timeout, 'timeout')
    const decoder = new TextDecoder()
    try {
      for (;;) {
        const { done, value } = await chunk(reader, silence).catch((cause) => {
          if (rest.signal?.aborted) throw aborted(rest.signal)
          const message = "The export broke off: go on with `after`, the last row's `position`."
          throw new ConnectionError(message, { cause })
        })
        const text = decoder.decode(value, { stream: !done })
        if (text) yield text
        if (done) return
      }
    } finally {
      // Who leaves early lets go of the rest; of a stream that broke off there is none.
      await reader.cancel().catch(() => undefined)
    }
  }

  /**
   * Recomputes a period from the log, and compares it with what is shown.
   *
   * @example
   * const { ok, differences } = await theazo.billing.verify()
   */
  verify(
    options: PeriodQuery & { stripe?: boolean } & RequestOptions = {},
  ): Call<BillVerification> {
    return this.#get('/verify', options)
  }

  #get<T>(path: string, options: PeriodQuery & object, has?: string): Call<T> {
    const { from, until, limit, stripe, ...rest } = check.more(options) as Record<string, any>
    const query = { from, until, limit, stripe }
    const request = {
      method: 'GET',
      path: `/v1/billing${path}`,
      query,
      ...(has && { has }),
    } as const
    return this.#transport.call(request, rest)
  }

  #rows<T>(path: string, options: PeriodQuery & object): Call<T[]> {
    return this.#get<{ data: T[] }>(path, options, 'data').map(({ data }) => data)
  }
}

/** What comes next of a body, as long as something comes at all. */
function chunk(reader: ReadableStreamDefaultReader<Uint8Array>, silence: number) {
  return new Promise<ReadableStreamReadResult<Uint8Array>>((resolve, reject) => {
    const over = () => reject(new Error(`nothing came for ${silence} ms`))
    const timer = setTimeout(over, Math.min(silence, LONGEST))
    const stop = () => clearTimeout(timer)
    reader.read().then(resolve, reject).finally(stop)
  })
}

/** `theazo.billing.exports`: pushes of usage to Stripe or Metronome, each record once. */
export class BillingExports {
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Begins a push, in the background. What was pushed before is not pushed again.
   *
   * @example
   * const { exportId } = await theazo.billing.exports.start('stripe', { from: '2025-05-01' })
   */
  start(
    biller: 'stripe' | 'metronome',
    what: StartExportOptions = {},
    options: RequestOptions = {},
  ): Call<Schemas['StartedExport']> {
    const name = check.id(biller, 'exports.start', "'stripe' or 'metronome'")
    const path = `/v1/billing/exports/${name}`
    return this.#transport.call({ method: 'POST', path, body: what }, options)
  }

  /**
   * A push, and how far it has got.
   *
   * @example
   * const { status, records } = await theazo.billing.exports.get('exp_…')
   */
  get(id: string, options: RequestOptions = {}): Call<Export> {
    const path = `/v1/billing/exports/${check.id(id, 'exports.get', 'the id of an export')}`
    return this.#transport.call({ method: 'GET', path }, options)
  }

  /**
   * Pushes, newest first.
   *
   * @example
   * for await (const { id, status } of theazo.billing.exports.list()) console.log(id, status)
   */
  list(options: { exporter?: string } & ListOptions & RequestOptions = {}): List<Export> {
    const { exporter, ...rest } = check.more(options)
    const request = { path: '/v1/billing/exports', query: { exporter } }
    return list(this.#transport, request, rest, (row: Export) => row)
  }

  /**
   * What became of each record of a push.
   *
   * @example
   * const refused = await theazo.billing.exports.records('exp_…', { status: 'rejected' })
   */
  records(
    id: string,
    options: { status?: ExportedRecord['status']; code?: string } & ListOptions &
      RequestOptions = {},
  ): List<ExportedRecord> {
    const { status, code, ...rest } = check.more(options)
    const of = check.id(id, 'exports.records', 'the id of an export')
    const request = { path: `/v1/billing/exports/${of}/records`, query: { status, code } }
    return list(this.#transport, request, rest, (row: ExportedRecord) => row)
  }
}
