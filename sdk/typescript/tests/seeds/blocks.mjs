// The code blocks of the SDK's contract: docs/contract/*.md, as they were before there was an SDK.

import { readFileSync } from 'node:fs'

const CONTRACT = new URL('../../../../docs/contract/', import.meta.url)
const PAGES = ['introduction', 'agents', 'tasks']

/**
 * @typedef {object} Block
 * @property {string} name the title of the block, or its page and its number on it
 * @property {string} id the same, as a file may be called
 * @property {string} code
 * @property {string[]} names what it declares
 * @property {(name: string) => boolean} needs whether it uses this without declaring it
 */

/** @returns {Block[]} */
export function blocks() {
  return PAGES.flatMap((page) => {
    const text = readFileSync(new URL(`${page}.md`, CONTRACT), 'utf8')
    const found = [...text.matchAll(/^```ts(?: title="(.*)")?\n([\s\S]*?)^```$/gm)]
    return found.map(([, title, code], at) => block(title ?? `${page}-${at + 1}`, code))
  })
}

/** @returns {Block} */
function block(name, code) {
  const names = [...code.matchAll(/^const (\w+)/gm)].map(([, declared]) => declared)
  return {
    name,
    id: name.replace(/\.ts$/, ''),
    code,
    names,
    needs: (known) => !names.includes(known) && new RegExp(`\\b${known}\\.`).test(code),
  }
}
