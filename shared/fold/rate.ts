// How fast a growing total has grown in the last few seconds of a run, by the events' own clock.

interface Sample {
  at: number
  total: number
}

/** Steps of the window that are told apart: what falls into one step is kept as one sample. */
const resolution = 20

/** Rates over less than this would be noise. */
const shortestSpan = 500

export class SlidingRate {
  /** Oldest first; the first is from before the window when there is one, so a rate has a start. */
  readonly #samples: Sample[] = []
  #total = 0

  constructor(readonly span: number) {}

  /** Says that nothing moved before `at`: idle time would otherwise count as slow time. */
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
