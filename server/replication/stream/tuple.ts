// The columns of one row as pgoutput sent them: the place of each value in the received bytes, without copies.
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html#PROTOCOL-LOGICALREP-MESSAGE-FORMATS-TUPLEDATA

import { say } from '../../../shared/say.ts'
import { ProtocolViolation } from '../../postgres/errors.ts'
import type { PipelineWriter } from '../../postgres/pipeline-writer.ts'

export const columnKind = {
  null: 0x6e,
  /** Stored out of line and unchanged, so not sent. */
  unchanged: 0x75,
  text: 0x74,
  binary: 0x62,
} as const

/** https://www.postgresql.org/docs/current/limits.html, with room for dropped columns. */
const maxColumns = 1664

/** A tuple is reused: its content is valid until the next message is read. */
export class Tuple {
  bytes: Uint8Array = new Uint8Array(0)
  count = 0
  hasUnchanged = false
  /** As it was sent. */
  length = 0
  readonly kinds = new Uint8Array(maxColumns)
  readonly starts = new Int32Array(maxColumns)
  readonly ends = new Int32Array(maxColumns)

  /** Returns the start of the next field. */
  read(bytes: Uint8Array, position: number): number {
    let at = position
    const count = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
    at += 2
    this.bytes = bytes
    this.count = count
    this.hasUnchanged = false
    for (let column = 0; column < count; column++) {
      const kind = bytes[at++] as number
      this.kinds[column] = kind
      if (kind === columnKind.text || kind === columnKind.binary) {
        const length =
          ((bytes[at] as number) << 24) |
          ((bytes[at + 1] as number) << 16) |
          ((bytes[at + 2] as number) << 8) |
          (bytes[at + 3] as number)
        at += 4
        this.starts[column] = at
        at += length
        this.ends[column] = at
      } else if (kind === columnKind.unchanged) this.hasUnchanged = true
      else if (kind !== columnKind.null)
        throw new ProtocolViolation(say`a column is of an unknown kind (${kind})`)
    }
    this.length = at - position
    return at
  }

  /** Copies the content of another tuple, so that it stays valid. */
  copy(other: Tuple) {
    const { count } = other
    this.count = count
    this.hasUnchanged = other.hasUnchanged
    this.length = other.length
    this.kinds.set(other.kinds.subarray(0, count))
    const sent = Array.from({ length: count }, (_, column) => column).filter(
      (column) => other.kinds[column] === columnKind.text || other.kinds[column] === columnKind.binary,
    )
    // The length before each value is copied with it.
    const first = sent.length > 0 ? (other.starts[sent[0] as number] as number) - 4 : 0
    const last = sent.length > 0 ? (other.ends[sent.at(-1) as number] as number) : 0
    this.bytes = other.bytes.slice(first, last)
    for (const column of sent) {
      this.starts[column] = (other.starts[column] as number) - first
      this.ends[column] = (other.ends[column] as number) - first
    }
  }

  /** For messages, as the key of a conflict. */
  show(column: number): string | null {
    const kind = this.kinds[column]
    if (kind === columnKind.null) return null
    if (kind === columnKind.unchanged) return '(unchanged)'
    const value = Buffer.from(this.bytes.subarray(this.starts[column], this.ends[column]))
    return kind === columnKind.text ? value.toString('utf8') : `\\x${value.toString('hex')}`
  }
}

export function hasSameValue(one: Tuple, other: Tuple, column: number): boolean {
  if (one.kinds[column] !== other.kinds[column]) return false
  const value = ({ bytes, starts, ends }: Tuple) => Buffer.from(bytes.subarray(starts[column], ends[column]))
  return one.kinds[column] === columnKind.null || value(one).equals(value(other))
}

/**
 * As a parameter, or as a field of a binary COPY: both have the length and the bytes, in the form in which they were
 * sent.
 */
export function writeValue(out: PipelineWriter, tuple: Tuple, column: number, binary: boolean) {
  const kind = tuple.kinds[column]
  if (kind === columnKind.null) return out.null()
  if (kind !== (binary ? columnKind.binary : columnKind.text)) throw unexpectedForm(kind)
  out.slice(tuple.bytes, (tuple.starts[column] as number) - 4, tuple.ends[column] as number)
}

/** As a field of COPY's text format. */
export function writeText(out: PipelineWriter, tuple: Tuple, column: number) {
  const kind = tuple.kinds[column]
  if (kind === columnKind.null) return out.copyNull()
  if (kind !== columnKind.text) throw unexpectedForm(kind)
  out.copyText(tuple.bytes, tuple.starts[column] as number, tuple.ends[column] as number)
}

function unexpectedForm(kind: number | undefined): Error {
  return new ProtocolViolation(say`a value has a format that was not requested (${kind})`)
}
