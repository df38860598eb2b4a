import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client, fault, hangUp, play, rejection, SESSION } from '../helpers.mjs'

const compute = { provider: 'e2b', credentials: { apiKey: 'e2b_secret' } }
const PROVIDER = { status: 201, body: { provider: 'e2b' } }
const ON_IT = { body: { ...SESSION, compute: { provider: 'e2b' } } }
const paths = (requests) => requests.map(({ method, url }) => `${method} ${url}`)

test('credentials are sent once, before the first session, however many are opened', async (t) => {
  const { url, requests } = await play(t, hangUp, PROVIDER, ON_IT)
  const theazo = client(url, { compute })
  await Promise.all([theazo.sessions.forUser('a'), theazo.sessions.forUser('b')])
  await theazo.sessions.create({ userId: 'c' })
  assert.deepEqual(paths(requests), [
    'POST /v1/providers',
    'POST /v1/providers',
    ...paths(requests).slice(2, 4),
    'POST /v1/sessions',
  ])
  assert.deepEqual(requests[1].body, compute)
  assert.equal(requests[0].headers['idempotency-key'], requests[1].headers['idempotency-key'])
  assert.deepEqual(requests[4].body, { userId: 'c', compute: { provider: 'e2b' } })
})

test('a client that opens no session sends no credentials', async (t) => {
  const { url, requests } = await play(t, ON_IT)
  await client(url, { compute }).sessions.get(SESSION.id)
  assert.deepEqual(paths(requests), [`GET /v1/sessions/${SESSION.id}`])
})

test('credentials that were refused are sent again with the next session', async (t) => {
  const { url, requests } = await play(t, fault(422, 'unprocessable_entity'), PROVIDER, ON_IT)
  const theazo = client(url, { compute })
  const error = await rejection(theazo.sessions.forUser('a'))
  assert.equal(error.name, 'UnprocessableEntityError')
  assert.ok(!error.message.includes('e2b_secret'))
  await theazo.sessions.forUser('a')
  assert.equal(requests.length, 3)
})

test('a session that was there before is told where to run', async (t) => {
  const { url, requests } = await play(t, PROVIDER, { body: SESSION }, ON_IT)
  const session = await client(url, { compute }).sessions.forUser('a')
  assert.equal(requests[2].method, 'PATCH')
  assert.deepEqual(requests[2].body, { compute: { provider: 'e2b' } })
  assert.deepEqual(session.compute, { provider: 'e2b' })
})

test('what a session says for itself goes first', async (t) => {
  const { url, requests } = await play(t, PROVIDER, ON_IT)
  await client(url, { compute }).sessions.create({ userId: 'a', compute: { provider: 'local' } })
  assert.deepEqual(requests[1].body.compute, { provider: 'local' })
})

test('a provider that is configured already needs no credentials', async (t) => {
  const { url, requests } = await play(t, ON_IT)
  await client(url, { compute: { provider: 'e2b' } }).sessions.forUser('a')
  assert.deepEqual(paths(requests), ['POST /v1/sessions/by-user/a'])
})
