import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { list, type List, type ListOptions } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import type { RequestOptions } from '../options.js'
import type { AuditEvent, PeriodQuery, Schemas, StateAsOf, Verification } from '../types.js'

/** Which events. */
export type AuditOptions = Omit<Schemas['AuditEventsQuery'], keyof ListOptions | 'from' | 'until'> &
  PeriodQuery &
  ListOptions &
  RequestOptions

/** `theazo.audit`: what happened, what was, and proof of it. */
export class Audit {
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Everything that happened, newest first. Iterate it, or give it a `limit`: it is long.
   *
   * @example
   * for await (const event of theazo.audit.events({ sessionId: 'ses_…' })) {
   *   console.log(event.time, event.actor, event.type)
   * }
   */
  events(options: AuditOptions = {}): List<AuditEvent> {
    const { actor, type, sessionId, agentId, taskId, userId, requestId, from, until } =
      check.more(options)
    const query = { actor, type, sessionId, agentId, taskId, userId, requestId, from, until }
    const { limit, cursor, signal, timeout, maxRetries, headers } = options
    const rest = { signal, timeout, maxRetries, headers }
    const paging = { ...(limit && { limit }), ...(cursor && { cursor }) }
    const request = { path: '/v1/audit/events', query }
    return list(this.#transport, request, { ...rest, ...paging }, (row: AuditEvent) => row)
  }

  /**
   * A thing as it was at a time, or at a position of the log.
   *
   * @example
   * const { state } = await theazo.audit.state('session', 'ses_…', { at: '2025-05-01T12:00:00Z' })
   */
  state(
    kind: string,
    id: string,
    options: { at?: string | number | Date } & RequestOptions = {},
  ): Call<StateAsOf> {
    const { at, ...rest } = check.more(options)
    const what = check.id(kind, 'audit.state', "a kind (`'session'`)")
    const path = `/v1/audit/${what}/${check.id(id, 'audit.state', 'an id')}`
    return this.#transport.call({ method: 'GET', path, query: { at } }, rest)
  }

  /**
   * Recomputes the hash chain of the log.
   *
   * @example
   * const { ok, commits } = await theazo.audit.verify()
   */
  verify(options: RequestOptions = {}): Call<Verification> {
    return this.#transport.call({ method: 'GET', path: '/v1/audit/verify' }, options)
  }
}
