// Is the run that a job belongs to still there? Its coordinator holds the snapshot, and says that it lives.
import { messageOf } from '../../shared/message-of.ts'
import type { Ledger } from './ledger.ts'

const lookEveryMs = 1000
/** Answers in a row that show the same pulse: a queue that was away for a while does not count against the run. */
const mostSamePulses = 60

export class RunWatch {
  readonly #watched = new Map<string, { jobs: Set<(reason: string) => void>; done: Promise<void> }>()

  constructor(
    readonly ledger: Ledger,
    readonly onWarning: (message: string) => void,
  ) {}

  /** `onOver` is called once, when the run has ended or nothing was heard of it for a minute. */
  watch(run: string, onOver: (reason: string) => void): { end(): void } {
    const known = this.#watched.get(run)
    if (known) known.jobs.add(onOver)
    else {
      const jobs = new Set([onOver])
      this.#watched.set(run, { jobs, done: this.#look(run, jobs) })
    }
    return {
      end: () => {
        const watched = this.#watched.get(run)
        watched?.jobs.delete(onOver)
        if (watched?.jobs.size === 0) this.#watched.delete(run)
      },
    }
  }

  async #look(run: string, jobs: Set<(reason: string) => void>): Promise<void> {
    let last: string | undefined
    let same = 0
    while (jobs.size > 0) {
      let reason: string | undefined
      try {
        const pulse = await this.ledger.pulseOf(run)
        same = pulse === last ? same + 1 : 0
        last = pulse
        if (pulse === undefined) reason = 'its run is over'
        else if (same > mostSamePulses) reason = 'no heartbeat of its run for a minute'
      } catch (error) {
        reason = messageOf(error)
        this.onWarning(`the run ${run} cannot be watched: ${reason}`)
      }
      if (reason !== undefined) {
        for (const tell of [...jobs]) tell(reason)
        return
      }
      await Bun.sleep(lookEveryMs)
    }
  }
}
