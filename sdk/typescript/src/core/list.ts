import type { RequestOptions } from '../options.js'
import { ArgumentError } from '../errors.js'
import type { Call } from './call.js'
import * as check from './check.js'
import { show } from './duration.js'
import type { Request } from './answer.js'
import type { Transport } from './transport.js'

/** One page of a list. */
export interface Page<T> {
  data: T[]
  hasMore: boolean
  /** Give it as `cursor` to go on after this page. Absent on the last one. */
  nextCursor?: string
}

/** What every list can be asked. */
export interface ListOptions {
  /** How many at most, in all. Default: all there are. */
  limit?: number
  /** `nextCursor` of a page: begin after it. */
  cursor?: string
}

/** The most that a page has. */
const PAGE = 100

/**
 * A list, newest first. Awaited it is an array of everything; iterated it fetches page by page, as
 * you go; `page()` is one page, for a "load more" button.
 *
 * @example
 * const all = await session.tasks.list({ status: 'failed' })
 * const ten = await session.tasks.list({ limit: 10 })
 * for await (const task of session.tasks.list()) console.log(task.id)
 * const { data, nextCursor } = await session.tasks.list({ limit: 25 }).page()
 */
export class List<T> extends Promise<T[]> implements AsyncIterable<T> {
  readonly #fetch: (query: ListOptions) => Call<Page<T>>
  readonly #options: ListOptions
  readonly #paged: boolean
  #all: Promise<T[]> | undefined

  /** @internal */
  constructor(options: ListOptions, paged: boolean, fetch: (query: ListOptions) => Call<Page<T>>) {
    // Nothing is fetched before it is awaited or iterated.
    super((resolve) => resolve(undefined as never))
    this.#fetch = fetch
    this.#options = options
    this.#paged = paged
  }

  /** Promises that are made of this one are ordinary ones. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** One page, of `limit` or 100. */
  page(): Call<Page<T>> {
    const { limit = PAGE, ...query } = this.#options
    return this.#fetch(this.#paged ? { ...query, limit: Math.min(limit, PAGE) } : {})
  }

  /** Page after page. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    let left = this.#options.limit ?? Infinity
    let cursor = this.#options.cursor
    while (left > 0) {
      const limit = Math.min(left, PAGE)
      const after = cursor === undefined ? {} : { cursor }
      const page = await this.#fetch(this.#paged ? { ...after, limit } : {})
      const data = page.data.slice(0, left)
      left -= data.length
      cursor = page.nextCursor
      yield { ...page, data }
      if (!page.hasMore || cursor === undefined) return
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.data
  }

  async #gather(): Promise<T[]> {
    const all: T[] = []
    for await (const page of this.pages()) all.push(...page.data)
    return all
  }

  override then<A = T[], B = never>(
    done?: ((data: T[]) => A | PromiseLike<A>) | null,
    failed?: ((reason: any) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#all ??= this.#gather()
    return this.#all.then(done, failed)
  }

  override catch<B = never>(
    failed?: ((reason: any) => B | PromiseLike<B>) | null,
  ): Promise<T[] | B> {
    return this.then(undefined, failed)
  }

  override finally(after?: (() => void) | null): Promise<T[]> {
    return this.then().finally(after)
  }
}

/** @internal A list that the API gives in pages; of `request.query`, what is in each page's. */
export function list<W, T>(
  transport: Transport,
  request: Omit<Request, 'method'>,
  options: ListOptions & RequestOptions,
  to: (row: W) => T,
): List<T> {
  const { limit, cursor, ...rest } = check.more(options)
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) {
    throw new ArgumentError(`limit is a whole number from 1 on, and is ${show(limit)}.`)
  }
  return pages({ ...(limit && { limit }), ...(cursor && { cursor }) }, true, (query) =>
    page(transport, { ...request, query: { ...request.query, ...query } }, rest, to),
  )
}

/** @internal A list that the API gives whole. */
export function whole<W, T>(
  transport: Transport,
  request: Omit<Request, 'method'>,
  options: RequestOptions,
  to: (row: W) => T,
): List<T> {
  return pages({}, false, () => page(transport, request, options, to))
}

const pages = <T>(
  options: ListOptions,
  paged: boolean,
  fetch: (query: ListOptions) => Call<Page<T>>,
): List<T> => new List(options, paged, fetch)

function page<W, T>(
  transport: Transport,
  request: Omit<Request, 'method'>,
  options: RequestOptions,
  to: (row: W) => T,
): Call<Page<T>> {
  const call = transport.call<Page<W>>({ method: 'GET', has: 'data', ...request }, options)
  return call.map((body) => ({ ...body, data: body.data.map(to) }))
}
