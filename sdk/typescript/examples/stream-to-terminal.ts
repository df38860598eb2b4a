// A run, live in the terminal; Ctrl-C cancels it.
// npm run example -- stream-to-terminal 'Write a market analysis report'
import { Theazo } from 'theazo'

const theazo = new Theazo()
const session = await theazo.sessions.forUser('user_123')
const model = process.env.MODEL
const task = await session.tasks.submit({
  agent: 'researcher',
  input: process.argv[2] ?? 'Write a market analysis report',
  ...(model && { model }),
})
process.once('SIGINT', () => void session.tasks.cancel(task.id))

const grey = (text: string) => console.log(`\x1b[90m${text}\x1b[0m`)

for await (const event of session.tasks.stream(task.id)) {
  switch (event.type) {
    case 'text':
      process.stdout.write(event.delta)
      break
    case 'tool_call':
      grey(`\n→ ${event.name} ${JSON.stringify(event.input)}`)
      break
    case 'tool_result':
      grey(`← ${event.output.slice(0, 200)}`)
      break
    case 'progress':
      grey(`· ${event.message}`)
      break
    case 'done':
      grey(`\n${event.result.duration} ms, ${event.result.cost.amount} cents`)
      break
  }
}
