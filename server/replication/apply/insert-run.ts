// Consecutive inserts into one table use COPY, even across transactions: for the server it costs a fraction of single
// statements.
import { expected, type Pipeline } from '../../postgres/pipeline.ts'
import { type Tuple, writeText, writeValue } from '../stream/tuple.ts'
import type { TargetTable } from './target.ts'

/** A COPY costs as much as a few inserts. It pays from this row of a run on. */
const worthwhile = 6

/** https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 */
const binaryHeader = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const tab = 9
const lineFeed = 10

export class InsertRun {
  /** Rows that were written by COPY since the last reset to 0. */
  rowsInBatch = 0
  #target: TargetTable | undefined
  #length = 0
  #copied = 0
  /** A CopyData message is being written. */
  #writing = false

  constructor(
    readonly pipeline: Pipeline,
    readonly enabled: boolean,
  ) {}

  /** False: the row has to be inserted by a separate statement. */
  take(target: TargetTable, row: Tuple): boolean {
    if (!this.enabled) return false
    if (target !== this.#target) {
      this.end()
      this.#target = target
    }
    this.#length++
    if (!this.pipeline.copying) {
      if (!target.mayCopy || (this.#length < worthwhile && target.lastRun < worthwhile)) return false
      this.#begin(target)
    }
    this.#write(target, row)
    return true
  }

  /** To be called before every other statement. */
  end() {
    const target = this.#target
    if (!target) return
    target.lastRun = this.#length
    this.#target = undefined
    this.#length = 0
    if (!this.pipeline.copying) return
    const { out } = this.pipeline
    if (target.binary) {
      this.#openMessage()
      out.int16(-1)
    }
    this.#closeMessage()
    out.copyDone()
    this.pipeline.copying = false
    this.pipeline.expectOfLast(this.#copied)
  }

  /** Sends what is written, also in the middle of a COPY. */
  send() {
    this.#closeMessage()
    if (this.pipeline.copying) this.pipeline.out.send()
    else this.pipeline.flush()
  }

  #begin(target: TargetTable) {
    const { out } = this.pipeline
    out.bind(target.copy().head)
    out.execute()
    this.pipeline.expect(expected.anything)
    this.pipeline.copying = true
    this.#copied = 0
    this.#openMessage()
    if (target.binary) out.raw(binaryHeader)
  }

  #write(target: TargetTable, row: Tuple) {
    const { out } = this.pipeline
    const { columns } = target
    this.#openMessage()
    if (target.binary) {
      out.int16(columns.length)
      for (const { index } of columns) writeValue(out, row, index, true)
    } else {
      for (const [place, { index }] of columns.entries()) {
        if (place > 0) out.byte(tab)
        writeText(out, row, index)
      }
      out.byte(lineFeed)
    }
    this.#copied++
    this.rowsInBatch++
  }

  #openMessage() {
    if (this.#writing) return
    this.#writing = true
    this.pipeline.out.copyData()
  }

  #closeMessage() {
    if (!this.#writing) return
    this.#writing = false
    this.pipeline.out.endCopyData()
  }
}
