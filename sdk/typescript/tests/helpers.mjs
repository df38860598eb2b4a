// A server that plays a script, and clients that are in a hurry.
import { createServer } from 'node:http'
import { Theazo } from '../dist/index.mjs'

export const KEY = 'th_live_0123456789abcdefghijklmnopqrstuvwxyz'

/**
 * A server that answers the nth request by the nth of `answers`, and all that come after by the
 * last. An answer is `{ status, headers, body }`, or a function of the request and the response.
 */
export async function play(t, ...answers) {
  const requests = []
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const { method, url, headers } = request
    requests.push({ method, url, headers, text, body: parsed(text) })
    const answer = answers[Math.min(requests.length, answers.length) - 1]
    if (typeof answer === 'function') return answer(request, response, requests.length)
    send(response, answer)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${server.address().port}`, requests }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function send(response, { status = 200, headers = {}, body = {} }) {
  const isText = typeof body === 'string'
  const type = isText ? 'text/html' : 'application/json'
  response.writeHead(status, { 'content-type': type, 'x-request-id': 'req_1', ...headers })
  response.end(isText ? body : JSON.stringify(body))
}

/** An error as the API answers it. */
export const fault = (status, code, more = {}, headers = {}) => ({
  status,
  headers,
  body: { error: { code, message: `This is ${code}.`, requestId: 'req_1', ...more } },
})

/** Cuts the connection without an answer. */
export const hangUp = (request) => request.socket.destroy()

export const SESSION = {
  id: 'ses_01KAMQ7W7DXK8Q9S8XJ0V3T5RB',
  userId: 'user_123',
  status: 'active',
  limits: {},
  usage: { cost: { amount: 0, currency: 'usd' }, computeMinutes: 0, activeAgents: 0 },
  metadata: {},
  createdAt: '2026-11-28T00:00:00Z',
  updatedAt: '2026-11-28T00:00:00Z',
}
export const TASK = {
  id: 'task_01KAMQ7W7DXK8Q9S8XJ0V3T5RB',
  taskId: 'task_01KAMQ7W7DXK8Q9S8XJ0V3T5RB',
  sessionId: SESSION.id,
  agentId: 'agt_01KAMQ7W7DXK8Q9S8XJ0V3T5RB',
  status: 'completed',
  output: 'It is done.',
  artifacts: [],
  cost: { amount: 4, currency: 'usd' },
  duration: 12,
}
export const AGENT = {
  id: TASK.agentId,
  sessionId: SESSION.id,
  state: 'idle',
  timeout: 300,
  cost: TASK.cost,
  computeMinutes: 1.5,
  startedAt: '2026-11-28T00:00:00Z',
  createdAt: '2026-11-28T00:00:00Z',
  updatedAt: '2026-11-28T00:00:00Z',
}

/** A client that does not wait long before it tries again. */
export const client = (url, options = {}) =>
  new Theazo({
    apiKey: KEY,
    baseUrl: url,
    retry: { initialDelay: 1, maxDelay: 5 },
    logLevel: 'off',
    ...options,
  })

/** What `promise` is rejected with. */
export async function rejection(promise) {
  const value = await promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  )
  if ('value' in value) throw new Error(`it was not rejected, but gave ${JSON.stringify(value)}`)
  return value.error
}

/** Frames of a stream, whole. */
export const frame = (id, event, data) =>
  `${id ? `id: ${id}\n` : ''}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Answers with a stream of these pieces; then ends it, or cuts it. */
export const stream =
  (pieces, { cut = false, status = 200 } = {}) =>
  async (request, response) => {
    response.writeHead(status, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) {
      await new Promise((resolve) => response.write(piece, resolve))
    }
    if (cut) request.socket.destroy()
    else response.end()
  }

/** All that an iterable gives. */
export async function gather(iterable) {
  const all = []
  for await (const item of iterable) all.push(item)
  return all
}
