// Applies source transactions to the destination: several of them in one transaction of the destination, each as a
// whole. COMMIT is sent only after every statement before it was answered as expected. The next transaction is sent
// without waiting for the answer to COMMIT.
import { Pipeline } from '../../postgres/pipeline.ts'
import type { Session } from '../../postgres/session.ts'
import type { OldRow, TransactionEnd } from '../stream/event.ts'
import { showLsn } from '../stream/lsn.ts'
import { type SourceTransaction, timeToText } from '../stream/transaction.ts'
import type { Tuple } from '../stream/tuple.ts'
import type { DestinationTable } from '../tables/destination-tables.ts'
import { explainFailure, SentChanges } from './apply-failure.ts'
import { Commands } from './commands.ts'
import { type Commit, CommitLog } from './commit-log.ts'
import type { Position } from './position.ts'
import { RowWriter, type RowWriterOptions } from './row-writer.ts'
import { truncateStatement } from './statements.ts'
import type { TargetTable } from './target.ts'
import type { TouchSink } from './touched.ts'

export interface ApplierOptions extends RowWriterOptions {
  session: Session
  position: Position
  /** Notes which rows are changed. */
  touched?: TouchSink | undefined
  /** Called when transactions are committed, and when nothing more can be. */
  onCommitted: () => void
}

/** Fails after a rename, so that the COMMIT that is sent with it commits nothing. */
const isStill = `
  select case when pg_catalog.to_regclass($1)::pg_catalog.oid operator(pg_catalog.=) $2::pg_catalog.oid then 1
              else pg_catalog.concat($1::pg_catalog.text, ' of the destination was renamed just now')::pg_catalog.int4 end`
const maxStatements = 1_500
/** How many older positions may be stored beside the newest. */
const tidyEvery = 1_000
/** How often a commit waits for the destination's disk. It covers all commits before. */
const durableEveryMs = { busy: 1000, idle: 100 } as const

export class Applier implements Disposable {
  readonly commits: CommitLog
  readonly pipeline: Pipeline
  readonly #sentChanges: SentChanges | undefined
  readonly #rows: RowWriter
  readonly #commands: Commands
  readonly #touched = new Set<TargetTable>()
  /** Whether the destination's transaction is open. */
  #open = false
  #transaction: SourceTransaction | undefined
  /** The last complete source transaction in the open transaction. */
  #end: TransactionEnd | undefined
  #whole = 0
  #firstStatement = 0
  #durableAt = 0
  #stored = 0

  constructor(readonly options: ApplierOptions) {
    const { position, session, careful, onCommitted } = options
    this.commits = new CommitLog(position.lsn)
    this.#sentChanges = careful ? new SentChanges() : undefined
    this.pipeline = new Pipeline(session, () => {
      if (this.commits.confirm(this.pipeline.synced) || this.pipeline.failure) onCommitted()
    })
    this.#commands = new Commands(this.pipeline)
    this.#rows = new RowWriter(this.pipeline, this.#sentChanges, options)
  }

  begin(transaction: SourceTransaction) {
    this.#transaction = transaction
    this.#rows.begin(transaction)
    this.options.touched?.begin(transaction.xid)
  }

  insert(target: TargetTable, row: Tuple) {
    this.#beginIfClosed(target)
    this.options.touched?.note(target, row, undefined, row)
    this.#rows.insert(target, row)
  }

  update(target: TargetTable, old: OldRow, oldRow: Tuple, row: Tuple) {
    this.#beginIfClosed(target)
    this.options.touched?.note(target, row, old, oldRow)
    this.#rows.update(target, old, oldRow, row)
  }

  delete(target: TargetTable, old: OldRow, oldRow: Tuple) {
    this.#beginIfClosed(target)
    this.options.touched?.note(target, oldRow, undefined, oldRow)
    this.#rows.delete(target, old, oldRow)
  }

  truncate(targets: readonly TargetTable[], restartIdentity: boolean) {
    this.#rows.endLeaving()
    for (const target of targets) {
      this.#beginIfClosed(target)
      this.options.touched?.empty(target)
      target.pending.truncates++
      // The server forgets the counts of rows that the same transaction has written to the table before.
      this.#rows.countUnclear(target)
    }
    this.#rows.finish()
    const tables: DestinationTable[] = targets.map(({ table }) => table)
    this.#commands.run(truncateStatement(tables, restartIdentity))
    this.#sentChanges?.note(this.pipeline, 'truncate', targets[0], undefined, this.#transaction)
  }

  /** The source's transaction is complete. It may have changed nothing here. */
  commit(end: TransactionEnd) {
    this.#rows.end()
    this.#transaction = undefined
    this.options.touched?.commit()
    if (!this.#open) return this.commits.skipTo(end)
    this.#end = end
    this.#whole++
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Whether a destination transaction is open that holds only complete source transactions. */
  get isCommittable(): boolean {
    return this.#open && this.#transaction === undefined
  }

  /** Whether the batch is large enough, or more may only be sent after answers. */
  get mustWait(): boolean {
    return this.pipeline.isFull || this.pipeline.out.isPiece || this.#isDue
  }

  async wait(): Promise<void> {
    try {
      if (this.pipeline.out.isPiece || this.pipeline.isFull) this.#rows.send()
      await this.pipeline.room()
    } catch (error) {
      throw this.#explained(error)
    }
    if (this.#isDue) await this.commitBatch(this.#isDurableDue(durableEveryMs.busy))
  }

  /** Sends what is written, without waiting for answers. A run of inserts may continue. */
  flush() {
    this.#rows.send()
  }

  /** Throws when the destination has refused a statement or the connection is lost. */
  check() {
    if (this.pipeline.failure) throw this.#explained(this.pipeline.failure)
  }

  /** Writes the updates that wait for the end of the batch. */
  release() {
    this.#rows.release()
  }

  /** Resolves when everything sent has been answered, which does not mean that it is committed. */
  async quiet(): Promise<void> {
    this.#rows.finish()
    try {
      await this.pipeline.quiet()
    } catch (error) {
      throw this.#explained(error)
    }
  }

  /** Commits the complete transactions sent so far. Resolves when COMMIT is sent. */
  async commitBatch(durable = this.#isDurableDue(durableEveryMs.idle)): Promise<void> {
    if (!this.#open || !this.#end) return
    await this.quiet()
    this.#commit(this.#end, durable)
  }

  /** Stores a position durably, in a transaction without changes: nothing before it is left to apply. */
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

  /** Commits the complete transactions and waits until they are on disk. */
  async settle(): Promise<void> {
    await this.commitBatch(true)
    await this.quiet()
    if (this.commits.durable < this.commits.applied) await this.advance(this.commits.passed)
  }

  /** Commits everything so far, durably or not, so that another session can continue from there. */
  async commitAll(): Promise<void> {
    if (!this.#open && this.pipeline.isQuiet) return
    await this.commitBatch()
    await this.quiet()
  }

  /** Runs a statement outside of the transactions of changes. */
  async runAlone(sql: string): Promise<void> {
    this.#commands.run(sql)
    this.pipeline.sync()
    await this.quiet()
  }

  /** Runs a statement in the open transaction. */
  runWithin(sql: string) {
    this.#commands.run(sql)
  }

  /** Records transactions that another session has committed, while this session had no open one. */
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
    return this.pipeline.sent - this.#firstStatement >= maxStatements || this.#rows.isBatchFull
  }

  #isDurableDue(milliseconds: number): boolean {
    return performance.now() - this.#durableAt > milliseconds
  }

  #beginIfClosed(target: TargetTable) {
    if (!this.#open) this.#start()
    this.#touched.add(target)
  }

  #start() {
    this.#open = true
    this.#firstStatement = this.pipeline.sent
    this.#rows.beginBatch()
    this.#commands.run('begin')
    const { markSql } = this.options.position
    if (markSql) this.#commands.run(markSql)
  }

  #commit(end: TransactionEnd, durable: boolean) {
    const { storeSql, tidySql } = this.options.position
    const lsn = showLsn(end.endLsn)
    // A table may have been renamed since the tables were read. From here on those written to are locked.
    for (const { table } of this.#touched) this.#commands.runForOne(isStill, table.quoted, String(table.oid))
    this.#commands.runForOne(storeSql, lsn, timeToText(end.time))
    if (tidySql && ++this.#stored % tidyEvery === 0) this.#commands.run(tidySql, lsn)
    this.#commands.run(`set local synchronous_commit = ${durable ? 'on' : 'off'}`)
    this.#commands.run('commit')
    this.#sentChanges?.note(this.pipeline, 'commit', undefined, undefined, undefined)
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

  #explained(error: unknown): unknown {
    return explainFailure(error, this.#sentChanges)
  }
}
