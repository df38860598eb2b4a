// The package, installed from its tarball, in Deno, in Bun and in workerd, which runs Cloudflare's
// workers: the same as in Node. THEAZO_BASE_URL and THEAZO_API_KEY say which server.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const runtimes = join(root, 'tests/runtimes')
const binary = (path) => join(runtimes, 'node_modules', path)
const arm = process.arch === 'arm64'
const deno = binary(`@deno/linux-${process.arch}-glibc/deno`)
const bun = binary(`@oven/bun-linux-${arm ? 'aarch64' : 'x64'}/bin/bun`)
const workerd = binary(`@cloudflare/workerd-linux-${arm ? 'arm64' : '64'}/bin/workerd`)

const { THEAZO_BASE_URL: baseUrl, THEAZO_API_KEY: apiKey } = process.env
const user = (runtime) => `${runtime}-${crypto.randomUUID()}`
const SEEN = {
  exitCode: 0,
  file: 'grüße',
  first: 'progress',
  last: 'done',
  sessions: 1,
  missing: true,
}

const project = await mkdtemp(join(tmpdir(), 'theazo-runtimes-'))
after(() => rm(project, { recursive: true, force: true }))
const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', project]
const tarball = (await run('npm', pack, { cwd: root })).trim()
for (const file of ['use.mjs', 'main.mjs', 'worker.mjs'])
  await cp(join(runtimes, file), join(project, file))
await writeFile(join(project, 'package.json'), '{ "private": true }')
const install = ['install', '--silent', '--no-audit', '--no-fund', '--offline']
await run('npm', [...install, `./${tarball}`], { cwd: project })

/** A program's output; it must end well. */
async function run(command, args, options) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options })
  const out = []
  child.stdout.on('data', (data) => out.push(data))
  const [code] = await once(child, 'close')
  assert.equal(code, 0, `${command} ${args.join(' ')}`)
  return Buffer.concat(out).toString()
}

async function main(runtime, command, args) {
  const env = { ...process.env, THEAZO_USER: user(runtime), DENO_NO_UPDATE_CHECK: '1' }
  return JSON.parse(await run(command, [...args, 'main.mjs'], { cwd: project, env }))
}

test('in Node', async () => {
  assert.deepEqual(await main('node', process.execPath, []), SEEN)
})

test('in Deno', async () => {
  const allowed = ['--allow-net', '--allow-env', '--node-modules-dir=manual']
  assert.deepEqual(await main('deno', deno, ['run', '--no-prompt', ...allowed]), SEEN)
})

test('in Bun', async () => {
  assert.deepEqual(await main('bun', bun, ['run']), SEEN)
})

test('in a worker', async (t) => {
  const { port } = await freePort()
  await build({
    entryPoints: [join(project, 'worker.mjs')],
    outfile: join(project, 'bundle.mjs'),
    absWorkingDir: project,
    bundle: true,
    format: 'esm',
    logLevel: 'error',
  })
  await writeFile(join(project, 'worker.capnp'), config(port))
  const server = spawn(workerd, ['serve', 'worker.capnp'], { cwd: project, stdio: 'inherit' })
  t.after(() => server.kill())
  const body = JSON.stringify({ baseUrl, apiKey, userId: user('workerd') })
  const answer = await whenItListens(() =>
    fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body }),
  )
  assert.deepEqual(await answer.json(), SEEN)
})

/** No flag for compatibility with Node: only the web is there. */
const config = (port) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "bundle.mjs")],
      compatibilityDate = "2026-01-01",
      globalOutbound = "outside",
    )),
    (name = "outside", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return address
}

/** Tries for half a minute. */
async function whenItListens(connect) {
  const until = Date.now() + 30_000
  for (;;) {
    try {
      return await connect()
    } catch (error) {
      if (Date.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
