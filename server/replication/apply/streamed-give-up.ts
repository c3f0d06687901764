// Why the changes of a large transaction were not applied while the source sent it: the reason for an error, its
// words for the log, and how often each reason occurred.
import type { StreamedGiveUpReason, StreamedGiveUps } from '../../../shared/follow.ts'
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
  aborted:
    'the source aborted it in the stream, since it was rolled back or was committed before the stream started',
  savepoint: 'the source rolled back a part of it to a savepoint',
  left_out: 'it is not to be applied',
  truncate: 'it truncates a table',
  message: 'it holds a logical message, which is reported when it is committed',
  schema_change: 'the definition of a table has changed',
  unknown_table: 'it changes an unknown table',
  missing_table: 'a table is missing on the destination',
  misfit: 'a table of the destination does not fit',
  text_only: 'its values have to be sent as text',
  conflict: 'the destination refused a change',
  lock: 'it waited for a lock on the destination',
  held_up: 'other transactions waited, perhaps for its locks',
  connection_lost: 'the connection to the destination was lost',
  no_answer: 'the destination did not answer',
  no_session: 'no second session could be opened on the destination',
  server_error: 'the destination reported an error',
  source_idle: 'the source sent nothing of it for a while',
  paused: 'following was paused',
  stream_ended: 'the stream ended',
}

/** For the log. */
export function describeGiveUp(xid: number, reason: StreamedGiveUpReason, error?: unknown): string {
  const cause = error === undefined ? '' : ` (${errorInfo(error).message})`
  const outcome = next[reason] ?? 'Its changes are applied when the source commits it'
  return `transaction ${xid} is no longer applied while the source sends it: ${words[reason]}${cause}. ${outcome}.`
}

const next: Partial<Record<StreamedGiveUpReason, string>> = {
  aborted: 'What was applied of it early is rolled back',
  left_out: 'What was applied of it early is rolled back',
  stream_ended: 'The source sends it again to the next connection',
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
