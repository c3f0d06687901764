// The tables of the source that hold rows to copy, with the facts that decide how they are copied.

import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { estimatedRows } from './estimated-rows.ts'

export interface ColumnFacts {
  name: string
  type: number
  /** Generated columns are computed by the destination, not copied. */
  generated: boolean
}

export interface TableFacts {
  oid: number
  schema: string
  name: string
  columns: ColumnFacts[]
  /** The server's estimate; -1 or 0 when it has never counted. */
  estimatedRows: number
  /** Main and TOAST, without indexes. */
  bytes: number
  pages: number
  heap: boolean
  unlogged: boolean
  mayRead: boolean
  /**
   * A condition for the user's rows in a table of an extension; null for other tables, and when all rows are the
   * user's.
   */
  extensionCondition: string | null
  extension: string | null
  /** The root of the partition tree, for a partition. */
  root: number | null
  /**
   * A column by whose values the table is split into ranges where that is not possible by ctid. Read only for large
   * tables.
   */
  keyRange: { column: string; lowest: string; highest: string } | null
}

/** TID range scans exist since 14. Before, each part of a ctid range would read the whole table. */
export const ctidRangesSince = 14

/** For a FROM clause with pg_class as c: e is the extension that the relation belongs to, if it belongs to one. */
export const extensionOfRelation = `left join pg_catalog.pg_depend d
             on d.classid = 'pg_catalog.pg_class'::regclass
            and d.objid = c.oid
            and d.objsubid = 0
            and d.refclassid = 'pg_catalog.pg_extension'::regclass
            and d.deptype = 'e'
      left join pg_catalog.pg_extension e on e.oid = d.refobjid`

/** From this version on NOT NULL is a constraint with a name. */
const namedNotNullSince = 18

/** A table below this size is never split. */
const keyRangeAbove = 1024 * 1024

type Row = Omit<TableFacts, 'columns' | 'root' | 'keyRange'> & { integerKey: string | null }

export async function readTables(
  session: Session,
  roots: ReadonlyMap<number, number>,
): Promise<TableFacts[]> {
  const tables = await session.query<Row>(`
    select c.oid,
           n.nspname                                     as schema,
           c.relname                                     as name,
           ${estimatedRows('c', 'pg_catalog.pg_relation_size(c.oid)')} as "estimatedRows",
           coalesce(pg_catalog.pg_table_size(c.oid), 0)::float8      as bytes,
           (coalesce(pg_catalog.pg_relation_size(c.oid), 0) / current_setting('block_size')::int)::float8 as pages,
           coalesce(a.amname = 'heap', true)             as heap,
           c.relpersistence = 'u'                        as unlogged,
           pg_catalog.has_schema_privilege(n.oid, 'usage')
             and pg_catalog.has_table_privilege(c.oid, 'select')     as "mayRead",
           e.extname                                     as extension,
           nullif(e.extcondition[array_position(e.extconfig, c.oid)], '') as "extensionCondition",
           k.attname                                     as "integerKey"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_am a on a.oid = c.relam
      ${extensionOfRelation}
      left join lateral (
             select t.attname
               from pg_catalog.pg_index i
               join pg_catalog.pg_attribute t on t.attrelid = i.indrelid and t.attnum = i.indkey[0]
              where i.indrelid = c.oid
                and i.indisunique and i.indisvalid
                and i.indnkeyatts = 1
                and i.indpred is null and i.indexprs is null
                and t.attnotnull
                and t.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
              order by i.indisprimary desc, i.indexrelid
              limit 1
           ) k on true
     where c.relkind = 'r'
       and c.relpersistence <> 't'
       and n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'
       and (e.oid is null or c.oid = any (e.extconfig))`)
  const columns = await readColumns(session)
  const facts: TableFacts[] = []
  for (const { integerKey, ...table } of tables) {
    const cut = session.major < ctidRangesSince && table.bytes > keyRangeAbove && table.mayRead
    facts.push({
      ...table,
      columns: columns.get(table.oid) ?? [],
      root: roots.get(table.oid) ?? null,
      keyRange: cut && integerKey ? await readKeyRange(session, table, integerKey) : null,
    })
  }
  return facts
}

/** Fast, because the column has an index. */
async function readKeyRange(session: Session, table: { schema: string; name: string }, column: string) {
  const name = quoteIdentifier(column)
  const row = await session.one<{ lowest: string | null; highest: string | null }>(`
    select min(${name})::text as lowest, max(${name})::text as highest
      from only ${quoteQualified(table.schema, table.name)}`)
  return row.lowest === null || row.highest === null
    ? null
    : { column, lowest: row.lowest, highest: row.highest }
}

async function readColumns(session: Session): Promise<Map<number, ColumnFacts[]>> {
  const rows = await session.query<ColumnFacts & { table: number }>(`
    select t.attrelid            as "table",
           t.attname             as name,
           t.atttypid            as type,
           t.attgenerated <> ''  as generated
      from pg_catalog.pg_attribute t
      join pg_catalog.pg_class c on c.oid = t.attrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r'
       and n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'
       and t.attnum > 0
       and not t.attisdropped
     order by t.attrelid, t.attnum`)
  const columns = new Map<number, ColumnFacts[]>()
  for (const { table, ...column } of rows) {
    const list = columns.get(table)
    if (list) list.push(column)
    else columns.set(table, [column])
  }
  return columns
}

/** The types of these tables' columns, as SQL: table OID -> column -> type. */
export async function readColumnTypes(
  session: Session,
  tables: readonly number[],
): Promise<Map<number, Map<string, string>>> {
  const types = new Map<number, Map<string, string>>()
  if (tables.length === 0) return types
  const rows = await session.query<{ table: number; name: string; type: string }>(`
    select attrelid as "table",
           attname  as name,
           pg_catalog.format_type(atttypid, atttypmod) as type
      from pg_catalog.pg_attribute
     where attrelid = any ('{${tables.join(',')}}'::oid[])
       and attnum > 0
       and not attisdropped`)
  for (const { table, name, type } of rows) {
    const columns = types.get(table)
    if (columns) columns.set(name, type)
    else types.set(table, new Map([[name, type]]))
  }
  return types
}

export interface Partitioning {
  /** Every partition -> its direct parent. */
  parents: Map<number, number>
  /** Every partition at any level -> the root of its tree. */
  roots: Map<number, number>
  /** The names of the root tables, because rows may have to be inserted through them. */
  names: Map<number, { schema: string; name: string }>
  /**
   * Trees that find the partition of a value by a hash that differs between databases: the hash of an enum value is
   * that of its label's OID, and the bytes of text depend on the encoding.
   */
  hashedByEnum: Set<number>
  hashed: Set<number>
}

export async function readPartitioning(session: Session): Promise<Partitioning> {
  const rows = await session.query<{ child: number; parent: number }>(`
    select i.inhrelid as child, i.inhparent as parent
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
     where c.relispartition and c.relkind in ('r', 'p', 'f')`)
  const parents = new Map(rows.map((row) => [row.child, row.parent]))
  const rootOf = (table: number) => {
    let top = table
    for (let above = parents.get(top); above !== undefined; above = parents.get(top)) top = above
    return top
  }
  const trees = await session.query<{
    oid: number
    schema: string
    name: string
    hashed: boolean
    byEnum: boolean
  }>(`
    select c.oid,
           n.nspname as schema,
           c.relname as name,
           p.partstrat = 'h' as hashed,
           p.partstrat = 'h' and exists (
             select from unnest(p.partclass) k (opclass)
               join pg_catalog.pg_opclass o on o.oid = k.opclass
              where o.opcintype = 'pg_catalog.anyenum'::regtype) as "byEnum"
      from pg_catalog.pg_partitioned_table p
      join pg_catalog.pg_class c on c.oid = p.partrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace`)
  return {
    parents,
    roots: new Map(rows.map(({ child }) => [child, rootOf(child)])),
    names: new Map(trees.map(({ oid, schema, name }) => [oid, { schema, name }])),
    hashedByEnum: new Set(trees.filter((tree) => tree.byEnum).map((tree) => rootOf(tree.oid))),
    hashed: new Set(trees.filter((tree) => tree.hashed).map((tree) => rootOf(tree.oid))),
  }
}

/**
 * pg_dump 18 does not quote the name of a NOT NULL constraint that a child adds to an inherited column. Table OID ->
 * the names that need quotes.
 */
export async function readOddNotNullNames(session: Session): Promise<Map<number, string[]>> {
  if (session.major < namedNotNullSince) return new Map()
  const rows = await session.query<{ table: number; names: string[] }>(`
    select k.conrelid as "table", json_agg(k.conname) as names
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
     where k.contype = 'n'
       and k.oid >= 16384
       and pg_catalog.quote_ident(k.conname) <> k.conname
       and exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid)
     group by k.conrelid`)
  return new Map(rows.map((row) => [row.table, row.names]))
}
