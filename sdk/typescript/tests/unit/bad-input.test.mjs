import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Theazo } from '../../dist/index.mjs'
import { AGENT, client, fault, gather, KEY, play, rejection, SESSION, TASK } from '../helpers.mjs'

const OPEN = { apiKey: KEY, baseUrl: 'http://127.0.0.1:1', logLevel: 'off' }

function thrown(run) {
  try {
    run()
  } catch (error) {
    assert.equal(error.name, 'ArgumentError')
    return error.message
  }
  throw new Error('nothing was thrown')
}

test('a key of the wrong kind is said without quoting it', () => {
  for (const [apiKey, said] of [
    ['sk-live-secret-0123456789', /does not begin with `th_live_`/],
    ['th_live_short', /cut off/],
    ['th_live_0123456789 0123456789', /characters that no key has/],
    ['', /No API key.*THEAZO_API_KEY/],
  ]) {
    const message = thrown(() => new Theazo({ apiKey }))
    assert.match(message, said)
    assert.match(message, /theazo keys create/)
    if (apiKey) assert.ok(!message.includes(apiKey))
  }
})

test('the environment is the default', (t) => {
  t.after(() => {
    delete process.env.THEAZO_API_KEY
    delete process.env.THEAZO_BASE_URL
  })
  process.env.THEAZO_API_KEY = ` ${KEY}\n`
  process.env.THEAZO_BASE_URL = 'not a url'
  assert.match(
    thrown(() => new Theazo()),
    /baseUrl is a URL like .*'not a url'/,
  )
  process.env.THEAZO_BASE_URL = 'http://localhost:7070/v1/'
  assert.ok(new Theazo())
})

test('options that make no sense are said', () => {
  const with_ = (more) => thrown(() => new Theazo({ ...OPEN, ...more }))
  assert.match(with_({ baseUrl: 'localhost:7070' }), /baseUrl/)
  assert.match(with_({ baseUrl: 'ftp://a.com' }), /baseUrl/)
  assert.match(with_({ timeout: '5 minutes' }), /timeout must be milliseconds.*'5 minutes'/)
  assert.match(with_({ maxRetries: -1 }), /maxRetries/)
  assert.match(with_({ logLevel: 'loud' }), /logLevel is one of off, error/)
  assert.match(with_({ compute: { credentials: {} } }), /provider/)
  assert.match(with_({ apiKey: 5 }), /apiKey is a text, and was given as number/)
  assert.match(with_({ baseUrl: 'https://me:pass@a.com' }), /leave the name and the password away/)
  assert.match(with_({ headers: { a: 'b\nhidden' } }), /^The header 'a' (?!.*hidden)/)
  assert.match(with_({ retry: { maxDelay: -1 } }), /retry.maxDelay/)
  assert.match(with_({ logger: {} }), /logger has no method `error`/)
  assert.match(
    thrown(() => new Theazo(KEY)),
    /^new Theazo takes an object(?!.*vwxyz)/,
  )
  assert.match(
    with_({ compute: { provider: 'e2b', credentials: { apiKey: undefined } } }),
    /compute.credentials.apiKey is not there: is the environment variable/,
  )
})

test('a live key is refused in a browser, and warned of where it is allowed', (t) => {
  t.after(() => {
    delete globalThis.window
    delete globalThis.document
  })
  globalThis.window = globalThis
  globalThis.document = { createElement() {} }
  assert.match(
    thrown(() => new Theazo(OPEN)),
    /A live API key is in a browser/,
  )
  const said = []
  const logger = { ...console, warn: (message) => said.push(message) }
  const allowed = { ...OPEN, logger, logLevel: 'warn', dangerouslyAllowBrowser: true }
  assert.ok(new Theazo(allowed))
  assert.match(said[0], /A live API key is in a browser/)
  assert.ok(new Theazo({ ...OPEN, apiKey: KEY.replace('live', 'test') }))
})

test('wrong arguments are said before anything is sent', async (t) => {
  const { url, requests } = await play(t, { body: SESSION }, { body: AGENT }, { status: 500 })
  const theazo = client(url)
  const session = await theazo.sessions.get(SESSION.id)
  const agent = await theazo.agents.get(AGENT.id)
  for (const [run, said] of [
    [() => theazo.sessions.get(undefined), /sessions.get takes the id of a session.*undefined/],
    [() => theazo.sessions.get(''), /sessions.get takes the id/],
    [() => theazo.sessions.get(AGENT.id), /like 'ses_…'; 'agt_.*' is of another kind/],
    [() => theazo.sessions.create('user_123'), /takes an object like .*userId/],
    [() => theazo.sessions.create({}), /userId/],
    [() => session.run('researcher'), /session.run takes a task/],
    [() => session.run('', 'x'), /definition/],
    [() => session.agents.create({ timeout: 300 }), /300_000, or '300s'/],
    [() => session.tasks.submit({ agent: 'coder', input: {} }), /an empty one/],
    [() => session.tasks.wait(SESSION.id), /like 'task_…'/],
    [() => session.tasks.list({ limit: 0 }), /limit is a whole number/],
    [() => agent.exec('print(1)'), /agent.exec runs python, typescript, bash/],
    [() => agent.exec('python'), /takes code as a text.*undefined/],
    [() => agent.exec({ lang: 'ruby', code: 'x' }), /agent.exec runs/],
    [() => agent.run(42), /takes a task.*42/],
    [() => agent.files.write('/workspace/a', { a: 1 }), /JSON.stringify/],
    [() => agent.files.read(), /files.read takes a path/],
    [() => agent.ports.expose('8080'), /1 to 65535/],
    [() => theazo.secrets.set({ name: 'k', value: undefined }), /the `value`/],
    [() => theazo.secrets.delete('..'), /takes the name of a secret.*'\.\.'/],
    [() => theazo.keys.rotate('.'), /takes the id of a key/],
    [() => session.tasks.cancel('..'), /takes the id of a task/],
    [() => theazo.audit.state('..', 'api-keys'), /takes a kind/],
    [() => theazo.sessions.forUser('half a \ud83d'), /takes your id of a user/],
    [() => theazo.sessions.list(null), /options of a call are an object.*null/],
    [() => agent.status('now'), /options of a call are an object.*'now'/],
    [() => agent.status({ maxRetries: 'x' }), /maxRetries is a whole number/],
    [() => agent.status({ signal: {} }), /signal is an AbortSignal/],
    [() => agent.status({ headers: { 'x-a': 'a\nb' } }), /The header 'x-a' cannot be sent/],
    [() => agent.resume('snp_1'), /agent.resume takes an object/],
    [() => session.run('coder', 'x', { timeout: Infinity }), /timeout has to end/],
    [
      () => gather(session.tasks.stream(TASK.id, { after: 'ü' })),
      /`after` is the `id` of an event/,
    ],
    [() => agent.files.write('/workspace/a', new Blob(['a'])), /await blob.arrayBuffer/],
    [() => theazo.usage.summary({ from: new Date('x') }), /`from` is a Date that is no time/],
  ]) {
    const error = await rejection((async () => run())())
    assert.equal(error.name, 'ArgumentError', error.stack)
    assert.match(error.message, said)
  }
  assert.equal(requests.length, 2)
})

test('fields to mend are named', async (t) => {
  const details = { fields: [{ path: 'limits.maxCost.amount', message: 'must not be negative' }] }
  const { url } = await play(t, fault(422, 'unprocessable_entity', { details }))
  const error = await rejection(client(url).sessions.create({ userId: 'u' }))
  assert.deepEqual(error.fields, details.fields)
})

test('no server is said, with where it was looked for', async (t) => {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  const theazo = client(`http://127.0.0.1:${port}`, { maxRetries: 1 })
  const error = await rejection(theazo.sessions.get(SESSION.id))
  assert.equal(error.name, 'ConnectionError')
  assert.match(error.message, /ECONNREFUSED.*Is the server running, and is `baseUrl`/)
  assert.ok(error.cause)
})

test('an answer that is HTML is said, with how it begins', async (t) => {
  const page = '<!doctype html>\n<title>Sign in to the proxy</title>'
  const { url, requests } = await play(t, { body: page })
  const error = await rejection(client(url).sessions.get(SESSION.id))
  assert.equal(error.name, 'UnexpectedAnswerError')
  assert.match(error.message, /200 and text\/html.*baseUrl.*Sign in to the proxy/)
  assert.equal(requests.length, 1)
})

test('an answer that is JSON of somebody else is said', async (t) => {
  for (const body of [{}, [], { status: 'ok' }, null, 5]) {
    const { url } = await play(t, { body })
    const theazo = client(url)
    for (const call of [theazo.sessions.get(SESSION.id), theazo.sessions.list()]) {
      const error = await rejection(call)
      assert.equal(error.name, 'UnexpectedAnswerError', error.stack)
      assert.match(error.message, /JSON of something else.*`baseUrl`/)
    }
  }
})

test('a page in place of a file or of a stream is said, and is not taken for it', async (t) => {
  const page = '<title>Sign in to the proxy</title>'
  const { url, requests } = await play(t, { body: AGENT }, { body: page })
  const theazo = client(url)
  const agent = await theazo.agents.get(AGENT.id)
  for (const read of [
    () => agent.files.read('/workspace/a'),
    () => gather(agent.events()),
    () => gather(theazo.billing.export()),
  ]) {
    const error = await rejection(read())
    assert.equal(error.name, 'UnexpectedAnswerError')
    assert.match(error.message, /text\/html.*Sign in to the proxy/)
  }
  assert.equal(requests.length, 4)
})

test('a server that answers with the headers that it was sent shows no key', async (t) => {
  const echo = (type) => (request, response) => {
    response.writeHead(200, { 'content-type': type })
    response.end(`Authorization: ${request.headers.authorization}`)
  }
  for (const type of ['text/plain', 'application/json']) {
    const { url } = await play(t, echo(type))
    const error = await rejection(client(url).sessions.get(SESSION.id))
    assert.match(error.message, /th_live_\[redacted\]/)
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(KEY.slice(0, 16)))
  }
})

test('a fetch of your own that fails in any way is said', async () => {
  for (const fetch of [
    () => Promise.reject(),
    () => Promise.reject('no'),
    async () => undefined,
    () => {
      throw new Error(`not with ${KEY}`)
    },
  ]) {
    const theazo = client('http://127.0.0.1:1', { fetch, maxRetries: 0 })
    const error = await rejection(theazo.settings.get())
    assert.equal(error.name, 'ConnectionError')
    assert.ok(!error.message.includes(KEY))
  }
})

test('an export that falls silent is given up', async (t) => {
  const { url } = await play(t, (request, response) => {
    response.writeHead(200, { 'content-type': 'text/csv' })
    response.write('position,id\n')
  })
  const error = await rejection(gather(client(url).billing.export({ timeout: 50 })))
  assert.equal(error.name, 'ConnectionError')
  assert.match(error.cause.message, /nothing came for 50 ms/)
})

test('an error that is JSON of somebody else is said', async (t) => {
  const { url } = await play(t, { status: 403, body: { message: 'Missing Authentication Token' } })
  const error = await rejection(client(url).sessions.get(SESSION.id))
  assert.equal(error.name, 'UnexpectedAnswerError')
  assert.equal(error.status, 403)
})

test('a signal aborts a call, before and while it is answered', async (t) => {
  const { url, requests } = await play(t, () => {})
  const theazo = client(url)
  const before = await rejection(theazo.sessions.get(SESSION.id, { signal: AbortSignal.abort() }))
  assert.equal(before.name, 'AbortedError')
  assert.equal(requests.length, 0)
  const controller = new AbortController()
  const call = theazo.sessions.create({ userId: 'u' }, { signal: controller.signal })
  while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
  controller.abort(new Error('the user left'))
  const error = await rejection(call)
  assert.equal(error.name, 'AbortedError')
  assert.match(error.cause.message, /the user left/)
  assert.equal(requests.length, 1)
})

test('a redirect is said, and not followed', async (t) => {
  const target = 'https://api.example.com/v1/sessions'
  const { url, requests } = await play(t, { status: 301, headers: { location: target }, body: '' })
  const error = await rejection(client(url).sessions.create({ userId: 'u' }))
  assert.equal(error.name, 'UnexpectedAnswerError')
  assert.match(error.message, /redirected \(301\) to https:\/\/api.example.com.*`baseUrl`/)
  assert.equal(requests.length, 1)
})

test('an idempotency key that no header takes is said', async (t) => {
  const { url } = await play(t, { body: SESSION })
  const create = client(url).sessions.create({ userId: 'u' }, { idempotencyKey: 'schlüssel' })
  assert.match((await rejection(create)).message, /printable ASCII/)
})

test('an export that breaks off says how to go on', async (t) => {
  const { url } = await play(t, (request, response) => {
    response.writeHead(200, { 'content-type': 'text/csv' })
    response.write('position,id\n1~0,a\n', () => request.socket.destroy())
  })
  const read = async () => {
    for await (const _ of client(url).billing.export());
  }
  const error = await rejection(read())
  assert.equal(error.name, 'ConnectionError')
  assert.match(error.message, /`after`/)
})
