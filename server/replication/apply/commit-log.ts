// Which transactions are on their way to be committed, which are, and which the destination's disk has.

import type { TransactionEnd } from '../stream/event.ts'
import type { Lsn } from '../stream/lsn.ts'
import type { ChangeCounts, TargetTable } from './target.ts'

export interface Commit {
  end: TransactionEnd
  /** The server answers only when its disk has this commit, and all before it. */
  durable: boolean
  /** How many of the source's transactions are in it. */
  transactions: number
  counts: { target: TargetTable; counts: ChangeCounts }[]
}

export class CommitLog {
  /** Committed on the destination. */
  appliedEnd: TransactionEnd
  /** Stored there on disk, with its position. */
  durable: Lsn
  /** Up to here there is nothing left to do, once what is under way is committed. */
  passed: TransactionEnd
  /** Confirmed and not yet taken for the statistics. */
  #confirmed: Commit[] = []
  #underWay: Commit[] = []
  #synced = 0

  constructor(stored: Lsn) {
    this.durable = stored
    this.appliedEnd = { commitLsn: stored, endLsn: stored, time: 0 }
    this.passed = this.appliedEnd
  }

  get applied(): Lsn {
    return this.appliedEnd.endLsn
  }

  /** Its COMMIT is sent. */
  add(commit: Commit) {
    this.#underWay.push(commit)
    this.skipTo(commit.end)
  }

  /** Nothing of what lies before has to be applied. */
  skipTo(end: TransactionEnd) {
    if (end.endLsn > this.passed.endLsn) this.passed = end
  }

  get isQuiet(): boolean {
    return this.#underWay.length === 0
  }

  /** The server has answered so many commits; true when one is new. */
  confirm(synced: number): boolean {
    const count = synced - this.#synced
    if (count === 0) return false
    this.#synced = synced
    for (const commit of this.#underWay.splice(0, count)) this.#settle(commit)
    return true
  }

  /** Of another session; nothing is under way here. */
  addConfirmed(commits: readonly Commit[]) {
    for (const commit of commits) {
      this.#settle(commit)
      this.skipTo(commit.end)
    }
  }

  takeConfirmed(): Commit[] {
    const taken = this.#confirmed
    this.#confirmed = []
    return taken
  }

  #settle(commit: Commit) {
    this.appliedEnd = commit.end
    if (commit.durable) this.durable = commit.end.endLsn
    this.#confirmed.push(commit)
  }
}
