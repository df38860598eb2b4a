// Against a real server: THEAZO_BASE_URL and THEAZO_API_KEY, a live key of a server that has the
// `local` provider, or a test key.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Theazo, webhooks } from '../../dist/index.mjs'
import { gather, rejection } from '../helpers.mjs'

const theazo = new Theazo()
const user = `live-${crypto.randomUUID()}`
const session = await theazo.sessions.forUser(user, {
  limits: { maxCost: { amount: 500, currency: 'usd', period: 'day' }, maxAgents: 9 },
})
const model = 'mock'

test('a user has one session', async () => {
  const again = await theazo.sessions.forUser(user, { limits: { maxAgents: 1 } })
  assert.equal(again.id, session.id)
  assert.equal(again.limits.maxAgents, 9)
  assert.deepEqual(
    (await theazo.sessions.list({ userId: user })).map(({ id }) => id),
    [session.id],
  )
  await session.update({ metadata: { plan: 'pro' }, webhook: null })
  assert.deepEqual(await session.deliveries(), [])
  assert.deepEqual((await theazo.sessions.get(session.id)).metadata, { plan: 'pro' })
})

test('one shot', async () => {
  const result = await session.run('coder', '@say It is done.', { model })
  assert.equal(result.output, 'It is done.')
  assert.deepEqual(result.cost, { amount: 0, currency: 'usd' })
  const error = await rejection(session.run('coder', '@fail auth no', { model }))
  assert.equal(error.name, 'ProviderError')
  assert.equal((await session.tasks.get(error.taskId)).status, 'failed')
  const types = (await gather(session.stream('coder', '@say streamed', { model }))).map(
    ({ type }) => type,
  )
  assert.deepEqual([types.at(0), types.at(-1)], ['progress', 'done'])
})

test('an agent, from its making to its end', async () => {
  const agent = await session.agents.create({ model, timeout: 300_000, metadata: { a: '1' } })
  assert.equal((await agent.exec('python', 'print("hello")')).stdout, 'hello\n')
  assert.equal((await agent.exec({ lang: 'bash', code: 'exit 3' })).exitCode, 3)

  await agent.files.write('/workspace/in.json', JSON.stringify({ query: 'grüße' }))
  assert.equal((await agent.files.read('/workspace/in.json')).toString('utf8'), '{"query":"grüße"}')
  assert.deepEqual(await agent.files.list('/workspace'), [
    { name: 'in.json', size: 19, isDirectory: false },
  ])

  const status = await agent.status()
  assert.equal(status.state, 'idle')
  assert.equal(status.timeout, 300_000)
  assert.ok(status.startedAt instanceof Date)

  const told = '@tool read_file {"path": "in.json"}\n@then\n@say I read it.'
  const result = await agent.run(told)
  assert.equal(result.output, 'I read it.')
  assert.equal(result.toolCalls[0].name, 'read_file')
  const events = await gather(agent.stream(told))
  const types = [...new Set(events.map(({ type }) => type))]
  assert.deepEqual(types, ['progress', 'tool_call', 'tool_result', 'text', 'done'])
  assert.deepEqual(events.at(-1).result.output, 'I read it.')
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length)

  const snapshot = await agent.pause()
  assert.ok(snapshot.size > 0)
  assert.equal((await agent.status()).state, 'paused')
  const [kept] = await theazo.snapshots.list({ sessionId: session.id })
  assert.equal(kept.id, snapshot.id)
  await agent.resume({ snapshotId: snapshot.id })
  const retried = await agent.retry()
  assert.equal(retried.output, 'I read it.')
  assert.notEqual(retried.agentId, agent.id)
  assert.ok((await agent.logs()).length > 0)
  await agent.terminate()
  // The stream of an agent that has ended ends by itself.
  const all = await gather(agent.events({ from: 'start' }))
  assert.equal(all.at(-1).data.status, 'terminated')
  assert.equal((await theazo.agents.get(agent.id)).sessionId, session.id)
})

test('ports have URLs', async () => {
  const agent = await session.agents.create()
  const url = await agent.ports.expose(8080)
  assert.match(url, /^https?:\/\/agt-.*-8080\./)
  assert.deepEqual(
    (await agent.ports.list()).map(({ port }) => port),
    [8080],
  )
  await agent.ports.close(8080)
  assert.deepEqual(await agent.ports.list(), [])
  await agent.terminate()
})

test('tasks', async () => {
  const task = await session.tasks.submit({
    agent: 'coder',
    model,
    input: { n: 1 },
    priority: 'high',
  })
  assert.equal(task.taskId, task.id)
  assert.equal(task.status, 'queued')
  const done = await session.tasks.wait(task.id, { timeout: '5m' })
  assert.equal(done.status, 'completed')
  assert.match(done.output, /"n": 1/)
  assert.ok((await session.tasks.steps(task.id)).length > 0)
  const slow = await session.tasks.submit({
    agent: 'coder',
    model,
    input: '@slow 2000\n@say slow slow slow',
  })
  assert.notEqual((await session.tasks.wait(slow.id, { timeout: 1 })).status, 'completed')
  await session.tasks.cancel(slow.id)
  assert.equal((await session.tasks.get(slow.id)).status, 'cancelled')
  assert.equal((await rejection(gather(session.tasks.stream(slow.id)))).name, 'ConflictError')
  const completed = await session.tasks.list({ status: 'completed' })
  assert.ok(completed.every(({ status }) => status === 'completed'))
  const listed = await gather(session.tasks.list())
  assert.ok(listed.some(({ id }) => id === slow.id) && listed.length > completed.length)
})

test('a stream goes on after any event', async () => {
  const task = await session.tasks.submit({
    agent: 'coder',
    model,
    input: '@think hm\n@say one two three',
  })
  const whole = await gather(session.tasks.events(task.id))
  const recorded = await gather(session.tasks.events(task.id))
  for (const [at, { id }] of recorded.entries()) {
    const rest = await gather(session.tasks.events(task.id, { after: id }))
    assert.deepEqual(
      rest.map((event) => event.id),
      recorded.slice(at + 1).map((event) => event.id),
    )
  }
  const text = (events) =>
    events.map(({ event, data }) => (event === 'text' ? data.delta : '')).join('')
  assert.equal(text(whole), 'one two three')
  assert.equal(text(recorded), 'one two three')
})

test('definitions have versions, and time limits in milliseconds', async () => {
  const name = `analyst-${Date.now()}`
  const made = await theazo.definitions.create({ name, instructions: 'Be concise.', timeout: '5m' })
  assert.equal(made.timeout, 300_000)
  const changed = await theazo.definitions.update(made.id, { model, timeout: 600_000 })
  assert.equal(changed.version, 2)
  assert.equal((await theazo.definitions.get(name)).timeout, 600_000)
  assert.equal((await theazo.definitions.versions(made.id)).length, 2)
  const agent = await session.agents.create({ definition: name })
  assert.equal((await agent.status()).timeout, 600_000)
  await agent.terminate()
  await theazo.definitions.delete(made.id)
  const names = (await theazo.definitions.list()).map((definition) => definition.name)
  assert.ok(names.includes('researcher') && !names.includes(name))
})

test('what an org has', async () => {
  const scoped = { name: 'DB_PASSWORD', value: 'x', sessionId: session.id }
  assert.equal((await theazo.secrets.set(scoped)).scope, session.id)
  assert.equal((await theazo.secrets.list({ sessionId: session.id })).length, 1)
  await theazo.secrets.delete('DB_PASSWORD', { sessionId: session.id })
  assert.ok((await theazo.models.list()).some(({ id }) => id === 'openai/gpt-4o'))
  assert.equal((await theazo.tools.get('web_search')).name, 'web_search')
  assert.ok((await theazo.tools.list()).length > 5)
  assert.ok((await theazo.settings.get()).billingDay >= 1)
  assert.match(await theazo.settings.webhookSecret(), /^whsec_/)
  const key = await theazo.keys.create({ name: 'worker' })
  const other = new Theazo({ apiKey: key.key })
  assert.equal((await other.sessions.get(session.id)).id, session.id)
  assert.notEqual((await theazo.keys.rotate(key.id)).key, key.key)
  await theazo.keys.delete(key.id)
  const refused = await rejection(other.sessions.get(session.id))
  assert.equal(refused.name, 'AuthenticationError')
})

test('the bill and the audit', async () => {
  const { total } = await theazo.usage.summary()
  assert.equal(total.currency, 'usd')
  assert.ok((await theazo.billing.usage()).sessions > 0)
  assert.ok(Array.isArray(await theazo.billing.daily()))
  assert.ok((await theazo.billing.users({ limit: 5 })).length > 0)
  assert.ok(Array.isArray(await theazo.billing.models()))
  const csv = (await gather(theazo.billing.export())).join('')
  assert.match(csv, /^position,id,/)
  assert.equal((await theazo.billing.verify()).ok, true)
  assert.deepEqual(await theazo.billing.exports.list({ limit: 1 }), [])
  const events = await theazo.audit.events({ sessionId: session.id, limit: 5 })
  assert.equal(events.length, 5)
  const { state } = await theazo.audit.state('session', session.id, { at: new Date() })
  assert.equal(state.userId, user)
  assert.equal((await theazo.audit.verify()).ok, true)
})

test('what is wrong is said by the server as by us', async () => {
  const error = await rejection(session.agents.create({ tools: ['no_such_tool'] }))
  assert.equal(error.name, 'UnprocessableEntityError')
  assert.match(error.fields[0].path, /tools/)
  assert.match(error.requestId, /^req_/)
  assert.equal((await rejection(session.run('nobody', 'x'))).name, 'NotFoundError')
  const wrong = new Theazo({ apiKey: 'th_live_0123456789012345678901234567890123456789' })
  const refused = await rejection(wrong.sessions.list())
  assert.equal(refused.name, 'AuthenticationError')
  assert.equal(
    (await rejection(webhooks.unwrap('{}', {}, 'whsec_AAAA'))).name,
    'WebhookVerificationError',
  )
})

test('a session ends, and takes nothing more', async () => {
  await session.end()
  assert.equal(session.status, 'ended')
  assert.equal((await rejection(session.run('coder', 'x', { model }))).name, 'ConflictError')
})
