// Runs every code block of the SDK's contract against a real server, with nothing replaced but
// hosts, keys and ids. Started by the whole-system tests:
//   THEAZO_BASE_URL, THEAZO_API_KEY  the server, and a live key
//   SEEDS_MODELS                     a server that speaks the model vendors' languages
//   SEEDS_PYTHON                     a Python that has httpx

import { Theazo } from 'theazo'
import { blocks } from './blocks.mjs'
import { Project } from './project.mjs'
import { endSessions } from './server.mjs'
import { KEYS, SURROUNDINGS } from './surroundings.mjs'

process.env.E2B_API_KEY ??= 'e2b_of_a_test'

/** What a block prints goes nowhere but here. */
async function listening(work) {
  const heard = { logged: [], written: '' }
  const { write } = process.stdout
  process.stdout.write = (text) => {
    heard.written += text
    return true
  }
  try {
    heard.declared = await work({ log: (...words) => heard.logged.push(words) })
  } catch (error) {
    heard.error = error
  } finally {
    process.stdout.write = write
  }
  return heard
}

/** Runs one block in a session of its own: what was heard, and what it was given. */
async function attempt(project, block, instead) {
  const surroundings = SURROUNDINGS[block.name]
  const given = { theazo: new Theazo() }
  if (block.needs('session') || surroundings.agent !== undefined) {
    given.session = await given.theazo.sessions.create({ userId: `user_of_${block.name}` })
  }
  if (surroundings.agent !== undefined) {
    given.agent = await given.session.agents.create(surroundings.agent)
  }
  const replacements = { ...KEYS, ...(await surroundings.prepare?.(given)), ...instead }
  const compiled = await project.load(block, replacements)
  const heard = await listening((console) => {
    return compiled(given.theazo, given.session, given.agent, console)
  })
  return { ...heard, given }
}

/** Fails with what is wrong with a block. */
async function mustRun(project, block) {
  const { fails, instead, short, check } = SURROUNDINGS[block.name]
  let heard = await attempt(project, block)
  if (fails !== undefined) {
    if (heard.error === undefined) throw new Error('it works now: take its `fails` away')
    const { code, message } = heard.error
    if (code !== fails.code || !fails.message.test(message)) throw heard.error
    await endSessions()
    heard = await attempt(project, block, instead)
  }
  if (heard.error !== undefined) throw heard.error
  if (short !== undefined && !short(heard.declared)) throw new Error('it falls short no longer')
  await check?.(heard.declared, heard)
  heard.given.receiver?.close()
}

/** That each block is described, and each description is of a block. */
function mismatches(all) {
  const names = all.map(({ name }) => name)
  return [
    ...names.filter((name) => !(name in SURROUNDINGS)).map((name) => `${name}: is not described`),
    ...Object.keys(SURROUNDINGS)
      .filter((name) => !names.includes(name))
      .map((name) => `${name}: there is no such block`),
  ]
}

async function main() {
  const all = blocks()
  const project = new Project()
  for (const block of all) project.add(block)
  const wrong = [...mismatches(all), project.check()].filter((what) => what !== undefined)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  let failed = 0
  for (const block of all) {
    const wrong = await mustRun(project, block).catch((error) => error)
    console.log(`${wrong === undefined ? 'ok' : 'FAILED'} ${block.name}`)
    if (wrong !== undefined) {
      failed += 1
      console.error(`${block.name}:`, wrong)
    }
    await endSessions()
  }
  console.log(`${all.length} blocks, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

await main()
