// The comparisons of this process: one runs at a time, and the results of the last ones stay.
import type { Comparison } from '../../shared/comparison-api.ts'
import { type ComparedRequest, type ComparisonEnds, ComparisonJob, shownEnds } from './comparison-job.ts'
import { ApiFailure } from './errors.ts'

/** Results can be large. */
const mostKept = 5

export class Comparisons {
  #jobs: ComparisonJob[] = []

  get isBusy(): boolean {
    return this.#jobs.some(({ isRunning }) => isRunning)
  }

  /** The latest first. */
  list(): Comparison[] {
    return this.#jobs.map((job) => job.view())
  }

  find(id: string): ComparisonJob {
    const job = this.#jobs.find((one) => one.id === id)
    if (job) return job
    throw new ApiFailure(
      'not_found',
      `no comparison has the id "${id}": this process keeps the last ${mostKept}, until it ends`,
    )
  }

  start(request: ComparedRequest, ends: ComparisonEnds): ComparisonJob {
    this.#refuseSecond()
    return this.#keep(new ComparisonJob(request, shownEnds(ends), ends))
  }

  /** Applies changes that a comparison of this process has shown. */
  apply(id: string, ends: ComparisonEnds, confirmed: readonly string[]): ComparisonJob {
    const shown = this.find(id)
    if (shown.request.kind !== 'schema')
      throw new ApiFailure('usage', `comparison ${id} compared rows: there are no statements to apply`)
    const now = shownEnds(ends)
    for (const side of ['source', 'destination'] as const) {
      if (now[side] !== shown.ends[side]) {
        throw new ApiFailure(
          'usage',
          `comparison ${id} is of the ${side} ${shown.ends[side]}, but ${now[side]} was given`,
          `/${side}`,
        )
      }
    }
    const known = new Set(shown.result().schema?.differences.map((change) => change.id))
    const unknown = confirmed.findIndex((one) => !known.has(one))
    if (unknown >= 0) {
      throw new ApiFailure(
        'usage',
        `comparison ${id} has shown no change with this id: confirm changes of its result`,
        `/confirmed/${unknown}`,
      )
    }
    this.#refuseSecond()
    return this.#keep(new ComparisonJob(shown.request, now, ends, confirmed))
  }

  async close(): Promise<void> {
    for (const job of this.#jobs) job.cancel()
    await Promise.all(this.#jobs.map(({ done }) => done))
  }

  #keep(job: ComparisonJob): ComparisonJob {
    this.#jobs = [job, ...this.#jobs].slice(0, mostKept)
    return job
  }

  #refuseSecond() {
    const running = this.#jobs.find(({ isRunning }) => isRunning)
    if (!running) return
    throw new ApiFailure(
      'busy',
      `comparison ${running.id} of ${running.ends.source} and ${running.ends.destination} is running: wait for it, or cancel it`,
    )
  }
}
