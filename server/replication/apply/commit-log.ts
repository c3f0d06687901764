// Which transactions are being committed, which are committed, and which are on the destination's disk.

import type { TransactionEnd } from '../stream/event.ts'
import type { Lsn } from '../stream/lsn.ts'
import type { ChangeCounts, TargetTable } from './target.ts'

export interface Commit {
  end: TransactionEnd
  /** Whether the server answers only when this commit, and all before it, are on disk. */
  durable: boolean
  /** The number of source transactions in it. */
  transactions: number
  counts: { target: TargetTable; counts: ChangeCounts }[]
}

export class CommitLog {
  /** Committed on the destination. */
  appliedEnd: TransactionEnd
  /** On the destination's disk, together with its position. */
  durable: Lsn
  /** Nothing before this is left to do, once the commits that are under way are confirmed. */
  passed: TransactionEnd
  /** Confirmed, but not yet counted in the statistics. */
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

  /** Its COMMIT was sent. */
  add(commit: Commit) {
    this.#underWay.push(commit)
    this.skipTo(commit.end)
  }

  /** Nothing before this has to be applied. */
  skipTo(end: TransactionEnd) {
    if (end.endLsn > this.passed.endLsn) this.passed = end
  }

  get isQuiet(): boolean {
    return this.#underWay.length === 0
  }

  /** `synced`: the number of commits that the server has answered. True when one is new. */
  confirm(synced: number): boolean {
    const count = synced - this.#synced
    if (count === 0) return false
    this.#synced = synced
    for (const commit of this.#underWay.splice(0, count)) this.#settle(commit)
    return true
  }

  /** Commits of another session, while none of this one is under way. */
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
