// The shapes of the API under the names that users know, where the package does not change them.

import type { Duration } from './core/duration.js'
import type { components } from './schema.js'

export type Schemas = components['schemas']

/** `T` with its `timeout` in milliseconds, or as `'5m'`: the API has seconds. */
export type InMilliseconds<T> = Omit<T, 'timeout'> & {
  /** Milliseconds, or a text like `'5m'`. */
  timeout?: Duration
}

export type Money = Schemas['Money']
export type Metadata = Schemas['Metadata']
export type ProviderName = Schemas['ProviderName']
export type Compute = Schemas['Compute']
/** A model: by name, or as one of three objects (by id, by vendor, by gateway). */
export type AgentModelConfig = Schemas['Model']
export type Limits = Schemas['Limits']
export type Approvals = Schemas['Approvals']
export type Guardrails = Schemas['Guardrails']
export type TaskStatus = Schemas['TaskStatus']
export type TaskPriority = Schemas['TaskPriority']
export type AgentState = Schemas['State']
export type SessionStatus = Schemas['SessionStatus']
export type ToolCall = Schemas['ToolCall']
export type Tokens = Schemas['Tokens']
export type Step = Schemas['Step']
export type Delivery = Schemas['Delivery']
export type Lang = Schemas['Lang']
export type FileEntry = Schemas['FileEntry']
export type Port = Schemas['Port']
export type AgentLogEntry = Schemas['AgentLogEntry']
/** A snapshot as `pause()` answers it. */
export type SnapshotRef = Schemas['SnapshotRef']
export type Snapshot = Schemas['Snapshot']
export type Provider = Schemas['Provider']
export type ProviderCheck = Schemas['ProviderCheck']
export type Secret = Schemas['Secret']
export type PlatformSettings = Schemas['Settings']
export type KnownModel = Schemas['KnownModel']
export type Price = Schemas['Price']
export type Tool = Schemas['Tool']
export type ApiKey = Schemas['ApiKey']
export type UsageSummary = Schemas['UsageSummary']
export type BillingUsage = Schemas['BillingUsage']
export type DailyCost = Schemas['DailyCost']
export type UserCost = Schemas['UserCost']
export type ModelCost = Schemas['ModelCost']
export type BillVerification = Schemas['BillVerification']
export type Export = Schemas['Export']
export type ExportedRecord = Schemas['ExportedRecord']
export type AuditEvent = Schemas['Event']
export type StateAsOf = Schemas['StateAsOf']
export type Verification = Schemas['Verification']

/** What the code printed and how it ended. A non-zero `exitCode` is an answer, not an error. */
export type ExecResult = Schemas['ExecResult']
/** What a run came to. `duration` is in milliseconds, `artifacts` are paths. */
export type RunResult = Schemas['RunResult']

/** What a task is asked to do: a text, or an object that the model sees as JSON. */
export type TaskInput = string | { [field: string]: unknown }

/** A definition: a reusable, versioned configuration of agents. `timeout` is in milliseconds. */
export type AgentDefinition = Omit<Schemas['AgentDefinition'], 'compute' | 'timeout'> & {
  compute?: Compute
  /** Milliseconds that a run may take. */
  timeout?: number
}

/** Whatever an agent can be made with; all of it may be left away. */
export type CreateAgentOptions = InMilliseconds<Schemas['CreateAgent']>

/** What `definitions.create` takes. */
export type CreateDefinitionOptions = InMilliseconds<
  Omit<Schemas['CreateDefinition'], 'compute'>
> & {
  compute?: Compute
}

/** What `definitions.update` takes. */
export type UpdateDefinitionOptions = InMilliseconds<
  Omit<Schemas['UpdateDefinition'], 'compute'>
> & {
  compute?: Compute
}

/** What is asked of a period: dates or times; a `Date` is a time. */
export interface PeriodQuery {
  /** From this date or time on. Default: the start of the billing period. */
  from?: string | Date
  /** Up to this date (which is included) or time. Default: now. */
  until?: string | Date
}
