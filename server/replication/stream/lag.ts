// How far behind in time: the newest moment of which everything has been applied, and how long ago it was.
import type { Lsn } from './lsn.ts'

/** `wal_block_size`; a server that was built with another has its ends taken for whole, no more. */
const pageBytes = 8192n
/** What is cut off at the end of a page: seldom longer. */
const cutRecordBytes = 65_536n

/** Of hours behind, moments further apart tell enough. */
const mostMoments = 1000

export class Lag {
  /** Everything that was in the source's log at this time has been applied. */
  #levelAt: number | undefined
  /** Where the log ended at what time, as far as that has not been applied; oldest first. */
  #ahead: { end: Lsn; at: number }[] = []
  #apartMs = 0

  /**
   * While nobody commits the log is written in whole pages, and the record that a page cuts is not sent before
   * its rest is there: seconds later on a source where nothing happens.
   */
  knowEnd(end: Lsn, at: number) {
    const newest = this.#ahead.at(-1)
    if (newest && at - newest.at < this.#apartMs) return
    this.#ahead.push({ end: end % pageBytes === 0n ? end - cutRecordBytes : end, at })
    if (this.#ahead.length <= mostMoments) return
    this.#ahead = this.#ahead.filter((_, index) => index % 2 === 0)
    this.#apartMs = (2 * (at - (this.#ahead[0]?.at ?? at))) / mostMoments
  }

  /** At most so long, where `isBehind` says that the stream has brought more than is applied. */
  milliseconds(reached: Lsn, isBehind: boolean, now: number): number | undefined {
    while (this.#ahead[0] && this.#ahead[0].end <= reached) this.#levelAt = this.#ahead.shift()?.at
    if (this.#ahead.length === 0) this.#apartMs = 0
    if (this.#ahead.length === 0 && !isBehind) return 0
    return this.#levelAt === undefined ? undefined : Math.max(0, now - this.#levelAt)
  }
}
