import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { webhooks } from '../../dist/index.mjs'
import { rejection } from '../helpers.mjs'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const BODY = JSON.stringify({ type: 'task.completed', taskId: 'task_1', status: 'completed' })

function signed(body = BODY, secret = SECRET, at = Math.floor(Date.now() / 1_000)) {
  const key = Buffer.from(secret.slice(6), 'base64')
  const mac = createHmac('sha256', key).update(`dlv_1.${at}.${body}`).digest('base64')
  return {
    'webhook-id': 'dlv_1',
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,${mac}`,
  }
}

test('a webhook of ours is what it says', async () => {
  const event = await webhooks.unwrap(BODY, signed(), SECRET)
  assert.equal(event.taskId, 'task_1')
  const bytes = new TextEncoder().encode(BODY)
  assert.equal((await webhooks.unwrap(bytes, new Headers(signed()), SECRET)).status, 'completed')
  const upper = Object.fromEntries(Object.entries(signed()).map(([k, v]) => [k.toUpperCase(), [v]]))
  assert.ok(await webhooks.unwrap(Buffer.from(BODY), upper, SECRET))
})

test('the example of the standard is signed', async () => {
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const tolerance = Date.now()
  assert.ok(await webhooks.unwrap('{"test": 2432232314}', headers, SECRET, { tolerance }))
})

test('one of several secrets and one of several signatures is enough', async () => {
  const old = 'whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQg'
  const both = { ...signed(), 'webhook-signature': `v2,x v1,!!! ${signed()['webhook-signature']}` }
  assert.ok(await webhooks.unwrap(BODY, both, [old, SECRET]))
})

for (const [name, body, headers, secret, said] of [
  ['another body', `${BODY} `, signed(), SECRET, /not signed with this secret/],
  ['another secret', BODY, signed(), 'whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQg', /not signed/],
  ['an old one', BODY, signed(BODY, SECRET, 1_614_265_330), SECRET, /too old/],
  ['one of no time', BODY, { ...signed(), 'webhook-timestamp': 'x' }, SECRET, /too old/],
  [
    'no signature',
    BODY,
    { 'webhook-id': 'a', 'webhook-timestamp': '1' },
    SECRET,
    /`webhook-signature`/,
  ],
]) {
  test(`${name} is refused`, async () => {
    const error = await rejection(webhooks.unwrap(body, headers, secret))
    assert.equal(error.name, 'WebhookVerificationError')
    assert.match(error.message, said)
  })
}

test('what is no raw body, and no secret, is said', async () => {
  const parsed = await rejection(webhooks.unwrap(JSON.parse(BODY), signed(), SECRET))
  assert.equal(parsed.name, 'ArgumentError')
  assert.match(parsed.message, /express.raw/)
  for (const secret of ['whsec_%', '', undefined, 5, [], [SECRET, undefined]]) {
    const none = await rejection(webhooks.unwrap(BODY, signed(), secret))
    assert.equal(none.name, 'ArgumentError')
    assert.match(none.message, /`whsec_…`/)
  }
  const headless = await rejection(webhooks.unwrap(BODY, undefined, SECRET))
  assert.match(headless.message, /webhooks.unwrap takes an object like request.headers/)
})

test('what is signed and no JSON is refused', async () => {
  const error = await rejection(webhooks.unwrap('hello', signed('hello'), SECRET))
  assert.equal(error.name, 'WebhookVerificationError')
  assert.match(error.message, /no JSON object/)
})
