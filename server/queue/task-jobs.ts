// One task of a run as jobs: the parts of a table are divided among them, and each job is a share. The rows of the ledger
// become events; their effects follow from copy/share-machine.ts.
import { asError } from '../../shared/message-of.ts'
import type { CopyPart } from '../copy/lane-messages.ts'
import { type Effect, isAborting, type TaskEvent } from '../copy/share-state.ts'
import { CopyFailed, noCounts, type RunningTask, sum } from '../copy/task.ts'
import { PgtrekError, sqlstate } from '../postgres/errors.ts'
import type { CopyOutcome } from './job.ts'
import type { JobRow } from './ledger.ts'

/** A table that few workers copy is divided into at least this many jobs: less is lost with one of them. */
const fewestShares = 4
/** Each keeps a session on both servers until the last one is copied. */
const mostShares = 32

/** Rows wait for those of another job: one job then copies the whole table. */
const blocked: ReadonlySet<string> = new Set([sqlstate.lockNotAvailable, sqlstate.deadlockDetected])

export interface Offer {
  id: string
  title: string
  bytes: number
  parts: CopyPart[]
}

interface Job extends Offer {
  /** Other jobs write to the same table. */
  isShared: boolean
  row: JobRow | undefined
  outcome: CopyOutcome | undefined
  worker: string | undefined
}

export class TaskJobs {
  readonly #most: number
  #jobs: Job[] = []
  #hasStarted = false
  #effects: Effect[] = []

  constructor(
    readonly running: RunningTask,
    lanes: number,
  ) {
    this.#most = Math.min(mostShares, Math.max(fewestShares, lanes))
  }

  /** Several jobs copy the table. */
  get isShared(): boolean {
    return this.#sharesWanted > 1
  }

  /** No job is committed before the coordinator has decided it. */
  get agrees(): boolean {
    return this.isShared || this.running.state.asks
  }

  get failure(): Error | undefined {
    return this.running.state.failure
  }

  get ids(): string[] {
    return this.#jobs.map(({ id }) => id)
  }

  get unfinished(): string[] {
    return this.#jobs.filter(({ outcome }) => !outcome).map(({ id }) => id)
  }

  /** A worker has it, as far as is known. */
  get isTaken(): boolean {
    return [...this.running.state.shares.values()].some(
      ({ state }) => state !== 'offered' && state !== 'withdrawing',
    )
  }

  get isDone(): boolean {
    return this.running.isDone
  }

  /** Offers the waiting parts; parts that are committed stay. */
  begin(): Offer[] {
    const { task, state } = this.running
    const title = task.title ?? 'rows'
    const commitsItself = !this.agrees
    const shares = divided(state.waiting, Math.min(this.#sharesWanted, state.waiting.length))
    const isShared = this.isShared
    const offered = shares.map((places, index) => {
      const id = crypto.randomUUID()
      this.#apply({ type: 'offered', share: id, parts: places, commitsItself })
      return {
        id,
        title: shares.length > 1 ? `${title} (part ${index + 1} of ${shares.length})` : title,
        bytes: Math.round((task.bytes * places.length) / task.parts.length),
        parts: places.flatMap((place) => task.parts[place] ?? []),
        isShared,
        row: undefined,
        outcome: undefined,
        worker: undefined,
      }
    })
    const kept = ({ id, outcome }: Job) => outcome?.kind === 'done' || state.shares.has(id)
    this.#jobs = [...this.#jobs.filter(kept), ...offered]
    return offered
  }

  /** Takes the ledger's rows as events. Returns jobs that have another worker now. */
  see(rows: ReadonlyMap<string, JobRow>): { title: string; worker: string }[] {
    // Only a job that was withdrawn before the ledger was read cannot be taken by another worker any more.
    const aborting = new Set(
      [...this.running.state.shares].flatMap(([id, share]) => (isAborting(share) ? id : [])),
    )
    const taken: { title: string; worker: string }[] = []
    let counts = noCounts
    for (const job of this.#jobs) {
      const row = rows.get(job.id)
      if (!row) continue
      job.row = row
      job.outcome ??= row.outcome ?? undefined
      if (row.state !== 'offered' && row.worker && row.worker !== job.worker) {
        job.worker = row.worker
        taken.push({ title: job.title, worker: row.worker })
      }
      counts = sum(counts, job.outcome?.kind === 'done' ? job.outcome : row)
    }
    // Ended jobs first: no decision may be based on a state without them.
    for (const job of this.#jobs) if (job.outcome) this.#apply(this.#endOf(job, job.outcome))
    for (const job of this.#jobs) if (!job.outcome) this.#apply(eventOf(job, aborting.has(job.id)))
    if (taken.length > 0 && !this.#hasStarted) {
      this.#hasStarted = true
      this.running.task.onStart()
    }
    if (taken.length > 0) this.running.task.onWorker?.(this.#workers)
    if (this.#hasStarted) this.running.task.onProgress(counts.rows, counts.bytes, counts.collided)
    return taken
  }

  /** Each effect is returned once. */
  takeEffects(): Effect[] {
    return this.#effects.splice(0)
  }

  /** The caller can still refuse the commit. */
  async ask(): Promise<void> {
    try {
      await this.running.task.onBeforeCommit?.(this.#jobs.flatMap(({ row }) => row?.transactions ?? []))
      this.#apply({ type: 'agreed' })
    } catch (error) {
      this.#apply({ type: 'vetoed', error: asError(error) })
    }
  }

  /** No worker will take the job again. If its commit had been decided, it may have been committed nevertheless. */
  giveUp(id: string, error: Error) {
    const job = this.#jobs.find((one) => one.id === id)
    const share = this.running.state.shares.get(id)
    if (!job || job.outcome || !share) return
    const kind = share.state === 'commit requested' || job.row?.prepared ? 'doubtful' : 'refused'
    const outcome: CopyOutcome = { kind, error: { message: error.message } }
    job.outcome = outcome
    this.#apply(this.#endOf(job, outcome))
  }

  settle() {
    const { running } = this
    if (!this.isDone) return running.settle()
    let counts = noCounts
    for (const { outcome } of this.#jobs) {
      if (outcome?.kind !== 'done') continue
      counts = sum(counts, outcome)
      if (outcome.each.length > 0) running.task.onTables?.(outcome.each)
    }
    running.finish(counts)
  }

  get #workers(): string {
    return [...new Set(this.#jobs.flatMap(({ worker }) => worker ?? []))].join(', ')
  }

  get #sharesWanted(): number {
    const { isAlone } = this.running.state
    return isAlone ? 1 : Math.min(this.running.task.parts.length, this.#most)
  }

  #apply(event: TaskEvent | undefined) {
    if (event) this.#effects.push(...this.running.apply(event))
  }

  #endOf({ id: share, isShared }: Job, outcome: CopyOutcome): TaskEvent {
    switch (outcome.kind) {
      case 'done':
        return { type: 'committed', share }
      case 'doubtful':
        return { type: 'uncertain', share, error: new CopyFailed(outcome.error) }
      case 'released':
        return { type: 'released', share, error: new PgtrekError(outcome.reason) }
      case 'refused': {
        const error = new CopyFailed(outcome.error)
        const isDecided = this.running.state.shares.get(share)?.state === 'commit requested'
        const isBlocked = isShared && !isDecided && blocked.has(outcome.error.sqlstate ?? '')
        return { type: isBlocked ? 'blocked' : 'refused', share, error }
      }
    }
  }
}

/** Of a job that has not ended. A job that was never taken has no row. */
function eventOf({ id: share, row }: Job, isAborting: boolean): TaskEvent | undefined {
  switch (row?.state ?? 'offered') {
    case 'offered':
      return { type: isAborting ? 'rolled back' : 'given back', share }
    case 'copying':
      return { type: 'taken', share }
    case 'prepared':
      return { type: 'prepared', share }
    case 'ended':
      return undefined
  }
}

function divided(places: readonly number[], shares: number): number[][] {
  return Array.from({ length: shares }, (_, share) =>
    places.slice(
      Math.floor((share * places.length) / shares),
      Math.floor(((share + 1) * places.length) / shares),
    ),
  )
}
