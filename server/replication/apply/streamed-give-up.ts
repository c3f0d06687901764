// Why the changes of a large transaction were not applied while the source sent it: the reason for an error, its
// words for the log, and how often each reason occurred.

import type { StreamedGiveUpReason, StreamedGiveUps } from '../../../shared/follow.ts'
import { say } from '../../../shared/say.ts'
import { errorInfo, isLost, PgtrekError, ServerError, sqlstate } from '../../postgres/errors.ts'
import { StatementFailed } from '../../postgres/pipeline.ts'
import { isOfSystem } from '../../postgres/programming-error.ts'
import { NeedsCare } from './apply-failure.ts'
import { Misfit, NeedsText, NotVisible, UnknownRelation } from './relations.ts'

/** Undefined for an unforeseen error, which must end the run. */
export function reasonOf(error: unknown): StreamedGiveUpReason | undefined {
  if (error instanceof NeedsText) return 'text_only'
  if (error instanceof UnknownRelation || error instanceof NotVisible) return 'unknown_table'
  if (error instanceof Misfit) return 'misfit'
  if (error instanceof NeedsCare) return reasonOfRefusal(error.cause)
  if (isLost(error)) return 'connection_lost'
  if (!(error instanceof ServerError)) return undefined
  return lockStates.has(error.sqlstate) ? 'lock' : 'server_error'
}

/** Whether the error only means that no second session can be opened. */
export function isRefusedSession(error: unknown): boolean {
  return error instanceof PgtrekError || (error instanceof Error && isOfSystem(error))
}

const lockStates = new Set<string>([sqlstate.lockNotAvailable, sqlstate.deadlockDetected])

function reasonOfRefusal(cause: unknown): StreamedGiveUpReason {
  const isMissing = cause instanceof StatementFailed && cause.cause.sqlstate === sqlstate.undefinedTable
  return isMissing ? 'missing_table' : 'conflict'
}

const words: Record<StreamedGiveUpReason, string> = {
  aborted: say`the source aborted it in the stream, since it was rolled back or was committed before the stream started`,
  savepoint: say`the source rolled back a part of it to a savepoint`,
  left_out: say`it is not to be applied`,
  truncate: say`it truncates a table`,
  message: say`it holds a logical message, which is reported when it is committed`,
  schema_change: say`the definition of a table has changed`,
  unknown_table: say`it changes an unknown table`,
  missing_table: say`a table is missing on the destination`,
  misfit: say`a table of the destination does not fit`,
  text_only: say`its values have to be sent as text`,
  conflict: say`the destination refused a change`,
  lock: say`it waited for a lock on the destination`,
  held_up: say`other transactions waited, perhaps for its locks`,
  connection_lost: say`the connection to the destination was lost`,
  no_answer: say`the destination did not answer`,
  no_session: say`no second session could be opened on the destination`,
  server_error: say`the destination reported an error`,
  source_idle: say`the source sent nothing of it for a while`,
  paused: say`following was paused`,
  stream_ended: say`the stream ended`,
}

/** For the log. */
export function describeGiveUp(xid: number, reason: StreamedGiveUpReason, error?: unknown): string {
  const outcome = next[reason] ?? say`Its changes are applied when the source commits it`
  return error === undefined
    ? say`transaction ${xid} is no longer applied while the source sends it: ${words[reason]}. ${outcome}.`
    : say`transaction ${xid} is no longer applied while the source sends it: ${words[reason]} (${errorInfo(error).message}). ${outcome}.`
}

const next: Partial<Record<StreamedGiveUpReason, string>> = {
  aborted: say`What was applied of it early is rolled back`,
  left_out: say`What was applied of it early is rolled back`,
  stream_ended: say`The source sends it again to the next connection`,
}

/** Counts across connections. */
export class StreamedTally {
  /** Transactions that were applied while they were sent. */
  applied = 0
  readonly #givenUp = new Map<StreamedGiveUpReason, number>()

  giveUp(reason: StreamedGiveUpReason) {
    this.#givenUp.set(reason, (this.#givenUp.get(reason) ?? 0) + 1)
  }

  get givenUp(): StreamedGiveUps {
    return [...this.#givenUp].map(([reason, transactions]) => ({ reason, transactions }))
  }
}
