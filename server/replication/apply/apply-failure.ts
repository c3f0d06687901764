// Why changes could not be applied: a cause that passes by itself, one that needs careful mode to be found, or a
// conflict.
import { say } from '../../../shared/say.ts'
import { isLost, PgtrekError, type ServerError, sqlstate } from '../../postgres/errors.ts'
import { type Pipeline, StatementFailed, UnexpectedCount } from '../../postgres/pipeline.ts'
import type { SourceTransaction } from '../stream/transaction.ts'
import type { Tuple } from '../stream/tuple.ts'
import { ApplyConflict, type ChangeKind } from './conflict.ts'
import type { TargetTable } from './target.ts'

/** The same changes have to be applied again, one transaction at a time, to find the one that fails. */
export class NeedsCare extends PgtrekError {}

interface SentChange {
  statement: number
  kind: ChangeKind
  target: TargetTable | undefined
  row: Record<string, string | null> | undefined
  /** Another possible cause when the statement found no row, in words. */
  hint: string | undefined
  transaction: SourceTransaction
}

/** Remembers each statement with its change until it is answered. */
export class SentChanges {
  #changes: SentChange[] = []
  #transaction: SourceTransaction | undefined

  /** To be called directly after the statement. */
  note(
    { sent, answered }: Pipeline,
    kind: ChangeKind,
    target: TargetTable | undefined,
    row: Tuple | undefined,
    transaction: SourceTransaction | undefined,
    hint?: string,
  ) {
    this.#transaction = transaction ?? this.#transaction
    if (!this.#transaction) return
    if (this.#changes.length > 2 * (sent - answered) + 256) {
      this.#changes = this.#changes.filter(({ statement }) => statement >= answered)
    }
    this.#changes.push({
      statement: sent - 1,
      kind,
      target,
      row: row && target?.describeRow(row),
      hint,
      transaction: this.#transaction,
    })
  }

  /** The change of the statement that failed; for a statement of our own, the transaction that it belonged to. */
  changeOf(statement: number): SentChange | undefined {
    const exact = this.#changes.find((one) => one.statement === statement)
    const last = this.#changes.at(-1)
    return exact ?? (last && { ...last, kind: 'commit', target: undefined, row: undefined, hint: undefined })
  }
}

export function explainFailure(error: unknown, sentChanges: SentChanges | undefined): unknown {
  if (!(error instanceof StatementFailed || error instanceof UnexpectedCount)) return error
  if (error instanceof StatementFailed) {
    error.cause.side = 'destination'
    if (isLost(error.cause) || isPassing(error.cause)) return error.cause
  }
  if (!sentChanges) return new NeedsCare(error.message, { cause: error })
  const change = sentChanges.changeOf(error.statement)
  if (!change) return error instanceof StatementFailed ? error.cause : error
  return new ApplyConflict({
    transaction: change.transaction,
    table: change.target?.relation,
    statement: change.kind,
    key: change.row,
    problems: [
      error instanceof StatementFailed
        ? inWords(error.cause)
        : countInWords(error, change.target?.exact) + (change.hint ? `, or ${change.hint}` : ''),
    ],
    ...(error instanceof StatementFailed && { cause: error.cause }),
  })
}

/** Another session blocked the change, or the server lacks resources. The change itself is not wrong. */
export function isPassing({ sqlstate: state }: ServerError): boolean {
  return (
    ['40', '53', '57', '58'].includes(state.slice(0, 2)) ||
    state === sqlstate.lockNotAvailable ||
    state === objectInUse
  )
}

const objectInUse = '55006'

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const words: Record<string, (why: string) => string> = {
  '23505': (why) => say`a row with the same key is on the destination already: ${why}`,
  '23503': (why) => say`a foreign key of the destination does not allow it: ${why}`,
  '23502': (why) => say`a column of the destination must not be null: ${why}`,
  '23514': (why) => say`a check constraint of the destination does not allow it: ${why}`,
  '23P01': (why) => say`an exclusion constraint of the destination does not allow it: ${why}`,
  '42703': (why) => say`a column is missing on the destination: ${why}`,
  '42P01': (why) => say`the table is missing on the destination: ${why}`,
  '0A000': (why) => say`the destination does not support it: ${why}`,
  '42501': (why) => say`the destination's role lacks the privilege: ${why}`,
}

function inWords(error: ServerError): string {
  const why = error.detail ? `${error.message} (${error.detail})` : error.message
  // The error comes from a trigger, a default or a constraint, and may be about another table.
  const [place] = error.context?.match(/^(PL\/\S+|SQL) function .*/m) ?? []
  if (place) return say`${why}; raised by ${place}`
  return words[error.sqlstate]?.(why) ?? why
}

function countInWords({ found }: UnexpectedCount, isExact = false): string {
  if (found === 0 && isExact) {
    return say`both sides have changed this row: on the destination it is missing, or differs from the row before this change`
  }
  return found === 0
    ? say`the row is missing on the destination`
    : say`the destination has ${found} such rows instead of one`
}
