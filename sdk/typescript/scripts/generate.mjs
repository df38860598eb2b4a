// Writes src/schema.d.ts from ../openapi.json; with --check it fails when that is stale.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';

const target = new URL('../src/schema.d.ts', import.meta.url);
const document = JSON.parse(await readFile(new URL('../../openapi.json', import.meta.url)));

/** What the server says of these may grow: a new word must not break who has an older package. */
const OPEN = [
  'DeliveryStatus', 'ExportStatus', 'Level', 'ModelPurpose', 'ProviderStatus', 'RecordStatus',
  'SessionStatus', 'State', 'StepType', 'TaskStatus',
];

/** Every error is the one envelope, and headers are the client's business. */
function keepWhatIsUsed(operation) {
  for (const status of Object.keys(operation.responses)) {
    if (!status.startsWith('2')) delete operation.responses[status];
  }
  operation.parameters = operation.parameters?.filter(({ in: place }) => place !== 'header');
  delete operation.description;
}

/** An optional field that is not there is absent: it is never `null`. */
function dropNulls(schema) {
  if (Array.isArray(schema)) return schema.forEach(dropNulls);
  if (schema === null || typeof schema !== 'object') return;
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(name)) continue;
    if (Array.isArray(field.type)) field.type = field.type.filter((type) => type !== 'null');
    if (field.type?.length === 1) field.type = field.type[0];
    const others = field.oneOf?.filter(({ type }) => type !== 'null');
    if (others?.length === 1) schema.properties[name] = { ...others[0], ...withoutOneOf(field) };
  }
  Object.values(schema).forEach(dropNulls);
}

function withoutOneOf({ oneOf, ...rest }) {
  return rest;
}

for (const item of Object.values(document.paths)) {
  for (const operation of Object.values(item)) keepWhatIsUsed(operation);
}
const { schemas } = document.components;
for (const [name, schema] of Object.entries(schemas)) {
  dropNulls(schema);
  const [, row] = name.split('_');
  if (schemas[row]) schema.properties.data.items = { $ref: `#/components/schemas/${row}` };
  if (OPEN.includes(name)) schemas[name] = { description: schema.description, anyOf: [schema, { 'x-open': true }] };
}

const { factory } = ts;
const openString = factory.createIntersectionTypeNode([
  factory.createKeywordTypeNode(ts.SyntaxKind.StringKeyword),
  factory.createTypeLiteralNode([]),
]);
const tree = await openapiTS(document, {
  transform: (schema) => (schema['x-open'] ? openString : undefined),
});
const head = '// Generated from sdk/openapi.json by `npm run generate`: do not edit.\n\n';
const types = head + astToString(tree);

if (!process.argv.includes('--check')) {
  await writeFile(target, types);
} else if (types !== (await readFile(target, 'utf8'))) {
  console.error('src/schema.d.ts is stale: run `npm run generate` and commit what it writes.');
  process.exit(1);
}
