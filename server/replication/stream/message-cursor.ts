// Reads the fields of one message in order.
import { say } from '../../../shared/say.ts'
import { ProtocolViolation } from '../../postgres/errors.ts'

export class MessageCursor {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0

  over(bytes: Buffer, start: number, end: number): this {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    return this
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#step(1))
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#step(2))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#step(4))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#step(4))
  }

  lsn(): bigint {
    return this.#bytes.readBigUInt64BE(this.#step(8))
  }

  /** Microseconds since 2000-01-01. */
  time(): number {
    return this.int32() * 4294967296 + this.uint32()
  }

  string(): string {
    const zero = this.#bytes.indexOf(0, this.#at)
    if (zero < 0 || zero >= this.#end)
      throw new ProtocolViolation(say`a string in a message is not terminated`)
    const text = this.#bytes.toString('utf8', this.#at, zero)
    this.#at = zero + 1
    return text
  }

  bytes(length: number): Uint8Array {
    const start = this.#step(length)
    return this.#bytes.subarray(start, start + length)
  }

  #step(length: number): number {
    const start = this.#at
    if (start + length > this.#end)
      throw new ProtocolViolation(say`a message is shorter than its content requires`)
    this.#at = start + length
    return start
  }
}
