/** One event of a stream, as it came over the wire. */
export interface Frame {
  /** Absent of an event that is no part of the history. */
  id: string | undefined
  event: string
  data: string
}

/**
 * Cuts bytes into Server-Sent Events. Only what its blank line has ended is an event: what is left
 * when a connection breaks is nothing.
 */
export class FrameReader {
  readonly #decoder = new TextDecoder()
  #rest = ''
  #id: string | undefined
  #event = ''
  #data: string[] = []
  /** Milliseconds that the server asks to wait before coming back. */
  retry: number | undefined

  /** The events that `bytes` complete. */
  read(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = []
    this.#rest += this.#decoder.decode(bytes, { stream: true })
    // A `\r` at the end may be the first half of a `\r\n`.
    const whole = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest
    const lines = whole.split(/\r\n|\r|\n/)
    this.#rest = lines.pop() + this.#rest.slice(whole.length)
    for (const line of lines) {
      if (line !== '') this.#field(line)
      else if (this.#data.length > 0) frames.push(this.#take())
      else this.#clear()
    }
    return frames
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') this.#data.push(value)
    else if (name === 'event') this.#event = value
    else if (name === 'id') this.#id = value
    else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value)
  }

  #take(): Frame {
    const frame = { id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') }
    this.#clear()
    return frame
  }

  #clear(): void {
    this.#id = undefined
    this.#event = ''
    this.#data = []
  }
}
