// One table (or several, or some large objects) to copy: the caller's request, and what the workers have copied of it.

import type { ErrorInfo } from '../../shared/event.ts'
import type { WorkerView } from '../../shared/worker.ts'
import { Cancelled, PgtrekError } from '../postgres/errors.ts'
import type { CopyPart, Counts, LaneSettings } from './lane-messages.ts'
import type { KeyValues } from './merge.ts'
import { next } from './share-machine.ts'
import { type Effect, newTask, type TaskEvent, type TaskState } from './share-state.ts'

export interface CopyTask {
  /** For messages. */
  title?: string
  /** For the order: the largest first. */
  bytes: number
  parts: readonly CopyPart[]
  /** A worker has taken the first part. */
  onStart(): void
  /** The processes on other machines that copy it, separated by commas. */
  onWorker?: (worker: string) => void
  /** So far. Less than before when parts start again. */
  onProgress(rows: number, bytes: number, collided: number): void
  /**
   * Rows that were left out, named by the columns `key`; called once for each batch with such rows. Rows of a part
   * that starts again are reported again.
   */
  onCollided?: (key: readonly string[], values: KeyValues[]) => void
  /** The rows of each table of a part with several tables; with `together` of each part. Before the commit. */
  onTables?: (each: readonly Counts[]) => void
  /** All parts in their order, by one session and in one transaction. */
  together?: boolean
  /** With `together`: the rows of a part so far. */
  onPart?: (place: number, counts: Counts) => void
  /**
   * Called directly before the workers are asked to commit, with all transactions that make up the table, also those
   * that are committed already. The table is complete when all of them are committed. When it throws, everything
   * uncommitted is rolled back.
   */
  onBeforeCommit?: (transactions: string[]) => void | Promise<void>
  /** Another share writes to the same table: a wait for one of its rows would never end. */
  shared?: boolean
}

/** Copies tasks: with threads of this process, or with processes on other machines. */
export interface Copier {
  /** Number of copies at the same time, as far as it is known in advance. */
  readonly size: number
  open(): void
  copy(task: CopyTask): Promise<Counts>
  cancel(): Promise<void>
  close(): Promise<void>
}

/** A worker's failure, rebuilt from its message. */
export class CopyFailed extends PgtrekError {
  constructor(readonly info: ErrorInfo) {
    super(info.message)
  }
}

/** Some of the rows are committed and others are not, or it is unknown whether they are. */
export class PartlyCommitted extends PgtrekError {
  constructor(readonly failure: Error) {
    super(failure.message)
  }
}

/** The counts of a share, part by part. */
interface ShareCounts {
  copied: { place: number; counts: Counts }[]
  /** The part that is being copied. */
  place: number | undefined
  current: Counts
  transaction: string | undefined
}

export const noCounts: Readonly<Counts> = { rows: 0, bytes: 0, collided: 0 }

export class RunningTask {
  /** Must not be copied together with others. */
  isSingle = false
  #state: TaskState
  readonly #shares = new Map<string, ShareCounts>()
  /** How often a connection broke while a part was being copied. */
  readonly #losses: number[]
  readonly #result = Promise.withResolvers<Counts>()
  readonly result = this.#result.promise
  #committed = noCounts
  #transactions: string[] = []

  constructor(readonly task: CopyTask) {
    const { parts, together: isTogether = false, onBeforeCommit } = task
    this.#state = newTask(parts.length, { isTogether, asks: onBeforeCommit !== undefined })
    this.#losses = parts.map(() => 0)
  }

  get state(): TaskState {
    return this.#state
  }

  get isDone(): boolean {
    return this.#state.committed.length === this.task.parts.length
  }

  /** A table of one part is committed by its worker directly. */
  get commitsAtOnce(): boolean {
    return this.task.parts.length === 1 && !this.task.onBeforeCommit
  }

  get transactions(): string[] {
    return [
      ...this.#transactions,
      ...[...this.#shares.values()].flatMap(({ transaction }) => transaction ?? []),
    ]
  }

  /** Returns the effects of the event. */
  apply(event: TaskEvent): Effect[] {
    const { task, effects } = next(this.#state, event)
    this.#state = task
    const gone = [...this.#shares.keys()].filter((share) => !task.shares.has(share))
    for (const share of gone) this.#shares.delete(share)
    if (gone.length > 0) this.#report()
    return effects
  }

  /** Assigns the next part to this share. */
  handOut(share: string): CopyPart {
    const [place] = this.#state.waiting
    const part = place === undefined ? undefined : this.task.parts[place]
    if (place === undefined || !part) throw new Error('no part of the task is left')
    this.apply({ type: 'handed out', share, part: place, commitsItself: this.commitsAtOnce })
    const counts = this.#shares.get(share) ?? { copied: [], transaction: undefined }
    this.#shares.set(share, { ...counts, place, current: noCounts })
    return part
  }

  progressed(share: string, current: Counts) {
    const counts = this.#shares.get(share)
    if (!counts) return
    counts.current = current
    this.#report()
  }

  /** `transaction`: the worker has committed it already. */
  copied(share: string, got: Counts, transaction?: string): Effect[] {
    const counts = this.#shares.get(share)
    if (counts?.place !== undefined) {
      counts.copied.push({ place: counts.place, counts: got })
      counts.place = undefined
      counts.current = noCounts
      this.#report()
      const isWhole = this.task.together && this.#state.waiting.length === 0
      if (isWhole) this.task.onTables?.(counts.copied.map((part) => part.counts))
    }
    return transaction ? this.committed(share, transaction) : this.apply({ type: 'copied', share })
  }

  prepared(share: string, transaction: string): Effect[] {
    const counts = this.#shares.get(share)
    if (counts) counts.transaction = transaction
    return this.apply({ type: 'prepared', share })
  }

  committed(share: string, transaction: string): Effect[] {
    for (const { counts } of this.#shares.get(share)?.copied ?? []) {
      this.#committed = sum(this.#committed, counts)
    }
    this.#transactions.push(transaction)
    return this.apply({ type: 'committed', share })
  }

  /** Counts a lost connection for the part that this share was copying, and returns the count. */
  lostWhileCopying(share: string): number {
    const place = this.#shares.get(share)?.place
    if (place === undefined) return 0
    const losses = (this.#losses[place] ?? 0) + 1
    this.#losses[place] = losses
    return losses
  }

  /** Everything was copied and committed, and counted by the caller. */
  finish(counts: Counts) {
    this.task.onProgress(counts.rows, counts.bytes, counts.collided)
    this.#result.resolve(counts)
  }

  /** Ends the task without waiting for its workers. */
  reject(error: Error) {
    this.apply({ type: 'abandoned', error })
    this.settle()
  }

  /** Ends the task when no worker has anything of it. */
  settle() {
    if (this.isDone) return this.#result.resolve(this.#committed)
    const { committed, uncertain, failure = new Cancelled() } = this.#state
    const isPartly = committed.length + uncertain.length > 0 && !(failure instanceof PartlyCommitted)
    this.#result.reject(isPartly ? new PartlyCommitted(failure) : failure)
  }

  #report() {
    let all = this.#committed
    for (const { copied, place, current } of this.#shares.values()) {
      all = copied.reduce((counts, part) => sum(counts, part.counts), sum(all, current))
      for (const part of copied) this.task.onPart?.(part.place, part.counts)
      if (place !== undefined) this.task.onPart?.(place, current)
    }
    this.task.onProgress(all.rows, all.bytes, all.collided)
  }
}

export function sum(one: Counts, other: Counts): Counts {
  return {
    rows: one.rows + other.rows,
    bytes: one.bytes + other.bytes,
    collided: one.collided + other.collided,
  }
}

export interface CopierWork {
  run: string
  settings: LaneSettings
  signal: AbortSignal
  onLog(message: string): void
  onWarning(message: string): void
  onWorkers(workers: WorkerView[]): void
}

export type Copiers = (work: CopierWork) => Copier
