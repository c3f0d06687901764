// The growth rate of a total in the last few seconds of a run, by the times of the events.

interface Sample {
  at: number
  total: number
}

/** The number of samples in the window: totals within one of its steps are one sample. */
const resolution = 20

/** Rates over a shorter time would be noise. */
const shortestSpan = 500

export class SlidingRate {
  /** Oldest first. The first is from before the window if there is one, so that a rate has a start. */
  readonly #samples: Sample[] = []
  #total = 0

  constructor(readonly span: number) {}

  /** Nothing was copied before `at`: idle time must not count as slow time. */
  restart(at: number): void {
    this.#samples.length = 0
    this.#samples.push({ at, total: this.#total })
  }

  grow(at: number, amount: number): void {
    this.#total += amount
    const last = this.#samples.at(-1)
    if (last && at - last.at < this.span / resolution) return
    this.#samples.push({ at, total: this.#total })
    while ((this.#samples[1]?.at ?? Number.POSITIVE_INFINITY) <= at - this.span) this.#samples.shift()
  }

  perSecond(now: number): number {
    const windowStart = now - this.span
    let base = this.#samples[0]
    if (!base) return 0
    for (const sample of this.#samples) {
      if (sample.at > windowStart) break
      base = sample
    }
    const elapsed = Math.min(Math.max(now - base.at, shortestSpan), this.span)
    return ((this.#total - base.total) / elapsed) * 1000
  }
}
