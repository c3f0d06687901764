// A problem that stops a stream of changes until a user decides, reported precisely enough to fix it.

import type { FollowConflict } from '../../../shared/follow.ts'
import { say } from '../../../shared/say.ts'
import { errorInfo, PgtrekError } from '../../postgres/errors.ts'
import { showLsn } from '../stream/lsn.ts'
import type { SourceTransaction } from '../stream/transaction.ts'
import { timeToDate } from '../stream/transaction.ts'

export type ChangeKind = FollowConflict['statement']

export interface ConflictDetails {
  transaction: SourceTransaction
  table?: { schema: string; name: string } | undefined
  statement: ChangeKind
  key?: Record<string, string | null> | undefined
  /** The facts, for users. */
  problems: string[]
  cause?: unknown
  /** OID of a relation that is not known. A retry accepts it as one to follow. */
  unknown?: number
  /** The row cannot be compared with the row before the change. A retry applies the transaction anyway. */
  isInexact?: boolean
}

export class ApplyConflict extends PgtrekError {
  constructor(readonly details: ConflictDetails) {
    super(describe(details), { cause: details.cause })
  }

  get lsn() {
    return this.details.transaction.finalLsn
  }

  /** For events. */
  info(): FollowConflict {
    const { transaction, table, statement, key, problems, cause } = this.details
    return {
      lsn: showLsn(transaction.finalLsn),
      xid: transaction.xid,
      committedAt: timeToDate(transaction.time).toISOString(),
      statement,
      ...(table && { table: { schema: table.schema, name: table.name } }),
      ...(key && { key }),
      problems,
      message: this.message,
      ...(cause !== undefined && { error: errorInfo(cause) }),
    }
  }
}

function describe({ transaction, table, statement, key, problems }: ConflictDetails): string {
  const where = table ? ` of ${table.schema}.${table.name}` : ''
  const row = key
    ? ` (${Object.entries(key)
        .map(([name, value]) => `${name} = ${value ?? 'null'}`)
        .join(', ')})`
    : ''
  const what = `${statement}${where}${row}`
  return say`${what} in transaction ${transaction.xid} at ${showLsn(transaction.finalLsn)}: ${problems.join('; ')}`
}
