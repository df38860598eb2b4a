// Runs an example on the package as it is built: `npm run example -- quickstart`. With Deno, Bun,
// and Node from 22.18 on an example also runs by itself.
import { readFile, rm, writeFile } from 'node:fs/promises'
import ts from 'typescript'

const name = process.argv.splice(2, 1)[0] ?? 'quickstart'
const source = new URL(`../examples/${name}.ts`, import.meta.url)
const compiled = new URL(`../examples/.${name}.${process.pid}.mjs`, import.meta.url)
const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
const { outputText } = ts.transpileModule(await readFile(source, 'utf8'), {
  compilerOptions: options,
})
await writeFile(compiled, outputText)
try {
  await import(compiled.href)
} finally {
  await rm(compiled)
}
