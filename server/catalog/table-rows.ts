// The rows of a table that meet a condition: their number, and a sample of them.
import type { TableRows } from '../../shared/browse-api.ts'
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { inParentheses, readWithin, refuseFaulty, withCondition } from './conditions.ts'

export interface TableRowsWish {
  schema: string
  table: string
  where: string | undefined
  /** The number of rows in the sample. */
  sample: number
  /** The time limit of each statement; 0: no count. */
  countSeconds: number
}

/** Longer values are cut: the page shows them in a cell. */
const longestValue = 2_000
/** Of the sample, when nothing is counted. */
const sampleSeconds = 5

/** Undefined when there is no such table. */
export async function readTableRows(session: Session, wish: TableRowsWish): Promise<TableRows | undefined> {
  const { schema, table, where, sample, countSeconds } = wish
  if (where !== undefined) refuseFaulty(where)
  const found = await findColumns(session, schema, table)
  if (!found) return undefined
  const { columns } = found
  // Rows of partitions are read from the partitioned table. Rows of tables that inherit are not its own.
  const rows = `${found.partitioned ? '' : 'only '}${quoteQualified(schema, table)}`
  const ask = async <Row extends object>(list: string, end: string, parameter: number) => {
    const before = `select ${list} from ${rows} where ${where === undefined ? '' : '('}`
    const condition = where === undefined ? 'true' : inParentheses(where).slice(1)
    return await withCondition(where, before, () =>
      session.query<Row>(`${before}${condition} ${end}`, [parameter]),
    )
  }
  const read = async () => {
    const values = columns.map((name) => `left(${quoteIdentifier(name)}::text, ${longestValue + 1})`)
    const list = `json_build_array(${values.join(', ')}) as row`
    const answer = await ask<{ row: (string | null)[] }>(list, 'limit $1::int', sample)
    return answer.map(({ row }) => row.map(shortened))
  }
  // The parameter makes the server refuse more than one statement.
  const count = async () => {
    const [answer] = await ask<{ count: number }>('count(*)::float8 as count', 'and $1::int is not null', 0)
    return answer?.count ?? null
  }
  return {
    columns,
    sample: sample > 0 ? await readWithin(session, countSeconds || sampleSeconds, read) : [],
    rows: countSeconds > 0 ? await readWithin(session, countSeconds, count) : null,
  }
}

async function findColumns(session: Session, schema: string, table: string) {
  const [found] = await session.query<{ partitioned: boolean; columns: string[] }>(
    `select c.relkind = 'p' as partitioned,
            (select coalesce(json_agg(a.attname order by a.attnum), '[]')
               from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
       from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'f')`,
    [schema, table],
  )
  return found
}

function shortened(value: string | null): string | null {
  return value !== null && value.length > longestValue ? `${value.slice(0, longestValue)}…` : value
}
