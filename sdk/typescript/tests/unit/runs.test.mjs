import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AGENT,
  client,
  fault,
  frame,
  hangUp,
  play,
  rejection,
  SESSION,
  stream,
  TASK,
} from '../helpers.mjs'

const RUNNING = { ...TASK, status: 'running', output: undefined }
const FAILED = {
  ...TASK,
  status: 'failed',
  error: { code: 'timeout', message: 'It took too long.' },
}
const SUBMITTED = { status: 202, body: { taskId: TASK.id, agentId: AGENT.id } }
const session = (url) => client(url).sessions.get(SESSION.id)
const agent = (url) => client(url).agents.get(AGENT.id)

test('session.run is one request, in milliseconds here and in seconds there', async (t) => {
  const result = { taskId: TASK.id, output: 'x' }
  const { url, requests } = await play(t, { body: SESSION }, { body: result })
  const got = await (
    await session(url)
  ).run('researcher', 'analyze', { timeout: 90_500, maxSteps: 3 })
  assert.deepEqual(got, result)
  assert.equal(requests[1].url, `/v1/sessions/${SESSION.id}/run`)
  assert.deepEqual(requests[1].body, {
    agent: 'researcher',
    task: 'analyze',
    timeout: 91,
    maxSteps: 3,
  })
})

test('session.run waits on for a run that takes longer than its request may', async (t) => {
  const long = fault(504, 'timeout', { details: { taskId: TASK.id } })
  const { url } = await play(t, { body: SESSION }, long, { body: RUNNING }, { body: TASK })
  const result = await (await session(url)).run('researcher', 'analyze')
  assert.equal(result.output, 'It is done.')
  assert.deepEqual(result.toolCalls, [])
})

test('session.run says why a run failed', async (t) => {
  const details = { taskId: TASK.id, output: 'So far' }
  const { url } = await play(
    t,
    { body: SESSION },
    fault(402, 'session_limit_exceeded', { details }),
  )
  const error = await rejection((await session(url)).run('researcher', 'analyze'))
  assert.equal(error.name, 'SessionLimitExceededError')
  assert.deepEqual(error.details, details)
})

test('agent.run submits once and waits for the end', async (t) => {
  const { url, requests } = await play(
    t,
    { body: AGENT },
    hangUp,
    SUBMITTED,
    hangUp,
    { body: RUNNING },
    { body: TASK },
  )
  const result = await (await agent(url)).run({ query: 'x' }, { webhook: 'https://a.com/w' })
  assert.deepEqual(result, {
    taskId: TASK.id,
    output: TASK.output,
    artifacts: [],
    cost: TASK.cost,
    duration: 12,
    toolCalls: [],
  })
  assert.deepEqual(requests[2].body, { task: { query: 'x' }, webhook: 'https://a.com/w' })
  assert.match(requests[5].url, /\/wait\?timeout=240000ms$/)
})

test('agent.run fails as the run did', async (t) => {
  const { url } = await play(t, { body: AGENT }, SUBMITTED, { body: FAILED })
  const error = await rejection((await agent(url)).run('x'))
  assert.equal(error.name, 'TimeoutError')
  assert.equal(error.code, 'timeout')
  assert.deepEqual(error.details, { taskId: TASK.id, output: TASK.output })
  const cancelled = await play(t, { body: AGENT }, SUBMITTED, {
    body: { ...RUNNING, status: 'cancelled' },
  })
  assert.equal((await rejection((await agent(cancelled.url)).run('x'))).name, 'ConflictError')
})

test('tasks.wait answers the task as it is when the time is over', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, { body: RUNNING })
  const task = await (await session(url)).tasks.wait(TASK.id, { timeout: 0 })
  assert.equal(task.status, 'running')
  assert.match(requests[1].url, /\/wait\?timeout=0ms$/)
  const five = await play(t, { body: SESSION }, { body: TASK })
  await (await session(five.url)).tasks.wait(TASK.id, { timeout: '2m' })
  assert.match(five.requests[1].url, /\/wait\?timeout=1(19|20)\d{3}ms$/)
})

test('both forms of exec are one request', async (t) => {
  const { url, requests } = await play(t, { body: AGENT }, { body: { stdout: '4\n', exitCode: 0 } })
  const it = await agent(url)
  await it.exec('python', 'print(2 + 2)')
  await it.exec({ lang: 'python', code: 'print(2 + 2)' }, { idempotencyKey: 'k' })
  assert.deepEqual(requests[1].body, { lang: 'python', code: 'print(2 + 2)' })
  assert.deepEqual(requests[2].body, requests[1].body)
  assert.equal(requests[2].headers['idempotency-key'], 'k')
})

test('an agent is made with a timeout in milliseconds', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, { status: 201, body: AGENT })
  const { agents } = await session(url)
  const made = await agents.create({ definition: 'researcher', timeout: 300_000 })
  assert.deepEqual(requests[1].body, { definition: 'researcher', timeout: 300 })
  assert.equal(made.id, AGENT.id)
  await agents.create({ timeout: '5m' })
  assert.deepEqual(requests[2].body, { timeout: 300 })
})

test('status has dates and milliseconds', async (t) => {
  const { url } = await play(t, { body: AGENT })
  const status = await (await agent(url)).status()
  assert.ok(status.startedAt instanceof Date)
  assert.equal(status.timeout, 300_000)
  assert.equal(status.state, 'idle')
})

test('files are bytes, there and back', async (t) => {
  const bytes = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    response.end(Buffer.from('grüße'))
  }
  const { url, requests } = await play(t, { body: AGENT }, { body: { path: 'a', size: 1 } }, bytes)
  const { files } = await agent(url)
  await files.write('/workspace/a b.txt', 'grüße')
  assert.equal(requests[1].method, 'PUT')
  assert.equal(requests[1].text, 'grüße')
  assert.equal(requests[1].headers['content-type'], 'application/octet-stream')
  assert.equal(requests[1].url, `/v1/agents/${AGENT.id}/files?path=%2Fworkspace%2Fa+b.txt`)
  const read = await files.read('/workspace/a b.txt')
  assert.ok(Buffer.isBuffer(read))
  assert.equal(read.toString('utf8'), 'grüße')
})

test('where there is no Buffer, bytes say themselves as text all the same', async (t) => {
  const { Bytes } = await import('../../dist/index.mjs')
  const plain = new Bytes(Buffer.from('grüße'))
  for (const encoding of ['utf8', 'hex', 'base64', 'latin1']) {
    assert.equal(plain.toString(encoding), Buffer.from('grüße').toString(encoding))
  }
  assert.equal(plain.toString(), 'grüße')
  assert.ok(plain instanceof Uint8Array)
})

test('a session is shown and sent as what it is', async (t) => {
  const { url } = await play(t, { body: SESSION }, { body: { ...SESSION, status: 'ended' } })
  const it = await session(url)
  assert.deepEqual(JSON.parse(JSON.stringify(it)), SESSION)
  assert.equal(await it.end(), it)
  assert.equal(it.status, 'ended')
})

test('what needs a sandbox that is there waits until it is', async (t) => {
  const made = { status: 201, body: { ...AGENT, state: 'provisioning' } }
  const status = (id, status) => frame(id, 'status', { status, agentId: AGENT.id })
  const starts = stream([status('1', 'provisioning'), status('2', 'idle')])
  const port = { status: 201, body: { port: 80, url: 'http://a' } }
  const { url, requests } = await play(t, { body: SESSION }, made, made, starts, port)
  const it = await (await session(url)).agents.create()
  assert.equal(await it.ports.expose(80), 'http://a')
  assert.deepEqual(
    requests.slice(2).map(({ method, url }) => `${method} ${url}`),
    [
      `GET /v1/agents/${AGENT.id}`,
      `GET /v1/agents/${AGENT.id}/stream`,
      `POST /v1/agents/${AGENT.id}/ports`,
    ],
  )
  // It is there now, and is not asked for again.
  await it.ports.expose(80)
  assert.equal(requests.length, 6)
})
