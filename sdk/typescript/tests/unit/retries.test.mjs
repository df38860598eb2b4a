import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AGENT, client, fault, hangUp, play, rejection, send, SESSION } from '../helpers.mjs'

const create = (theazo, options) => theazo.sessions.create({ userId: 'user_123' }, options)
const CREATED = { status: 201, body: SESSION }

for (const [name, answer] of [
  ['a connection that is cut', hangUp],
  ['408', fault(408, 'timeout_of_a_proxy')],
  ['429 with Retry-After: 0', fault(429, 'rate_limited', {}, { 'retry-after': '0' })],
  ['500 with our envelope', fault(500, 'internal_error')],
  ['503', fault(503, 'unavailable', {}, { 'retry-after': '0' })],
  ['502 of a proxy', { status: 502, body: '<html><h1>Bad Gateway</h1></html>' }],
  ['409 of a request that is under way', fault(409, 'conflict', {}, { 'retry-after': '0' })],
  [
    'half an answer with its whole length',
    (request, response) => {
      response.writeHead(201, { 'content-type': 'application/json', 'content-length': 500 })
      response.write('{"id":"ses_', () => request.socket.destroy())
    },
  ],
  [
    'half an answer in chunks',
    (request, response) => {
      response.writeHead(201, { 'content-type': 'application/json' })
      response.write('{"id":"ses_', () => request.socket.destroy())
    },
  ],
  [
    'half an answer that ends well',
    (_, response) => {
      response.writeHead(201, { 'content-type': 'application/json' })
      response.end('{"id":"ses_')
    },
  ],
]) {
  test(`${name} is tried again, with the same key`, async (t) => {
    const { url, requests } = await play(t, answer, answer, CREATED)
    const session = await create(client(url))
    assert.equal(session.id, SESSION.id)
    const keys = requests.map(({ headers }) => headers['idempotency-key'])
    assert.equal(keys.length, 3)
    assert.equal(new Set(keys).size, 1)
    assert.match(keys[0], /^sdk-[0-9a-f-]{36}$/)
    assert.equal(new Set(requests.map(({ text }) => text)).size, 1)
  })
}

for (const [status, code, name] of [
  [401, 'unauthorized', 'AuthenticationError'],
  [402, 'session_limit_exceeded', 'SessionLimitExceededError'],
  [403, 'forbidden', 'PermissionDeniedError'],
  [404, 'not_found', 'NotFoundError'],
  [409, 'conflict', 'ConflictError'],
  [422, 'unprocessable_entity', 'UnprocessableEntityError'],
  [502, 'provider_error', 'ProviderError'],
  [504, 'timeout', 'TimeoutError'],
]) {
  test(`${code} is not tried again, and is a ${name}`, async (t) => {
    const { url, requests } = await play(t, fault(status, code, { details: { taskId: 'task_1' } }))
    const error = await rejection(create(client(url)))
    assert.equal(requests.length, 1)
    assert.equal(error.name, name)
    assert.equal(error.code, code)
    assert.equal(error.status, status)
    assert.equal(error.requestId, 'req_1')
    assert.equal(error.taskId, 'task_1')
    assert.match(error.message, new RegExp(`This is ${code}.*req_1`))
  })
}

test('each call has an idempotency key of its own', async (t) => {
  const { url, requests } = await play(t, CREATED)
  const theazo = client(url)
  await create(theazo)
  await create(theazo)
  await create(theazo, { idempotencyKey: 'order-7' })
  const [first, second, third] = requests.map(({ headers }) => headers['idempotency-key'])
  assert.notEqual(first, second)
  assert.equal(third, 'order-7')
})

test('only a POST has an idempotency key', async (t) => {
  const { url, requests } = await play(t, { body: SESSION })
  await client(url).sessions.get(SESSION.id)
  assert.equal(requests[0].headers['idempotency-key'], undefined)
})

test('after maxRetries the last error is thrown', async (t) => {
  const { url, requests } = await play(t, fault(503, 'unavailable'))
  const error = await rejection(create(client(url, { maxRetries: 2 })))
  assert.equal(error.name, 'ServerError')
  assert.equal(error.code, 'unavailable')
  assert.equal(requests.length, 3)
  await rejection(create(client(url), { maxRetries: 0 }))
  assert.equal(requests.length, 4)
})

test('a Retry-After that is too long is not waited for', async (t) => {
  const limited = fault(
    429,
    'rate_limited',
    { details: { retryAfter: 3_600 } },
    { 'retry-after': '3600' },
  )
  const { url, requests } = await play(t, limited)
  const error = await rejection(create(client(url)))
  assert.equal(error.name, 'RateLimitError')
  assert.equal(error.details.retryAfter, 3_600)
  assert.equal(requests.length, 1)
})

test('a Retry-After is waited for, in seconds or as a date', async (t) => {
  const soon = fault(429, 'rate_limited', {}, { 'retry-after': new Date(0).toUTCString() })
  const { url, requests } = await play(t, soon, CREATED)
  await create(client(url, { retry: { initialDelay: 1 } }))
  assert.equal(requests.length, 2)
  const slow = await play(t, fault(503, 'unavailable', {}, { 'retry-after': '1' }), CREATED)
  const controller = new AbortController()
  // It says that it waits; then it is told to stop.
  const logger = { ...console, info: () => controller.abort() }
  const theazo = client(slow.url, { logger, logLevel: 'info' })
  const error = await rejection(create(theazo, { signal: controller.signal }))
  assert.equal(error.name, 'AbortedError')
  assert.equal(slow.requests.length, 1)
})

test('what was removed by a try whose answer was lost is removed', async (t) => {
  const { url, requests } = await play(t, hangUp, fault(404, 'not_found'))
  await client(url).secrets.delete('k')
  assert.equal(requests.length, 2)
  const other = await play(t, fault(404, 'not_found'))
  assert.equal((await rejection(client(other.url).secrets.delete('k'))).name, 'NotFoundError')
})

test('a client reads its own writes', async (t) => {
  const at = (position, body) => ({ headers: { 'x-theazo-position': position }, body })
  const { url, requests } = await play(t, at('7', SESSION), at('5', SESSION), { body: SESSION })
  const theazo = client(url)
  await theazo.sessions.forUser('user_123')
  await theazo.sessions.forUser('user_456')
  await theazo.sessions.get(SESSION.id)
  assert.equal(requests[0].headers['x-theazo-min-position'], undefined)
  assert.equal(requests[2].headers['x-theazo-min-position'], '7')
})

test('an answer has the HTTP answer that it came in', async (t) => {
  const { url } = await play(t, { headers: { 'ratelimit-remaining': '59' }, body: SESSION })
  const call = client(url).sessions.get(SESSION.id)
  assert.ok(call instanceof Promise)
  const { data, response, requestId } = await call.withResponse()
  assert.equal(data.id, SESSION.id)
  assert.equal(requestId, 'req_1')
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('ratelimit-remaining'), '59')
  assert.equal((await call).id, SESSION.id)
  assert.equal(await call.then(({ userId }) => userId).finally(() => {}), 'user_123')
})

test('a call whose answer alone is asked for rejects nobody else', async (t) => {
  const unhandled = []
  const note = (error) => unhandled.push(error)
  process.on('unhandledRejection', note)
  t.after(() => process.off('unhandledRejection', note))
  const { url } = await play(t, fault(404, 'not_found'))
  const error = await rejection(client(url).sessions.get(SESSION.id).withResponse())
  assert.equal(error.name, 'NotFoundError')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(unhandled, [])
})

test('what is waited for is asked for with the time that it may take', async (t) => {
  const slow = (_, response) => setTimeout(() => send(response, { body: AGENT }), 60)
  const { url, requests } = await play(t, slow)
  const error = await rejection(client(url, { timeout: 5, maxRetries: 1 }).agents.get(AGENT.id))
  assert.equal(error.name, 'RequestTimeoutError')
  assert.match(error.message, /GET .*agents.* was not answered within 5 ms/)
  assert.equal(requests.length, 2)
})
