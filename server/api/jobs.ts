// One job at a time, and those who watch it, at most twice a second: everything, or once everything and then what has
// changed.
import type { JobProgress } from '../../shared/api.ts'
import { ProgressFold } from '../../shared/fold.ts'
import { tellMistake } from '../system/output.ts'
import { ApiFailure } from './errors.ts'
import { Job, type JobRequest, type JobStores, type Start, type Urgency } from './job.ts'

/** False when the listener has not taken the last message yet: it gets everything later. */
export type Listener = (progress: JobProgress) => boolean

/** `changes`: after the first message only of what has changed. */
export type Completeness = 'all' | 'changes'

interface Watch {
  listener: Listener
  wants: Completeness
  needsAll: boolean
  /** The number of the last log line it has heard. */
  heard: number
}

/** Between two messages, unless the state changes. */
const defaultBetweenMessagesMs = 500
/** More than fits on a page is looked up in the history. */
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

  /** Throws when one is running, which is not waited for. */
  start(request: JobRequest, start?: Start): string {
    if (this.#job?.isRunning) {
      throw new ApiFailure('busy', `migration ${this.#job.id} is running: wait for it, or cancel it`)
    }
    const job = new Job(request, this.stores(), (urgency) => this.#changed(urgency), start)
    this.#job = job
    for (const watch of this.#watches) Object.assign(watch, { needsAll: true, heard: 0 })
    this.#changed('now')
    return job.id
  }

  /** False when nothing is running. */
  cancel(): boolean {
    if (!this.#job?.isRunning) return false
    this.#job.cancel()
    return true
  }

  /** Cancels what runs and waits until it has cleaned up. */
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
    const watch: Watch = { listener, wants, needsAll: true, heard: 0 }
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
    // Rates and times go on also while no event comes.
    if (job.isRunning) this.#timer = setTimeout(() => this.#send(), this.betweenMessagesMs)
  }

  #tell(watch: Watch, now: number, changes: Omit<JobProgress, 'log'> | undefined) {
    const job = this.#job
    const message: JobProgress =
      watch.wants === 'all' || watch.needsAll || !changes
        ? this.#all(watch.heard, now)
        : { ...changes, log: job?.log.since(watch.heard, mostLogLines) ?? [] }
    watch.needsAll = !watch.listener(message)
    if (!watch.needsAll && watch.wants === 'changes') watch.heard = job?.log.last ?? 0
  }

  #all(heard: number, now = Date.now()): JobProgress {
    const job = this.#job
    if (job) return { ...job.full(now), log: job.log.since(heard, mostLogLines) }
    const { settled_tables: _, ...nothing } = new ProgressFold().overview(now)
    return { ...nothing, tables: [], running: false, id: null, log: [] }
  }

  /** A disk that is full must not end the migration; the operator hears of it. */
  #keep(job: Job, now: number) {
    try {
      job.keepLog()
      job.keepSpeed(now)
    } catch (error) {
      tellMistake(error, 'pgtrek: log lines and speeds could not be stored:')
    }
  }
}
