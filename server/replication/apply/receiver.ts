// Decides what becomes of each message of the source: applied, kept until its transaction is committed, or
// left out because it was applied before, came from elsewhere, or is not followed.

import type { SkippedTable } from '../../../shared/skipped.ts'
import type { TableName } from '../../../shared/table-name.ts'
import { tableKey } from '../../../shared/table-name.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { type Lsn, noLsn } from '../stream/lsn.ts'
import {
  type ChangeHandler,
  isMessageOf,
  messageType,
  type OldRow,
  PgoutputDecoder,
  type Relation,
  type ServerTime,
  type TransactionEnd,
} from '../stream/pgoutput.ts'
import type { Spill } from '../stream/spill.ts'
import type { SourceTransaction } from '../stream/transaction.ts'
import type { Tuple } from '../stream/tuple.ts'
import type { DestinationTable } from '../tables/destination-tables.ts'
import { describeChange, misfits, type NamedTypes } from '../tables/fit.ts'
import type { Apart, Followed } from '../tables/followed.ts'
import type { Applier } from './applier.ts'
import { NeedsCare } from './apply-failure.ts'
import { ApplyConflict } from './conflict.ts'
import { echoPrefix } from './position.ts'
import type { StreamedApply } from './streamed-apply.ts'
import { TargetTable } from './target.ts'

export interface ReceiverOptions {
  applier: Applier
  tables: ReadonlyMap<string, DestinationTable>
  /** Without it everything that is published is wanted. */
  followed: Followed | undefined
  /** OIDs that were unknown when they came up; the source's catalog was read since. */
  lookedFor: ReadonlySet<number>
  origin: 'any' | 'none'
  binary: boolean
  /** Whether values of this type may come in binary form. */
  isBinarySafe: (type: number) => boolean
  /** Columns that the source computes and sends, by its table's OID. */
  computed: ReadonlyMap<number, ReadonlySet<string>>
  /** Transactions, by where their commit stands, that the user does not want. */
  skipped: ReadonlySet<Lsn>
  /** Those that may change rows of which nobody knows what they were. */
  trusted: ReadonlySet<Lsn>
  stopAt: () => Lsn | undefined
  spill: Spill
  /** Applies large transactions while they are sent. */
  early?: StreamedApply | undefined
  /** The last description of each table, across connections. */
  known: Map<number, Relation>
  onSkipped: (transaction: SourceTransaction, tables: SkippedTable[]) => void
  onSchemaChange: (relation: Relation, changes: string[]) => void
  /** Changes of this table come and are not applied, for this reason. */
  onUnwanted: (relation: Relation, apart: NonNullable<Apart>) => void
  onMessage: (prefix: string, lsn: Lsn, content: Uint8Array) => void
}

/** A type came up whose binary form is not safe: the same changes have to be asked for as text. */
export class NeedsText extends Error {}

/** A relation came up that is not known. */
export class NeedsLook extends Error {
  constructor(readonly oid: number) {
    super(`changes of a relation that is not known: ${oid}`)
  }
}

/** The source has sent a transaction that its catalog does not show yet. */
export class NotVisible extends PgtrekError {}

class NotFollowed {
  constructor(
    readonly relation: Relation,
    readonly followed: Followed,
  ) {}
}

interface Unfit {
  relation: Relation
  problems: string[]
  /** Not part of the move, as far as anybody knows. */
  unknown?: boolean
  /** A retry applies the transaction all the same. */
  isInexact?: boolean
}

export class Receiver implements ChangeHandler {
  readonly decoder = new PgoutputDecoder(this)
  /** A transaction lies behind the position to stop at: nothing of it was applied. */
  hasReachedStop = false
  /** Where the commit of the newest transaction stands that was looked at. */
  lastBegun: Lsn = noLsn
  #transaction: SourceTransaction | undefined
  /** The end of the newest transaction that was not an echo. */
  ownEnd: Lsn = noLsn
  #leavingOut = false
  /** What a user leaves out, by table. */
  #skipping: Map<string, SkippedTable> | undefined
  #isEcho = false
  #piece: number | undefined
  #committed: { xid: number; end: TransactionEnd } | undefined
  readonly #types = new Map<number, { schema: string; name: string }>()
  readonly #targets = new Map<number, TargetTable | Unfit | NotFollowed | undefined>()

  constructor(readonly options: ReceiverOptions) {}

  get isInTransaction(): boolean {
    return this.#transaction !== undefined || this.#piece !== undefined
  }

  /** A large transaction was committed: it has to be replayed before anything else is read. */
  get mustReplay(): boolean {
    return this.#committed !== undefined
  }

  async replay() {
    const { applier, spill } = this.options
    if (!this.#committed) return
    const { xid, end } = this.#committed
    this.#committed = undefined
    const transaction = spill.transaction(xid)
    this.begin(end.commitLsn, end.time, xid)
    if (this.hasReachedStop) return
    if (transaction.unwanted) this.#leaveOutEcho()
    const { early } = this.options
    if (this.#leavingOut) early?.giveUp(xid)
    else if (!(await early?.commit(xid, end, this))) {
      await transaction.replay(
        (type, bytes, start, last) => this.decoder.readBody(type, bytes, start, last),
        () => (applier.mustWait ? applier.wait() : undefined),
      )
    }
    this.commit(end)
    spill.drop(xid)
  }

  begin(finalLsn: Lsn, time: ServerTime, xid: number) {
    const { applier, skipped, stopAt } = this.options
    const transaction = { xid, finalLsn, time }
    this.#transaction = transaction
    this.lastBegun = finalLsn
    this.#leavingOut = finalLsn < applier.options.position.lsn
    const stop = stopAt()
    if (stop !== undefined && finalLsn >= stop) {
      this.hasReachedStop = true
      this.#leavingOut = true
    } else if (!this.#leavingOut && skipped.has(finalLsn)) {
      this.#leavingOut = true
      this.#skipping = new Map()
    }
    if (!this.#leavingOut) applier.begin(transaction)
  }

  commit(end: TransactionEnd) {
    // Ahead of the position: what is passed over must not be forgotten.
    if (this.#skipping && this.#transaction)
      this.options.onSkipped(this.#transaction, [...this.#skipping.values()])
    this.#skipping = undefined
    this.#transaction = undefined
    this.#leavingOut = false
    if (!this.#isEcho) this.ownEnd = end.endLsn
    this.#isEcho = false
    if (!this.hasReachedStop) this.options.applier.commit(end)
  }

  origin() {
    if (this.options.origin === 'any') return
    if (this.#piece === undefined) this.#leaveOutEcho()
    else this.options.spill.transaction(this.#piece).unwanted = true
  }

  relation(described: Relation) {
    // A table may be told apart, or look, otherwise from here on.
    this.options.applier.release()
    const relation = this.#asFollowed(described)
    const { applier, tables, followed, binary, known, onSchemaChange } = this.options
    // A relation is its OID: its name may be another one within a transaction, or from now on.
    const pair = followed?.pairs.get(relation.id)
    if (followed && !pair) {
      // Roots are described along with their partitions: only a change tells whether it matters.
      this.#targets.set(relation.id, new NotFollowed(described, followed))
      return
    }
    const before = known.get(relation.id)
    known.set(relation.id, described)
    const changes = before ? describeChange(before, described) : []
    if (changes.length > 0) onSchemaChange(relation, changes)
    if (binary && !relation.columns.every(({ type }) => this.options.isBinarySafe(type))) {
      throw new NeedsText(`a column of ${relation.schema}.${relation.name} can only travel as text`)
    }
    const named = tables.get(tableKey(relation))
    const table = pair && pair.to !== named?.oid ? undefined : named
    const types: NamedTypes = this.#types
    const problems = misfits(relation, table, types, binary)
    if (!table && (described.schema !== relation.schema || described.name !== relation.name)) {
      problems.push(`on the source it is called ${described.schema}.${described.name} now`)
    }
    if (binary && problems.length > 0 && misfits(relation, table, types, false).length === 0) {
      throw new NeedsText(`rows of ${relation.schema}.${relation.name} fit only as text`)
    }
    const target: TargetTable | Unfit =
      table && problems.length === 0
        ? new TargetTable(relation, table, binary, applier.prepare, this.#isExact)
        : { relation, problems }
    this.#targets.set(relation.id, target)
  }

  /** Under the destination's name, and with what the messages do not say. */
  #asFollowed(described: Relation): Relation {
    const { schema, name } = this.options.followed?.pairs.get(described.id) ?? described
    const relation = { ...described, schema, name }
    const computed = this.options.computed.get(relation.id)
    if (!computed) return relation
    const columns = relation.columns.map((column) => ({ ...column, computed: computed.has(column.name) }))
    return { ...relation, columns }
  }

  /** Only what is known not to be part of the move is passed over. */
  #unwanted({ relation, followed }: NotFollowed): Unfit | undefined {
    const { lookedFor, onUnwanted } = this.options
    const apart = followed.apart(relation.id)
    // It was not there when the stream was begun: a partition that is wanted, or a table that is new.
    if (apart !== 'left_out' && !lookedFor.has(relation.id)) throw new NeedsLook(relation.id)
    if (apart !== 'left_out' && !followed.hasSeen(this.#transaction?.xid ?? 0)) {
      throw new NotVisible(
        `a transaction that changes ${relation.schema}.${relation.name} is not visible on the source yet`,
      )
    }
    if (apart) {
      onUnwanted(relation, apart)
      return undefined
    }
    const name = `${relation.schema}.${relation.name}`
    const same = [...followed.pairs.values()].some((pair) => tableKey(pair) === tableKey(relation))
    const gone = followed.gone.map(({ schema, name }) => `${schema}.${name}`)
    const problems = [
      `${name} was not part of this move when it began: it was created or published since`,
      ...(same
        ? [
            `the table that was called ${name} before is followed, and is another one: it was dropped or renamed`,
          ]
        : []),
      ...(gone.length > 0 ? [`not published any more: ${gone.join(', ')}`] : []),
      `to follow it, create ${name} on the destination with the rows that it had before it was published` +
        `${same ? ' (in place of the table that has this name there)' : ''}, then retry`,
    ]
    return { relation, problems, unknown: true }
  }

  type(id: number, schema: string, name: string) {
    this.#types.set(id, { schema, name })
  }

  insert(relation: number, row: Tuple) {
    this.#countSkipped(relation, 'inserted')
    const target = this.#target(relation)
    if (target) this.options.applier.insert(target, row)
  }

  update(relation: number, old: OldRow, oldRow: Tuple, row: Tuple) {
    this.#countSkipped(relation, 'updated')
    const target = this.#target(relation)
    if (!target) return
    if (old !== 'full' && !target.hasKey) throw this.#keyless(target)
    if (old !== 'full') this.#refuseInexact(target)
    this.options.applier.update(target, old, oldRow, row)
  }

  delete(relation: number, old: OldRow, oldRow: Tuple) {
    this.#countSkipped(relation, 'deleted')
    const target = this.#target(relation)
    if (!target) return
    if (old !== 'full' && !target.hasKey) throw this.#keyless(target)
    if (old !== 'full') this.#refuseInexact(target)
    this.options.applier.delete(target, old, oldRow)
  }

  truncate(relations: number[], _cascade: boolean, restartIdentity: boolean) {
    for (const id of relations) this.#countSkipped(id, 'truncated')
    // The source names every table that its own CASCADE has emptied.
    const targets = relations.map((id) => this.#target(id)).filter((target) => target !== undefined)
    const [first] = targets
    if (!first) return
    if (this.#isExact && !this.#isTrusted) {
      throw this.#misfit({
        relation: first.relation,
        problems: [
          'TRUNCATE while changes flow both ways: rows that this side has inserted meanwhile would be lost. When the ' +
            'tables may be emptied here, retry',
        ],
        isInexact: true,
      })
    }
    this.options.applier.truncate(targets, restartIdentity)
  }

  message(transactional: boolean, lsn: Lsn, prefix: string, content: Uint8Array) {
    if (transactional && prefix === echoPrefix && this.options.origin === 'none') this.#leaveOutEcho()
    else if (!this.#leavingOut) this.options.onMessage(prefix, lsn, content)
  }

  streamStart(xid: number) {
    const { spill, early } = this.options
    this.#piece = xid
    early?.piece(xid, !spill.has(xid))
    spill.transaction(xid)
  }

  streamStop() {
    this.#piece = undefined
  }

  streamed(xid: number, type: number, bytes: Buffer, start: number, end: number) {
    if (this.#piece === undefined) return
    const transaction = this.options.spill.transaction(this.#piece)
    if (type === messageType.message && this.options.origin === 'none') {
      if (isMessageOf(echoPrefix, bytes, start, end)) transaction.unwanted = true
    }
    transaction.add(xid, type, bytes, start, end)
    const { early } = this.options
    if (transaction.unwanted) early?.giveUp(this.#piece)
    else early?.take(this.#piece, type, bytes, start, end)
  }

  streamCommit(xid: number, end: TransactionEnd) {
    this.#committed = { xid, end }
  }

  streamAbort(xid: number, subtransaction: number) {
    const { spill, early } = this.options
    if (xid === subtransaction) {
      spill.drop(xid)
      early?.giveUp(xid)
    } else if (spill.transaction(xid).abort(subtransaction)) early?.giveUp(xid)
  }

  beginPrepare = notAskedFor
  prepare = notAskedFor
  commitPrepared = notAskedFor
  rollbackPrepared = notAskedFor
  streamPrepare = notAskedFor

  #leaveOutEcho() {
    this.#leavingOut = true
    this.#isEcho = true
  }

  /** None for tables that are not followed, and in transactions that are left out. */
  #countSkipped(id: number, what: Exclude<keyof SkippedTable, keyof TableName>) {
    if (!this.#skipping) return
    const target = this.#targets.get(id)
    // A table that is no part of the move lacks nothing.
    if (!target || (target instanceof NotFollowed && target.followed.apart(id))) return
    const { schema, name } = target.relation
    const none = { schema, name, inserted: 0, updated: 0, deleted: 0, truncated: 0 }
    const counts = this.#skipping.get(tableKey(none)) ?? none
    counts[what]++
    this.#skipping.set(tableKey(none), counts)
  }

  #target(id: number): TargetTable | undefined {
    if (this.#leavingOut) return undefined
    let target = this.#targets.get(id)
    if (target instanceof NotFollowed) {
      target = this.#unwanted(target)
      this.#targets.set(id, target)
    }
    if (target instanceof TargetTable || target === undefined) {
      if (!this.#targets.has(id)) throw new Error(`a change of a table that was not described: ${id}`)
      return target
    }
    throw this.#misfit(target)
  }

  /** Where both sides are in use. */
  get #isExact(): boolean {
    return this.options.origin === 'none'
  }

  /** A user has decided that what the transaction does is right. */
  get #isTrusted(): boolean {
    const { trusted } = this.options
    return this.#transaction !== undefined && trusted.has(this.#transaction.finalLsn)
  }

  /** Without the old row nobody can tell whether this side has changed it, too. */
  #refuseInexact({ relation, table }: TargetTable) {
    if (!this.#isExact || this.#isTrusted) return
    throw this.#misfit({
      relation,
      problems: [
        'changes flow both ways, and the source does not send what the row was: nobody can tell whether both sides have ' +
          `changed it. Run "alter table ${table.quoted} replica identity full" on both sides; when this change is right, retry`,
      ],
      isInexact: true,
    })
  }

  #keyless({ relation }: TargetTable): Error {
    return this.#misfit({ relation, problems: ['the source does not send the columns of its key'] })
  }

  /** The destination may have been mended since its tables were read: only a second look is final. */
  #misfit({ relation, problems, unknown, isInexact }: Unfit): Error {
    const { applier } = this.options
    const name = `${relation.schema}.${relation.name}`
    if (!applier.options.careful || !this.#transaction) {
      return new NeedsCare(`${name} does not fit: ${problems.join('; ')}`)
    }
    return new ApplyConflict({
      transaction: this.#transaction,
      table: relation,
      statement: 'relation',
      problems,
      ...(unknown && { unknown: relation.id }),
      ...(isInexact && { isInexact }),
    })
  }
}

/** Without being asked the server sends prepared transactions when they are committed, as all others. */
function notAskedFor(): never {
  throw new Error('the source sent a prepared transaction, which was not asked for')
}
