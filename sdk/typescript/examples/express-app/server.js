// "Report Desk", a product of AgentCo's: users ask for reports, watch them being written, and have
// a daily budget by their plan. Theazo is behind it; users never see it, nor the key.
//
// npm install && npm start     then open http://localhost:3000/?user=ann
import express from 'express'
import {
  ConflictError,
  NotFoundError,
  SessionLimitExceededError,
  Theazo,
  TheazoError,
} from 'theazo'

const theazo = new Theazo() // THEAZO_API_KEY and THEAZO_BASE_URL
/** `mock` needs no vendor's key; without it the platform's default model works. */
const model = process.env.MODEL

/** What a day may cost by plan, in cents. */
const PLANS = { free: 50, pro: 500 }

/** Who asks. A real product looks at its own sign-in. */
const userOf = (req) => ({ id: String(req.query.user ?? 'ann'), plan: req.query.plan ?? 'free' })

/** The user's session: there from their first visit on, with the limits of their plan. */
async function sessionOf({ id, plan }) {
  const amount = PLANS[plan] ?? PLANS.free
  const maxCost = { amount, currency: 'usd', period: 'day' }
  const session = await theazo.sessions.forUser(id, { limits: { maxCost, maxAgents: 2 } })
  // The plan has changed since the session was made.
  if (session.limits.maxCost?.amount === amount) return session
  return session.update({ limits: { ...session.limits, maxCost } })
}

const app = express()
app.use(express.json(), express.static('public'))

app.get('/api/account', async (req, res) => {
  const { limits, usage } = await sessionOf(userOf(req))
  res.json({ budget: limits.maxCost, spent: usage.cost })
})

app.get('/api/reports', async (req, res) => {
  const session = await sessionOf(userOf(req))
  const tasks = await session.tasks.list({ limit: 20 })
  res.json(tasks.map(({ id, status, output, cost }) => ({ id, status, output, cost })))
})

app.post('/api/reports', async (req, res) => {
  const session = await sessionOf(userOf(req))
  const topic = String(req.body?.topic ?? '').trim()
  if (!topic) return res.status(422).json({ error: 'Say what the report is to be about.' })
  const input = `Write a short report about: ${topic}`
  const task = await session.tasks.submit({ agent: 'researcher', input, ...(model && { model }) })
  res.status(201).json({ id: task.id, status: task.status })
})

// The live page. An EventSource that comes back says where it was, and misses nothing.
app.get('/api/reports/:id/live', async (req, res) => {
  const session = await sessionOf(userOf(req))
  await session.tasks.get(req.params.id)
  const gone = new AbortController()
  res.on('close', () => gone.abort())
  res.set({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }).flushHeaders()
  const say = (event, data, id) => {
    res.write(`${id ? `id: ${id}\n` : ''}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  try {
    const after = req.get('last-event-id')
    const events = session.tasks.stream(req.params.id, { signal: gone.signal, after })
    for await (const { id, type, ...data } of events) say(type, data, id)
    say('end', {})
  } catch (error) {
    if (!gone.signal.aborted) say('failed', { error: forUsers(error) })
  }
  res.end()
})

app.delete('/api/reports/:id', async (req, res) => {
  const session = await sessionOf(userOf(req))
  await session.tasks.cancel(req.params.id)
  res.sendStatus(204)
})

/** What a user is told; the rest is ours. */
function forUsers(error) {
  if (error instanceof SessionLimitExceededError) return 'Your budget for today is used up.'
  if (error instanceof NotFoundError) return 'There is no such report.'
  if (error instanceof ConflictError) return 'It was cancelled, or has ended already.'
  console.error(error instanceof TheazoError ? `${error.requestId}: ${error.message}` : error)
  return 'Something went wrong. Try again.'
}

app.use((error, _req, res, _next) => {
  const status = error instanceof TheazoError && error.status < 500 ? error.status : 502
  res.status(status).json({ error: forUsers(error) })
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Report Desk is at http://localhost:${server.address().port}/?user=ann`)
})
