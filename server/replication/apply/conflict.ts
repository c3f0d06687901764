// What stops a stream of changes until somebody decides: reported precisely enough to fix it.
import type { FollowConflict } from '../../../shared/follow.ts'
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
  /** Facts in plain words. */
  problems: string[]
  cause?: unknown
  /** OID of a relation that nobody knows: a retry accepts it as one to follow. */
  unknown?: number
  /** What was changed cannot be compared: a retry applies the transaction all the same. */
  isInexact?: boolean
}

export class ApplyConflict extends PgtrekError {
  constructor(readonly details: ConflictDetails) {
    super(describe(details), { cause: details.cause })
  }

  get lsn() {
    return this.details.transaction.finalLsn
  }

  /** As events carry it. */
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
  const which = `transaction ${transaction.xid} at ${showLsn(transaction.finalLsn)}`
  return `${statement}${where}${row} in ${which}: ${problems.join('; ')}`
}
