// Counts the rows that a table of the destination still has after its copy failed.
import type { RowsLeft } from '../../../shared/event.ts'
import type { TableName } from '../../../shared/table-name.ts'
import { tableKey } from '../../../shared/table-name.ts'
import { quoteLiteral, quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { Step } from '../plan/step.ts'
import type { RunContext } from './context.ts'

/** Larger numbers are not counted exactly. */
const mostCounted = 100_000
/** The copy's own session may not have ended yet. */
const patience = '5s'
const mostTables = 20

/** For the tables of a step that existed before the run; undefined where the rows cannot be counted. */
export async function rowsLeft(
  step: Step,
  { inventory, restore }: RunContext,
): Promise<RowsLeft[] | undefined> {
  const there = tablesOf(step, inventory)
  if (there.length === 0) return undefined
  try {
    return await restore.use(async ({ session }) => {
      const left: RowsLeft[] = []
      for (const table of there.slice(0, mostTables)) left.push(await countLeft(session, table))
      return left
    })
  } catch {
    // The copy's own failure is the one to report.
    return undefined
  }
}

function tablesOf({ info, work }: Step, { existing }: RunContext['inventory']): TableName[] {
  if (work.kind === 'copy together') return work.into
  if (work.kind === 'copy') return work.there ? [work.there] : []
  if (work.kind !== 'refuse' || info.kind !== 'ROWS' || !info.table) return []
  const there = existing.get(tableKey(info.table))
  return there ? [there] : []
}

async function countLeft(session: Session, { schema, name }: TableName): Promise<RowsLeft> {
  const table = quoteQualified(schema, name)
  const answers: unknown = await session.query(`
    set local row_security = off;
    set local lock_timeout = '${patience}';
    set local statement_timeout = '${patience}';
    select count(*)::float8 as rows,
           (select greatest(reltuples, 0)::float8 from pg_catalog.pg_class
             where oid = ${quoteLiteral(table)}::pg_catalog.regclass) as estimate
      from (select from ${table} limit ${mostCounted + 1}) counted`)
  const [row] = (answers as { rows: number; estimate: number }[][]).find((rows) => rows.length > 0) ?? []
  if (!row) throw new Error('the count query returned no row')
  if (row.rows <= mostCounted) return { schema, name, rows: row.rows }
  return { schema, name, rows: Math.max(row.rows, row.estimate), estimated: true }
}
