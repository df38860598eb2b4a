import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { list, type List, type ListOptions } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import type { RequestOptions } from '../options.js'
import type { Schemas, Secret } from '../types.js'

/** A secret's name and value. */
export type SetSecretOptions = Schemas['SetSecret']
/** Whose secret. */
export interface SecretScope {
  /** Of this session only. Default: the whole org's. */
  sessionId?: string
}

/** `theazo.secrets`: credentials that agents use and nobody sees again. */
export class Secrets {
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Sets a secret, in place of one with its name and scope. Its value is never shown again.
   *
   * @example
   * await theazo.secrets.set({ name: 'openrouter_key', value: process.env.OPENROUTER_API_KEY! })
   */
  set(secret: SetSecretOptions, options: RequestOptions = {}): Call<Secret> {
    const body = check.options(secret, 'secrets.set', "{ name: 'openrouter_key', value: 'sk-…' }")
    check.text(body.name, 'secrets.set', 'the `name`')
    if (typeof body.value !== 'string') check.text(body.value, 'secrets.set', 'the `value`')
    return this.#transport.call({ method: 'POST', path: '/v1/secrets', body }, options)
  }

  /**
   * Secrets without their values, newest first.
   *
   * @example
   * for (const { name, scope } of await theazo.secrets.list()) console.log(name, scope)
   */
  list(options: SecretScope & ListOptions & RequestOptions = {}): List<Secret> {
    const { sessionId, ...rest } = check.more(options)
    const request = { path: '/v1/secrets', query: { sessionId } }
    return list(this.#transport, request, rest, (secret: Secret) => secret)
  }

  /**
   * Deletes a secret.
   *
   * @example
   * await theazo.secrets.delete('openrouter_key')
   * await theazo.secrets.delete('DB_PASSWORD', { sessionId: 'ses_…' })
   */
  delete(name: string, options: SecretScope & RequestOptions = {}): Call<void> {
    const { sessionId, ...rest } = check.more(options)
    const path = `/v1/secrets/${check.id(name, 'secrets.delete', 'the name of a secret')}`
    const request = { method: 'DELETE', path, query: { sessionId } } as const
    return this.#transport.call<unknown>(request, rest).map(() => undefined)
  }
}
