// Infra-only: your own orchestration, our sandboxes. The loop below stands for LangGraph, CrewAI or
// your own; what it needs of us is a place where code runs isolated, observed and billed.
// npm run example -- infra-only-langgraph
import { Theazo } from 'theazo'

const theazo = new Theazo()
const session = await theazo.sessions.forUser('user_123')
const agent = await session.agents.create({ browser: false })

/** A node of the graph: takes the state, and gives the next. */
type Node = (state: State) => Promise<State>
interface State {
  question: string
  rows?: number[]
  answer?: string
}

/** Runs Python in the sandbox, with the state as `state`; what it prints last is the next one. */
const python =
  (code: string): Node =>
  async (state) => {
    await agent.files.write('/workspace/state.json', JSON.stringify(state))
    const { stdout, stderr, exitCode } = await agent.exec({
      lang: 'python',
      code: `
import json
state = json.load(open('/workspace/state.json'))
${code}
print(json.dumps(state))
`,
    })
    if (exitCode !== 0) throw new Error(`the node failed: ${stderr}`)
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  }

const graph: [string, Node][] = [
  ['fetch', python("state['rows'] = [n * n for n in range(10)]")],
  ['analyze', python("state['answer'] = f\"{state['question']} {sum(state['rows'])}\"")],
]

try {
  let state: State = { question: 'What do the squares below ten come to?' }
  for (const [name, node] of graph) {
    state = await node(state)
    console.log(name, state)
  }
} finally {
  await agent.terminate()
}
