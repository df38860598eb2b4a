// The server, as the test speaks to it to prepare what a block needs: plain REST, for the SDK is
// what is tested. A read without a position sees what all clients have written.

import { once } from 'node:events'
import { createServer, request } from 'node:http'

export const BASE_URL = process.env.THEAZO_BASE_URL
export const KEY = process.env.THEAZO_API_KEY

export async function rest(method, path, body) {
  const raw = body instanceof Uint8Array
  const answer = await fetch(`${BASE_URL}/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${KEY}`,
      'content-type': raw ? 'application/octet-stream' : 'application/json',
    },
    body: raw || body === undefined ? body : JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** What bash prints in an agent's sandbox. */
export async function bash(agent, code) {
  const done = await rest('POST', `/agents/${agent}/exec`, { lang: 'bash', code })
  if (done.exitCode !== 0) throw new Error(`${code}: ${JSON.stringify(done)}`)
  return done.stdout
}

/** Another client's task: it is told of it when all can see it. */
export async function submit(session, body) {
  const { taskId } = await rest('POST', `/sessions/${session}/tasks`, body)
  await rest('GET', `/sessions/${session}/tasks/${taskId}`)
  return taskId
}

export async function ended(session, task) {
  return rest('GET', `/sessions/${session}/tasks/${task}/wait?timeout=60s`)
}

/** Ends every session, so that the next block finds none. */
export async function endSessions() {
  const { data } = await rest('GET', '/sessions?status=active&limit=100')
  for (const session of data) await rest('POST', `/sessions/${session.id}/end`, {})
}

/** What a port of an agent answers, at the URL that the API gave for it. */
export async function visit(url) {
  const { hostname, port } = new URL(url)
  // The name is one that a DNS server would have.
  const headers = { host: `${hostname}:${port}` }
  const call = request({ host: '127.0.0.1', port, path: '/', headers })
  call.end()
  const [answer] = await once(call, 'response')
  const parts = await answer.toArray()
  return { status: answer.statusCode, text: Buffer.concat(parts).toString() }
}

/** A receiver of webhooks: its `url`, and what it is told, one after the other. */
export async function receiver() {
  const told = []
  const server = createServer(async (call, answer) => {
    const body = Buffer.concat(await call.toArray()).toString()
    told.push({ path: call.url, body: JSON.parse(body) })
    server.emit('told')
    answer.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const next = async () => {
    while (told.length === 0) await once(server, 'told', { signal: AbortSignal.timeout(30_000) })
    return told.shift()
  }
  const url = `http://127.0.0.1:${server.address().port}`
  return { url, next, close: () => server.close() }
}
