// Writes messages of the extended protocol into a growing buffer, which is sent in large pieces.
// https://www.postgresql.org/docs/current/protocol-message-formats.html

const pieceBytes = 64 * 1024
/** For fewer bytes a loop is faster than a call of `set`. */
const shortRun = 40

const code = (letter: string) => letter.charCodeAt(0)
const flushBytes = Buffer.from([code('H'), 0, 0, 0, 4])
const syncBytes = Buffer.from([code('S'), 0, 0, 0, 4])
const copyDoneBytes = Buffer.from([code('c'), 0, 0, 0, 4])
/** No format codes for results; Execute of the unnamed portal without a limit. */
const bindEnd = Buffer.from([0, 0, code('E'), 0, 0, 0, 9, 0, 0, 0, 0, 0])

export class PipelineWriter {
  #bytes = Buffer.allocUnsafe(2 * pieceBytes)
  #end = 0
  /** The place of the length of the open Bind or CopyData. */
  #open = 0
  /** A CopyData message is open, and more rows may be added. */
  #copyingData = false
  readonly #send: (bytes: Buffer) => void

  constructor(send: (bytes: Buffer) => void) {
    this.#send = send
  }

  get hasBytes(): boolean {
    return this.#end > 0
  }

  /** Whether there is enough data to send after the present message. */
  get isPiece(): boolean {
    return this.#end >= pieceBytes
  }

  /** The number of bytes that are written and not sent. */
  get length(): number {
    return this.#end
  }

  /** Appends complete messages of another writer. */
  append(other: PipelineWriter, from: number, to: number) {
    this.slice(other.#bytes, from, to)
  }

  clear() {
    this.#end = 0
  }

  send() {
    if (this.#end === 0) return
    // It would be sent without its length, and the server would read later messages as part of it.
    if (this.#copyingData) throw new Error('a message is not whole')
    const bytes = this.#bytes.subarray(0, this.#end)
    // The socket may still hold the buffer, so a new one is needed.
    this.#bytes = Buffer.allocUnsafe(Math.max(2 * pieceBytes, Math.min(this.#bytes.length, 4 * pieceBytes)))
    this.#end = 0
    this.#send(bytes)
  }

  flushMessage() {
    this.raw(flushBytes)
  }

  sync() {
    this.raw(syncBytes)
  }

  /** The server derives the types of the parameters from the columns. */
  parse(name: string, sql: string) {
    const body = Buffer.from(`${name}\0${sql}\0\0\0`, 'utf8')
    this.#start(code('P'))
    this.raw(body)
    this.#finish()
  }

  /** The part of Bind before its parameters, built once per statement. */
  static bindHead(name: string, binary: boolean, parameters: number): Buffer {
    const formats = binary ? [0, 1, 0, 1] : [0, 0]
    return Buffer.concat([
      Buffer.from(`\0${name}\0`, 'latin1'),
      Buffer.from([...formats, parameters >> 8, parameters & 255]),
    ])
  }

  bind(head: Buffer) {
    this.#start(code('B'))
    this.raw(head)
  }

  execute() {
    this.#room(bindEnd.length)
    const bytes = this.#bytes
    let end = this.#end
    // The format codes of the results are the last part of Bind.
    bytes[end++] = 0
    bytes[end++] = 0
    this.#end = end
    this.#finish()
    for (let index = 2; index < bindEnd.length; index++) bytes[end++] = bindEnd[index] as number
    this.#end = end
  }

  null() {
    this.int32(-1)
  }

  text(value: string) {
    const bytes = Buffer.from(value, 'utf8')
    this.int32(bytes.length)
    this.raw(bytes)
  }

  copyData() {
    this.#copyingData = true
    this.#start(code('d'))
  }

  endCopyData() {
    this.#copyingData = false
    this.#finish()
  }

  copyDone() {
    this.raw(copyDoneBytes)
  }

  int16(value: number) {
    this.#room(2)
    this.#bytes[this.#end++] = value >> 8
    this.#bytes[this.#end++] = value
  }

  int32(value: number) {
    this.#room(4)
    const bytes = this.#bytes
    const end = this.#end
    bytes[end] = value >> 24
    bytes[end + 1] = value >> 16
    bytes[end + 2] = value >> 8
    bytes[end + 3] = value
    this.#end = end + 4
  }

  raw(source: Uint8Array) {
    this.slice(source, 0, source.length)
  }

  slice(source: Uint8Array, from: number, to: number) {
    const length = to - from
    this.#room(length)
    const bytes = this.#bytes
    let end = this.#end
    if (length <= shortRun) {
      for (let index = from; index < to; index++) bytes[end++] = source[index] as number
    } else bytes.set(source.subarray(from, to), end)
    this.#end += length
  }

  /**
   * A value in COPY's text format.
   * https://www.postgresql.org/docs/current/sql-copy.html
   */
  copyText(source: Uint8Array, from: number, to: number) {
    this.#room(2 * (to - from))
    const bytes = this.#bytes
    let end = this.#end
    for (let index = from; index < to; index++) {
      const byte = source[index] as number
      // Backslash, tab, line feed, carriage return: the only special characters.
      if (byte === 92) bytes[end++] = 92
      else if (byte < 14 && byte > 8) {
        const letter = byte === 9 ? 116 : byte === 10 ? 110 : byte === 13 ? 114 : 0
        if (letter > 0) {
          bytes[end++] = 92
          bytes[end++] = letter
          continue
        }
      }
      bytes[end++] = byte
    }
    this.#end = end
  }

  /** `\\N` */
  copyNull() {
    this.byte(92)
    this.byte(78)
  }

  byte(value: number) {
    this.#room(1)
    this.#bytes[this.#end++] = value
  }

  #start(type: number) {
    this.#room(5)
    this.#bytes[this.#end] = type
    this.#open = this.#end + 1
    this.#end += 5
  }

  #finish() {
    this.#bytes.writeInt32BE(this.#end - this.#open, this.#open)
  }

  #room(length: number) {
    const needed = this.#end + length
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = larger
  }
}
