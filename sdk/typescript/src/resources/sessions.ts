import { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { list, type List, type ListOptions } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import type { RequestOptions } from '../options.js'
import type { Schemas } from '../types.js'
import type { OwnCompute } from './compute.js'
import { Session } from './session.js'

type SessionData = Schemas['Session']

/** What a session is made with. */
export type CreateSessionOptions = Schemas['CreateSessionBody']
/** What `forUser` makes a session with, where there is none yet. */
export type ForUserOptions = Schemas['SessionOptions']
/** Which sessions to list. */
export type ListSessionsOptions = Omit<Schemas['SessionListQuery'], keyof ListOptions> &
  ListOptions &
  RequestOptions

/** `theazo.sessions`: one for each of your users. */
export class Sessions {
  readonly #transport: Transport
  readonly #compute: OwnCompute | undefined

  /** @internal */
  constructor(transport: Transport, compute?: OwnCompute) {
    this.#transport = transport
    this.#compute = compute
  }

  /**
   * Gets the user's session, or makes it: the options are for one that is made. Safe to call on
   * every request of yours.
   *
   * @example
   * const session = await theazo.sessions.forUser('user_123', {
   *   limits: { maxCost: { amount: 500, currency: 'usd', period: 'day' }, maxAgents: 3 },
   * })
   */
  forUser(
    userId: string,
    session: ForUserOptions = {},
    options: RequestOptions = {},
  ): Call<Session> {
    const path = `/v1/sessions/by-user/${check.id(userId, 'sessions.forUser', 'your id of a user')}`
    const example = '{ limits: { maxAgents: 3 } }'
    const body = check.options(session, 'sessions.forUser', example)
    const opened = this.#open(path, body, options)
    return this.#compute ? this.#onOwnCompute(opened, session, options) : opened
  }

  /**
   * Makes a session. A user may have several; `forUser` finds the first.
   *
   * @example
   * const session = await theazo.sessions.create({
   *   userId: 'user_123',
   *   model: 'anthropic/claude-sonnet',
   *   metadata: { plan: 'pro' },
   * })
   */
  create(session: CreateSessionOptions, options: RequestOptions = {}): Call<Session> {
    const body = check.options(session, 'sessions.create', "{ userId: 'user_123' }")
    check.text(body.userId, 'sessions.create', 'your id of a user, `userId`,')
    return this.#open('/v1/sessions', body, options)
  }

  /**
   * A session that is there.
   *
   * @example
   * const session = await theazo.sessions.get('ses_…')
   */
  get(id: string, options: RequestOptions = {}): Call<Session> {
    const path = `/v1/sessions/${check.id(id, 'sessions.get', 'the id of a session', 'ses_')}`
    const request = { method: 'GET', path, has: 'id' } as const
    const call = this.#transport.call<SessionData>(request, options)
    return call.map(this.#session)
  }

  /**
   * Sessions, newest first.
   *
   * @example
   * for await (const session of theazo.sessions.list({ status: 'active' })) {
   *   console.log(session.userId, session.usage.cost)
   * }
   */
  list(options: ListSessionsOptions = {}): List<Session> {
    const { userId, status, ...rest } = check.more(options)
    const request = { path: '/v1/sessions', query: { userId, status } }
    return list(this.#transport, request, rest, this.#session)
  }

  readonly #session = (data: SessionData): Session => new Session(this.#transport, data)

  /** A request that makes a session, after the client's own compute is known to the platform. */
  #open(path: string, given: ForUserOptions, options: RequestOptions): Call<Session> {
    const compute = this.#compute
    const body = compute ? { compute: compute.choice, ...given } : given
    const request = { method: 'POST', path, body, has: 'id' } as const
    const post = () => this.#transport.call<SessionData>(request, options).map(this.#session)
    if (!compute) return post()
    return new Call(compute.ready(options).then(() => post().withResponse()))
  }

  /** A session that was there before says nothing of the client's compute: it is told. */
  #onOwnCompute(
    opened: Call<Session>,
    given: ForUserOptions,
    { signal, timeout, maxRetries }: RequestOptions,
  ): Call<Session> {
    const told = async () => {
      const answer = await opened.withResponse()
      const session = answer.data
      if (session.compute || given.compute || session.status === 'ended') return answer
      const compute = this.#compute?.choice as NonNullable<ForUserOptions['compute']>
      await session.update({ compute }, { signal, timeout, maxRetries })
      return answer
    }
    return new Call(told())
  }
}
