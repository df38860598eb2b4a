// Makes FAULT_CALLS calls through the package, chosen by FAULT_SEED, and says on stdout what came
// of each. Whoever runs it puts a proxy that breaks things between it and a server, and compares.
//
// The chances are mulberry32's: 32 bits of state that begin as the seed, one number for each
// `chance()`. Every choice is made before the first call, so that it hangs on nothing but the seed.
import { Theazo } from '../../dist/index.mjs'

const seed = Number(process.env.FAULT_SEED ?? 1)
const calls = Number(process.env.FAULT_CALLS ?? 100)
/** Calls that are under way at the same time. */
const WIDTH = 8

let state = seed >>> 0
function chance() {
  state = (state + 0x6d2b79f5) >>> 0
  let t = state
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** Of a hundred calls, how many are of which kind. */
const KINDS = [
  ['submit', 55],
  ['session', 15],
  ['secret', 10],
  ['read', 10],
  ['exec', 5],
  ['stream', 5],
]

function kind() {
  let at = chance() * 100
  return KINDS.find(([, share]) => (at -= share) < 0)[0]
}

const plan = Array.from({ length: calls }, (_, n) => ({ call: n, kind: kind(), dice: chance() }))

const theazo = new Theazo({
  maxRetries: 10,
  timeout: '20s',
  retry: { initialDelay: 10, maxDelay: 500 },
})
const session = await theazo.sessions.forUser(`faults-${seed}`)
const agent = await session.agents.create({ model: 'mock' })

const submit = (n, input) => session.tasks.submit({ agent: 'coder', model: 'mock', input })

const does = {
  async submit({ call }) {
    const { id } = await submit(call, `call-${call}`)
    return { id }
  },
  async session({ call }) {
    const userId = `faults-${seed}-${call}`
    const { id } = await theazo.sessions.create({ userId, metadata: { call: String(call) } })
    return { id }
  },
  async secret({ call }) {
    const name = `faults-${seed}-${call}`
    const { name: id } = await theazo.secrets.set({ name, value: `value-${call}` })
    return { id }
  },
  async read({ dice }) {
    if (dice < 0.5) {
      const { id } = await theazo.sessions.get(session.id)
      return { id }
    }
    const seen = new Set()
    for await (const task of session.tasks.list({ limit: 250 })) {
      if (seen.has(task.id)) throw new Error(`the list has ${task.id} twice`)
      seen.add(task.id)
    }
    return { id: session.id }
  },
  async exec({ call }) {
    const { id, stdout } = await agent.exec('bash', `echo call-${call}`)
    if (stdout !== `call-${call}\n`) throw new Error(`exec printed ${JSON.stringify(stdout)}`)
    return { id }
  },
  async stream({ call }) {
    const task = await submit(call, longInput(call))
    const [events, types] = [[], []]
    let text = ''
    for await (const { id, event, data } of session.tasks.events(task.id)) {
      events.push(id)
      types.push(event)
      if (event === 'text') text += data.delta
    }
    return { id: task.id, events, types, text }
  },
}

/** What the mock model says in many pieces, with tools in between. */
function longInput(call) {
  const writes = (n) => `@tool write_file {"path": "${n}.txt", "content": "${n}"}\n@then\n`
  const files = [0, 1, 2].map(writes).join('')
  return `@slow 2\n@think A thought.\n${files}@say call-${call} ${'and on it goes '.repeat(20)}`
}

let failed = 0
async function work() {
  for (let next = plan.shift(); next; next = plan.shift()) {
    const { call, kind } = next
    try {
      const came = await does[kind](next)
      console.log(JSON.stringify({ call, kind, ok: true, ...came }))
    } catch (error) {
      failed += 1
      console.log(JSON.stringify({ call, kind, ok: false, error: String(error) }))
      console.error(`call ${call} (${kind}):`, error)
    }
  }
}

await Promise.all(Array.from({ length: WIDTH }, work))
console.log(JSON.stringify({ done: true }))
process.exitCode = failed > 0 ? 1 : 0
