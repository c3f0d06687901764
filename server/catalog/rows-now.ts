// How many rows tables have now: counted where that is quick, otherwise the server's estimate.
import type { RowsThere } from '../../shared/plan-api.ts'
import { type TableName, tableKey } from '../../shared/table-name.ts'
import { ServerError } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { uncounted } from './estimated-rows.ts'
import { withSizes } from './size-of.ts'

/** Larger tables are not counted. */
const countedBytes = 16 * 1024 * 1024
/** Of all tables together, the smallest first. */
const countedBytesInAll = 128 * 1024 * 1024
const tablesPerQuery = 200
/** Of all queries together: a plan does not wait longer for exact numbers. */
const longestMs = 3000
/** For each query. A table that is locked exclusively keeps its estimate. */
const limits = `
  set local statement_timeout = '2s';
  set local lock_timeout = '300ms';
  set local row_security = off`

interface Found extends TableName {
  partitioned: boolean
  rows: number
  bytes: number
  readable: boolean
}

/** By `tableKey`. Tables that do not exist are missing. The session must not be in a transaction. */
export async function readRowsNow(
  session: Session,
  tables: readonly TableName[],
): Promise<Map<string, RowsThere>> {
  const known = new Map<string, RowsThere>()
  if (tables.length === 0) return known
  const wanted = new Set(tables.map(tableKey))
  const found = (await readEstimates(session)).filter((table) => wanted.has(tableKey(table)))
  for (const table of found) known.set(tableKey(table), { rows: table.rows, exact: false })
  const counted: Found[] = []
  let bytes = 0
  for (const table of found.toSorted((one, other) => one.bytes - other.bytes)) {
    bytes += table.bytes
    if (table.bytes > countedBytes || bytes > countedBytesInAll) break
    if (table.readable) counted.push(table)
  }
  const until = performance.now() + longestMs
  for (let first = 0; first < counted.length && performance.now() < until; first += tablesPerQuery) {
    const some = counted.slice(first, first + tablesPerQuery)
    const counts = await countThem(session, some)
    // A busy destination: the rest keeps its estimates too.
    if (!counts) break
    some.forEach((table, place) => {
      known.set(tableKey(table), { rows: counts.get(place) ?? uncounted, exact: counts.has(place) })
    })
  }
  return known
}

/** A partitioned table has the rows of its partitions. */
async function readEstimates(session: Session): Promise<Found[]> {
  return await withSizes(async (sizeOf, rowsOf) => {
    await session.execute(`begin read only; ${limits}`)
    try {
      const rows = await session.query<Found>(`
        with recursive below (top, oid) as (
          select c.oid, c.oid from pg_catalog.pg_class c where c.relkind in ('r', 'p') and c.relpersistence <> 't'
          union all
          select b.top, i.inhrelid
            from below b
            join pg_catalog.pg_class p on p.oid = b.oid and p.relkind = 'p'
            join pg_catalog.pg_inherits i on i.inhparent = b.oid
        ), sized as (
          select b.top,
                 sum(${sizeOf('c.oid')})::float8 as bytes,
                 sum(${rowsOf('c')}) as rows,
                 bool_or(${rowsOf('c')} < 0) as unknown
            from below b
            join pg_catalog.pg_class c on c.oid = b.oid and c.relkind <> 'p'
           group by b.top
        )
        select n.nspname as schema,
               c.relname as name,
               c.relkind = 'p' as partitioned,
               case when s.unknown then ${uncounted} else coalesce(s.rows, 0) end::float8 as rows,
               coalesce(s.bytes, 0)::float8 as bytes,
               pg_catalog.has_schema_privilege(n.oid, 'usage')
                 and pg_catalog.has_table_privilege(c.oid, 'select') as readable
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          left join sized s on s.top = c.oid
         where c.relkind in ('r', 'p') and c.relpersistence <> 't'
           and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`)
      await session.execute('commit')
      return rows
    } catch (error) {
      if (error instanceof ServerError) await session.execute('rollback')
      throw error
    }
  })
}

/** Place in the list -> rows; undefined if the server did not count them in time, or refuses to. */
async function countThem(
  session: Session,
  tables: readonly Found[],
): Promise<Map<number, number> | undefined> {
  const parts = tables.map(
    ({ schema, name, partitioned }, place) =>
      `select ${place} as place, (select count(*) from ${partitioned ? '' : 'only '}${quoteQualified(schema, name)})::float8 as rows`,
  )
  await session.execute(`begin read only; ${limits}`)
  try {
    const rows = await session.query<{ place: number; rows: number }>(parts.join('\nunion all\n'))
    await session.execute('commit')
    return new Map(rows.map((row) => [row.place, row.rows]))
  } catch (error) {
    // The plan is complete without exact numbers. A lost connection is not of this kind.
    if (!(error instanceof ServerError)) throw error
    await session.execute('rollback')
    return undefined
  }
}
