// Compiled, never run: what must be accepted, and (`@ts-expect-error`) what must not be.
import {
  type Agent,
  ApiError,
  type ExecResult,
  type List,
  type RunResult,
  type StreamEvent,
  type Task,
  Theazo,
  TheazoError,
  webhooks,
} from '../../dist/index.mjs'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isTrue = <T extends true>() => undefined as unknown as T

export async function shapes(theazo: Theazo) {
  const session = await theazo.sessions.forUser('user_123', {
    limits: { maxCost: { amount: 500, currency: 'usd', period: 'day' }, maxAgents: 3 },
  })
  const result: RunResult = await session.run('researcher', 'analyze competitor pricing')
  const agent: Agent = await session.agents.create({
    compute: { provider: 'e2b', credentialRef: 'e2b_key' },
    browser: true,
    model: 'claude-3-5-sonnet-20241022',
    instructions: 'Be concise.',
    tools: ['web_search'],
    timeout: 300_000,
    costCap: { amount: 200, currency: 'usd' },
    approvals: { tools: ['http_request'] },
    knowledge: ['kb_product_docs'],
    guardrails: { blockPii: true, allowedDomains: ['*.wikipedia.org'] },
  })
  await session.agents.create({ model: { provider: 'anthropic', credentialRef: 'my_key' } })
  await session.agents.create({
    model: { baseUrl: 'https://a.com/v1', credentialRef: 'k', name: 'm' },
  })
  for await (const event of agent.stream('x')) await said(event)
  const result2: ExecResult = await agent.exec('python', 'print(1)')
  await agent.exec(
    { lang: 'typescript', code: 'console.log(1)' },
    { signal: AbortSignal.timeout(1) },
  )
  const bytes: Buffer = await agent.files.read('/workspace/a')
  const url: string = await agent.ports.expose(8080)
  await session.update({ webhook: null })
  const status = await agent.status()
  isTrue<Equal<typeof status.startedAt, Date | undefined>>()
  const snapshot = await agent.pause()
  await agent.resume({ snapshotId: snapshot.id })
  const again: RunResult = await agent.retry()
  return [result, result2, bytes.toString('utf8'), url, again, snapshot.size]
}

async function said(event: StreamEvent): Promise<string> {
  switch (event.type) {
    case 'text':
      return event.delta
    case 'tool_call':
      return `${event.name} ${event.input}`
    case 'tool_result':
      return `${event.name} ${event.output}`
    case 'progress':
      return event.message
    case 'done':
      return String(event.result.cost.amount)
  }
}

export async function tasks(theazo: Theazo) {
  const { tasks } = await theazo.sessions.get('ses_1')
  const task: Task = await tasks.submit({
    agent: 'researcher',
    input: { query: 'x' },
    priority: 'high',
  })
  const listed: Promise<Task[]> = tasks.list({ status: 'running' })
  const list: List<Task> = tasks.list()
  for await (const { id } of list) console.log(id)
  const done: Task = await tasks.wait(task.taskId, { timeout: '5m' })
  const cancelled: void = await tasks.cancel(task.id)
  // A status that comes later is still a status.
  const later: Task['status'] = 'suspended'
  const { data, response } = await tasks.get('task_1').withResponse()
  isTrue<Equal<typeof data, Task>>()
  const header: string | null = response.headers.get('x')
  for await (const event of tasks.events('task_1')) {
    if (event.event === 'tool_call') console.log(event.data.tool, event.id)
  }
  return [listed, done, cancelled, later, header]
}

export function errors(error: unknown) {
  if (error instanceof ApiError) return error.fields
  if (error instanceof TheazoError) {
    isTrue<Equal<typeof error.status, number | undefined>>()
    return error.requestId
  }
  return undefined
}

export async function mistakes(theazo: Theazo) {
  // @ts-expect-error: an option that does not exist
  new Theazo({ apikey: 'th_live_…' })
  // @ts-expect-error: a session is of a user
  await theazo.sessions.create({ metadata: {} })
  const session = await theazo.sessions.get('ses_1')
  // @ts-expect-error: there is no such period
  await session.update({ limits: { maxCost: { amount: 1, currency: 'usd', period: 'week' } } })
  // @ts-expect-error: there is no such option
  await session.agents.create({ instruction: 'x' })
  // @ts-expect-error: money is in a currency
  await session.agents.create({ costCap: { amount: 1 } })
  // @ts-expect-error: a duration has a unit that is known
  await session.tasks.wait('task_1', { timeout: '5 minutes' })
  // @ts-expect-error: an input is a text or an object
  await session.tasks.submit({ agent: 'coder', input: 42 })
  const agent = await theazo.agents.get('agt_1')
  // @ts-expect-error: there is no such language
  await agent.exec('ruby', 'puts 1')
  // @ts-expect-error: code is missing
  await agent.exec('python')
  // @ts-expect-error: a port is a number
  await agent.ports.expose('8080')
  // @ts-expect-error: terminate gives nothing
  const ended: { ok: boolean } = await agent.terminate()
  return ended
}

export async function hooks(body: string, headers: Headers) {
  const event = await webhooks.unwrap(body, headers, 'whsec_…', { tolerance: '10m' })
  if (event.type === 'session.limit_reached') return event.max?.amount
  if (event.type === 'task.failed') return event.error?.message
  // @ts-expect-error: a warning of a limit is of no task
  if (event.type === 'session.limit_warning') return event.taskId
  return 'taskId' in event ? event.output : undefined
}
