import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'node:test'
import { client, fault, KEY, play, rejection, SESSION } from '../helpers.mjs'

function recorder() {
  const lines = []
  const at =
    (level) =>
    (...said) =>
      lines.push(inspect([level, ...said], { depth: 9 }))
  const logger = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
  return { lines, logger }
}

test('debug logs say what happens, and no secret', async (t) => {
  const { lines, logger } = recorder()
  const { url } = await play(t, fault(503, 'unavailable'), { body: SESSION })
  const theazo = client(url, { logger, logLevel: 'debug' })
  await theazo.secrets.set({ name: 'openai', value: 'sk-very-secret' })
  await theazo.providers.configure({ provider: 'e2b', credentials: { token: 'hush' } })
  await theazo.sessions.create({
    userId: 'u',
    metadata: { note: `leaked ${KEY}`, password: 'hush' },
  })
  const all = lines.join('\n')
  for (const secret of [KEY, 'sk-very-secret', 'hush']) assert.ok(!all.includes(secret), all)
  assert.match(all, /POST \/v1\/secrets/)
  assert.match(all, /openai/)
  assert.match(all, /authorization: '\[redacted\]'/)
  assert.match(all, /failed; again in/)
  assert.match(all, /req_1/)
  assert.match(all, /idempotency-key': 'sdk-/)
})

test('by default nothing is logged of what is tried again', async (t) => {
  const { lines, logger } = recorder()
  const { url } = await play(t, fault(503, 'unavailable'), { body: SESSION })
  await client(url, { logger, logLevel: 'warn' }).sessions.create({ userId: 'u' })
  assert.deepEqual(lines, [])
})

test('nothing that is printed has the key', async (t) => {
  const { url } = await play(t, { body: SESSION }, fault(404, 'not_found'))
  const theazo = client(url)
  const session = await theazo.sessions.get(SESSION.id)
  const error = await rejection(theazo.sessions.get(SESSION.id))
  for (const thing of [theazo, session, session.agents, theazo.providers, error]) {
    assert.ok(!inspect(thing, { depth: 9, showHidden: true }).includes(KEY))
  }
  assert.ok(!JSON.stringify(theazo).includes(KEY))
})
