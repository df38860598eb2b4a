import * as check from './core/check.js'
import { milliseconds, type Duration } from './core/duration.js'
import { ArgumentError, WebhookVerificationError } from './errors.js'
import type { Money, Schemas, TaskStatus } from './types.js'

/** What Theazo posts when a task has ended. */
export interface TaskWebhook {
  type: 'task.completed' | 'task.failed' | 'task.cancelled'
  taskId: string
  sessionId: string
  agentId: string
  status: TaskStatus
  output?: string
  error?: Schemas['TaskFailure']
  artifacts: string[]
  cost: Money
  /** Milliseconds. */
  duration: number
  finishedAt: string
}

/** What Theazo posts when four fifths of a limit of a session are used, and when it is reached. */
export interface LimitWebhook {
  type: 'session.limit_warning' | 'session.limit_reached'
  sessionId: string
  userId: string
  limit: 'maxCost' | 'maxComputeMinutes' | 'costCap' | (string & {})
  /** Whose `costCap` it is. */
  agentId?: string
  /** What the limit is, of costs. */
  max?: Money
  /** What it is, of compute. */
  maxMinutes?: number
  /** The first day (UTC) of the period that it is about. */
  since: string
}

/** What Theazo posts. More types may come: let a handler pass over what it does not know. */
export type WebhookEvent = TaskWebhook | LimitWebhook

/** Headers as any server has them. */
export type WebhookHeaders =
  { get(name: string): string | null } | { [name: string]: string | string[] | undefined }

/** How a webhook is checked. */
export interface UnwrapOptions {
  /** How old it may be, and how far our clocks may differ. Default: 5 minutes. */
  tolerance?: Duration
}

/** `theazo.webhooks`: whether a webhook is Theazo's (it is signed the Standard Webhooks way). */
export const webhooks = {
  /**
   * What a webhook says, if Theazo sent it, and just now. Keep its `webhook-id` to know one that
   * comes twice.
   *
   * `body` is the raw body: a parsed one is no longer what was signed. Give several secrets while
   * you change from one to another.
   *
   * @example
   * app.post('/webhooks/theazo', express.raw({ type: 'application/json' }), async (req, res) => {
   *   const event = await webhooks.unwrap(req.body, req.headers, process.env.WEBHOOK_SECRET!)
   *   if (event.type === 'task.completed') console.log(event.taskId, event.output)
   *   if (event.type === 'session.limit_reached') console.log(event.userId, event.limit)
   *   res.sendStatus(204)
   * })
   */
  async unwrap(
    body: string | Uint8Array,
    headers: WebhookHeaders,
    secret: string | string[],
    options: UnwrapOptions = {},
  ): Promise<WebhookEvent> {
    if (typeof body !== 'string' && !ArrayBuffer.isView(body)) {
      throw new ArgumentError(
        'webhooks.unwrap takes the raw body, as text or bytes: with express use ' +
          "express.raw({ type: 'application/json' }) on this route, " +
          'elsewhere await request.text().',
      )
    }
    check.options(headers, 'webhooks.unwrap', 'request.headers')
    const secrets = secretsOf(secret)
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    const [id, time, signatures] = ['id', 'timestamp', 'signature'].map((name) => {
      const value = header(headers, `webhook-${name}`)
      if (value) return value
      throw new WebhookVerificationError(`The webhook has no \`webhook-${name}\` header.`)
    }) as [string, string, string]
    const age = Math.abs(Date.now() - Number(time) * 1_000)
    if (!(age <= milliseconds(check.more(options).tolerance ?? '5m', 'tolerance'))) {
      const message = 'The webhook is too old, or the clock of this machine is wrong.'
      throw new WebhookVerificationError(message)
    }
    const head = new TextEncoder().encode(`${id}.${time}.`)
    const signed = new Uint8Array(head.length + bytes.length)
    signed.set(head)
    signed.set(bytes, head.length)
    if (!(await isSigned(signed, signatures, secrets))) {
      const message =
        'The webhook is not signed with this secret: compare it with ' +
        '`await theazo.settings.webhookSecret()`, and pass the body as it came.'
      throw new WebhookVerificationError(message)
    }
    return said(new TextDecoder().decode(bytes))
  },
}

function header(headers: WebhookHeaders, name: string): string | undefined {
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  return Array.isArray(found) ? found[0] : (found as string | undefined)
}

/** The keys of secrets. One that is not there would let anybody sign. */
function secretsOf(given: string | string[]): Uint8Array<ArrayBuffer>[] {
  const keys = [given].flat().map((secret) => {
    return typeof secret === 'string' ? fromBase64(secret.replace(/^whsec_/, '')) : undefined
  })
  if (keys.length > 0 && keys.every((key) => key !== undefined)) return keys
  throw new ArgumentError(
    'The webhook secret is not `whsec_…` as Theazo shows it: ' +
      'is the environment variable that it comes from set?',
  )
}

function said(text: string): WebhookEvent {
  try {
    const event = JSON.parse(text)
    if (typeof event === 'object' && event !== null) return event
  } catch {
    // Said below.
  }
  throw new WebhookVerificationError('The webhook is signed by Theazo and has no JSON object.')
}

/** Whether any of the signatures is that of any of the secrets. */
async function isSigned(
  data: Uint8Array,
  signatures: string,
  secrets: Uint8Array<ArrayBuffer>[],
): Promise<boolean> {
  const given = signatures.split(' ').filter((signature) => signature.startsWith('v1,'))
  for (const secret of secrets) {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['verify'])
    for (const signature of given) {
      const bytes = fromBase64(signature.slice(3))
      // Compared by the platform, in constant time.
      const isOurs = bytes && (await crypto.subtle.verify('HMAC', key, bytes, data as BufferSource))
      if (isOurs) return true
    }
  }
  return false
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return text ? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) : undefined
  } catch {
    // Not base64: it is nobody's signature.
    return undefined
  }
}
