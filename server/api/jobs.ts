// Runs one job at a time, and sends its progress to clients at most twice a second: all of it, or all of it once and
// then the changes.

import type { JobProgress } from '../../shared/api.ts'
import { ProgressFold } from '../../shared/fold.ts'
import { say } from '../../shared/say.ts'
import { tellMistake } from '../system/output.ts'
import { ApiFailure } from './errors.ts'
import { Job, type JobRequest, type JobStores, type Start, shownOverview, type Urgency } from './job.ts'

/** Returns false while the last message is still being sent; the client gets everything later. */
export type Listener = (progress: JobProgress) => boolean

/** `changes`: the first message is complete, later ones contain only changes. */
export type Completeness = 'all' | 'changes'

interface Watch {
  listener: Listener
  wants: Completeness
  needsAll: boolean
  /** The number of the last log line that was sent. */
  sentLine: number
}

/** Time between two messages, unless the state changes. */
const defaultBetweenMessagesMs = 500
/** Older lines are in the history. */
const mostLogLines = 1_000

export class Jobs {
  #job: Job | undefined
  readonly #watches = new Set<Watch>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #sentAt = 0

  constructor(
    readonly stores: () => JobStores,
    readonly betweenMessagesMs = defaultBetweenMessagesMs,
  ) {}

  get isBusy(): boolean {
    return this.#job?.isRunning ?? false
  }

  /** The number of the running job. */
  get running(): string | undefined {
    return this.#job?.isRunning ? this.#job.id : undefined
  }

  /** Throws if a job is running; there is no queue. */
  start(request: JobRequest, start?: Start): string {
    return this.startJob(request, start).id
  }

  startJob(request: JobRequest, start?: Start): Pick<Job, 'id' | 'done' | 'cancel'> {
    if (this.#job?.isRunning) {
      throw new ApiFailure('busy', say`migration ${this.#job.id} is running: wait for it, or cancel it`)
    }
    const job = new Job(request, this.stores(), (urgency) => this.#changed(urgency), start)
    this.#job = job
    for (const watch of this.#watches) Object.assign(watch, { needsAll: true, sentLine: 0 })
    this.#changed('now')
    return job
  }

  /** False if nothing is running. */
  cancel(): boolean {
    if (!this.#job?.isRunning) return false
    this.#job.cancel()
    return true
  }

  /** Cancels the running job and waits until it has cleaned up. */
  async close(): Promise<void> {
    this.#job?.cancel()
    await this.#job?.done
    clearTimeout(this.#timer)
    this.#watches.clear()
  }

  status(): JobProgress {
    return this.#all(0)
  }

  watch(listener: Listener, wants: Completeness = 'all'): () => void {
    const watch: Watch = { listener, wants, needsAll: true, sentLine: 0 }
    this.#watches.add(watch)
    this.#tell(watch, Date.now(), undefined)
    return () => this.#watches.delete(watch)
  }

  #changed(urgency: Urgency) {
    if (urgency === 'now') return this.#send()
    const wait = Math.max(0, this.#sentAt + this.betweenMessagesMs - Date.now())
    this.#timer ??= setTimeout(() => this.#send(), wait)
  }

  #send() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const job = this.#job
    if (!job) return
    const now = Date.now()
    this.#sentAt = now
    this.#keep(job, now)
    if (!job.isRunning) for (const watch of this.#watches) watch.needsAll = true
    const changes = job.changes(now)
    for (const watch of this.#watches) this.#tell(watch, now, changes)
    // Rates and times advance without events.
    if (job.isRunning) this.#timer = setTimeout(() => this.#send(), this.betweenMessagesMs)
  }

  #tell(watch: Watch, now: number, changes: Omit<JobProgress, 'log'> | undefined) {
    const job = this.#job
    const message: JobProgress =
      watch.wants === 'all' || watch.needsAll || !changes
        ? this.#all(watch.sentLine, now)
        : { ...changes, log: job?.log.since(watch.sentLine, mostLogLines) ?? [] }
    watch.needsAll = !watch.listener(message)
    if (!watch.needsAll && watch.wants === 'changes') watch.sentLine = job?.log.last ?? 0
  }

  #all(sentLine: number, now = Date.now()): JobProgress {
    const job = this.#job
    if (job) return { ...job.full(now), log: job.log.since(sentLine, mostLogLines) }
    const nothing = shownOverview(new ProgressFold(), now)
    return { ...nothing, tables: [], running: false, id: null, log: [] }
  }

  /** A full disk must not end the migration; the error is logged for the operator. */
  #keep(job: Job, now: number) {
    try {
      job.keepLog()
      job.keepSpeed(now)
    } catch (error) {
      tellMistake(error, 'pgtrek: log lines and speeds could not be stored:')
    }
  }
}
