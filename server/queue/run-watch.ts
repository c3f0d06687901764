// Checks for the jobs of a worker that their run still exists. Its coordinator holds the snapshot, and sends a heartbeat.
import { messageOf } from '../../shared/message-of.ts'
import { pauseUnlessAborted } from '../system/deadline.ts'
import type { Ledger } from './ledger.ts'

const pollEveryMs = 1000
/** Successive answers with the same heartbeat: the time in which the queue was unavailable does not count. */
const mostSameHeartbeats = 60

interface WatchedRun {
  jobs: Set<(reason: string) => void>
  ended: AbortController
}

export class RunWatch {
  readonly #watched = new Map<string, WatchedRun>()

  constructor(
    readonly ledger: Ledger,
    readonly onWarning: (message: string) => void,
  ) {}

  /** Until the signal. `onOver` is called once, when the run has ended or has sent no heartbeat for a minute. */
  watch(run: string, signal: AbortSignal, onOver: (reason: string) => void) {
    const watched = this.#watched.get(run) ?? this.#begin(run)
    watched.jobs.add(onOver)
    const leave = () => {
      watched.jobs.delete(onOver)
      if (watched.jobs.size === 0) this.#end(run, watched)
    }
    signal.addEventListener('abort', leave, { once: true })
  }

  #begin(run: string): WatchedRun {
    const watched: WatchedRun = { jobs: new Set(), ended: new AbortController() }
    this.#watched.set(run, watched)
    void this.#watch(run, watched)
    return watched
  }

  #end(run: string, watched: WatchedRun) {
    watched.ended.abort()
    if (this.#watched.get(run) === watched) this.#watched.delete(run)
  }

  async #watch(run: string, watched: WatchedRun): Promise<void> {
    const { signal } = watched.ended
    let last: string | undefined
    let same = 0
    while (!signal.aborted) {
      let reason: string | undefined
      try {
        const pulse = await this.ledger.pulseOf(run)
        same = pulse === last ? same + 1 : 0
        last = pulse
        if (pulse === undefined) reason = 'its run is over'
        else if (same > mostSameHeartbeats) reason = 'no heartbeat of its run for a minute'
      } catch (error) {
        reason = messageOf(error)
        this.onWarning(`the run ${run} cannot be watched: ${reason}`)
      }
      if (reason !== undefined) {
        this.#end(run, watched)
        for (const onOver of [...watched.jobs]) onOver(reason)
        return
      }
      await pauseUnlessAborted(pollEveryMs, signal)
    }
  }
}
