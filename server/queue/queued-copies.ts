// Copies the rows of a run with workers on other machines: a table becomes a job, a large one several jobs, and small
// ones share a job. The caller sees the same tasks, progress and guarantees as with workers of this process.
import { asError } from '../../shared/message-of.ts'
import { endSessionsOf } from '../coordination/run-sessions.ts'
import type { Counts } from '../copy/lane-messages.ts'
import {
  type Copier,
  type Copiers,
  type CopierWork,
  CopyFailed,
  type CopyTask,
  RunningTask,
} from '../copy/task.ts'
import { TaskQueue } from '../copy/task-queue.ts'
import { Cancelled, errorInfo, PgtrekError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { pauseUnlessAborted, settledWithin } from '../system/deadline.ts'
import { type CopyJob, type JobEnds, queueOf } from './job.ts'
import { identityOf } from './lanes.ts'
import { type JobRow, Ledger } from './ledger.ts'
import { Presence } from './presence.ts'
import type { JobQueue } from './queue.ts'
import { TaskJobs } from './task-jobs.ts'
import { WorkerWatch } from './worker-watch.ts'

const pollEveryMs = 250
const heartbeatEveryMs = 5000
const presenceEveryMs = 1000
/** Jobs without attempts left are looked for less often. */
const givenUpEveryMs = 5000
/** A cancelled run does not wait for a worker that does not answer. */
const longestEndOfJobsMs = 15_000
/** The limit for withdrawing the run's jobs from the queue and the ledger. */
const longestEndMs = 30_000
/** The limit for the statements that are running when the copy ends. */
const longestTurnMs = 10_000
/** Tables with several jobs at once: each copied part keeps two sessions until the last part is copied. */
const mostAgreeing = 2

/** For `Migration.copiers`. */
export function copiersOn(queue: JobQueue, ends: JobEnds = {}): Copiers {
  return (work) => new QueuedCopies(queue, ends, work)
}

export class QueuedCopies implements Copier {
  readonly size = 1
  readonly #ledger: Ledger
  readonly #workers: WorkerWatch
  readonly #queueName: string
  readonly #run: string
  readonly #ready: TaskQueue
  #open = new Set<TaskJobs>()
  #leaving = new AbortController()
  #failure: Error | undefined
  /** Jobs that no worker has taken cannot be copied: the run's snapshot is gone. */
  #snapshotLost: Error | undefined
  #presence: Presence | undefined
  #identity = ''
  #isUnavailable = false
  #coordinating: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #leases = new Set<string>()

  constructor(
    readonly queue: JobQueue,
    readonly ends: JobEnds,
    readonly work: CopierWork,
  ) {
    this.#ledger = new Ledger(queue.connection)
    this.#queueName = queueOf(ends)
    this.#workers = new WorkerWatch(this.#ledger, this.#queueName, ends.mapping, work)
    this.#ready = new TaskQueue(!work.settings.maxBytesPerSecond, (tasks) => {
      for (const task of tasks) this.#enqueue(task)
    })
    this.#run = `${work.run}/${crypto.randomUUID()}`
  }

  /** On a queue that many databases share, `public.users` alone is ambiguous. */
  get #about(): string {
    const { mapping, sourceDatabase } = this.ends
    return mapping === undefined ? '' : `${[mapping, sourceDatabase].filter(Boolean).join('/')}: `
  }

  open() {
    this.#coordinating ??= this.#coordinate().catch((error: unknown) => this.#fail(error))
  }

  copy(task: CopyTask): Promise<Counts> {
    const running = new RunningTask(task)
    this.#enqueue(running)
    return running.result
  }

  /** What is not committed is rolled back: by its workers or, if they do not answer, by ending their sessions. */
  async cancel(): Promise<void> {
    this.#ready.rejectAll(new Cancelled())
    await this.#leave()
    for (const jobs of this.#open) jobs.running.reject(new Cancelled())
    this.#open.clear()
  }

  async close(): Promise<void> {
    await this.#leave()
  }

  async #coordinate(): Promise<void> {
    const { settings, onLog } = this.work
    await this.queue.ensure(this.#queueName)
    await using presence = new Presence(settings.destination, this.#run)
    this.#presence = presence
    this.#identity = await identityOf(await presence.show())
    await this.#ledger.runHeartbeat(this.#run)
    onLog(`rows are copied by the workers on ${this.queue.connection.name}`)
    const due = { heartbeat: 0, presence: 0, givenUp: 0 }
    const { signal } = this.#leaving
    while (!signal.aborted) {
      const now = performance.now()
      if (now >= due.heartbeat) {
        due.heartbeat = now + heartbeatEveryMs
        await this.#ledger.runHeartbeat(this.#run)
      }
      if (now >= due.presence) {
        due.presence = now + presenceEveryMs
        await this.#show(presence)
      }
      await this.#workers.look()
      if (this.#ready.size + this.#open.size > 0) this.#workers.remind()
      await this.#offer()
      await this.#poll()
      if (now >= due.givenUp) {
        due.givenUp = now + givenUpEveryMs
        await this.#pollGivenUp()
      }
      await pauseUnlessAborted(pollEveryMs, signal)
    }
  }

  async #show(presence: Presence) {
    try {
      await presence.show()
      this.#isUnavailable = false
    } catch (error) {
      // Statements that need the destination find out whether it comes back.
      if (!this.#isUnavailable)
        this.work.onWarning(`the destination is unavailable: ${errorInfo(error).message}`)
      this.#isUnavailable = true
    }
  }

  #enqueue(task: RunningTask) {
    const reason = this.#failure ?? (this.#leaving.signal.aborted ? new Cancelled() : this.#snapshotLost)
    if (reason) return task.reject(reason)
    this.#ready.add(task)
  }

  async #offer() {
    const { lanes } = this.#workers
    if (lanes === 0) return
    const waiting: RunningTask[] = []
    try {
      for (let running = this.#ready.next(lanes); running; running = this.#ready.next(lanes)) {
        const jobs = new TaskJobs(running, lanes)
        const agreeing = [...this.#open].filter((one) => one.isShared).length
        if (jobs.isShared && agreeing >= mostAgreeing) {
          waiting.push(running)
          continue
        }
        this.#open.add(jobs)
        await this.#offerJobs(jobs)
      }
    } finally {
      // Also when the queue could not be reached: these tasks fail for that reason.
      for (const running of waiting) this.#enqueue(running)
    }
  }

  async #offerJobs(jobs: TaskJobs) {
    const { settings, run: mark } = this.work
    const run = this.#run
    const offers = jobs.begin().map(({ id, parts, title, bytes }) => {
      const data: CopyJob = {
        run,
        mark,
        ends: this.ends,
        destination: this.#identity,
        snapshot: settings.snapshot,
        clientEncoding: settings.clientEncoding,
        replica: settings.replica,
        maxBytesPerSecond: settings.maxBytesPerSecond ?? 0,
        title: this.#about + title,
        bytes,
        parts,
        agree: jobs.agrees,
        shared: jobs.isShared,
        together: jobs.running.task.together ?? false,
      }
      return { id, data, priority: Math.floor(Math.log2(bytes + 1)) }
    })
    await this.#ledger.offer(
      run,
      offers.map(({ id, data }) => ({ id, title: data.title })),
    )
    await this.queue.offer(this.#queueName, offers)
  }

  async #poll() {
    if (this.#open.size === 0) return
    const rows = await this.#readLedger()
    await this.#reportCollisions()
    for (const jobs of [...this.#open]) {
      for (const { title, worker } of jobs.see(rows)) {
        this.work.onLog(`${title} is copied by ${worker}`)
      }
      if (isSnapshotLost(jobs.failure)) this.#loseSnapshot(jobs.failure)
      await this.#act(jobs)
    }
  }

  /** Decisions are stored in the ledger before it is read again. */
  async #act(jobs: TaskJobs) {
    for (;;) {
      const effects = new Set(jobs.takeEffects().map((effect) => effect.do))
      if (effects.size === 0) return
      if (effects.has('stop') || effects.has('roll back')) await this.#ledger.decide(jobs.ids, 'rollback')
      if (effects.has('commit')) await this.#ledger.decide(jobs.ids, 'commit')
      if (effects.has('ask')) await jobs.ask()
      if (effects.has('hand out')) await this.#offerJobs(jobs)
      if (effects.has('settle')) {
        this.#open.delete(jobs)
        jobs.settle()
      }
    }
  }

  /** Jobs that workers have taken continue: a worker that still sees the snapshot can complete. */
  #loseSnapshot(error: Error) {
    this.#snapshotLost ??= error
    this.#ready.rejectAll(error)
  }

  /** The jobs of all open tasks that a worker has or had, by id. */
  async #readLedger(): Promise<Map<string, JobRow>> {
    const rows = await this.#ledger.taken([...this.#open].flatMap((jobs) => jobs.ids))
    for (const { leases } of rows) for (const lease of leases) this.#leases.add(lease)
    return new Map(rows.map((row) => [row.id, row]))
  }

  async #reportCollisions() {
    const collisions = await this.#ledger.takeCollisions(this.#run)
    const inOrder = collisions.toSorted((one, other) => Number(one.id) - Number(other.id))
    for (const { job, key, rows } of inOrder) {
      const jobs = [...this.#open].find(({ ids }) => ids.includes(job))
      jobs?.running.task.onCollided?.(key, rows)
    }
  }

  async #pollGivenUp() {
    const unfinished = [...this.#open].flatMap((jobs) => jobs.unfinished)
    for (const { id, reason } of await this.queue.givenUp(this.#queueName, unfinished)) {
      for (const jobs of [...this.#open]) {
        jobs.giveUp(id, new PgtrekError(`no worker could complete the job: ${reason}`))
        await this.#act(jobs)
      }
    }
  }

  /** The queue is unavailable: nothing can be decided, and workers roll back what waits for a decision. */
  #fail(error: unknown) {
    this.#failure = asError(error)
    this.#leaving.abort()
    this.#ready.rejectAll(this.#failure)
    for (const jobs of this.#open) jobs.running.reject(this.#failure)
    this.#open.clear()
  }

  #leave(): Promise<void> {
    this.#closing ??= this.#endOnce()
    return this.#closing
  }

  async #endOnce(): Promise<void> {
    this.#leaving.abort()
    if (!this.#coordinating) return
    const announced = this.#coordinating.then(() =>
      this.#failure ? undefined : this.#ledger.runIsOver(this.#run),
    )
    if (await settledWithin(announced, longestTurnMs)) {
      await announced
      if (this.#failure) return
      const over = this.#endRun()
      if (await settledWithin(over, longestEndMs)) return await over
    }
    // A server does not answer. Without the run's mark no worker commits.
    this.#presence?.leave()
  }

  async #endRun(): Promise<void> {
    const { settings } = this.work
    const open = [...this.#open]
    const late = AbortSignal.timeout(longestEndOfJobsMs)
    while (open.some((jobs) => jobs.isTaken) && !late.aborted) {
      const rows = await this.#readLedger()
      for (const jobs of open) jobs.see(rows)
      await pauseUnlessAborted(pollEveryMs, late)
    }
    if (open.some((jobs) => jobs.isTaken)) {
      await using session = await Session.open(settings.destination)
      await endSessionsOf([...this.#leases], session)
    }
    for (const jobs of open) if (jobs.isDone) jobs.settle()
    await this.queue.withdraw(
      this.#queueName,
      open.flatMap((jobs) => jobs.unfinished),
    )
    await this.#ledger.forget(this.#run)
  }
}

function isSnapshotLost(failure: Error | undefined): failure is CopyFailed {
  return failure instanceof CopyFailed && failure.info.code === 'snapshot_lost'
}
