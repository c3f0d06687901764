// How far a follower is and how fast it applies changes.

import type { FollowConflict, FollowPhase, FollowStatus, TableChanges } from '../../../shared/follow.ts'
import { tableKey } from '../../../shared/table-name.ts'
import { errorInfo } from '../../postgres/errors.ts'
import type { ServerTime } from '../stream/event.ts'
import { Lag } from '../stream/lag.ts'
import { bytesBetween, type Lsn, laterOf, noLsn, showLsn } from '../stream/lsn.ts'
import type { ChangeStream } from '../stream/stream.ts'
import type { Commit } from './commit-log.ts'

/** Rates are means over this time. */
const windowMs = 5_000

/** What waits for a stream ask for. It costs less than the whole status. */
export type StreamProgress = Pick<FollowStatus, 'phase' | 'applied' | 'conflict' | 'lastError'>

export class FollowStatistics {
  phase: FollowPhase = 'connecting'
  conflict: FollowConflict | undefined
  lastError: unknown
  received: Lsn = noLsn
  applied: Lsn = noLsn
  /** Nothing before this position is left to apply, and no transaction is under way. */
  passed: Lsn = noLsn
  durable: Lsn = noLsn
  /**
   * The end of the source's log, as the stream reports it; and as it was read in another session, if that is further.
   */
  #streamEnd: Lsn = noLsn
  #sourceEnd: Lsn = noLsn
  readonly #lag = new Lag()
  #appliedTime: ServerTime = 0
  #transactions = 0
  #rows = 0
  readonly #tables = new Map<string, TableChanges>()
  #samples: { at: number; transactions: number; rows: number }[] = []

  take(commits: readonly Commit[]) {
    for (const { end, transactions, counts } of commits) {
      this.applied = end.endLsn
      this.#appliedTime = end.time
      this.#transactions += transactions
      for (const { target, counts: changed } of counts) {
        const { schema, name } = target.relation
        const key = tableKey({ schema, name })
        const table = this.#tables.get(key) ?? noTableChanges(schema, name)
        table.inserts += changed.inserts
        table.updates += changed.updates
        table.deletes += changed.deletes
        table.truncates += changed.truncates
        this.#rows += changed.inserts + changed.updates + changed.deletes
        this.#tables.set(key, table)
      }
    }
  }

  look(stream: ChangeStream) {
    this.received = laterOf(this.received, stream.received)
    this.#streamEnd = laterOf(this.#streamEnd, stream.sourceEnd)
    this.#sourceEnd = laterOf(this.#sourceEnd, this.#streamEnd)
  }

  knowEnd(end: Lsn) {
    this.#sourceEnd = laterOf(this.#sourceEnd, end)
    this.#lag.knowEnd(end, Date.now())
  }

  status(
    stream: ChangeStream | undefined,
    large: Pick<FollowStatus, 'spilledBytes' | 'appliedEarly' | 'givenUpEarly'>,
  ): FollowStatus {
    const reached = this.#reached
    const lagBytes = bytesBetween(reached, this.#sourceEnd)
    return {
      ...this.progress,
      received: showLsn(this.received),
      durable: showLsn(this.durable),
      sourceEnd: showLsn(this.#sourceEnd),
      lagBytes,
      lagMilliseconds: lagBytes > 0 ? this.#lagMilliseconds(reached, stream) : 0,
      transactions: this.#transactions,
      rows: this.#rows,
      ...this.#speed(),
      ...large,
      tables: [...this.#tables.values()].map((table) => ({ ...table })),
    }
  }

  get progress(): StreamProgress {
    return {
      phase: this.phase,
      applied: showLsn(this.#reached),
      ...(this.conflict && { conflict: this.conflict }),
      ...(this.lastError !== undefined && { lastError: errorInfo(this.lastError) }),
    }
  }

  get #reached(): Lsn {
    return laterOf(this.applied, this.passed)
  }

  /** The newest applied transaction is older than those that are not applied, but may be hours old. */
  #lagMilliseconds(reached: Lsn, stream: ChangeStream | undefined): number {
    const sinceLevel = this.#lag.milliseconds(reached, reached < this.#streamEnd, Date.now())
    const age = stream && this.#appliedTime > 0 ? stream.age(this.#appliedTime) : undefined
    return Math.min(sinceLevel ?? age ?? 0, age ?? sinceLevel ?? 0)
  }

  #speed() {
    const now = { at: performance.now(), transactions: this.#transactions, rows: this.#rows }
    const newest = this.#samples.at(-1)
    if (!newest || now.at - newest.at > windowMs / 20) this.#samples.push(now)
    while (this.#samples.length > 2 && now.at - (this.#samples[0]?.at ?? 0) > windowMs) this.#samples.shift()
    const first = this.#samples[0] ?? now
    const seconds = Math.max((now.at - first.at) / 1000, 0.001)
    return {
      transactionsPerSecond: (now.transactions - first.transactions) / seconds,
      rowsPerSecond: (now.rows - first.rows) / seconds,
    }
  }
}

function noTableChanges(schema: string, name: string): TableChanges {
  return { schema, name, inserts: 0, updates: 0, deletes: 0, truncates: 0 }
}
