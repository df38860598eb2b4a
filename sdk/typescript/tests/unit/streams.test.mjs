import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AGENT,
  client,
  fault,
  frame,
  gather,
  play,
  rejection,
  SESSION,
  stream,
  TASK,
} from '../helpers.mjs'

const RESULT = {
  taskId: TASK.id,
  output: 'Hello.',
  artifacts: [],
  cost: TASK.cost,
  duration: 3,
  toolCalls: [],
}
const HISTORY = [
  ['1', 'status', { status: 'queued', taskId: TASK.id }],
  ['2', 'thinking', { text: 'Hm.', step: 0 }],
  ['2.5', 'text', { delta: 'Hel', step: 0 }],
  ['2.8', 'text', { delta: 'lo. ¡Ünï!', step: 0 }],
  ['3-1', 'tool_call', { id: 'c1', tool: 'web_search', input: { query: 'x' }, step: 0 }],
  [
    '4',
    'tool_result',
    { id: 'c1', tool: 'web_search', output: 'y', isError: false, durationMs: 2 },
  ],
  ['5', 'progress', { progress: 0.5, message: 'Searching the web...' }],
  ['6-1', 'output', { text: 'Hello.', cost: TASK.cost }],
  ['6', 'done', { result: RESULT, taskId: TASK.id }],
]
const FRAMES = HISTORY.map((event) => frame(...event))
const WHOLE = FRAMES.join('')

const tasks = async (url, options) => (await client(url, options).sessions.get(SESSION.id)).tasks
const ids = (events) => events.map(({ id }) => id)
const ALL = HISTORY.map(([id]) => id)

/** Of the stream, what comes after the event that the request names. */
const after = (request) => {
  const last = request.headers['last-event-id']
  return last === undefined ? FRAMES : FRAMES.slice(ALL.indexOf(last) + 1)
}

test('a stream maps to the five kinds', async (t) => {
  const { url, requests } = await play(
    t,
    { body: SESSION },
    stream([': connected\nretry: 1000\n\n', WHOLE]),
  )
  const events = await gather((await tasks(url)).stream(TASK.id))
  assert.deepEqual(events, [
    { type: 'progress', id: '1', message: 'queued', status: 'queued' },
    { type: 'text', id: '2.5', delta: 'Hel', step: 0 },
    { type: 'text', id: '2.8', delta: 'lo. ¡Ünï!', step: 0 },
    { type: 'tool_call', id: '3-1', callId: 'c1', name: 'web_search', input: { query: 'x' } },
    {
      type: 'tool_result',
      id: '4',
      callId: 'c1',
      name: 'web_search',
      output: 'y',
      isError: false,
      durationMs: 2,
    },
    { type: 'progress', id: '5', message: 'Searching the web...', progress: 0.5 },
    { type: 'done', id: '6', result: RESULT },
  ])
  assert.match(requests[1].headers.accept, /event-stream/)
})

test('a stream that is cut at any byte goes on, with every event once', async (t) => {
  const bytes = Buffer.from(WHOLE)
  for (let at = 0; at < bytes.length; at += 7) {
    const cut = stream([bytes.subarray(0, at)], { cut: true })
    const rest = (request, response) => stream(after(request))(request, response)
    const { url } = await play(t, { body: SESSION }, cut, rest)
    const events = await gather((await tasks(url)).events(TASK.id))
    assert.deepEqual(ids(events), ALL, `cut at ${at}`)
    const text = events.filter(({ event }) => event === 'text').map(({ data }) => data.delta)
    assert.equal(text.join(''), 'Hello. ¡Ünï!')
  }
})

test('frames in pieces of one byte are frames', async (t) => {
  const pieces = Array.from(Buffer.from(WHOLE.replaceAll('\n', '\r\n')), (byte) => Buffer.of(byte))
  const { url } = await play(t, { body: SESSION }, stream(pieces))
  assert.deepEqual(ids(await gather((await tasks(url)).events(TASK.id))), ALL)
})

test('a stream that is cut again and again goes on, as long as something comes', async (t) => {
  const one = (request, response) =>
    stream(after(request).slice(0, 1), { cut: true })(request, response)
  const { url, requests } = await play(t, { body: SESSION }, one)
  const events = await gather((await tasks(url, { maxRetries: 1 })).events(TASK.id))
  assert.deepEqual(ids(events), ALL)
  assert.equal(requests.length, 1 + ALL.length)
  assert.equal(requests.at(-1).headers['last-event-id'], '6-1')
})

test('what a server repeats is given once', async (t) => {
  const { url } = await play(
    t,
    { body: SESSION },
    stream(FRAMES.slice(0, 5), { cut: true }),
    stream(FRAMES),
  )
  assert.deepEqual(ids(await gather((await tasks(url)).events(TASK.id))), ALL)
})

test('a server that restarts is come back to', async (t) => {
  const away = frame(undefined, 'error', {
    code: 'unavailable',
    message: 'Restart.',
    resumable: true,
  })
  const { url, requests } = await play(
    t,
    { body: SESSION },
    stream([FRAMES[0], 'retry: 2\n\n', away]),
    fault(503, 'unavailable'),
    stream(FRAMES.slice(1)),
  )
  assert.deepEqual(ids(await gather((await tasks(url)).events(TASK.id))), ALL)
  assert.equal(requests[2].headers['last-event-id'], '1')
})

test('a stream that breaks off without a new event is given up', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, stream([': ping\n\n'], { cut: true }))
  const error = await rejection(gather((await tasks(url, { maxRetries: 1 })).stream(TASK.id)))
  assert.equal(error.name, 'ConnectionError')
  assert.match(error.message, /broke off 6 times without a new event/)
  assert.equal(requests.length, 1 + 6)
})

test('a frame that is not JSON is asked for again', async (t) => {
  const broken = 'id: 1\nevent: status\ndata: {"stat\n\n'
  const { url } = await play(t, { body: SESSION }, stream([broken]), stream(FRAMES))
  assert.deepEqual(ids(await gather((await tasks(url)).events(TASK.id))), ALL)
})

test('a run that fails ends its stream with an error that names it', async (t) => {
  const failed = {
    code: 'provider_error',
    message: 'The model is down.',
    resumable: false,
    taskId: TASK.id,
  }
  const { url } = await play(t, { body: SESSION }, stream([FRAMES[0], frame('9', 'error', failed)]))
  const error = await rejection(gather((await tasks(url)).stream(TASK.id)))
  assert.equal(error.name, 'ProviderError')
  assert.equal(error.taskId, TASK.id)
  assert.equal(error.status, 502)
})

test('events have a failure as the API tells it', async (t) => {
  const failed = { code: 'cancelled', message: 'By a user.', resumable: false, taskId: TASK.id }
  const { url } = await play(t, { body: SESSION }, stream([frame('9', 'error', failed)]))
  const [event] = await gather((await tasks(url)).events(TASK.id))
  assert.deepEqual(event, { id: '9', event: 'error', data: failed })
})

test('nothing more than the last event is no event', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, { status: 204 })
  assert.deepEqual(await gather((await tasks(url)).stream(TASK.id, { after: '6' })), [])
  assert.equal(requests[1].headers['last-event-id'], '6')
})

test('leaving the loop closes the connection', async (t) => {
  let closed
  const gone = new Promise((resolve) => (closed = resolve))
  const open = (request, response) => {
    response.on('close', closed)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(FRAMES[0])
  }
  const { url } = await play(t, { body: SESSION }, open)
  for await (const event of (await tasks(url)).stream(TASK.id)) {
    assert.equal(event.id, '1')
    break
  }
  await gone
})

test('a signal ends a stream', async (t) => {
  const open = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(FRAMES[0])
  }
  const { url } = await play(t, { body: SESSION }, open)
  const controller = new AbortController()
  const reading = async () => {
    const { signal } = controller
    for await (const _ of (await tasks(url)).stream(TASK.id, { signal })) controller.abort()
  }
  assert.equal((await rejection(reading())).name, 'AbortedError')
})

test('agent.stream begins the run when it is read, once, and follows its task', async (t) => {
  const submitted = { status: 202, body: { taskId: TASK.id, agentId: AGENT.id } }
  const { url, requests } = await play(t, { body: AGENT }, submitted, stream(FRAMES))
  const agent = await client(url).agents.get(AGENT.id)
  const running = agent.stream('Write a report', { priority: 'high' })
  assert.equal(requests.length, 1)
  assert.deepEqual(await running.result(), RESULT)
  assert.deepEqual(requests[1].body, { task: 'Write a report', priority: 'high' })
  assert.equal(requests[2].url, `/v1/sessions/${SESSION.id}/tasks/${TASK.id}/stream`)
  assert.match((await rejection(gather(running))).message, /read once/)
})

test('a stream can be handed on as Server-Sent Events', async (t) => {
  const { url } = await play(t, { body: SESSION }, stream(FRAMES))
  const body = (await tasks(url)).stream(TASK.id).toReadableStream()
  const text = await new Response(body).text()
  assert.match(text, /^id: 1\nevent: progress\ndata: \{"type":"progress"/)
  assert.match(text, /\n\nid: 6\nevent: done\ndata: .*\n\n$/)
})

test('whoever leaves a byte stream lets go of its connection while nothing comes', async (t) => {
  let gone
  const left = new Promise((resolve) => (gone = resolve))
  const { url } = await play(t, { body: SESSION }, (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    response.on('close', gone)
    response.write(FRAMES[0])
  })
  const reader = (await tasks(url)).stream(TASK.id).toReadableStream().getReader()
  await reader.read()
  const next = reader.read()
  await reader.cancel()
  await left
  assert.equal((await next).done, true)
})

test('an event without data is not taken for one', async (t) => {
  const { url } = await play(
    t,
    { body: SESSION },
    stream(['id: 1\nevent: text\ndata: null\n\n']),
    stream(FRAMES),
  )
  const { tasks } = await client(url).sessions.get(SESSION.id)
  assert.deepEqual(ids(await gather(tasks.events(TASK.id))), ALL)
})

test('whatever breaks, no listener is left behind', async (t) => {
  const warnings = []
  const note = (warning) => warnings.push(warning)
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  const cuts = Array.from({ length: 30 }, (_, n) =>
    n % 2 ? fault(503, 'unavailable') : stream([FRAMES[n / 2] ?? ': ping\n\n'], { cut: true }),
  )
  const { url } = await play(t, { body: SESSION }, ...cuts, stream(FRAMES))
  const { signal } = new AbortController()
  const { tasks } = await client(url, { maxRetries: 20 }).sessions.get(SESSION.id)
  assert.deepEqual(ids(await gather(tasks.events(TASK.id, { signal }))), ALL)
  const down = await play(t, ...Array(15).fill(fault(503, 'unavailable')), { body: SESSION })
  await client(down.url, { maxRetries: 20 }).sessions.get(SESSION.id, { signal })
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(warnings, [])
})
