// Brings changes into the destination: pipelined statements straight from the bytes of the rows, many source
// transactions in one of the destination, never a part of one. COMMIT is sent only when every statement ahead
// of it has been answered and did what it had to; the next transaction follows without waiting for it.
import { expected, Pipeline } from '../../postgres/pipeline.ts'
import type { Session } from '../../postgres/session.ts'
import type { OldRow, TransactionEnd } from '../stream/event.ts'
import { showLsn } from '../stream/lsn.ts'
import { type SourceTransaction, timeToText } from '../stream/transaction.ts'
import { Tuple, writeValue } from '../stream/tuple.ts'
import type { DestinationTable } from '../tables/destination-tables.ts'
import type { Referenced } from '../tables/referenced.ts'
import { explainFailure, Witness } from './apply-failure.ts'
import { type Cascades, SetOff } from './cascades.ts'
import { Commands } from './commands.ts'
import { type Commit, CommitLog } from './commit-log.ts'
import { HeldUpdates } from './held-updates.ts'
import { InsertRun } from './insert-run.ts'
import type { OwnWrites } from './own-writes.ts'
import type { Position } from './position.ts'
import { truncateStatement } from './statements.ts'
import type { Prepared, TargetTable } from './target.ts'
import type { TouchSink } from './touched.ts'

export interface ApplierOptions {
  session: Session
  position: Position
  binary: boolean
  /**
   * One source transaction at a time, no COPY, and every row noted until it is answered: slower, and an error
   * can be told precisely. Values have to come as text then.
   */
  careful: boolean
  /** Nothing on the destination looks at what lies between the beginning and the end of a transaction. */
  mayHold: boolean
  /** What foreign keys of the destination do by themselves; nothing in a replica's session. */
  cascades?: Cascades | undefined
  /** Notes which rows are changed. */
  touched?: TouchSink | undefined
  /** Counts how many rows are written. */
  written?: OwnWrites | undefined
  /** Called when transactions are committed, and when nothing more can be. */
  onCommitted: () => void
}

/** An error, so that the COMMIT that is sent with it commits nothing. */
const isStill = `
  select case when pg_catalog.to_regclass($1)::pg_catalog.oid operator(pg_catalog.=) $2::pg_catalog.oid then 1
              else pg_catalog.concat($1::pg_catalog.text, ' of the destination was renamed just now')::pg_catalog.int4 end`
const maxStatements = 1_500
const maxCopiedRows = 100_000
const maxHeldUpdates = 6_000
/** How many positions may be stored beside the newest. */
const tidyEvery = 1_000
/** Waiting for the destination's disk is worth it only now and then: it covers all commits before. */
const durableEveryMs = { busy: 1000, idle: 100 } as const

export class Applier implements Disposable {
  readonly commits: CommitLog
  readonly pipeline: Pipeline
  readonly #witness: Witness | undefined
  readonly #run: InsertRun
  readonly #held: HeldUpdates
  readonly #commands: Commands
  readonly #setOff: SetOff | undefined
  readonly #touched = new Set<TargetTable>()
  /** A row that was deleted just now, and may come again in another partition. */
  #leaving: { target: TargetTable; old: OldRow } | undefined
  readonly #leavingRow = new Tuple()
  /** The destination's transaction is open. */
  #open = false
  #transaction: SourceTransaction | undefined
  /** The last whole transaction in the open one. */
  #end: TransactionEnd | undefined
  #whole = 0
  #firstStatement = 0
  #durableAt = 0
  #stored = 0

  constructor(readonly options: ApplierOptions) {
    const { position, session, careful, onCommitted } = options
    this.commits = new CommitLog(position.lsn)
    this.#setOff = options.cascades && new SetOff(options.cascades)
    this.#witness = careful ? new Witness() : undefined
    this.pipeline = new Pipeline(session, () => {
      if (this.commits.confirm(this.pipeline.synced) || this.pipeline.failure) onCommitted()
    })
    this.#commands = new Commands(this.pipeline)
    this.#run = new InsertRun(this.pipeline, !careful)
    this.#held = new HeldUpdates(this.pipeline, options.binary)
  }

  begin(transaction: SourceTransaction) {
    this.#transaction = transaction
    this.#setOff?.begin()
    this.#leaving = undefined
    this.options.touched?.begin(transaction.xid)
  }

  insert(target: TargetTable, row: Tuple) {
    this.#beginIfClosed(target)
    this.options.touched?.note(target, row, undefined, row)
    this.#count(target, 1)
    if (this.#arrives(target, row)) return
    if (this.#run.take(target, row)) {
      target.pending.inserts++
      return
    }
    this.#execute(target.insert(), row, row)
    target.pending.inserts++
    this.#witness?.note(this.pipeline, 'insert', target, row, this.#transaction)
  }

  update(target: TargetTable, old: OldRow, oldRow: Tuple, row: Tuple) {
    this.#beginIfClosed(target)
    this.options.touched?.note(target, row, old, oldRow)
    this.#endLeaving()
    if (this.#mayHold(target, old, row)) {
      if (this.#held.add(target, row)) this.#count(target, 1)
      target.pending.updates++
      if (this.#held.isFull) this.release()
      return
    }
    this.#releaseOf(target)
    this.#run.end()
    this.#count(target, this.#setOff || target.mayMoveRows ? 2 : 1)
    this.#execute(this.#updateOf(target, old, oldRow, row), row, oldRow)
    this.#setOff?.noteUpdate(target, old, oldRow, row)
    target.pending.updates++
    const hint = this.#witness && this.#renumberedHint(target, old, oldRow, row)
    this.#witness?.note(this.pipeline, 'update', target, old ? oldRow : row, this.#transaction, hint)
  }

  delete(target: TargetTable, old: OldRow, oldRow: Tuple) {
    this.#beginIfClosed(target)
    this.options.touched?.note(target, oldRow, undefined, oldRow)
    this.#count(target, 1)
    this.#endLeaving()
    target.pending.deletes++
    if (this.#setOff?.mayMove(target)) {
      this.#leaving = { target, old }
      this.#leavingRow.copy(oldRow)
    } else this.#delete(target, old, oldRow)
  }

  truncate(targets: readonly TargetTable[], restartIdentity: boolean) {
    this.#endLeaving()
    for (const target of targets) {
      this.#beginIfClosed(target)
      this.options.touched?.empty(target)
      target.pending.truncates++
    }
    this.#run.end()
    this.release()
    const tables: DestinationTable[] = targets.map(({ table }) => table)
    this.#commands.run(truncateStatement(tables, restartIdentity))
    this.#witness?.note(this.pipeline, 'truncate', targets[0], undefined, this.#transaction)
  }

  /** The source's transaction is whole; it need not have changed anything here. */
  commit(end: TransactionEnd) {
    this.#endLeaving()
    this.#transaction = undefined
    this.options.touched?.commit()
    if (!this.#open) return this.commits.skipTo(end)
    this.#end = end
    this.#whole++
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Whether a destination transaction is open that could be committed as it stands. */
  get isCommittable(): boolean {
    return this.#open && this.#transaction === undefined
  }

  /** The batch is large enough, or the servers lag behind what was sent. */
  get mustWait(): boolean {
    return this.pipeline.isFull || this.pipeline.out.isPiece || this.#isDue
  }

  async wait(): Promise<void> {
    try {
      if (this.pipeline.out.isPiece || this.pipeline.isFull) this.#run.send()
      await this.pipeline.room()
    } catch (error) {
      throw this.#explained(error)
    }
    if (this.#isDue) await this.commitBatch(this.#isDurableDue(durableEveryMs.busy))
  }

  /** Sends what is written; the answers come by themselves. A run of inserts may continue. */
  flush() {
    this.#run.send()
  }

  /** Throws when the destination has refused something or is gone. */
  check() {
    if (this.pipeline.failure) throw this.#explained(this.pipeline.failure)
  }

  /** Has nothing wait any more for the end of the batch. */
  release() {
    if (this.#held.rows === 0) return
    this.#run.end()
    this.#held.releaseAll()
  }

  /** Resolves when everything sent has been answered; not when it is committed. */
  async quiet(): Promise<void> {
    this.#run.end()
    this.release()
    try {
      await this.pipeline.quiet()
    } catch (error) {
      throw this.#explained(error)
    }
  }

  /** Commits the whole transactions sent so far. Resolves when COMMIT is on its way. */
  async commitBatch(durable = this.#isDurableDue(durableEveryMs.idle)): Promise<void> {
    if (!this.#open || !this.#end) return
    await this.quiet()
    this.#commit(this.#end, durable)
  }

  /** Stores a position without any change, on disk: everything up to there has been dealt with. */
  async advance(end: TransactionEnd): Promise<void> {
    await this.quiet()
    if (this.#open) throw new Error('a position cannot be stored within a transaction')
    this.#start()
    // A commit waits for the disk only when its transaction has written something to the log.
    this.#commands.run("select pg_catalog.pg_logical_emit_message(true, 'pgtrek_position', '')")
    await this.quiet()
    this.#commit(end, true)
    await this.quiet()
  }

  /** Commits what is whole and waits until the disk has it. */
  async settle(): Promise<void> {
    await this.commitBatch(true)
    await this.quiet()
    if (this.commits.durable < this.commits.applied) await this.advance(this.commits.passed)
  }

  /** Everything so far is committed, durable or not: another session can continue from there. */
  async standBack(): Promise<void> {
    if (!this.#open && this.pipeline.isQuiet) return
    await this.commitBatch()
    await this.quiet()
  }

  /** A statement of its own, outside of all transactions. */
  async runAlone(sql: string): Promise<void> {
    this.#commands.run(sql)
    this.pipeline.sync()
    await this.quiet()
  }

  /** A statement in the transaction that is open. */
  runWithin(sql: string) {
    this.#commands.run(sql)
  }

  /** Another session has brought these in while this one had nothing under way. */
  committedElsewhere(commits: readonly Commit[]) {
    this.commits.addConfirmed(commits)
    this.options.onCommitted()
  }

  [Symbol.dispose]() {
    this.pipeline[Symbol.dispose]()
  }

  readonly prepare = (sql: string): string => this.#commands.prepare(sql)

  get #isDue(): boolean {
    if (this.#transaction !== undefined || this.#whole === 0) return false
    if (this.options.careful) return true
    return (
      this.pipeline.sent - this.#firstStatement >= maxStatements ||
      this.#run.rowsInBatch >= maxCopiedRows ||
      this.#held.updates >= maxHeldUpdates
    )
  }

  #isDurableDue(milliseconds: number): boolean {
    return performance.now() - this.#durableAt > milliseconds
  }

  #beginIfClosed(target: TargetTable) {
    if (!this.#open) this.#start()
    this.#touched.add(target)
  }

  /** Where foreign keys act, or a row may move, one change can be two to the server. */
  #count(target: TargetTable, rows: number) {
    target.written ??= this.options.written?.of(target.table.oid)
    if (target.written) target.written.rows += rows
  }

  #start() {
    this.#open = true
    this.#firstStatement = this.pipeline.sent
    this.#run.rowsInBatch = 0
    this.#held.updates = 0
    this.#commands.run('begin')
    const { markSql } = this.options.position
    if (markSql) this.#commands.run(markSql)
  }

  #commit(end: TransactionEnd, durable: boolean) {
    const { storeSql, tidySql } = this.options.position
    const lsn = showLsn(end.endLsn)
    // A name may have changed hands since the tables were read; what was written to is locked from here on.
    for (const { table } of this.#touched) this.#commands.runForOne(isStill, table.quoted, String(table.oid))
    this.#commands.runForOne(storeSql, lsn, timeToText(end.time))
    if (tidySql && ++this.#stored % tidyEvery === 0) this.#commands.run(tidySql, lsn)
    this.#commands.run(`set local synchronous_commit = ${durable ? 'on' : 'off'}`)
    this.#commands.run('commit')
    this.#witness?.note(this.pipeline, 'commit', undefined, undefined, undefined)
    this.pipeline.sync()
    this.pipeline.out.send()
    const counts = [...this.#touched].map((target) => ({ target, counts: target.takePending() }))
    this.commits.add({ end, durable, transactions: this.#whole, counts })
    if (durable) this.#durableAt = performance.now()
    this.#touched.clear()
    this.#open = false
    this.#end = undefined
    this.#whole = 0
  }

  #delete(target: TargetTable, old: OldRow, oldRow: Tuple) {
    this.#releaseOf(target)
    this.#run.end()
    this.#execute(this.#deleteOf(target, old, oldRow), oldRow, oldRow)
    this.#setOff?.noteDelete(target)
    this.#witness?.note(this.pipeline, 'delete', target, oldRow, this.#transaction)
  }

  /** It went for good. */
  #endLeaving() {
    const leaving = this.#leaving
    if (!leaving) return
    this.#leaving = undefined
    this.#delete(leaving.target, leaving.old, this.#leavingRow)
  }

  /** False: it is a row of its own. */
  #arrives(target: TargetTable, row: Tuple): boolean {
    const [leaving, setOff, oldRow] = [this.#leaving, this.#setOff, this.#leavingRow]
    const referenced = setOff?.referencedOf(target)
    if (!leaving || !setOff || !referenced || !setOff.isMove(leaving.target, oldRow, target, row)) {
      this.#endLeaving()
      return false
    }
    const { target: from, old } = leaving
    this.#leaving = undefined
    this.#run.end()
    if (setOff.cascades.moves === 'unless_referenced') {
      this.#execute(from.deleteIfFree(old, oldRow, referenced), oldRow, oldRow)
      this.#witness?.note(this.pipeline, 'delete', from, oldRow, this.#transaction, movedHint(referenced))
      return false
    }
    this.#execute(target.moveFrom(from, old, referenced), row, oldRow)
    setOff.noteMove(target)
    target.pending.inserts++
    this.#witness?.note(this.pipeline, 'update', from, oldRow, this.#transaction)
    return true
  }

  #renumberedHint(target: TargetTable, old: OldRow, oldRow: Tuple, row: Tuple): string | undefined {
    const referenced = this.#setOff?.referencedOf(target)
    return referenced && old && target.isRenumbered(oldRow, row)
      ? renumberedHint(target, referenced)
      : undefined
  }

  #updateOf(target: TargetTable, old: OldRow, oldRow: Tuple, row: Tuple): Prepared {
    const setOff = this.#setOff
    const orDone =
      setOff &&
      setOff.alteredOf(target).size > 0 &&
      target.updateOrDone(old, oldRow, row, setOff.primaryKeyOf(target))
    return orDone || target.update(old, oldRow, row, setOff?.referencedOf(target))
  }

  #deleteOf(target: TargetTable, old: OldRow, oldRow: Tuple): Prepared {
    const setOff = this.#setOff
    const orGone =
      setOff?.mayHaveRemoved(target) &&
      target.deleteOrGone(old, oldRow, setOff.primaryKeyOf(target), setOff.alteredOf(target))
    return orGone || target.delete(old, oldRow)
  }

  #mayHold(target: TargetTable, old: OldRow, row: Tuple): boolean {
    const { mayHold, careful } = this.options
    return mayHold && !careful && target.mayHold && old === undefined && this.#held.mayHold(row)
  }

  /** Ahead of every other change of the table but inserts, which are of other rows. */
  #releaseOf({ table }: TargetTable) {
    if (!this.#held.has(table)) return
    this.#run.end()
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

  #explained(error: unknown): unknown {
    return explainFailure(error, this.#witness)
  }
}

function movedHint({ by }: Referenced): string {
  return (
    `rows of ${by.join(', ')} refer to it: this version of the destination would delete or change them when a row goes to another ` +
    'partition. Follow with a role that may set session_replication_role, or drop the foreign key until the switchover, then retry'
  )
}

function renumberedHint({ table, columns }: TargetTable, { by }: Referenced): string {
  const numbered = columns.filter(({ identity }) => identity === 'a')
  const sql = numbered.map(({ quoted }) => `alter column ${quoted} set generated by default`).join(', ')
  return (
    `rows of ${by.join(', ')} refer to it: a new value of its identity column requires a new row, and they would be deleted or changed with ` +
    `the old one. Run "alter table ${table.quoted} ${sql}" on the destination until the switchover, then retry`
  )
}
