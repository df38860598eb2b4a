// Writes src/schema.d.ts from ../openapi.json; with --check it fails when that is stale.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import openapiTS, { astToString } from 'openapi-typescript'

const target = new URL('../src/schema.d.ts', import.meta.url)
const document = JSON.parse(await readFile(new URL('../../openapi.json', import.meta.url)))
const { schemas } = document.components

/** What the server says of these may grow: a new word must not break who has an older package. */
const OPEN = [
  'DeliveryStatus',
  'ExportStatus',
  'Level',
  'ModelPurpose',
  'ProviderStatus',
  'RecordStatus',
  'SessionStatus',
  'State',
  'StepType',
  'TaskStatus',
]
const ANY_OTHER = 'any-other'

/** An optional field that is not there is absent. It is `null` where its description says so. */
function tidy(schema) {
  if (Array.isArray(schema)) return schema.forEach(tidy)
  if (schema === null || typeof schema !== 'object') return
  // Their comments say nothing that the types and the descriptions do not.
  for (const noise of ['format', 'example'])
    if (typeof schema[noise] !== 'object') delete schema[noise]
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(name) || /\bnull\b/.test(field.description)) continue
    if (Array.isArray(field.type)) field.type = field.type.filter((type) => type !== 'null')
    if (field.type?.length === 1) field.type = field.type[0]
    const others = field.oneOf?.filter(({ type }) => type !== 'null')
    const { oneOf, ...rest } = field
    if (others?.length === 1) schema.properties[name] = { ...others[0], ...rest }
  }
  Object.values(schema).forEach(tidy)
}

/** What a list can be asked, as a type of its own: `task_list` gives `TaskListQuery`. */
function addQuery({ operationId, parameters = [] }) {
  const asked = parameters.filter((parameter) => parameter.in === 'query')
  const words = operationId.split('_').map((word) => word[0].toUpperCase() + word.slice(1))
  schemas[`${words.join('')}Query`] = {
    type: 'object',
    required: asked.filter(({ required }) => required).map(({ name }) => name),
    properties: Object.fromEntries(
      asked.map(({ name, schema, description }) => [name, { ...schema, description }]),
    ),
  }
}

/** The schemas that the package's sources name, and those that these name. */
async function used() {
  const folder = new URL('../src/', import.meta.url)
  const names = await readdir(folder, { recursive: true })
  const sources = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  const texts = await Promise.all(sources.map((name) => readFile(new URL(name, folder), 'utf8')))
  const found = new Set(
    texts.flatMap((text) => [...text.matchAll(/Schemas\['(\w+)'\]/g)].map(([, n]) => n)),
  )
  for (const name of found) {
    const text = JSON.stringify(schemas[name] ?? {})
    for (const [, other] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) found.add(other)
  }
  return found
}

for (const item of Object.values(document.paths)) Object.values(item).forEach(addQuery)
for (const [name, schema] of Object.entries(schemas)) {
  if (OPEN.includes(name)) schema.enum.push(ANY_OTHER)
  tidy(schema)
}
document.paths = {}
const kept = await used()
for (const name of Object.keys(schemas)) if (!kept.has(name)) delete schemas[name]

/** What there is of the document beside its schemas. */
const EMPTY =
  /^export type (paths|webhooks|\$defs|operations).*\n|^    \w+: never;\n|^ +\* @enum .*\n/gm
const head = '// Generated from sdk/openapi.json by `npm run generate`: do not edit.\n\n'
const body = astToString(await openapiTS(document))
  .replaceAll(`"${ANY_OTHER}"`, '(string & {})')
  .replace(EMPTY, '')
  .replaceAll('@description ', '')
const types = head + body

if (!process.argv.includes('--check')) {
  await writeFile(target, types)
} else if (types !== (await readFile(target, 'utf8'))) {
  console.error('src/schema.d.ts is stale: run `npm run generate` and commit what it writes.')
  process.exit(1)
}
