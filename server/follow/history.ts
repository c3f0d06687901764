// What a view shows of the past: the last log lines, and samples of lag and speed.

import type { FollowStatus } from '../../shared/follow.ts'
import {
  type FollowLogLine,
  type FollowSample,
  mostFollowLines,
  mostSamples,
} from '../../shared/follow-view.ts'

const sampleEveryMs = 1000

export class ViewHistory {
  #lines: FollowLogLine[] = []
  #samples: FollowSample[] = []

  keep(line: FollowLogLine) {
    this.#lines.push(line)
    if (this.#lines.length > mostFollowLines) this.#lines.splice(0, this.#lines.length - mostFollowLines)
  }

  sample(status: FollowStatus | undefined, now: number) {
    const last = this.#samples.at(-1)
    if (!status || (last && now - last.at < sampleEveryMs)) return
    this.#samples.push({
      at: now,
      lag_bytes: status.lagBytes,
      lag_seconds: status.lagMilliseconds / 1000,
      rows_per_second: status.rowsPerSecond,
      transactions_per_second: status.transactionsPerSecond,
    })
    if (this.#samples.length > mostSamples) this.#samples.shift()
  }

  view() {
    return { samples: this.#samples.slice(), log: this.#lines.slice() }
  }
}
