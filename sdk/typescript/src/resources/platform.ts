// What an org has once: its providers, settings, models, tools and keys.

import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { hide } from '../core/hide.js'
import { list, type List, type ListOptions, whole } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import type { RequestOptions } from '../options.js'
import type { ApiKey, KnownModel, Provider, ProviderCheck, Snapshot } from '../types.js'
import type { PlatformSettings, ProviderName, Schemas, Tool } from '../types.js'

abstract class Resource {
  /** @internal */
  protected readonly transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    // Out of logs: it knows the key.
    this.transport = hide(this, 'transport', transport)
  }

  /** @internal A request whose answer says nothing but that it is done. */
  protected done(method: 'POST' | 'DELETE', path: string, options: RequestOptions): Call<void> {
    return this.transport.call<unknown>({ method, path }, options).map(() => undefined)
  }
}

/** `theazo.providers`: where agents run. */
export class Providers extends Resource {
  /**
   * Configures a provider, or replaces its credentials. They are encrypted and never shown again.
   *
   * @example
   * await theazo.providers.configure({
   *   provider: 'e2b',
   *   credentials: { apiKey: process.env.E2B_API_KEY! },
   *   isDefault: true,
   * })
   */
  configure(provider: Schemas['ConfigureProvider'], options: RequestOptions = {}): Call<Provider> {
    const example = "{ provider: 'e2b', credentials: { apiKey } }"
    const body = check.options(provider, 'providers.configure', example)
    return this.transport.call({ method: 'POST', path: '/v1/providers', body }, options)
  }

  /**
   * The providers that are configured.
   *
   * @example
   * for (const { provider, status } of await theazo.providers.list()) console.log(provider, status)
   */
  list(options: ListOptions & RequestOptions = {}): List<Provider> {
    return list(this.transport, { path: '/v1/providers' }, options, (row: Provider) => row)
  }

  /**
   * Looks now whether a provider takes work.
   *
   * @example
   * const { healthy, message } = await theazo.providers.check('e2b')
   */
  check(provider: ProviderName, options: RequestOptions = {}): Call<ProviderCheck> {
    const path = `/v1/providers/${check.id(provider, 'providers.check', 'a provider')}/check`
    return this.transport.call({ method: 'POST', path }, options)
  }

  /**
   * Removes a provider that no agents run on.
   *
   * @example
   * await theazo.providers.delete('fly')
   */
  delete(provider: ProviderName, options: RequestOptions = {}): Call<void> {
    const name = check.id(provider, 'providers.delete', 'a provider')
    return this.done('DELETE', `/v1/providers/${name}`, options)
  }
}

/** `theazo.settings`: what holds where nothing more specific is said. */
export class Settings extends Resource {
  /**
   * The platform's settings.
   *
   * @example
   * const { model, billingDay } = await theazo.settings.get()
   */
  get(options: RequestOptions = {}): Call<PlatformSettings> {
    return this.transport.call({ method: 'GET', path: '/v1/settings' }, options)
  }

  /**
   * Changes settings; what is not named stays.
   *
   * @example
   * await theazo.settings.update({ model: 'anthropic/claude-sonnet' })
   */
  update(changes: Schemas['UpdateSettings'], options: RequestOptions = {}): Call<PlatformSettings> {
    const body = check.options(changes, 'settings.update', "{ model: 'anthropic/claude-sonnet' }")
    return this.transport.call({ method: 'PATCH', path: '/v1/settings', body }, options)
  }

  /**
   * The secret that webhooks are signed with, for `theazo.webhooks.unwrap`.
   *
   * @example
   * const secret = await theazo.settings.webhookSecret()
   */
  webhookSecret(options: RequestOptions = {}): Call<string> {
    const path = '/v1/settings/webhook-secret'
    const request = { method: 'GET', path, has: 'secret' } as const
    const call = this.transport.call<Schemas['WebhookSecret']>(request, options)
    return call.map(({ secret }) => secret)
  }
}

/** `theazo.models`: who agents think with, and what that costs. */
export class Models extends Resource {
  /**
   * The models that are known, with their prices.
   *
   * @example
   * const models = await theazo.models.list()
   * console.log(models.filter((model) => model.available).map((model) => model.id))
   */
  list(options: RequestOptions = {}): List<KnownModel> {
    return whole(this.transport, { path: '/v1/models' }, options, (row: KnownModel) => row)
  }

  /**
   * Sets a price of your own, in US dollars for a million tokens.
   *
   * @example
   * await theazo.models.setPrice('openai/gpt-4o', { input: '2.5', output: '10' })
   */
  setPrice(id: string, price: Schemas['SetPrice'], options: RequestOptions = {}): Call<KnownModel> {
    const path = `/v1/models/${check.id(id, 'models.setPrice', 'the id of a model')}/price`
    const body = check.options(price, 'models.setPrice', "{ input: '2.5', output: '10' }")
    return this.transport.call({ method: 'PUT', path, body }, options)
  }
}

/** `theazo.tools`: what agents can do. */
export class Tools extends Resource {
  /**
   * The tools that there are, with their JSON schemas.
   *
   * @example
   * for (const { name, description } of await theazo.tools.list()) console.log(name, description)
   */
  list(options: RequestOptions = {}): List<Tool> {
    return whole(this.transport, { path: '/v1/tools' }, options, (row: Tool) => row)
  }

  /**
   * A tool by its name.
   *
   * @example
   * const { inputSchema } = await theazo.tools.get('web_search')
   */
  get(name: string, options: RequestOptions = {}): Call<Tool> {
    const path = `/v1/tools/${check.id(name, 'tools.get', 'the name of a tool')}`
    return this.transport.call({ method: 'GET', path }, options)
  }
}

/** `theazo.keys`: who may call. */
export class Keys extends Resource {
  /**
   * Makes a key of this key's org and mode. Its `key` is shown this once.
   *
   * @example
   * const { key } = await theazo.keys.create({ name: 'worker' })
   */
  create(key: Schemas['CreateApiKey'], options: RequestOptions = {}): Call<ApiKey> {
    const body = check.options(key, 'keys.create', "{ name: 'worker' }")
    return this.transport.call({ method: 'POST', path: '/v1/api-keys', body }, options)
  }

  /**
   * The org's keys, without the keys themselves.
   *
   * @example
   * for (const { id, name, hint } of await theazo.keys.list()) console.log(id, name, hint)
   */
  list(options: ListOptions & RequestOptions = {}): List<ApiKey> {
    return list(this.transport, { path: '/v1/api-keys' }, options, (row: ApiKey) => row)
  }

  /**
   * A new key in place of an old one. Its `key` is shown this once.
   *
   * @example
   * const { key } = await theazo.keys.rotate('key_…')
   */
  rotate(id: string, options: RequestOptions = {}): Call<ApiKey> {
    const path = `/v1/api-keys/${check.id(id, 'keys.rotate', 'the id of a key', 'key_')}/rotate`
    return this.transport.call({ method: 'POST', path }, options)
  }

  /**
   * Revokes a key at once.
   *
   * @example
   * await theazo.keys.delete('key_…')
   */
  delete(id: string, options: RequestOptions = {}): Call<void> {
    const key = check.id(id, 'keys.delete', 'the id of a key', 'key_')
    return this.done('DELETE', `/v1/api-keys/${key}`, options)
  }
}

/** `theazo.snapshots`: agents' files as they were. */
export class Snapshots extends Resource {
  /**
   * Snapshots, newest first.
   *
   * @example
   * for await (const { id, size } of theazo.snapshots.list({ sessionId: 'ses_…' })) console.log(id)
   */
  list(options: { sessionId?: string } & ListOptions & RequestOptions = {}): List<Snapshot> {
    const { sessionId, ...rest } = check.more(options)
    const request = { path: '/v1/snapshots', query: { sessionId } }
    return list(this.transport, request, rest, (row: Snapshot) => row)
  }

  /**
   * Deletes a snapshot, and what its storage costs.
   *
   * @example
   * await theazo.snapshots.delete('snp_…')
   */
  delete(id: string, options: RequestOptions = {}): Call<void> {
    const snapshot = check.id(id, 'snapshots.delete', 'the id of a snapshot', 'snp_')
    return this.done('DELETE', `/v1/snapshots/${snapshot}`, options)
  }
}
