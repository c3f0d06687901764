// One task of a run as jobs: a table's parts are dealt out, and count only when every job that has some of them is
// ready to commit. What the coordinator has to do next follows from what is known of the jobs.
import { asError } from '../../shared/message-of.ts'
import type { CopyPart } from '../copy/pool.ts'
import { CopyFailed, type Counts, PartlyCommitted } from '../copy/pool.ts'
import type { RunningTask } from '../copy/task.ts'
import { PgtrekError, sqlstate } from '../postgres/errors.ts'
import type { CopyOutcome } from './job.ts'
import type { JobRow } from './ledger.ts'

/** A table that is copied by few workers goes in more parts than these: less is lost with one of them. */
const fewestShares = 4
/** Each keeps a session to either end until the last one is copied. */
const mostShares = 32

/** Rows wait for those of another job: the table is then left to one of them. */
const blocked: ReadonlySet<string> = new Set([sqlstate.lockNotAvailable, sqlstate.deadlockDetected])

export interface Offer {
  id: string
  title: string
  bytes: number
  parts: CopyPart[]
}

interface Job extends Offer {
  row: JobRow | undefined
  outcome: CopyOutcome | undefined
  worker: string | undefined
}

export type Wish = 'wait' | 'commit' | 'rollback' | 'again' | 'settle'

const none: Readonly<Counts> = { rows: 0, bytes: 0, collided: 0 }

export class TaskJobs {
  failure: Error | undefined
  #jobs: Job[] = []
  #shares: number
  #hasStarted = false
  #decided: 'commit' | 'rollback' | undefined
  /** What was decided is also seen by whoever claims a job. */
  #seenSince = false
  #repeat = false

  constructor(
    readonly running: RunningTask,
    lanes: number,
  ) {
    const most = Math.min(mostShares, Math.max(fewestShares, lanes))
    this.#shares = running.task.together ? 1 : Math.min(running.task.parts.length, most)
  }

  get isShared(): boolean {
    return this.#shares > 1
  }

  get agrees(): boolean {
    return this.isShared || this.running.task.onBeforeCommit !== undefined
  }

  get ids(): string[] {
    return this.#jobs.map(({ id }) => id)
  }

  get unfinished(): string[] {
    return this.#jobs.filter(({ outcome }) => !outcome).map(({ id }) => id)
  }

  /** Somebody works on it, as far as is known. */
  get isTaken(): boolean {
    return this.#jobs.some(({ row, outcome }) => row && row.state !== 'offered' && !outcome)
  }

  get isDone(): boolean {
    return this.#jobs.every(({ outcome }) => outcome?.kind === 'done')
  }

  begin(): Offer[] {
    const { task } = this.running
    const title = task.title ?? 'rows'
    const shares = dealt(task.parts, this.#shares)
    this.#jobs = shares.map((parts, index) => ({
      id: crypto.randomUUID(),
      title: shares.length > 1 ? `${title} (part ${index + 1} of ${shares.length})` : title,
      bytes: Math.round((task.bytes * parts.length) / task.parts.length),
      parts,
      row: undefined,
      outcome: undefined,
      worker: undefined,
    }))
    return this.#jobs
  }

  /** What the ledger says now. Returns jobs that have got another worker. */
  see(rows: ReadonlyMap<string, JobRow>): { title: string; worker: string }[] {
    this.#seenSince = this.#decided !== undefined
    const taken: { title: string; worker: string }[] = []
    let counts = none
    for (const job of this.#jobs) {
      const row = rows.get(job.id)
      if (!row) continue
      job.row = row
      job.outcome ??= row.outcome ?? undefined
      if (row.state !== 'offered' && row.worker && row.worker !== job.worker) {
        job.worker = row.worker
        taken.push({ title: job.title, worker: row.worker })
      }
      const { outcome } = job
      counts = sum(counts, outcome?.kind === 'done' ? outcome : row)
      if (outcome) this.#judge(outcome)
    }
    if (taken.length > 0 && !this.#hasStarted) {
      this.#hasStarted = true
      this.running.task.onStart()
    }
    if (taken.length > 0) this.running.task.onWorker?.(this.#workers)
    if (this.#hasStarted) this.running.task.onProgress(counts.rows, counts.bytes, counts.collided)
    return taken
  }

  /** What is wished is taken for granted: it is not wished twice. */
  wish(): Wish {
    if (this.isDone) return 'settle'
    if (this.failure || this.#repeat) {
      if (!this.#decided) {
        this.#decided = 'rollback'
        this.#seenSince = false
        return 'rollback'
      }
      if (!this.#seenSince || this.#jobs.some((job) => this.#mayStillEnd(job))) return 'wait'
      return this.#repeat && !this.failure && !this.#isPartly ? 'again' : 'settle'
    }
    const isReady = ({ row, outcome }: Job) => outcome?.kind === 'done' || row?.state === 'prepared'
    if (this.agrees && !this.#decided && this.#jobs.every(isReady)) {
      this.#decided = 'commit'
      return 'commit'
    }
    return 'wait'
  }

  /** The last moment to say no. */
  async settleBeforeCommit(): Promise<void> {
    try {
      await this.running.task.onBeforeCommit?.(this.#jobs.flatMap(({ row }) => row?.transactions ?? []))
    } catch (error) {
      this.failure = asError(error)
      this.#decided = 'rollback'
      this.#seenSince = false
    }
  }

  /** From the beginning; by one worker, where several were in each other's way. */
  again() {
    this.#decided = undefined
    this.#repeat = false
  }

  /** Nobody will take it again. Where its commit had been agreed on, it may have come all the same. */
  giveUp(id: string, error: Error) {
    const job = this.#jobs.find((one) => one.id === id)
    if (!job || job.outcome) return
    const kind = this.#decided === 'commit' || job.row?.prepared ? 'doubtful' : 'refused'
    const outcome: CopyOutcome = { kind, error: { message: error.message } }
    job.outcome = outcome
    this.#judge(outcome)
  }

  settle() {
    const { running } = this
    if (!this.isDone)
      return this.abandon(this.failure ?? new PgtrekError('its jobs ended without an outcome'))
    let counts = none
    for (const { outcome } of this.#jobs) {
      if (outcome?.kind !== 'done') continue
      counts = sum(counts, outcome)
      if (outcome.each.length > 0) running.task.onTables?.(outcome.each)
    }
    running.finish(counts)
  }

  abandon(error: Error) {
    const isPartly = this.#isPartly && !(error instanceof PartlyCommitted)
    this.running.fail(isPartly ? new PartlyCommitted(error) : error)
    this.running.settle()
  }

  get #workers(): string {
    return [...new Set(this.#jobs.flatMap(({ worker }) => worker ?? []))].join(', ')
  }

  get #isPartly(): boolean {
    return this.#jobs.some(({ outcome }) => outcome?.kind === 'done')
  }

  #judge(outcome: CopyOutcome) {
    switch (outcome.kind) {
      case 'done':
        return
      case 'doubtful':
        this.failure ??= new PartlyCommitted(new CopyFailed(outcome.error))
        return
      case 'refused':
        if (this.isShared && blocked.has(outcome.error.sqlstate ?? '') && this.#decided !== 'commit') {
          this.#shares = 1
          this.#repeat = true
          return
        }
        this.failure ??= new CopyFailed(outcome.error)
        return
      case 'released':
        // Its worker had not heard of the run for long, or somebody else's failure has been told.
        if (this.#decided === 'commit') this.failure ??= new PgtrekError(outcome.reason)
        else this.#repeat = true
    }
  }

  /** Who claims a job after the decision gets nothing; who had it says how it ended. */
  #mayStillEnd({ row, outcome }: Job): boolean {
    return row !== undefined && row.state !== 'offered' && !outcome
  }
}

function dealt(parts: readonly CopyPart[], shares: number): CopyPart[][] {
  return Array.from({ length: shares }, (_, share) =>
    parts.slice(
      Math.floor((share * parts.length) / shares),
      Math.floor(((share + 1) * parts.length) / shares),
    ),
  )
}

function sum(one: Counts, other: Counts): Counts {
  return {
    rows: one.rows + other.rows,
    bytes: one.bytes + other.bytes,
    collided: one.collided + other.collided,
  }
}
