// The tables of a database for display: their sizes, numbers of rows and kinds.

import { ServerError, sqlstate } from '../postgres/errors.ts'
import type { Session } from '../postgres/session.ts'
import { estimatedRows, uncounted } from './estimated-rows.ts'
import { extensionOfRelation } from './tables.ts'

export interface ListedTable {
  oid: number
  schema: string
  name: string
  kind: 'table' | 'partitioned' | 'foreign'
  /** The partitioned table that it is a partition of. */
  parent: number | null
  unlogged: boolean
  /** The server's estimate; null when it has never counted. A partitioned table has no rows of its own. */
  estimatedRows: number | null
  /** With TOAST, free space map and visibility map, without indexes. */
  tableBytes: number
  indexBytes: number
  mayRead: boolean
}

export interface Listing {
  tables: ListedTable[]
  /** Objects that a selection may also name although they are not tables. */
  others: { kind: 'views' | 'materializedViews' | 'sequences'; schema: string; name: string }[]
  schemas: string[]
  /** A table was locked, so the sizes are those of the last VACUUM or ANALYZE. */
  sizesEstimated: boolean
}

/** The longest wait for a locked table. */
const longestWait = '3s'

/** To be called in a transaction, so that everything is read at one moment. */
export async function readListing(session: Session): Promise<Listing> {
  const { tables, sizesEstimated } = await readTablesAndSizes(session)
  const others = await session.query<Listing['others'][number]>(`
    select case c.relkind when 'v' then 'views' when 'm' then 'materializedViews' else 'sequences' end as kind,
           n.nspname as schema,
           c.relname as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('v', 'm', 'S')
       and ${isUsers}`)
  const schemas = await session.query<{ name: string }>(
    `select n.nspname as name from pg_catalog.pg_namespace n where ${isUsers}`,
  )
  return { tables, others, schemas: schemas.map(({ name }) => name), sizesEstimated }
}

const isUsers = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

async function readTablesAndSizes(session: Session): Promise<Pick<Listing, 'tables' | 'sizesEstimated'>> {
  await session.execute(`savepoint sizes; set local lock_timeout = '${longestWait}'`)
  const read = async (sizes: Sizes) => {
    const tables = await session.query<ListedTable>(tablesWith(sizes))
    // A snapshot can be exported only where no savepoint is open.
    await session.execute('release savepoint sizes')
    return tables
  }
  try {
    return { tables: await read(realSizes), sizesEstimated: false }
  } catch (error) {
    if (!(error instanceof ServerError) || error.sqlstate !== sqlstate.lockNotAvailable) throw error
    await session.execute('rollback to savepoint sizes')
    return { tables: await read(lastSizes), sizesEstimated: true }
  }
}

interface Sizes {
  /** Of the table alone; null if unknown. */
  own: string
  table: string
  indexes: string
}

/** These functions read the sizes of files, for which they lock each table for a moment. */
const realSizes: Sizes = {
  own: 'pg_catalog.pg_relation_size(c.oid)',
  table: 'pg_catalog.pg_table_size(c.oid)',
  indexes: 'pg_catalog.pg_indexes_size(c.oid)',
}

const lastSizes: Sizes = {
  own: 'null',
  table: `(c.relpages + coalesce((select t.relpages from pg_catalog.pg_class t where t.oid = c.reltoastrelid), 0))
             * current_setting('block_size')::bigint`,
  indexes: `(select sum(x.relpages) * current_setting('block_size')::bigint
                from pg_catalog.pg_index i
                join pg_catalog.pg_class x on x.oid = i.indexrelid
               where i.indrelid = c.oid)`,
}

function tablesWith(sizes: Sizes): string {
  return `
    select c.oid,
           n.nspname                                     as schema,
           c.relname                                     as name,
           case c.relkind when 'p' then 'partitioned' when 'f' then 'foreign' else 'table' end as kind,
           case when c.relispartition then i.inhparent end as parent,
           c.relpersistence = 'u'                        as unlogged,
           nullif(${estimatedRows('c', sizes.own)}, ${uncounted}) as "estimatedRows",
           coalesce(${sizes.table}, 0)::float8           as "tableBytes",
           coalesce(${sizes.indexes}, 0)::float8         as "indexBytes",
           pg_catalog.has_schema_privilege(n.oid, 'usage')
             and pg_catalog.has_table_privilege(c.oid, 'select') as "mayRead"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_inherits i on i.inhrelid = c.oid and c.relispartition
      ${extensionOfRelation}
     where c.relkind in ('r', 'p', 'f')
       and c.relpersistence <> 't'
       and ${isUsers}
       and (e.oid is null or c.oid = any (e.extconfig))`
}
