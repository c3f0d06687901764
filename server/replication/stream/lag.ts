// The lag in time: how long ago the newest moment was up to which everything has been applied.
import type { Lsn } from './lsn.ts'

/** `wal_block_size`. With another size, a partial page is not detected as one. */
const pageBytes = 8192n
/** The part of a record on a new page is seldom longer. */
const cutRecordBytes = 65_536n

/** With a lag of hours, less precise times are enough. */
const mostMoments = 1000

export class Lag {
  /** Everything that was in the source's log at this time is applied. */
  #levelAt: number | undefined
  /** The end of the log at various times, as far as it is not applied yet; oldest first. */
  #ahead: { end: Lsn; at: number }[] = []
  #apartMs = 0

  /**
   * Without commits the log is written in whole pages. A record that continues on the next page is not sent before
   * that page is written: on an idle source seconds later.
   */
  knowEnd(end: Lsn, at: number) {
    const newest = this.#ahead.at(-1)
    if (newest && at - newest.at < this.#apartMs) return
    this.#ahead.push({ end: end % pageBytes === 0n ? end - cutRecordBytes : end, at })
    if (this.#ahead.length <= mostMoments) return
    this.#ahead = this.#ahead.filter((_, index) => index % 2 === 0)
    this.#apartMs = (2 * (at - (this.#ahead[0]?.at ?? at))) / mostMoments
  }

  /** An upper limit if `isBehind`: the stream has delivered more than is applied. */
  milliseconds(reached: Lsn, isBehind: boolean, now: number): number | undefined {
    while (this.#ahead[0] && this.#ahead[0].end <= reached) this.#levelAt = this.#ahead.shift()?.at
    if (this.#ahead.length === 0) this.#apartMs = 0
    if (this.#ahead.length === 0 && !isBehind) return 0
    return this.#levelAt === undefined ? undefined : Math.max(0, now - this.#levelAt)
  }
}
