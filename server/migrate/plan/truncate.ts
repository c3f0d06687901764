// How the old rows of the destination's tables are deleted, in the transaction that copies the new ones.
import { showName, type TableName } from '../../../shared/table-name.ts'
import type { Emptying } from '../../copy/pool.ts'
import { quoteLiteral, quoteQualified } from '../../postgres/quote.ts'

export interface EmptiedTable extends TableName {
  /** All tables below it are emptied with it. */
  partitioned: boolean
  /** The partitioned table that must be emptied instead, with all tables below it. */
  tree?: TableName
  /** Whether its rows may be read. */
  readable: boolean
}

export interface EmptiedTables {
  tables: EmptiedTable[]
  /** Emptied row by row, where a foreign key forbids TRUNCATE. */
  byDelete: EmptiedTable[]
}

/** `asReplica`: foreign keys are not enforced in the session that empties the tables. */
export function emptyingOf({ tables, byDelete }: EmptiedTables, asReplica: boolean): Emptying {
  const targets = tables.map((table) => (table.tree ? quoted(table.tree) : itself(table)))
  // TRUNCATE is first: its tables may refer to those that are emptied row by row.
  const statements = targets.length > 0 ? [`truncate ${[...new Set(targets)].join(', ')}`] : []
  if (byDelete.length === 0) return { statements }
  const deletes = byDelete.map((table) => `delete from ${itself(table)}`)
  statements.push('set local row_security = off', ...(asReplica ? deletes : [atOnce(deletes)]))
  const checks = byDelete
    .filter(({ readable }) => readable)
    .map(
      (table) =>
        `select ${quoteLiteral(showName(table))} as name where exists (select from ${itself(table)})`,
    )
  return { statements, ...(checks.length > 0 && { check: checks.join('\nunion all\n') }) }
}

function itself(table: EmptiedTable): string {
  return table.partitioned ? quoted(table) : `only ${quoted(table)}`
}

function quoted({ schema, name }: TableName): string {
  return quoteQualified(schema, name)
}

/** Foreign keys are checked at the end of a statement: within one the order of the deletes does not matter. */
function atOnce(deletes: readonly string[]): string {
  const others = deletes.slice(0, -1).map((statement, index) => `pgtrek_${index} as (${statement})`)
  return `${others.length > 0 ? `with ${others.join(', ')} ` : ''}${deletes.at(-1)}`
}
