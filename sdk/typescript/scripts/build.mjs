// Builds dist/: the code once, as CommonJS, the same names of it as an ES module, and the types.
//
// There is one copy of the code, so that an error that was thrown through `require` is still an
// `instanceof` what was imported, and the package is half as large.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

await rm(dist, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  bundle: true,
  format: 'cjs',
  target: 'es2022',
  platform: 'neutral',
  charset: 'utf8',
  // Small, but with its names, and in lines: a stack trace still says where.
  minify: true,
  keepNames: true,
  lineLimit: 200,
})
const names = Object.keys(createRequire(import.meta.url)(join(dist, 'index.js')))
const list = names.map((name) => `  ${name},\n`).join('')
const esm = `import theazo from './index.js'\n\nexport const {\n${list}} = theazo\n`
await writeFile(join(dist, 'index.mjs'), esm)

// An ES module may take its types from a CommonJS one, so these are there once too.
const tsc = join(root, 'node_modules/typescript/bin/tsc')
execFileSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit' })
await copyFile(join(root, 'src/schema.d.ts'), join(dist, 'schema.d.ts'))
await writeFile(join(dist, 'index.d.mts'), "export * from './index.js'\n")
await dropUnused('index.d.ts')

/** Types of what is only used inside are nobody's business. */
async function dropUnused(entry) {
  const kept = new Set([entry])
  for (const name of kept) {
    const text = await readFile(join(dist, name), 'utf8')
    for (const [, from] of text.matchAll(/from '(\.[^']+)\.js'/g)) {
      kept.add(normalize(join(dirname(name), `${from}.d.ts`)))
    }
  }
  for (const name of await readdir(dist, { recursive: true })) {
    if (name.endsWith('.d.ts') && !kept.has(name)) await rm(join(dist, name))
  }
}
