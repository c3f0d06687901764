// Reads the frames of a COPY stream without copying them: only the five bytes of each header are read, so that whole
// chunks of a socket can be passed on unchanged.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
import { backend, checkLength, mostRowBytes } from './messages.ts'

/** Receives the parts of the stream. `pass` gets the bytes that COPY ... FROM STDIN accepts unchanged. */
export interface CopySink {
  pass(bytes: Buffer): void
  /** Everything except COPY data: an error, a notice, messages after the end of the copy. */
  divert(bytes: Buffer): void
  /** A batch of complete rows was passed on, and another row follows. */
  cut?(): void
}

/** The limits of a batch: a number of rows or a number of bytes, whichever is reached first. */
export interface BatchSize {
  rows: number
  bytes: number
}

const inOnePiece: BatchSize = { rows: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

export class CopyFrameWalker {
  /** CopyData frames so far: one for each row, and one at the end of a binary copy. */
  frames = 0
  /** Payload of the CopyData frames so far. */
  bytes = 0
  /** CopyDone has been passed on; everything after it is diverted. */
  done = false

  #type = 0
  #remaining = 0
  #diverting = false
  // The end of a chunk may split a header. Its length is then read byte by byte.
  #headerSeen = 0
  #length = 0
  #lastFrame: number
  #lastByte: number

  constructor(
    readonly sink: CopySink,
    readonly batch: BatchSize = inOnePiece,
  ) {
    this.#lastFrame = batch.rows
    this.#lastByte = batch.bytes
  }

  feed(chunk: Buffer) {
    const end = chunk.length
    let position = 0
    /** Start of the bytes in this chunk that go to the same method. */
    let start = 0
    while (position < end) {
      if (this.done) break
      if (this.#remaining > 0) {
        const step = Math.min(this.#remaining, end - position)
        this.#remaining -= step
        position += step
        if (this.#remaining === 0 && this.#diverting) {
          this.sink.divert(chunk.subarray(start, position))
          this.#diverting = false
          start = position
        }
        continue
      }
      if (this.#headerSeen === 0) {
        const type = chunk[position] as number
        if (type !== backend.copyData) {
          if (type === backend.copyDone) {
            this.#type = type
          } else {
            if (position > start) this.sink.pass(chunk.subarray(start, position))
            start = position
            this.#diverting = true
            this.#type = type
          }
        } else {
          this.#type = type
          if (this.frames >= this.#lastFrame || this.bytes >= this.#lastByte) {
            if (position > start) this.sink.pass(chunk.subarray(start, position))
            start = position
            this.#lastFrame = this.frames + this.batch.rows
            this.#lastByte = this.bytes + this.batch.bytes
            this.sink.cut?.()
          }
          if (end - position >= 5) {
            // The fast path, taken for most rows: the whole header is in this chunk.
            const length =
              ((chunk[position + 1] as number) << 24) |
              ((chunk[position + 2] as number) << 16) |
              ((chunk[position + 3] as number) << 8) |
              (chunk[position + 4] as number)
            if (length < 4 || length > mostRowBytes) checkLength(type, length >>> 0)
            this.frames++
            this.bytes += length - 4
            this.#remaining = length - 4
            position += 5
            continue
          }
        }
        this.#length = 0
        this.#headerSeen = 1
        position++
        continue
      }
      this.#length = (this.#length << 8) | (chunk[position] as number)
      position++
      if (++this.#headerSeen < 5) continue
      this.#headerSeen = 0
      checkLength(this.#type, this.#length >>> 0)
      this.#remaining = this.#length - 4
      if (this.#type === backend.copyData) {
        this.frames++
        this.bytes += this.#remaining
      } else if (this.#type === backend.copyDone) {
        this.done = true
      } else if (this.#remaining === 0) {
        this.sink.divert(chunk.subarray(start, position))
        this.#diverting = false
        start = position
      }
    }
    if (this.done) {
      if (position > start) this.sink.pass(chunk.subarray(start, position))
      if (position < end) this.sink.divert(chunk.subarray(position))
    } else if (end > start) {
      if (this.#diverting) this.sink.divert(chunk.subarray(start))
      else this.sink.pass(chunk.subarray(start))
    }
  }
}
