// Cuts a stream of bytes, in whatever chunks it arrives, at the end of messages: what is handed out holds
// whole ones only, one behind the other, and is copied only where a chunk ends within a message.
import { messageSize } from './messages.ts'

export class WholeMessages {
  #pending: Buffer[] = []
  #length = 0
  /** Bytes that must be there before it is worth looking again. */
  #wanted = 5

  /** `sizeOf` sees the first five bytes of each message as soon as they are there. */
  constructor(readonly sizeOf: (bytes: Buffer, at: number) => number = messageSize) {}

  feed(chunk: Buffer): Buffer {
    this.#pending.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#wanted) return nothing
    const bytes = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending, this.#length)
    let end = 0
    this.#wanted = 5
    while (end + 5 <= bytes.length) {
      const size = this.sizeOf(bytes, end)
      if (end + size > bytes.length) {
        this.#wanted = size
        break
      }
      end += size
    }
    this.#pending = end < bytes.length ? [bytes.subarray(end)] : []
    this.#length = bytes.length - end
    return end === bytes.length ? bytes : bytes.subarray(0, end)
  }
}

const nothing = Buffer.alloc(0)
