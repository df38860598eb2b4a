// What is done in each runtime: it is also a module, for workers.
import { NotFoundError, Theazo } from 'theazo'

/** Calls, a stream, raw bytes, pages, an error: answers what came of each. */
export async function use({ baseUrl, apiKey, userId }) {
  const theazo = new Theazo({ baseUrl, apiKey })
  const session = await theazo.sessions.forUser(userId)
  const agent = await session.agents.create({ definition: 'coder' })
  const { exitCode } = await agent.exec('bash', 'echo hello')
  await agent.files.write('/workspace/ä.txt', 'grüße')
  const file = (await agent.files.read('/workspace/ä.txt')).toString('utf8')
  const types = []
  for await (const { type } of agent.stream('say hello')) types.push(type)
  let sessions = 0
  for await (const one of theazo.sessions.list({ userId }))
    sessions += Number(one.userId === userId)
  const error = await theazo.sessions.get('ses_0').catch((error) => error)
  await agent.terminate()
  await session.end()
  const missing = error instanceof NotFoundError
  return { exitCode, file, first: types[0], last: types.at(-1), sessions, missing }
}
