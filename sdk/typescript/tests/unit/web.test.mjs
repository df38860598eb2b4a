// The package in a world that has what the web has, and nothing of Node.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { createContext, runInContext } from 'node:vm'
import { AGENT, frame, KEY, play, SESSION, stream, TASK } from '../helpers.mjs'

const WEB = [
  'AbortController',
  'AbortSignal',
  'atob',
  'btoa',
  'clearTimeout',
  'console',
  'crypto',
  'fetch',
  'Headers',
  'ReadableStream',
  'Response',
  'setTimeout',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
  'Uint8Array',
  'ArrayBuffer',
]

test('a worker needs nothing of Node', async (t) => {
  const code = await readFile(new URL('../../dist/index.js', import.meta.url), 'utf8')
  const world = createContext(Object.fromEntries(WEB.map((name) => [name, globalThis[name]])))
  world.module = { exports: {} }
  runInContext(code, world)
  const { Theazo } = world.module.exports
  assert.throws(() => new Theazo(), /No API key/)

  const bytes = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    response.end('grüße')
  }
  const done = { result: { taskId: TASK.id }, taskId: TASK.id }
  const { url } = await play(
    t,
    { body: AGENT },
    bytes,
    { body: SESSION },
    stream([frame('1', 'text', { delta: 'hi', step: 0 }), frame('2', 'done', done)]),
  )
  const theazo = new Theazo({ apiKey: KEY, baseUrl: url })
  const agent = await theazo.agents.get(AGENT.id)
  const read = await agent.files.read('/workspace/a')
  assert.equal(read.toString('utf8'), 'grüße')
  assert.equal(read.toString('base64'), Buffer.from('grüße').toString('base64'))
  const { tasks } = await theazo.sessions.get(SESSION.id)
  const types = []
  for await (const { type } of tasks.stream(TASK.id)) types.push(type)
  assert.deepEqual(types, ['text', 'done'])
})
