import type { WebResponse } from './web.js'

/** What a call answers, with the answer that it came in. */
export interface WithResponse<T> {
  data: T
  /** The HTTP answer; its body has been read. */
  response: WebResponse
  /** Names the request to Theazo's support, and in the audit. */
  requestId: string | undefined
}

/**
 * A promise of what a call answers, which also has the HTTP answer that it came in.
 *
 * @example
 * const session = await theazo.sessions.get('ses_…')
 * const { data, response, requestId } = await theazo.sessions.get('ses_…').withResponse()
 * console.log(response.headers.get('ratelimit-remaining'))
 */
export class Call<T> extends Promise<T> {
  readonly #answer: Promise<WithResponse<T>>

  /** @internal */
  constructor(answer: Promise<WithResponse<T>>) {
    // Only the methods below are used, so that whoever asks for the answer alone leaves no promise
    // behind whose rejection nobody handles.
    super((resolve) => resolve(undefined as never))
    this.#answer = answer
  }

  /** Promises that are made of this one are ordinary ones. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** The data together with the HTTP answer and the id of the request. */
  withResponse(): Promise<WithResponse<T>> {
    return this.#answer
  }

  /** @internal The same call, with other data. */
  map<U>(to: (data: T) => U): Call<U> {
    return new Call(this.#answer.then((answer) => ({ ...answer, data: to(answer.data) })))
  }

  override then<A = T, B = never>(
    done?: ((data: T) => A | PromiseLike<A>) | null,
    failed?: ((reason: any) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#answer.then(({ data }) => data).then(done, failed)
  }

  override catch<B = never>(failed?: ((reason: any) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, failed)
  }

  override finally(after?: (() => void) | null): Promise<T> {
    return this.then().finally(after)
  }
}
