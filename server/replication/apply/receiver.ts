// Decides about each event of the source: it is applied, kept until its transaction is committed, or left out because
// it was applied before, is an echo, or is not wanted. The answer says what has to happen before the next event.
import { say } from '../../../shared/say.ts'
import type { SkippedTable } from '../../../shared/skipped.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type {
  ContentEvent,
  MessageEvent,
  RowEvent,
  SourceEvent,
  StreamedEvent,
  TransactionEnd,
} from '../stream/event.ts'
import { type Lsn, noLsn } from '../stream/lsn.ts'
import { isMessageOf, messageType, PgoutputDecoder } from '../stream/pgoutput.ts'
import type { Spill } from '../stream/spill.ts'
import type { SourceTransaction } from '../stream/transaction.ts'
import type { Applier } from './applier.ts'
import type { Control } from './control.ts'
import { echoPrefix } from './position.ts'
import {
  between,
  nextReceiverState,
  type ReceiverState,
  type TransactionEvent,
  type TransactionRules,
} from './receiver-state.ts'
import type { Relations } from './relations.ts'
import type { RowChanges } from './row-changes.ts'
import type { StreamedApply } from './streamed-apply.ts'

export interface ReceiverOptions {
  applier: Applier
  relations: Relations
  changes: RowChanges
  origin: 'any' | 'none'
  /** The transactions that a user decided to skip, by the position of their commit. */
  skipped: ReadonlySet<Lsn>
  /** Changes before this position are applied in careful mode. */
  carefulUntil: Lsn | undefined
  control: Pick<Control, 'intent'>
  spill: Spill
  /** Applies large transactions while they are sent. */
  streamed: StreamedApply | undefined
  onSkipped: (transaction: SourceTransaction, tables: SkippedTable[]) => void
  onSchemaChange: (table: TableName, changes: string[]) => void
  onMessage: (prefix: string, lsn: Lsn, content: Uint8Array) => void
}

/**
 * `wait`: call `wait` until the destination has room. `replay`: a large transaction was committed; call `replay` to
 * apply it. `stop`: take no more events for now, see `interruption`.
 */
export type Answer = 'continue' | 'wait' | 'replay' | 'stop'

/** Why no event is taken. `restart`: the next connection has to apply in another way. */
export type Interruption = 'stop' | 'restart' | 'pause'

export class Receiver {
  /** The position of the commit of the newest transaction that was started. */
  lastBegun: Lsn = noLsn
  /** The end of the newest transaction that was not an echo. */
  ownEnd: Lsn = noLsn
  #state: ReceiverState = between
  /** What the skipped transaction would have changed, by table. */
  #skipping = new Map<string, SkippedTable>()
  /** Decodes kept messages. */
  readonly #decoder = new PgoutputDecoder()
  readonly #applier: Applier
  readonly #changes: RowChanges
  readonly #streamed: StreamedApply | undefined
  readonly #rules: TransactionRules

  constructor(readonly options: ReceiverOptions) {
    this.#applier = options.applier
    this.#changes = options.changes
    this.#streamed = options.streamed
    const { control, skipped, applier } = options
    this.#rules = {
      position: applier.options.position.lsn,
      get stopAt() {
        return control.intent.stopAt
      },
      skipped,
    }
  }

  /**
   * Between transactions, with every decision of the user carried out. Decisions are not stored beyond the end of the
   * process.
   */
  get isAtBoundary(): boolean {
    if (this.#state.name !== 'between') return false
    const { skipped } = this.options
    return skipped.size === 0 || ![...skipped].some((lsn) => lsn >= this.#applier.commits.passed.endLsn)
  }

  get isInTransaction(): boolean {
    return this.#state.name !== 'between'
  }

  /** A transaction is never interrupted. */
  get interruption(): Interruption | undefined {
    if (this.#state.name === 'behind_stop') return 'stop'
    if (this.#state.name !== 'between') return undefined
    const { carefulUntil, control } = this.options
    // The newest transaction of the failed attempt is applied or left out.
    if (carefulUntil !== undefined && this.lastBegun >= carefulUntil) return 'restart'
    const { name, stopAt } = control.intent
    if (name === 'run' && stopAt === undefined) return undefined
    if (!this.isAtBoundary) return undefined
    if (name !== 'run') return name
    return stopAt !== undefined && this.#applier.commits.passed.endLsn >= stopAt ? 'stop' : undefined
  }

  take(event: SourceEvent): Answer {
    const state = this.#state
    // Nearly all events are of this kind. They change neither the state nor the tables that are wanted.
    if (
      state.name === 'applying' &&
      (event.type === 'insert' || event.type === 'update' || event.type === 'delete')
    ) {
      this.#changes.apply(event, state.transaction)
      return this.#mustWait ? 'wait' : 'continue'
    }
    this.#take(event)
    if (this.#state.name === 'committed') return 'replay'
    if (this.#mustWait) return 'wait'
    return this.interruption ? 'stop' : 'continue'
  }

  get #mustWait(): boolean {
    return this.#applier.mustWait || this.#streamed?.mustWait === true
  }

  async wait(): Promise<'continue' | 'stop'> {
    if (this.#streamed?.mustWait) await this.#streamed.wait()
    if (this.#applier.mustWait) await this.#applier.wait()
    return this.interruption ? 'stop' : 'continue'
  }

  /** Applies a large transaction that was committed, or commits it if it was applied while it was sent. */
  async replay(): Promise<'continue' | 'stop'> {
    const { spill } = this.options
    if (this.#state.name !== 'committed') throw new Error('no transaction has to be replayed')
    const { xid, end } = this.#state
    const kept = spill.transaction(xid)
    this.#begin({ type: 'begin', xid, finalLsn: end.commitLsn, time: end.time })
    if (this.#is('behind_stop')) return 'stop'
    if (kept.unwanted) this.#change({ type: 'echo' })
    const isLeftOut = this.#is('leaving_out')
    if (isLeftOut) this.#streamed?.giveUp('left_out', xid)
    const described = isLeftOut ? undefined : await this.#streamed?.commit(xid, end)
    if (described) for (const { type, bytes } of described) this.#takeKept(type, bytes, 0, bytes.length)
    // Also replayed when it is left out: its tables have to be known, and skipped changes are counted.
    else await kept.replay(this.#takeKept, () => (this.#applier.mustWait ? this.#applier.wait() : undefined))
    this.#commit(end)
    spill.drop(xid)
    return await this.wait()
  }

  #is(name: ReceiverState['name']): boolean {
    return this.#state.name === name
  }

  #change(event: TransactionEvent) {
    this.#state = nextReceiverState(this.#state, event, this.#rules)
  }

  #take(event: SourceEvent) {
    const { spill, origin } = this.options
    switch (event.type) {
      case 'begin':
        return this.#begin(event)
      case 'commit':
        return this.#commit(event.end)
      case 'streamed':
        return this.#keep(event)
      case 'keepalive': {
        const { end, time } = event
        // Within a transaction, the end of the log is not a position up to which everything is applied.
        if (!this.isInTransaction) this.#applier.commits.skipTo({ commitLsn: end, endLsn: end, time })
        return
      }
      case 'origin':
        if (origin === 'any') return
        if (this.#state.name === 'streaming') spill.transaction(this.#state.xid).unwanted = true
        else this.#change({ type: 'echo' })
        return
      case 'stream_start':
        this.#change(event)
        this.#streamed?.part(event.xid, !spill.has(event.xid))
        spill.transaction(event.xid)
        return
      case 'stream_stop':
      case 'stream_commit':
        return this.#change(event)
      case 'stream_abort':
        return this.#abort(event.xid, event.subtransaction)
      case 'begin_prepare':
      case 'prepare':
      case 'commit_prepared':
      case 'rollback_prepared':
      case 'stream_prepare':
        // The server sends a prepared transaction when it is committed, unless two-phase decoding was requested.
        throw new Error(say`the source sent a prepared transaction, which was not requested`)
      default:
        return this.#content(event)
    }
  }

  #begin(event: Extract<TransactionEvent, { type: 'begin' }>) {
    this.lastBegun = event.finalLsn
    this.#change(event)
    if (this.#state.name === 'applying') this.#applier.begin(this.#state.transaction)
  }

  #commit(end: TransactionEnd) {
    const state = this.#state
    const isLeftOut = state.name === 'leaving_out'
    // Reported before the position is stored, so that the skip cannot be lost.
    if (isLeftOut && state.reason === 'skipped') {
      this.options.onSkipped(state.transaction, [...this.#skipping.values()])
      this.#skipping.clear()
    }
    if (!isLeftOut || !state.isEcho) this.ownEnd = end.endLsn
    this.#change(committed)
    this.#applier.commit(end)
  }

  #content(event: ContentEvent) {
    const { relations, onSchemaChange } = this.options
    switch (event.type) {
      case 'relation': {
        const changed = relations.compare(event.relation)
        if (changed) onSchemaChange(changed.table, changed.changes)
        return relations.describe(event.relation)
      }
      case 'type':
        return relations.type(event.id, event.schema, event.name)
      case 'message':
        return this.#message(event)
      default: {
        const state = this.#state
        if (state.name === 'applying') this.#changes.apply(event, state.transaction)
        else if (state.name !== 'leaving_out') throw new Error(say`a change outside of all transactions`)
        else if (state.reason === 'skipped') this.#countSkipped(event)
      }
    }
  }

  #message({ transactional, lsn, prefix, content }: MessageEvent) {
    const { origin, onMessage } = this.options
    if (transactional && prefix === echoPrefix && origin === 'none') this.#change({ type: 'echo' })
    else if (this.#state.name !== 'leaving_out') onMessage(prefix, lsn, content)
  }

  /** Keeps the event until its transaction is committed. */
  #keep({ xid, message, bytes, start, end }: StreamedEvent) {
    if (this.#state.name !== 'streaming') return
    const { spill, origin } = this.options
    const kept = spill.transaction(this.#state.xid)
    if (message === messageType.message && origin === 'none') {
      if (isMessageOf(echoPrefix, bytes, start, end)) kept.unwanted = true
    }
    kept.add(xid, message, bytes, start, end)
    if (kept.unwanted) this.#streamed?.giveUp('left_out', this.#state.xid)
    else this.#streamed?.take(this.#state.xid, message, bytes, start, end)
  }

  #abort(xid: number, subtransaction: number) {
    const { spill } = this.options
    if (xid === subtransaction) {
      spill.drop(xid)
      this.#streamed?.giveUp('aborted', xid)
    } else if (spill.transaction(xid).abort(subtransaction)) this.#streamed?.giveUp('savepoint', xid)
  }

  readonly #takeKept = (type: number, bytes: Buffer, start: number, end: number) =>
    this.#take(this.#decoder.readBody(type, bytes, start, end))

  #countSkipped(event: RowEvent) {
    const { relations } = this.options
    const [ids, what] =
      event.type === 'truncate'
        ? [event.relations, 'truncated' as const]
        : [[event.relation], counted[event.type]]
    for (const id of ids) {
      const table = relations.lacking(id)
      if (!table) continue
      const none = { ...table, inserted: 0, updated: 0, deleted: 0, truncated: 0 }
      const counts = this.#skipping.get(tableKey(table)) ?? none
      counts[what]++
      this.#skipping.set(tableKey(table), counts)
    }
  }
}

const committed: TransactionEvent = { type: 'commit' }
const counted = { insert: 'inserted', update: 'updated', delete: 'deleted' } as const
