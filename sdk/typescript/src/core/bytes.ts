/** `Buffer` where Node's types are there; the same by its most used methods where they are not. */
export type FileData = typeof globalThis extends {
  Buffer: { alloc(size: number): infer B }
}
  ? B
  : Bytes

/** Text encodings that are understood everywhere. */
export type Encoding = 'utf8' | 'utf-8' | 'hex' | 'base64' | 'latin1' | 'ascii'

/** Bytes that say themselves as text, as Node's `Buffer` does. */
export class Bytes extends Uint8Array {
  /** Views of these bytes are plain ones. */
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array
  }

  /** @example (await agent.files.read('/workspace/output.md')).toString('utf8') */
  override toString(encoding: Encoding = 'utf8'): string {
    if (encoding === 'utf8' || encoding === 'utf-8') return new TextDecoder().decode(this)
    if (encoding === 'hex') return Array.from(this, (b) => b.toString(16).padStart(2, '0')).join('')
    // In pieces: a call takes only so many arguments.
    let latin = ''
    for (let at = 0; at < this.length; at += 8_192) {
      latin += String.fromCharCode(...this.subarray(at, at + 8_192))
    }
    return encoding === 'base64' ? btoa(latin) : latin
  }
}

/** @internal Whether it is bytes, also of another realm, as those of a test runner may be. */
export function isBytes(value: unknown): value is ArrayBuffer | ArrayBufferView {
  const kind = Object.prototype.toString.call(value)
  return ArrayBuffer.isView(value) || kind === '[object ArrayBuffer]'
}

/** @internal `bytes` as a `Buffer`, or as what is most like it. */
export function fileData(bytes: Uint8Array): FileData {
  const { Buffer } = globalThis as any
  const { buffer, byteOffset: from, byteLength: length } = bytes
  return Buffer?.from?.(buffer, from, length) ?? new Bytes(buffer as ArrayBuffer, from, length)
}
