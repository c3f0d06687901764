// Splits a stream of chunks at the ends of messages: each result contains complete messages only. Bytes are copied
// only when a chunk ends within a message.
import { messageSize } from './messages.ts'

export class WholeMessages {
  #pending: Buffer[] = []
  #length = 0
  /** How many bytes are needed before the next check. */
  #wanted = 5

  /** `sizeOf` gets the first five bytes of each message as soon as they were received. */
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
