// What follows from a failure of a follower: another attempt, which takes the failure into account, or its end.
import { ConnectFailed, errorInfo, isLost, ServerError } from '../../postgres/errors.ts'
import type { Lsn } from '../stream/lsn.ts'
import { SpillFailed } from '../stream/spill.ts'
import { isPassing, NeedsCare } from './apply-failure.ts'
import { ApplyConflict } from './conflict.ts'
import type { Control, Decision } from './control.ts'
import type { FollowReports } from './follow-reports.ts'
import { PositionBusy } from './position.ts'
import { NeedsText, NotVisible, UnknownRelation } from './relations.ts'
import type { FollowStatistics } from './statistics.ts'

const firstPauseMs = 250
const longestPauseMs = 30_000
/** A full disk needs a user who makes room. */
const fullDiskPauseMs = 2000

export class BackOff {
  #milliseconds = firstPauseMs

  /** Twice as long each time. */
  next(): number {
    const milliseconds = this.#milliseconds
    this.#milliseconds = Math.min(milliseconds * 2, longestPauseMs)
    return milliseconds
  }

  reset() {
    this.#milliseconds = firstPauseMs
  }
}

export class Recovery {
  /** After a failure, transactions are applied one at a time up to here: the newest that was started before it. */
  carefulUntil: Lsn | undefined
  /** Whether values have to be sent as text. */
  asText = false
  /** The transactions that a user decided to skip. */
  readonly skipped = new Set<Lsn>()
  /** The transactions that a user decided to apply although the rows before them are not known. */
  readonly trusted = new Set<Lsn>()
  /** The unknown tables that the next attempt looks for, by OID. */
  readonly lookedFor = new Set<number>()
  /** The unknown tables that a user decided to continue with, by OID. */
  readonly accepted = new Set<number>()
  readonly backOff = new BackOff()

  constructor(
    readonly control: Control,
    readonly statistics: FollowStatistics,
    readonly reports: FollowReports,
    readonly signal: AbortSignal,
  ) {}

  /** Resolves when another attempt makes sense, or a stop was requested. Throws when no attempt makes sense. */
  async after(error: unknown): Promise<Decision> {
    this.statistics.lastError = error
    if (error instanceof NeedsCare) return 'retry'
    if (error instanceof UnknownRelation) {
      this.lookedFor.add(error.oid)
      return 'retry'
    }
    if (error instanceof NeedsText) {
      this.asText = true
      return 'retry'
    }
    if (error instanceof ApplyConflict) return this.#decide(error)
    if (!(error instanceof NotVisible) && !mayPass(error)) throw error
    const pause = this.backOff.next()
    // Each attempt sends all of a large transaction again.
    const milliseconds = error instanceof SpillFailed ? Math.max(pause, fullDiskPauseMs) : pause
    this.statistics.phase = 'waiting'
    this.reports.report({ type: 'follow_waiting', error: errorInfo(error), seconds: milliseconds / 1000 })
    const wake = () => this.control.onChange()
    this.signal.addEventListener('abort', wake, { once: true })
    await this.control.sleep(milliseconds)
    this.signal.removeEventListener('abort', wake)
    this.signal.throwIfAborted()
    return this.control.intent.name === 'stop' ? 'stop' : 'retry'
  }

  async #decide(conflict: ApplyConflict): Promise<Decision> {
    const info = conflict.info()
    this.statistics.phase = 'conflict'
    this.statistics.conflict = info
    this.reports.report({ type: 'follow_conflict', conflict: info })
    const cancel = () => this.control.decide('stop')
    this.signal.addEventListener('abort', cancel, { once: true })
    const decision = await this.control.decision()
    this.signal.removeEventListener('abort', cancel)
    this.signal.throwIfAborted()
    this.carefulUntil = conflict.lsn
    if (decision === 'skip') this.skipped.add(conflict.lsn)
    const { unknown, isInexact } = conflict.details
    if (decision === 'retry' && isInexact) this.trusted.add(conflict.lsn)
    if (decision === 'retry' && unknown !== undefined) this.accepted.add(unknown)
    // A stop with an unresolved conflict is not a success.
    if (decision === 'stop') throw conflict
    this.statistics.phase = 'connecting'
    this.statistics.conflict = undefined
    return decision
  }
}

/** Whether time may remove the cause: a lost or starting server, a process of ours that is just ending, a full disk. */
export function mayPass(error: unknown): boolean {
  if (isLost(error) || error instanceof PositionBusy || error instanceof SpillFailed) return true
  if (error instanceof ConnectFailed) return error.sqlstate?.startsWith('57') === true
  return error instanceof ServerError && isPassing(error)
}
