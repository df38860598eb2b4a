import { Transport } from './core/transport.js'
import { type ClientOptions, settle } from './options.js'
import { Agents } from './resources/agents.js'
import { Audit } from './resources/audit.js'
import { Billing, Usage } from './resources/billing.js'
import { OwnCompute } from './resources/compute.js'
import { Definitions } from './resources/definitions.js'
import { Keys, Models, Providers, Settings, Snapshots, Tools } from './resources/platform.js'
import { Secrets } from './resources/secrets.js'
import { Sessions } from './resources/sessions.js'
import { webhooks } from './webhooks.js'

/**
 * The client of Theazo's API. Make one and keep it: it remembers how far its own writes have got,
 * so that it always reads them.
 *
 * @example
 * import { Theazo } from 'theazo'
 *
 * const theazo = new Theazo({ apiKey: process.env.THEAZO_API_KEY! })
 * const session = await theazo.sessions.forUser('user_123')
 * const result = await session.run('researcher', 'analyze competitor pricing')
 * console.log(result.output, result.cost)
 */
export class Theazo {
  /** One for each of your users: isolation, limits, bill. */
  readonly sessions: Sessions
  /** Agents by their id. */
  readonly agents: Agents
  /** Reusable, versioned configurations of agents. */
  readonly definitions: Definitions
  /** Credentials that agents use and nobody sees. */
  readonly secrets: Secrets
  /** Where agents run. */
  readonly providers: Providers
  /** What holds where nothing more specific is said. */
  readonly settings: Settings
  /** Who agents think with, and what that costs. */
  readonly models: Models
  /** What agents can do. */
  readonly tools: Tools
  /** Agents' files as they were. */
  readonly snapshots: Snapshots
  /** Usage in a period. */
  readonly usage: Usage
  /** Costs, exports and proofs of the bill. */
  readonly billing: Billing
  /** What happened, what was, and proof of it. */
  readonly audit: Audit
  /** API keys. */
  readonly keys: Keys
  /** Whether a webhook is Theazo's. */
  readonly webhooks = webhooks

  constructor(options: ClientOptions = {}) {
    const transport = new Transport(settle(options))
    const compute = options.compute && new OwnCompute(transport, options.compute)
    this.sessions = new Sessions(transport, compute)
    this.agents = new Agents(transport)
    this.definitions = new Definitions(transport)
    this.secrets = new Secrets(transport)
    this.providers = new Providers(transport)
    this.settings = new Settings(transport)
    this.models = new Models(transport)
    this.tools = new Tools(transport)
    this.snapshots = new Snapshots(transport)
    this.usage = new Usage(transport)
    this.billing = new Billing(transport)
    this.audit = new Audit(transport)
    this.keys = new Keys(transport)
  }
}
