// Privileges that our role lacks. Only an owner can grant them: the statement is shown, and never run.
import type { FailedStep } from '../../../shared/failure.ts'
import type { FailureCause } from '../../../shared/failure-causes.ts'
import type { RepairChoice } from '../../../shared/repair-api.ts'
import { quoteIdentifier, quoteQualified } from '../../postgres/quote.ts'
import type { RepairFacts } from './facts.ts'
import { nameIn } from './named.ts'

export function grantFor({ failures, error }: FailureCause, facts: RepairFacts): RepairChoice | undefined {
  const side = error.side ?? 'destination'
  const to = quoteIdentifier(facts.user[side])
  const sql = new Set<string>()
  for (const failure of failures) {
    const what = missingGrant(failure, side, facts)
    if (what === undefined) return undefined
    sql.add(`GRANT ${what} TO ${to}`)
  }
  return { kind: 'grant', sql: [], manual: { side, sql: [...sql] } }
}

function missingGrant(
  { schema, cause }: FailedStep,
  side: 'source' | 'destination',
  { database }: RepairFacts,
): string | undefined {
  const message = cause?.message ?? ''
  const table = nameIn(message, /^permission denied for (?:table|relation) (.+)$/)
  if (table !== undefined) {
    const rights = side === 'source' ? 'SELECT' : 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'
    return `${rights} ON TABLE ${quoteQualified(cause?.schema ?? schema, table)}`
  }
  const sequence = nameIn(message, /^permission denied for sequence (.+)$/)
  if (sequence !== undefined) {
    const rights = side === 'source' ? 'SELECT' : 'SELECT, UPDATE'
    return `${rights} ON SEQUENCE ${quoteQualified(schema, sequence)}`
  }
  const inside = nameIn(message, /^permission denied for schema (.+)$/)
  if (inside !== undefined) {
    return `${side === 'source' ? 'USAGE' : 'USAGE, CREATE'} ON SCHEMA ${quoteIdentifier(inside)}`
  }
  if (side === 'destination' && /^permission denied for database /.test(message)) {
    return `CREATE ON DATABASE ${quoteIdentifier(database)}`
  }
  return undefined
}
