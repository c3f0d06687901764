// Updates of whole rows wait until the end of a batch: only the last update of a row has to be done, and inserts into
// other tables in between can use one COPY. The states between two commits are visible to no other session.
import type { Pipeline } from '../../postgres/pipeline.ts'
import { PipelineWriter } from '../../postgres/pipeline-writer.ts'
import { type Tuple, writeValue } from '../stream/tuple.ts'
import type { DestinationTable } from '../tables/destination-tables.ts'
import type { TargetTable } from './target.ts'

/** Enough to find many updates of the same row, and few enough to keep the server busy. */
const mostRows = 2_000
const mostBytes = 256 * 1024
/** Larger rows do not wait. */
const largestRow = 8 * 1024

type Key = string | number

/** Where the parameters of a row are stored. */
interface Held {
  start: number
  end: number
}

/** The waiting rows of one table. It has none when the table's columns are described again. */
interface Group {
  target: TargetTable
  rows: Map<Key, Held>
}

/** Rows per statement. For the server one statement with many rows costs half as much as many with one row. */
const batchSizes = [64, 8, 1] as const
const mostParameters = 65_535

export class HeldUpdates {
  /** How many rows wait. */
  rows = 0
  /** Updates since the last reset to 0. */
  updates = 0
  readonly #groups = new Map<DestinationTable, Group>()
  readonly #parameters = new PipelineWriter(() => {})

  constructor(
    readonly pipeline: Pipeline,
    readonly binary: boolean,
  ) {}

  get isFull(): boolean {
    return this.rows >= mostRows || this.#parameters.length >= mostBytes
  }

  mayHold({ length, hasUnchanged }: Tuple): boolean {
    return length <= largestRow && !hasUnchanged
  }

  /** Whether no update of this row was waiting yet. */
  add(target: TargetTable, row: Tuple): boolean {
    let group = this.#groups.get(target.table)
    if (!group) {
      group = { target, rows: new Map() }
      this.#groups.set(target.table, group)
    }
    group.target = target
    const key = keyOf(target, row)
    const held = group.rows.get(key)
    const start = this.#parameters.length
    for (const column of target.rowParameters) writeValue(this.#parameters, row, column, this.binary)
    const end = this.#parameters.length
    this.updates++
    if (held) {
      held.start = start
      held.end = end
      return false
    }
    group.rows.set(key, { start, end })
    this.rows++
    return true
  }

  has(table: DestinationTable): boolean {
    return (this.#groups.get(table)?.rows.size ?? 0) > 0
  }

  /** Writes the updates of one table. */
  release(table: DestinationTable) {
    const group = this.#groups.get(table)
    if (!group) return
    const { out } = this.pipeline
    const rows = [...group.rows.values()]
    const most = mostParameters / group.target.rowParameters.length
    for (let at = 0; at < rows.length; ) {
      const left = Math.min(rows.length - at, most)
      const size = batchSizes.find((one) => one <= left) ?? 1
      out.bind(group.target.updateRows(size).head)
      for (const { start, end } of rows.slice(at, at + size)) out.append(this.#parameters, start, end)
      out.execute()
      this.pipeline.expect(size)
      at += size
    }
    this.rows -= rows.length
    group.rows.clear()
    if (this.rows === 0) this.#parameters.clear()
  }

  releaseAll() {
    for (const table of this.#groups.keys()) this.release(table)
  }
}

/** The same bytes mean the same row. An update that changes the bytes of its key is sent with its old row. */
function keyOf({ keyColumns }: TargetTable, { bytes, starts, ends }: Tuple): Key {
  const [first = 0] = keyColumns
  const start = starts[first] as number
  const end = ends[first] as number
  if (keyColumns.length === 1 && end - start <= 6) {
    // Faster than text. The length is part of it, so that different keys stay different.
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
