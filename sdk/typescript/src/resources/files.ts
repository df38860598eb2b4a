import { type FileData, fileData, isBytes } from '../core/bytes.js'
import type { Call } from '../core/call.js'
import * as check from '../core/check.js'
import { show } from '../core/duration.js'
import { type List, whole } from '../core/list.js'
import type { Transport } from '../core/transport.js'
import { ArgumentError } from '../errors.js'
import type { RequestOptions } from '../options.js'
import type { FileEntry, Schemas } from '../types.js'

/** `agent.files`: the agent's `/workspace`. Files live as long as it, and are in snapshots. */
export class AgentFiles {
  readonly #transport: Transport
  readonly #path: string

  /** @internal */
  constructor(transport: Transport, agent: string) {
    this.#transport = transport
    this.#path = `${agent}/files`
  }

  /**
   * Writes a file; folders on its way are made.
   *
   * @example
   * await agent.files.write('/workspace/input.json', JSON.stringify({ query: 'hello' }))
   */
  write(
    path: string,
    data: string | ArrayBuffer | ArrayBufferView,
    options: RequestOptions = {},
  ): Call<void> {
    const query = at(path, 'files.write')
    const body = typeof data === 'string' ? new TextEncoder().encode(data) : data
    if (!isBytes(body)) {
      throw new ArgumentError(
        `files.write takes a text or bytes, and was given ${show(data)}. Make a text of an ` +
          'object with JSON.stringify(…), bytes of a Blob with `await blob.arrayBuffer()`, of a ' +
          'stream with `await new Response(stream).arrayBuffer()`.',
      )
    }
    const request = { method: 'PUT', path: this.#path, query, body } as const
    return this.#transport.call<Schemas['WrittenFile']>(request, options).map(() => undefined)
  }

  /**
   * Reads a file, as a `Buffer`; where there is none, as a `Uint8Array` that does the same.
   *
   * @example
   * const bytes = await agent.files.read('/workspace/output.md')
   * console.log(bytes.toString('utf8'))
   */
  read(path: string, options: RequestOptions = {}): Call<FileData> {
    const query = at(path, 'files.read')
    const request = { method: 'GET', path: this.#path, query, as: 'bytes' } as const
    return this.#transport.call<Uint8Array>(request, options).map(fileData)
  }

  /**
   * What is in a folder. Default: `/workspace`.
   *
   * @example
   * const entries = await agent.files.list('/workspace')
   * // [{ name: 'input.json', size: 24, isDirectory: false }, …]
   */
  list(path = '/workspace', options: RequestOptions = {}): List<FileEntry> {
    const request = { path: `${this.#path}/list`, query: at(path, 'files.list') }
    return whole(this.#transport, request, options, (entry: FileEntry) => entry)
  }

  /**
   * Deletes a file, or a folder with all that is in it.
   *
   * @example
   * await agent.files.delete('/workspace/input.json')
   */
  delete(path: string, options: RequestOptions = {}): Call<void> {
    const query = at(path, 'files.delete')
    const request = { method: 'DELETE', path: this.#path, query } as const
    return this.#transport.call<unknown>(request, options).map(() => undefined)
  }
}

const at = (path: string, call: string) => ({ path: check.text(path, call, 'a path') })
