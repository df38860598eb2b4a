// The examples run, against the server that THEAZO_BASE_URL and THEAZO_API_KEY name.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const env = { ...process.env, MODEL: 'mock' }

for (const [name, said] of [
  ['quickstart', /exit 0: hello from the sandbox/],
  ['stream-to-terminal', /mock: Write a market analysis report/],
  ['infra-only-langgraph', /come to\? 285/],
]) {
  test(`examples/${name}.ts`, () => {
    const args = ['scripts/example.mjs', name]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      env,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
    assert.match(stdout, said)
  })
}

test('examples/express-app', async (t) => {
  const cwd = `${root}examples/express-app`
  if (!existsSync(`${cwd}/node_modules/express`)) {
    const args = ['ci', '--prefer-offline', '--no-audit', '--no-fund']
    const installed = spawnSync('npm', args, { cwd, encoding: 'utf8' })
    assert.equal(installed.status, 0, installed.stderr)
  }
  const app = spawn(process.execPath, ['server.js'], { cwd, env: { ...env, PORT: '0' } })
  t.after(() => app.kill())
  const [line] = await once(app.stdout, 'data')
  const base = String(line)
    .match(/http:\/\/localhost:\d+/)[0]
    .replace('localhost', '127.0.0.1')
  const user = `user=${crypto.randomUUID()}`

  assert.match(await (await fetch(base)).text(), /Report Desk/)
  const account = await (await fetch(`${base}/api/account?${user}`)).json()
  assert.deepEqual(account, {
    budget: { amount: 50, currency: 'usd', period: 'day' },
    spent: { amount: 0, currency: 'usd' },
  })
  const headers = { 'content-type': 'application/json' }
  const post = (topic) =>
    fetch(`${base}/api/reports?${user}`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ topic }),
    })
  assert.equal((await post('')).status, 422)
  const report = await (await post('tea')).json()
  const live = (more) => fetch(`${base}/api/reports/${report.id}/live?${user}`, { headers: more })
  const frames = parse(await (await live({})).text())
  assert.equal(frames.at(-1).event, 'end')
  assert.equal(frames.at(-2).event, 'done')
  const text = frames
    .filter(({ event }) => event === 'text')
    .map(({ data }) => JSON.parse(data).delta)
  assert.match(text.join(''), /Write a short report about: tea/)
  // A browser that comes back gets the rest.
  const back = await (await live({ 'last-event-id': frames[0].id })).text()
  assert.ok(!back.includes(`id: ${frames[0].id}\n`) && back.includes('event: done'))
  const other = await fetch(`${base}/api/reports/${report.id}/live?user=${crypto.randomUUID()}`)
  assert.equal(other.status, 404)
  const [listed] = await (await fetch(`${base}/api/reports?${user}`)).json()
  assert.equal(listed.status, 'completed')
})

/** The events of a stream that has ended. */
function parse(text) {
  const field = (frame, name) => frame.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1]
  const frames = text.split('\n\n').filter(Boolean)
  return frames.map((frame) => ({
    id: field(frame, 'id'),
    event: field(frame, 'event'),
    data: field(frame, 'data'),
  }))
}

test('the five minutes of the README', async (t) => {
  const readme = await readFile(`${root}README.md`, 'utf8')
  const [, start] = readme.match(/```ts\n(import \{ Theazo \}[^`]*`[^`]*`[^`]*)```/)
  // With a live key too nobody's model is called.
  const code = start
    .replace("'analyze competitor pricing'", "$&, { model: 'mock' }")
    .replace("definition: 'coder'", "$&, model: 'mock'")
  const file = `${root}examples/.start.mjs`
  await writeFile(file, code)
  t.after(() => rm(file))
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { env, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /mock: analyze competitor pricing \{ amount: 0/)
  assert.match(stdout, /mock: What is 4/)
})
