// The blocks as modules of a project that has the package installed, checked by `tsc --strict`.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const SDK = fileURLToPath(new URL('../..', import.meta.url))

const TSCONFIG = {
  compilerOptions: {
    strict: true,
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: ['node'],
    typeRoots: [join(SDK, 'node_modules/@types')],
    outDir: 'out',
    noEmitOnError: true,
  },
  include: ['*.ts'],
}

/** What a block may use without declaring it, and its type. */
const GIVEN = { theazo: 'Theazo', session: 'Session', agent: 'Agent' }

/** An import of a module; Python has others, in the code that it is given. */
const IMPORT = /^import .* from '.*'$/gm

/** A project of its own, which is gone when the process ends. */
export class Project {
  constructor() {
    this.loaded = 0
    this.folder = mkdtempSync(join(tmpdir(), 'theazo-seeds-'))
    process.on('exit', () => rmSync(this.folder, { recursive: true }))
    mkdirSync(join(this.folder, 'node_modules'))
    symlinkSync(SDK, join(this.folder, 'node_modules/theazo'))
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ type: 'module' }))
    writeFileSync(join(this.folder, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  }

  /**
   * Adds a block, word for word, as a function of what it is given.
   * @param {import('./blocks.mjs').Block} block
   */
  add({ id, code, names }) {
    const imports = code.match(IMPORT) ?? ["import { Theazo } from 'theazo'"]
    const parameters = Object.entries(GIVEN).map(([known, type]) => {
      return `${names.includes(known) ? `_${known}` : known}: ${type}`
    })
    const lines = [
      ...imports,
      "import type { Agent, Session } from 'theazo'",
      `export async function block(${parameters.join(', ')}, console: Pick<Console, 'log'>) {`,
      code.replace(IMPORT, ''),
      `return { ${names.join(', ')} }`,
      '}',
    ]
    writeFileSync(join(this.folder, `${id}.ts`), lines.join('\n'))
  }

  /** Compiles all blocks; the compiler's words when it does not like one of them. */
  check() {
    const tsc = join(SDK, 'node_modules/typescript/bin/tsc')
    const made = spawnSync(process.execPath, [tsc, '--project', this.folder], { encoding: 'utf8' })
    return made.status === 0 ? undefined : made.stdout + made.stderr
  }

  /** The function of a block, with its hosts, keys and ids replaced. */
  async load({ id }, replacements) {
    const compiled = readFileSync(join(this.folder, 'out', `${id}.js`), 'utf8')
    const text = Object.entries(replacements).reduce((code, [from, to]) => {
      return code.replaceAll(from, to)
    }, compiled)
    // A module is loaded once: another text is another module.
    const path = join(this.folder, 'out', `${id}-${(this.loaded += 1)}.js`)
    writeFileSync(path, text)
    return (await import(pathToFileURL(path).href)).block
  }
}
