// Writes the changes of rows into the destination's pipeline, straight from the bytes of the rows. It chooses the
// statement for each change: COPY for runs of inserts, one statement for many updates, and others where foreign keys
// of the destination act by themselves.
import { say } from '../../../shared/say.ts'
import { expected, type Pipeline } from '../../postgres/pipeline.ts'
import type { OldRow } from '../stream/event.ts'
import type { SourceTransaction } from '../stream/transaction.ts'
import { Tuple, writeValue } from '../stream/tuple.ts'
import type { Referenced } from '../tables/referenced.ts'
import type { SentChanges } from './apply-failure.ts'
import { type Cascades, TriggeredActions } from './cascades.ts'
import { HeldUpdates } from './held-updates.ts'
import { InsertRun } from './insert-run.ts'
import type { OwnWrites, Written } from './own-writes.ts'
import type { Prepared, TargetTable } from './target.ts'

export interface RowWriterOptions {
  binary: boolean
  /**
   * One source transaction at a time, no COPY, and every row is noted until its statement is answered: slower, but an
   * error can be reported with its row. Values have to be sent as text.
   */
  careful: boolean
  /** Updates may wait until the end of the batch: nothing on the destination depends on their order. */
  mayHold: boolean
  /** What foreign keys of the destination do by themselves; undefined in a session with replica role. */
  cascades?: Cascades | undefined
  /** Counts how many rows are written. */
  written?: OwnWrites | undefined
}

const maxCopiedRows = 100_000
const maxHeldUpdates = 6_000

export class RowWriter {
  readonly #inserts: InsertRun
  readonly #held: HeldUpdates
  readonly #triggered: TriggeredActions | undefined
  #transaction: SourceTransaction | undefined
  /** A deleted row that the next change may insert again, into another partition. */
  #leaving: { target: TargetTable; old: OldRow } | undefined
  readonly #leavingRow = new Tuple()

  constructor(
    readonly pipeline: Pipeline,
    readonly sentChanges: SentChanges | undefined,
    readonly options: RowWriterOptions,
  ) {
    this.#triggered = options.cascades && new TriggeredActions(options.cascades)
    this.#inserts = new InsertRun(pipeline, !options.careful)
    this.#held = new HeldUpdates(pipeline, options.binary)
  }

  begin(transaction: SourceTransaction) {
    this.#transaction = transaction
    this.#triggered?.begin()
    this.#leaving = undefined
  }

  /** All changes of the transaction were written. */
  end() {
    this.endLeaving()
    this.#transaction = undefined
  }

  beginBatch() {
    this.#inserts.rowsInBatch = 0
    this.#held.updates = 0
  }

  get isBatchFull(): boolean {
    return this.#inserts.rowsInBatch >= maxCopiedRows || this.#held.updates >= maxHeldUpdates
  }

  insert(target: TargetTable, row: Tuple) {
    this.#count(target, 1)
    if (this.#completeMove(target, row)) return
    if (this.#inserts.take(target, row)) {
      target.pending.inserts++
      return
    }
    this.#execute(target.insert(), row, row)
    target.pending.inserts++
    this.sentChanges?.note(this.pipeline, 'insert', target, row, this.#transaction)
  }

  update(target: TargetTable, old: OldRow, oldRow: Tuple, row: Tuple) {
    this.endLeaving()
    if (this.#mayHold(target, old, row)) {
      if (this.#held.add(target, row)) this.#count(target, 1)
      target.pending.updates++
      if (this.#held.isFull) this.release()
      return
    }
    this.#releaseOf(target)
    this.#inserts.end()
    this.#countUpdate(target, old !== undefined && target.isRenumbered(oldRow, row))
    this.#execute(this.#updateOf(target, old, oldRow, row), row, oldRow)
    this.#triggered?.noteUpdate(target, old, oldRow, row)
    target.pending.updates++
    const hint = this.sentChanges && this.#renumberedHint(target, old, oldRow, row)
    this.sentChanges?.note(this.pipeline, 'update', target, old ? oldRow : row, this.#transaction, hint)
  }

  delete(target: TargetTable, old: OldRow, oldRow: Tuple) {
    this.#count(target, 1)
    this.endLeaving()
    target.pending.deletes++
    if (this.#triggered?.mayMove(target)) {
      this.#leaving = { target, old }
      this.#leavingRow.copy(oldRow)
    } else this.#delete(target, old, oldRow)
  }

  /** Writes a deletion that waited for the next change: the row was not inserted into another partition. */
  endLeaving() {
    const leaving = this.#leaving
    if (!leaving) return
    this.#leaving = undefined
    this.#delete(leaving.target, leaving.old, this.#leavingRow)
  }

  /** Sends what is written. A run of inserts may continue. */
  send() {
    this.#inserts.send()
  }

  /** Ends a run of inserts and writes the updates that wait. To be called before any other statement. */
  finish() {
    this.#inserts.end()
    this.release()
  }

  /** Writes the updates that wait for the end of the batch. */
  release() {
    if (this.#held.rows === 0) return
    this.#inserts.end()
    this.#held.releaseAll()
  }

  /** The server may count the rows of this table in another way. */
  countUnclear(target: TargetTable) {
    const written = this.#writtenOf(target)
    if (written) written.unclear++
  }

  #count(target: TargetTable, rows: number) {
    const written = this.#writtenOf(target)
    if (written) written.rows += rows
    if (this.#triggered) this.countUnclear(target)
  }

  /** Where foreign keys act, or the row goes to another partition or gets another number, it may count as two. */
  #countUpdate(target: TargetTable, isRenumbered: boolean) {
    const mayBeTwo = this.#triggered !== undefined || target.table.partitioned || isRenumbered
    this.#count(target, mayBeTwo ? 2 : 1)
    if (mayBeTwo) this.countUnclear(target)
  }

  #writtenOf(target: TargetTable): Written | undefined {
    target.written ??= this.options.written?.of(target.table.oid)
    return target.written
  }

  #delete(target: TargetTable, old: OldRow, oldRow: Tuple) {
    this.#releaseOf(target)
    this.#inserts.end()
    this.#execute(this.#deleteOf(target, old, oldRow), oldRow, oldRow)
    this.#triggered?.noteDelete(target)
    this.sentChanges?.note(this.pipeline, 'delete', target, oldRow, this.#transaction)
  }

  /** Whether this insert completes the move of a row to another partition. Otherwise the row is still to be inserted. */
  #completeMove(target: TargetTable, row: Tuple): boolean {
    const [leaving, triggered, oldRow] = [this.#leaving, this.#triggered, this.#leavingRow]
    const referenced = triggered?.referencedOf(target)
    if (!leaving || !triggered || !referenced || !triggered.isMove(leaving.target, oldRow, target, row)) {
      this.endLeaving()
      return false
    }
    const { target: from, old } = leaving
    this.#leaving = undefined
    this.#inserts.end()
    if (triggered.cascades.moves === 'unless_referenced') {
      this.#execute(from.deleteIfFree(old, oldRow, referenced), oldRow, oldRow)
      this.sentChanges?.note(this.pipeline, 'delete', from, oldRow, this.#transaction, movedHint(referenced))
      return false
    }
    this.#execute(target.moveFrom(from, old, referenced), row, oldRow)
    triggered.noteMove(target)
    target.pending.inserts++
    this.sentChanges?.note(this.pipeline, 'update', from, oldRow, this.#transaction)
    return true
  }

  #renumberedHint(target: TargetTable, old: OldRow, oldRow: Tuple, row: Tuple): string | undefined {
    const referenced = this.#triggered?.referencedOf(target)
    return referenced && old && target.isRenumbered(oldRow, row)
      ? renumberedHint(target, referenced)
      : undefined
  }

  #updateOf(target: TargetTable, old: OldRow, oldRow: Tuple, row: Tuple): Prepared {
    const triggered = this.#triggered
    const orDone =
      triggered &&
      triggered.alteredOf(target).size > 0 &&
      target.updateOrDone(old, oldRow, row, triggered.primaryKeyOf(target))
    return orDone || target.update(old, oldRow, row, triggered?.referencedOf(target))
  }

  #deleteOf(target: TargetTable, old: OldRow, oldRow: Tuple): Prepared {
    const triggered = this.#triggered
    const orGone =
      triggered?.mayHaveRemoved(target) &&
      target.deleteOrGone(old, oldRow, triggered.primaryKeyOf(target), triggered.alteredOf(target))
    return orGone || target.delete(old, oldRow)
  }

  #mayHold(target: TargetTable, old: OldRow, row: Tuple): boolean {
    const { mayHold, careful } = this.options
    return mayHold && !careful && target.mayHold && old === undefined && this.#held.mayHold(row)
  }

  /** Waiting updates go before every other change of the table, except inserts, which are of other rows. */
  #releaseOf({ table }: TargetTable) {
    if (!this.#held.has(table)) return
    this.#inserts.end()
    this.#held.release(table)
  }

  #execute(statement: Prepared, row: Tuple, oldRow: Tuple) {
    const { out } = this.pipeline
    const { binary } = this.options
    out.bind(statement.head)
    for (const parameter of statement.parameters) {
      if (parameter < 0) writeValue(out, oldRow, ~parameter, binary)
      else writeValue(out, row, parameter, binary)
    }
    out.execute()
    this.pipeline.expect(expected.oneRow)
  }
}

function movedHint({ by }: Referenced): string {
  return say`rows of ${by.join(', ')} refer to it: this version of the destination would delete or change them when a row goes to another partition. Follow with a role that may set session_replication_role, or drop the foreign key until the switchover, then retry`
}

function renumberedHint({ table, columns }: TargetTable, { by }: Referenced): string {
  const numbered = columns.filter(({ identity }) => identity === 'a')
  const sql = numbered.map(({ quoted }) => `alter column ${quoted} set generated by default`).join(', ')
  return say`rows of ${by.join(', ')} refer to it: a new value of its identity column requires a new row, and they would be deleted or changed with the old one. Run "alter table ${table.quoted} ${sql}" on the destination until the switchover, then retry`
}
