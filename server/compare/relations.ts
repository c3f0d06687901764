// The tables of one side for a comparison: where their rows are, their columns and their key.
import { hasOwnSchema, ownSchema } from '../catalog/own.ts'
import { ctidRangesSince, extensionOfRelation } from '../catalog/tables.ts'
import type { Session } from '../postgres/session.ts'

export interface Column {
  name: string
  /** For a domain, its base type. */
  type: number
  /** As SQL, with the schema of the type: `numeric(10,2)`. */
  typeName: string
  inPrimaryKey: boolean
}

export interface Relation {
  oid: number
  schema: string
  name: string
  /** r(ange), l(ist) or h(ash) for a partitioned table, which has no rows itself; null for other tables. */
  strategy: string | null
  /** The table that it is a partition of. */
  parent: number | null
  bound: string | null
  bytes: number
  pages: number
  /** Ranges of ctid can be read without scanning the whole table. */
  hasRanges: boolean
  /** A column for reading ranges where ctid cannot be used. */
  integerKey: string | null
  mayRead: boolean
  /** Condition for the user's rows in a table of an extension, without WHERE. */
  condition: string | null
  columns: Column[]
  /** The columns of the primary key, or of another unique key without NULLs. */
  key: string[] | null
}

type Row = Omit<Relation, 'columns' | 'integerKey'> & { integerKey: boolean }
type ColumnRow = Omit<Column, 'type'> & { table: number; type: number; base: number }

const integers: ReadonlySet<number> = new Set([20, 21, 23])

/** The search_path of the session must be empty, so that names of types include their schemas. */
export async function readRelations(session: Session): Promise<Relation[]> {
  const columns = await readColumns(session)
  const isOwnThere = await hasOwnSchema(session)
  const rows = (await session.query<Row>(relationsQuery(session.major))).filter(
    ({ schema }) => !(isOwnThere && schema === ownSchema),
  )
  return rows.map((row) => {
    const own = columns.get(row.oid) ?? []
    const [first = ''] = row.key ?? []
    const isInteger = integers.has(own.find((column) => column.name === first)?.type ?? 0)
    return {
      ...row,
      condition: row.condition?.replace(/^\s*where\s/i, '') ?? null,
      columns: own,
      integerKey: isInteger && row.key?.length === 1 ? first : null,
    }
  })
}

function relationsQuery(major: number): string {
  return `
    select c.oid,
           n.nspname                                     as schema,
           c.relname                                     as name,
           p.partstrat::text                             as strategy,
           case when c.relispartition then (
             select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = c.oid
           ) end                                         as parent,
           pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound,
           coalesce(pg_catalog.pg_table_size(c.oid), 0)::float8 as bytes,
           (coalesce(pg_catalog.pg_relation_size(c.oid), 0) / current_setting('block_size')::int)::float8 as pages,
           ${major >= ctidRangesSince} and coalesce(a.amname = 'heap', false) as "hasRanges",
           pg_catalog.has_schema_privilege(n.oid, 'usage')
             and pg_catalog.has_table_privilege(c.oid, 'select') as "mayRead",
           nullif(e.extcondition[array_position(e.extconfig, c.oid)], '') as condition,
           k.columns                                     as key
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_am a on a.oid = c.relam
      left join pg_catalog.pg_partitioned_table p on p.partrelid = c.oid
      ${extensionOfRelation}
      left join lateral (
             select json_agg(t.attname order by u.place) as columns
               from pg_catalog.pg_index i
              cross join lateral unnest(i.indkey::int2[]) with ordinality u (number, place)
               join pg_catalog.pg_attribute t on t.attrelid = i.indrelid and t.attnum = u.number
              where i.indrelid = c.oid
                and i.indisunique and i.indisvalid and i.indimmediate
                and i.indpred is null and i.indexprs is null
                and u.place <= i.indnkeyatts
              group by i.indexrelid, i.indisprimary, i.indnkeyatts
             having bool_and(t.attnotnull)
              order by i.indisprimary desc, i.indnkeyatts, i.indexrelid
              limit 1
           ) k on true
     where c.relkind in ('r', 'p')
       and c.relpersistence <> 't'
       and n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'
       and (e.oid is null or c.oid = any (e.extconfig))
     order by n.nspname, c.relname`
}

async function readColumns(session: Session): Promise<Map<number, Column[]>> {
  const domains = await readDomains(session)
  const rows = await session.query<ColumnRow>(`
    select t.attrelid            as "table",
           t.attname             as name,
           t.atttypid            as type,
           pg_catalog.format_type(t.atttypid, t.atttypmod) as "typeName",
           exists (select from pg_catalog.pg_index i
                    where i.indrelid = t.attrelid and i.indisprimary
                      and t.attnum = any (i.indkey::int2[])) as "inPrimaryKey"
      from pg_catalog.pg_attribute t
      join pg_catalog.pg_class c on c.oid = t.attrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p')
       and c.relpersistence <> 't'
       and n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'
       and t.attnum > 0
       and not t.attisdropped
     order by t.attrelid, t.attnum`)
  const columns = new Map<number, Column[]>()
  for (const { table, name, type, typeName, inPrimaryKey } of rows) {
    let base = type
    for (let below = domains.get(base); below !== undefined; below = domains.get(base)) base = below
    const column = { name, type: base, typeName, inPrimaryKey }
    const list = columns.get(table)
    if (list) list.push(column)
    else columns.set(table, [column])
  }
  return columns
}

/** Maps each domain to its base type, which may be a domain too. */
async function readDomains(session: Session): Promise<Map<number, number>> {
  const rows = await session.query<{ oid: number; base: number }>(`
    select oid, typbasetype as base from pg_catalog.pg_type where typtype = 'd'`)
  return new Map(rows.map(({ oid, base }) => [oid, base]))
}
