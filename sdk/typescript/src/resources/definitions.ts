import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { seconds } from '../core/duration.js'
import { list, type List, type ListOptions } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import type { RequestOptions } from '../options.js'
import type {
  AgentDefinition,
  CreateDefinitionOptions,
  Schemas,
  UpdateDefinitionOptions,
} from '../types.js'

const PATH = '/v1/agent-definitions'

/** Which definitions to list. */
export type ListDefinitionsOptions = { includeArchived?: boolean } & ListOptions & RequestOptions

/** `theazo.definitions`: reusable configurations of agents. Each change makes a new version. */
export class Definitions {
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Makes a definition. `timeout` is in milliseconds.
   *
   * @example
   * await theazo.definitions.create({
   *   name: 'pricing-analyst',
   *   instructions: 'You are a research analyst. Be concise and cite sources.',
   *   tools: ['web_search', 'write_file'],
   *   timeout: 300_000,
   * })
   */
  create(definition: CreateDefinitionOptions, options: RequestOptions = {}): Call<AgentDefinition> {
    const given = check.options(definition, 'definitions.create', "{ name: 'pricing-analyst' }")
    const body = toWire(given)
    return this.#one({ method: 'POST', path: PATH, body }, options)
  }

  /**
   * A definition, by its id or its name.
   *
   * @example
   * const definition = await theazo.definitions.get('researcher')
   */
  get(idOrName: string, options: RequestOptions = {}): Call<AgentDefinition> {
    return this.#one({ method: 'GET', path: of(idOrName, 'definitions.get') }, options)
  }

  /**
   * Definitions, newest first, without those that are archived.
   *
   * @example
   * for await (const { name, version } of theazo.definitions.list()) console.log(name, version)
   */
  list(options: ListDefinitionsOptions = {}): List<AgentDefinition> {
    const { includeArchived, ...rest } = check.more(options)
    const request = { path: PATH, query: { includeArchived } }
    return list(this.#transport, request, rest, fromWire)
  }

  /**
   * Changes a definition: a new version of it. Agents that are there stay as they are.
   *
   * @example
   * await theazo.definitions.update('adef_…', { model: 'anthropic/claude-opus' })
   */
  update(
    idOrName: string,
    changes: UpdateDefinitionOptions,
    options: RequestOptions = {},
  ): Call<AgentDefinition> {
    const path = of(idOrName, 'definitions.update')
    const given = check.options(changes, 'definitions.update', "{ model: 'gpt-4o' }")
    const body = toWire(given)
    return this.#one({ method: 'PUT', path, body }, options)
  }

  /**
   * Archives a definition: no new agents are made of it.
   *
   * @example
   * await theazo.definitions.delete('adef_…')
   */
  delete(idOrName: string, options: RequestOptions = {}): Call<void> {
    const path = of(idOrName, 'definitions.delete')
    return this.#transport.call<unknown>({ method: 'DELETE', path }, options).map(() => undefined)
  }

  /**
   * All versions of a definition, newest first.
   *
   * @example
   * const versions = await theazo.definitions.versions('adef_…')
   */
  versions(idOrName: string, options: ListOptions & RequestOptions = {}): List<AgentDefinition> {
    const path = `${of(idOrName, 'definitions.versions')}/versions`
    return list(this.#transport, { path }, options, fromWire)
  }

  #one(request: Parameters<Transport['call']>[0], options: RequestOptions): Call<AgentDefinition> {
    return this.#transport
      .call<Schemas['AgentDefinition']>({ ...request, has: 'id' }, options)
      .map(fromWire)
  }
}

const of = (idOrName: string, call: string) =>
  `${PATH}/${check.id(idOrName, call, 'the id or the name of a definition')}`

function toWire({ timeout, ...rest }: UpdateDefinitionOptions): object {
  return timeout === undefined ? rest : { ...rest, timeout: seconds(timeout, 'timeout') }
}

/** The API says the time limit twice, and in seconds. */
function fromWire({ timeout, compute, ...rest }: Schemas['AgentDefinition']): AgentDefinition {
  const { timeout: _, ...where } = compute ?? {}
  const limit = timeout === undefined ? {} : { timeout: timeout * 1_000 }
  return { ...rest, ...(Object.keys(where).length > 0 && { compute: where }), ...limit }
}
