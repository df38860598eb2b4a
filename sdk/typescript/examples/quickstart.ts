// A session for one of your users, a run in it, and what it costs.
// npm run example -- quickstart
import { Theazo } from 'theazo'

const theazo = new Theazo() // THEAZO_API_KEY and THEAZO_BASE_URL

const session = await theazo.sessions.forUser('user_123', {
  limits: { maxCost: { amount: 500, currency: 'usd', period: 'day' }, maxAgents: 3 },
})
console.log(`session ${session.id} of ${session.userId}`)

// One shot: an agent is made, does the task, and is gone. MODEL=mock needs no vendor's key.
const model = process.env.MODEL
const result = await session.run('researcher', 'analyze competitor pricing for SaaS tools', {
  ...(model && { model }),
})
console.log(result.output)
console.log(`it took ${result.duration} ms and ${result.cost.amount} ${result.cost.currency} cents`)

// An agent that stays: code, files, and a look at it.
const agent = await session.agents.create({ definition: 'coder', timeout: 300_000 })
const { stdout, exitCode } = await agent.exec('python', 'print("hello from the sandbox")')
console.log(`exit ${exitCode}: ${stdout.trim()}`)
await agent.files.write('/workspace/input.json', JSON.stringify({ query: 'hello' }))
for (const { name, size } of await agent.files.list('/workspace')) console.log(name, size)
const { state, computeMinutes } = await agent.status()
console.log(`the agent is ${state} after ${computeMinutes} minutes`)
await agent.terminate()
