// Packs the package, looks at what is in it and how large it is, installs it into empty projects,
// and uses it from there: as an ES module, as CommonJS, and from TypeScript in all its strictness.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(root, 'node_modules/typescript/bin/tsc')
/** Of all the code and all the types, compressed. */
const BUDGET = 40 * 1_024

function run(cwd, command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`)
  return stdout
}
const json = async (path) => JSON.parse(await readFile(path, 'utf8'))

const USES = `
const theazo = new Theazo({ apiKey: 'th_test_0123456789abcdef', baseUrl: 'http://127.0.0.1:1', maxRetries: 0 })
theazo.sessions.get('ses_1').catch((error) => {
  if (!(error instanceof TheazoError) || error.name !== 'ConnectionError') throw error
  console.log('used')
})
`

const place = await mkdtemp(join(tmpdir(), 'theazo-package-'))
try {
  const tarball = await pack()
  await mkdir(join(place, 'project'))
  await use(join(place, 'project'), tarball)
} finally {
  await rm(place, { recursive: true, force: true })
}
console.log('the package is as it should be')

async function pack() {
  const [packed] = JSON.parse(
    run(root, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', place),
  )
  const paths = packed.files.map(({ path }) => path)
  const foreign = paths.filter((path) => !/^dist\/[\w/]+\.(js|mjs|d\.ts|d\.mts)$/.test(path))
  assert.deepEqual(foreign.sort(), ['CHANGELOG.md', 'README.md', 'package.json'])
  const code = paths.filter((path) => path.startsWith('dist/')).sort()
  const texts = await Promise.all(code.map((path) => readFile(join(root, path))))
  const size = gzipSync(Buffer.concat(texts), { level: 9 }).length
  console.log(`code and types: ${size} bytes of ${BUDGET}; the whole tarball: ${packed.size}`)
  assert.ok(size <= BUDGET, 'the package is larger than its budget')
  const all = texts.join('\n')
  assert.ok(!/localhost:\d|\/home\/|sourceMappingURL/.test(all.replaceAll('localhost:7070', '')))
  const { version, dependencies } = await json(join(root, 'package.json'))
  assert.equal(dependencies, undefined)
  assert.match(version, /^\d+\.\d+\.\d+$/)
  assert.ok((await readFile(join(root, 'src/version.ts'), 'utf8')).includes(`'${version}'`))
  assert.ok((await readFile(join(root, 'CHANGELOG.md'), 'utf8')).includes(`## ${version}`))
  return join(place, packed.filename)
}

async function use(project, tarball) {
  await writeFile(join(project, 'package.json'), '{ "private": true }')
  run(project, 'npm', 'install', '--silent', '--no-audit', '--no-fund', '--offline', tarball)
  const installed = await json(join(project, 'node_modules/theazo/package.json'))
  assert.equal(installed.name, 'theazo')

  await writeFile(join(project, 'a.mjs'), `import { Theazo, TheazoError } from 'theazo'${USES}`)
  assert.equal(run(project, 'node', 'a.mjs'), 'used\n')
  await writeFile(
    join(project, 'a.cjs'),
    `const { Theazo, TheazoError } = require('theazo')${USES}`,
  )
  assert.equal(run(project, 'node', 'a.cjs'), 'used\n')
  const both = `import { TheazoError } from 'theazo'
import { createRequire } from 'node:module'
if (createRequire(import.meta.url)('theazo').TheazoError !== TheazoError) throw new Error('twice')
const names = Object.keys(createRequire(import.meta.url)('theazo'))
if (Object.keys(await import('theazo')).join() !== names.sort().join()) throw new Error('names')`
  await writeFile(join(project, 'both.mjs'), both)
  run(project, 'node', 'both.mjs')

  const ts = `import { type StreamEvent, Theazo, TheazoError } from 'theazo'${USES}
export async function read(): Promise<StreamEvent[]> {
  const agent = await theazo.agents.get('agt_1')
  const text: string = (await agent.files.read('/workspace/a')).toString('utf8')
  const all: StreamEvent[] = []
  for await (const event of agent.stream(text)) all.push(event)
  return all
}
`
  for (const name of ['b.mts', 'b.cts', 'b.ts']) await writeFile(join(project, name), ts)
  const strict = [
    '--strict',
    '--noEmit',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
    '--target',
    'es2022',
  ]
  const check = (...args) => run(project, process.execPath, tsc, ...strict, ...args)
  const node = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
  check('--module', 'node16', '--moduleResolution', 'node16', ...node, 'b.mts', 'b.cts')
  const bundled = ['--module', 'esnext', '--moduleResolution', 'bundler']
  check(...bundled, ...node, 'b.ts')
  // The project of a browser or a worker: without the types of Node, then without those of the DOM.
  const none = ['--typeRoots', join(project, 'none')]
  check(...bundled, ...none, 'b.ts')
  await writeFile(join(project, 'c.ts'), ts.replace(/.*console.log.*/, ''))
  check(...bundled, ...none, '--lib', 'es2022', 'c.ts')
}
