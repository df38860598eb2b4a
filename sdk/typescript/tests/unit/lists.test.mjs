import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AGENT, client, fault, gather, play, rejection, send, SESSION, TASK } from '../helpers.mjs'

/** Answers with the page of `all` that is asked for. */
const pages = (all) => (request, response) => {
  const query = new URL(request.url, 'http://a').searchParams
  const from = Number(query.get('cursor') ?? 0)
  const until = from + Number(query.get('limit'))
  const hasMore = until < all.length
  const body = {
    data: all.slice(from, until),
    hasMore,
    ...(hasMore && { nextCursor: String(until) }),
  }
  send(response, { body })
}
const TASKS = Array.from({ length: 250 }, (_, n) => ({ ...TASK, id: `task_${n}` }))
const asked = (requests) => requests.slice(1).map(({ url }) => url.split('?')[1] ?? '')
const session = (url) => client(url).sessions.get(SESSION.id)

test('an awaited list is an array of everything', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, pages(TASKS))
  const { tasks } = await session(url)
  const all = await tasks.list({ status: 'running' })
  assert.ok(Array.isArray(all))
  assert.deepEqual(
    all.map(({ id }) => id),
    TASKS.map(({ id }) => id),
  )
  assert.deepEqual(asked(requests), [
    'status=running&limit=100',
    'status=running&cursor=100&limit=100',
    'status=running&cursor=200&limit=100',
  ])
})

test('limit is how many at most, in all', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, pages(TASKS))
  const { tasks } = await session(url)
  assert.equal((await tasks.list({ limit: 120 })).length, 120)
  assert.deepEqual(asked(requests), ['limit=100', 'cursor=100&limit=20'])
})

test('an iterated list fetches as it goes, and no more', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, pages(TASKS))
  const { tasks } = await session(url)
  let count = 0
  for await (const task of tasks.list()) {
    assert.equal(task.id, `task_${count}`)
    if ((count += 1) === 101) break
  }
  assert.equal(requests.length, 3)
  const sizes = []
  for await (const page of tasks.list().pages()) sizes.push(page.data.length)
  assert.deepEqual(sizes, [100, 100, 50])
})

test('one page has the cursor to the next', async (t) => {
  const { url } = await play(t, { body: SESSION }, pages(TASKS))
  const { tasks } = await session(url)
  const first = await tasks.list({ limit: 25 }).page()
  assert.equal(first.data.length, 25)
  assert.equal(first.hasMore, true)
  const { data, response } = await tasks
    .list({ limit: 25, cursor: first.nextCursor })
    .page()
    .withResponse()
  assert.equal(data.data[0].id, 'task_25')
  assert.equal(response.status, 200)
})

test('a list that nobody asks for asks for nothing', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, fault(404, 'not_found'))
  const { tasks } = await session(url)
  const list = tasks.list()
  assert.ok(list instanceof Promise)
  assert.equal(requests.length, 1)
  assert.equal((await rejection(list)).name, 'NotFoundError')
  assert.equal((await rejection(gather(tasks.list()))).name, 'NotFoundError')
})

test('lists that are not in pages are arrays too', async (t) => {
  const entries = [{ name: 'a.txt', size: 1, isDirectory: false }]
  const { url, requests } = await play(
    t,
    { body: AGENT },
    { body: { data: entries, hasMore: false } },
  )
  const agent = await client(url).agents.get(AGENT.id)
  assert.deepEqual(await agent.files.list('/workspace'), entries)
  assert.equal(requests[1].url, `/v1/agents/${AGENT.id}/files/list?path=%2Fworkspace`)
  assert.deepEqual(await gather(agent.files.list()), entries)
})
