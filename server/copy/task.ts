// One table (or some large objects) on its way: which of its parts wait, which a worker has, which are
// committed. A part that a worker loses goes back to those that wait.

import type { WorkerView } from '../../shared/worker.ts'
import { Cancelled, PgtrekError } from '../postgres/errors.ts'
import type { CopyPart, Counts, LaneSettings, ToLane } from './lane-messages.ts'
import type { KeyValues } from './merge.ts'

export interface CopyTask {
  /** For messages. */
  title?: string
  /** For order: the largest first. */
  bytes: number
  parts: readonly CopyPart[]
  /** A worker has taken the first part. */
  onStart(): void
  /** Which processes elsewhere have it, joined by commas. */
  onWorker?: (worker: string) => void
  /** So far; less than before when parts have to start again. */
  onProgress(rows: number, bytes: number, collided: number): void
  /**
   * Rows that were left out, named by the columns `key`, once for each batch that had some. Those of a part
   * that starts again are told again.
   */
  onCollided?: (key: readonly string[], values: KeyValues[]) => void
  /** What each table of a part with several got; with `together` each part. Before the commit. */
  onTables?: (each: readonly Counts[]) => void
  /** All parts in their order, by one session and in one transaction. */
  together?: boolean
  /** With `together`: what a part has got so far. */
  onPart?: (place: number, counts: Counts) => void
  /**
   * Called right before the workers are told to commit, with the transactions that make the table, also
   * those of them that are committed already. The table is there when all of them are. When it throws, all
   * that is not committed is taken back.
   */
  onBeforeCommit?: (transactions: string[]) => void | Promise<void>
  /** Somebody else writes to the same table: a wait for a row of theirs would never end. */
  shared?: boolean
}

/** Who copies: the threads of this process, or processes elsewhere. */
export interface Copier {
  /** Copies at the same time, as far as is known beforehand. */
  readonly size: number
  open(): void
  copy(task: CopyTask): Promise<Counts>
  cancel(): Promise<void>
  close(): Promise<void>
}

/** All parts were in, but not all could be committed; the others' rows are there. */
export class PartlyCommitted extends PgtrekError {
  constructor(readonly failure: Error) {
    super(failure.message)
  }
}

export interface RunningPart {
  part: CopyPart
  place: number
  /** When it is done. */
  counts: Counts
  /** How often a connection broke while this part was being copied. */
  losses: number
}

/** What one worker has of a task; nothing of it is committed. */
export interface Share {
  lane: { send(message: ToLane): void }
  /** `holding`: waits for the others. All states but this and `prepared` wait for an answer of the worker. */
  state: 'working' | 'holding' | 'preparing' | 'prepared' | 'ending'
  part: RunningPart | undefined
  current: Counts
  held: RunningPart[]
  counts: Counts
  transaction: string | undefined
  isCommitting: boolean
}

const none: Readonly<Counts> = { rows: 0, bytes: 0, collided: 0 }

/** A deadlock or a lock that could not be had is often over a moment later. */
const mostRestarts = 3

export class RunningTask {
  readonly pending: RunningPart[]
  readonly shares = new Set<Share>()
  readonly #result = Promise.withResolvers<Counts>()
  readonly result = this.#result.promise
  /** One worker does all that is left, since rows of several wait for each other. */
  alone: boolean
  /** Everything that is not committed is on its way back to those that wait. */
  restarting = false
  deciding = false
  /** Not to be copied together with others. */
  isSingle = false
  failure: Error | undefined
  #committed: Counts = none
  #committedParts = 0
  #transactions: string[] = []
  #restarts = 0

  constructor(readonly task: CopyTask) {
    this.alone = task.together ?? false
    this.pending = task.parts.map((part, place) => ({ part, place, counts: none, losses: 0 }))
  }

  get mayRestart(): boolean {
    return !this.alone || (this.task.together === true && this.#restarts < mostRestarts)
  }

  get wantsWorkers(): boolean {
    if (this.failure || this.restarting || this.deciding || this.pending.length === 0) return false
    return !this.alone || this.shares.size === 0
  }

  /** Somebody still owes an answer. */
  get isBusy(): boolean {
    if (this.deciding) return true
    return [...this.shares].some(({ state }) => state !== 'holding' && state !== 'prepared')
  }

  /** A table of one part needs no agreement among workers. */
  get commitsAtOnce(): boolean {
    return this.task.parts.length === 1 && !this.task.onBeforeCommit
  }

  get transactions(): string[] {
    return [...this.#transactions, ...[...this.shares].flatMap(({ transaction }) => transaction ?? [])]
  }

  join(lane: Share['lane']): Share {
    const share: Share = {
      lane,
      state: 'holding',
      part: undefined,
      current: none,
      held: [],
      counts: none,
      transaction: undefined,
      isCommitting: false,
    }
    this.shares.add(share)
    return share
  }

  take(share: Share): RunningPart {
    const part = this.pending.shift()
    if (!part) throw new Error('no part of the task is left')
    share.part = part
    share.state = 'working'
    return part
  }

  partDone(share: Share, counts: Counts) {
    if (share.part) {
      share.part.counts = counts
      share.held.push(share.part)
    }
    share.part = undefined
    share.current = none
    share.counts = sum(share.counts, counts)
    share.state = 'holding'
    this.report()
    const isWhole = this.task.together && this.pending.length === 0
    if (isWhole) this.task.onTables?.(share.held.map((part) => part.counts))
  }

  committed(share: Share, transaction: string | undefined) {
    this.shares.delete(share)
    this.#committed = sum(this.#committed, share.counts)
    this.#committedParts += share.held.length
    if (transaction) this.#transactions.push(transaction)
  }

  /** The worker's transaction is gone: its parts have not been copied. */
  takeBack(share: Share) {
    this.shares.delete(share)
    this.pending.unshift(...share.held, ...(share.part ? [share.part] : []))
    this.report()
  }

  fail(failure: Error) {
    this.failure ??= failure
    this.#abortWorking()
  }

  /** From the beginning, as far as nothing is committed, and by one worker. */
  restartAlone() {
    this.alone = true
    this.restarting = true
    this.#restarts++
    this.#abortWorking()
  }

  report() {
    let counts = this.#committed
    for (const share of this.shares) {
      counts = sum(counts, sum(share.counts, share.current))
      for (const part of share.held) this.task.onPart?.(part.place, part.counts)
      if (share.part) this.task.onPart?.(share.part.place, share.current)
    }
    this.task.onProgress(counts.rows, counts.bytes, counts.collided)
  }

  /** All of it was copied and committed together with others. */
  finish(counts: Counts) {
    this.task.onProgress(counts.rows, counts.bytes, counts.collided)
    this.#result.resolve(counts)
  }

  /** No worker has anything of it any more. */
  settle() {
    if (this.#committedParts === this.task.parts.length) return this.#result.resolve(this.#committed)
    const failure = this.failure ?? new Cancelled()
    const isPartly = this.#committedParts > 0 && !(failure instanceof PartlyCommitted)
    this.#result.reject(isPartly ? new PartlyCommitted(failure) : failure)
  }

  #abortWorking() {
    for (const share of this.shares) if (share.state === 'working') share.lane.send({ type: 'abort' })
  }
}

function sum(one: Counts, other: Counts): Counts {
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
