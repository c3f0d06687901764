// Which tables' changes are wanted, looked up anew with every connection: partitions come and go, tables are
// renamed, and a change of a table that nobody thought of must not be lost in silence.
import type { Session } from '../postgres/session.ts'
import { type TableId, tableKey } from './destination-tables.ts'
import { listOf } from './publication.ts'

export interface Followed {
  /** Those that were asked for, and partitions that came to them since. */
  tables: TableId[]
  keys: ReadonlySet<string>
  /** Everything that the stream can have changes of now. */
  published: ReadonlySet<string>
  leftOut: ReadonlySet<string>
  /** Asked for, and not published any more: dropped, renamed, detached, or taken out. */
  gone: TableId[]
}

export interface Wanted {
  publication: string | readonly string[]
  tables: readonly TableId[]
  /** Known, and not wanted. */
  leftOut: readonly TableId[]
}

export async function readFollowed(source: Session, wanted: Wanted): Promise<Followed> {
  const rows = await source.query<TableId & { rootSchema: string | null; root: string | null }>(`
    select p.schemaname as schema,
           p.tablename  as name,
           n.nspname    as "rootSchema",
           r.relname    as root
      from pg_catalog.pg_publication_tables p
      join pg_catalog.pg_namespace pn on pn.nspname = p.schemaname
      join pg_catalog.pg_class c on c.relnamespace = pn.oid and c.relname = p.tablename
      left join pg_catalog.pg_class r on r.oid = pg_catalog.pg_partition_root(c.oid)
      left join pg_catalog.pg_namespace n on n.oid = r.relnamespace
     where p.pubname in (${listOf(wanted.publication)})`)
  const asked = new Set(wanted.tables.map(tableKey))
  const leftOut = new Set(wanted.leftOut.map(tableKey))
  const published = new Set(rows.map(tableKey))
  const rootOf = ({ rootSchema, root }: (typeof rows)[number]) =>
    rootSchema === null || root === null ? undefined : tableKey({ schema: rootSchema, name: root })
  const roots = new Set([...asked, ...rows.filter((row) => asked.has(tableKey(row))).map(rootOf)])
  const joined = rows.filter((row) => {
    const [key, root] = [tableKey(row), rootOf(row)]
    return root !== undefined && roots.has(root) && !asked.has(key) && !leftOut.has(key)
  })
  const tables = [...wanted.tables, ...joined.map(({ schema, name }) => ({ schema, name }))]
  // A root may be followed by its partitions: they are published, it is not.
  const present = new Set([...published, ...rows.map(rootOf)])
  return {
    tables,
    keys: new Set(tables.map(tableKey)),
    published,
    leftOut,
    gone: wanted.tables.filter((table) => !present.has(tableKey(table))),
  }
}
