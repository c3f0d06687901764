// Updates of whole rows wait for a moment: of many to the same row only the last has to be done, and rows that
// are inserted into other tables in between can go in by one COPY. Nobody sees what lies between two commits.
import { expected, type Pipeline } from '../postgres/pipeline.ts'
import { PipelineWriter } from '../postgres/pipeline-writer.ts'
import type { DestinationTable } from './destination-tables.ts'
import type { TargetTable } from './target.ts'
import { type Tuple, writeValue } from './tuple.ts'

/** Enough to find many of the same row, and few enough that the server does not wait for us. */
const mostRows = 300
const mostBytes = 256 * 1024
/** Larger rows take the straight way. */
const largestRow = 8 * 1024

type Key = string | number

/** Where the message for the server lies. */
interface Held {
  start: number
  end: number
}

export class HeldUpdates {
  /** Rows that wait. */
  rows = 0
  /** Updates since somebody began to count. */
  updates = 0
  readonly #tables = new Map<DestinationTable, Map<Key, Held>>()
  readonly #messages = new PipelineWriter(() => {})

  constructor(
    readonly pipeline: Pipeline,
    readonly binary: boolean,
  ) {}

  get isFull(): boolean {
    return this.rows >= mostRows || this.#messages.length >= mostBytes
  }

  mayHold({ length, hasUnchanged }: Tuple): boolean {
    return length <= largestRow && !hasUnchanged
  }

  add(target: TargetTable, row: Tuple) {
    let table = this.#tables.get(target.table)
    if (!table) {
      table = new Map()
      this.#tables.set(target.table, table)
    }
    const key = keyOf(target, row)
    const held = table.get(key)
    const start = this.#messages.length
    this.#write(target, row)
    const end = this.#messages.length
    this.updates++
    if (held) {
      held.start = start
      held.end = end
    } else {
      table.set(key, { start, end })
      this.rows++
    }
  }

  has(table: DestinationTable): boolean {
    return (this.#tables.get(table)?.size ?? 0) > 0
  }

  /** Those of one table. */
  release(table: DestinationTable) {
    const held = this.#tables.get(table)
    if (!held) return
    for (const { start, end } of held.values()) {
      this.pipeline.out.append(this.#messages, start, end)
      this.pipeline.expect(expected.oneRow)
    }
    this.rows -= held.size
    held.clear()
    if (this.rows === 0) this.#messages.clear()
  }

  releaseAll() {
    for (const table of this.#tables.keys()) this.release(table)
  }

  #write(target: TargetTable, row: Tuple) {
    const { head, parameters } = target.update(undefined, row, row)
    const out = this.#messages
    out.bind(head)
    for (const parameter of parameters) {
      writeValue(out, row, parameter < 0 ? ~parameter : parameter, this.binary)
    }
    out.execute()
  }
}

/** The same bytes mean the same row: an update that writes its key anew in other bytes comes with the old one. */
function keyOf({ keyColumns }: TargetTable, { bytes, starts, ends }: Tuple): Key {
  const [first = 0] = keyColumns
  const start = starts[first] as number
  const end = ends[first] as number
  if (keyColumns.length === 1 && end - start <= 6) {
    // Quicker than text, and with its length no two are the same.
    let number = end - start
    for (let at = start; at < end; at++) number = number * 256 + (bytes[at] as number)
    return number
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return keyColumns
    .map((index) => buffer.toString('latin1', starts[index], ends[index]))
    .map((value) => `${value.length} ${value}`)
    .join('')
}
