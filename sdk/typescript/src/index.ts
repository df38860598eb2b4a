export { Theazo } from './client.js'
export { Bytes, type FileData } from './core/bytes.js'
export { Call, type WithResponse } from './core/call.js'
export type { Duration } from './core/duration.js'
export { List, type ListOptions, type Page } from './core/list.js'
export type { Logger, LogLevel } from './core/log.js'
export type { Backoff } from './core/retry.js'
export type { Fetch } from './core/web.js'
export * from './errors.js'
export type { ClientCompute, ClientOptions, RequestOptions } from './options.js'
export * from './resources/agent.js'
export type * from './resources/agents.js'
export type * from './resources/audit.js'
export type * from './resources/billing.js'
export type * from './resources/definitions.js'
export type * from './resources/files.js'
export type * from './resources/platform.js'
export type * from './resources/ports.js'
export type * from './resources/secrets.js'
export * from './resources/session.js'
export type * from './resources/sessions.js'
export type {
  DoneEvent,
  ProgressEvent,
  RawStreamEvent,
  RunStream,
  StreamEvent,
  StreamOptions,
  TextEvent,
  ToolCallEvent,
  ToolResultEvent,
} from './resources/stream.js'
export type * from './resources/tasks.js'
export type * from './types.js'
export { VERSION } from './version.js'
export type * from './webhooks.js'
export { webhooks } from './webhooks.js'
