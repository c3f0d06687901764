// The destination's side of a relay: one COPY ... FROM STDIN, or one for each batch with statements after it. Batches
// are sent without waiting for answers: COPY may be followed by further statements in the same query message, and the
// next query may be sent directly after CopyDone.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
import type { BatchSize } from './copy-frames.ts'
import {
  type BackendMessage,
  backend,
  copyDataMessage,
  copyDoneMessage,
  parseDataRow,
  queryMessage,
  rowsOfCommandTag,
  unexpectedMessage,
} from './messages.ts'

export interface CopyBatches extends BatchSize {
  /** `COPY ... FROM STDIN` and the statements for the rows of each batch, as one text. */
  statements: string | Buffer
  /** Called for each row that these statements return. */
  onRow(values: (Buffer | null)[]): void
  /** Called after each batch, with the rows of COPY and those of the last INSERT. */
  onBatch(copied: number, inserted: number | undefined): void
}

/** https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 */
const binaryHeader = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const binaryTrailer = Buffer.from([0xff, 0xff])

export class CopyIntake {
  /** The number of rows in the server's command tags. */
  rows: number | undefined
  readonly #query: Buffer
  readonly #between: Buffer
  #unanswered = 0
  #copied = 0
  #inserted: number | undefined
  #failed = false

  constructor(
    copyIn: string | Buffer,
    binary: boolean,
    readonly batches?: CopyBatches | undefined,
  ) {
    this.#query = queryMessage(batches?.statements ?? copyIn)
    this.#between = Buffer.concat([
      ...(binary ? [copyDataMessage(binaryTrailer)] : []),
      copyDoneMessage,
      this.#query,
      ...(binary ? [copyDataMessage(binaryHeader)] : []),
    ])
  }

  /** Everything that was sent has been answered. */
  get isReady(): boolean {
    return this.#unanswered === 0
  }

  /** Only the last query has not been answered. */
  get isLast(): boolean {
    return this.#unanswered <= 1
  }

  first(): Buffer {
    this.#unanswered++
    return this.#query
  }

  /** Ends one batch and begins the next. The last one ends with the source's COPY. */
  next(): Buffer {
    this.#unanswered++
    return this.#between
  }

  hear({ type, body }: BackendMessage) {
    if (type === backend.errorResponse) this.#failed = true
    else if (type === backend.dataRow) this.batches?.onRow(parseDataRow(body))
    else if (type === backend.commandComplete) {
      const tag = body.toString('latin1')
      if (tag.startsWith('COPY ')) {
        this.#copied = rowsOfCommandTag(body)
        this.rows = (this.rows ?? 0) + this.#copied
      } else if (tag.startsWith('INSERT ')) this.#inserted = rowsOfCommandTag(body)
    } else if (type === backend.readyForQuery) {
      if (this.#unanswered === 0) throw unexpectedMessage(type, 'although nothing was requested')
      this.#unanswered--
      if (!this.#failed) this.batches?.onBatch(this.#copied, this.#inserted)
      this.#copied = 0
      this.#inserted = undefined
    }
  }
}
