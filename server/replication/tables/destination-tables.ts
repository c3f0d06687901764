// The tables of the destination, as far as applied changes depend on them. They are read again with every apply
// session.
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'

export interface DestinationColumn {
  name: string
  /**
   * The type below all domains. Only PostgreSQL's own types have the same OID everywhere; others are known by name.
   */
  typeId: number
  typeSchema: string
  typeName: string
  modifier: number
  /** As SQL, with domain and modifier. */
  sqlType: string
  /** As SQL, without modifier: a cast to it truncates nothing. */
  wideType: string
  generated: boolean
  /** pg_attribute.attidentity: a(lways), (by) d(efault), or empty. */
  identity: string
  /** NOT NULL, without a default. */
  mustBeGiven: boolean
  /** Its equality means the same as the equality of an index. */
  comparable: boolean
  /** Its equality for `operator(...)`, unless it is PostgreSQL's own. */
  equality: string | null
}

export interface DestinationTable {
  oid: number
  schema: string
  name: string
  quoted: string
  partitioned: boolean
  /** The columns of each unique index or exclusion constraint; null for an expression. */
  unique: (string | null)[][]
  columns: Map<string, DestinationColumn>
  /** Rules that would rewrite the statements that apply changes. */
  rules: string[]
}

type Row = DestinationColumn & { oid: number; schema: string; table: string; kind: string }

/** Those of the list that exist; without a list all that changes can be applied to. */
export async function readDestinationTables(
  session: Session,
  tables?: readonly TableName[],
): Promise<Map<string, DestinationTable>> {
  const wanted = tables && new Set(tables.map(tableKey))
  const schemas = tables && JSON.stringify([...new Set(tables.map(({ schema }) => schema))])
  const rows = await session.query<Row>(
    `
    with recursive domain as (
      select oid, typbasetype as base
        from pg_catalog.pg_type
       where typtype = 'd'
      union all
      select d.oid, t.typbasetype
        from domain d
        join pg_catalog.pg_type t on t.oid = d.base
       where t.typtype = 'd'
    ), comparable as (
      select o.opcintype as oid
        from pg_catalog.pg_opclass o
        join pg_catalog.pg_am m on m.oid = o.opcmethod
       where o.opcdefault and m.amname in ('btree', 'hash')
      union
      select c.castsource
        from pg_catalog.pg_cast c
        join pg_catalog.pg_opclass o on o.opcintype = c.casttarget and o.opcdefault
        join pg_catalog.pg_am m on m.oid = o.opcmethod
       where c.castmethod = 'b' and c.castcontext = 'i' and m.amname in ('btree', 'hash')
    )
    select c.oid,
           n.nspname                                        as schema,
           c.relname                                        as "table",
           c.relkind                                        as kind,
           a.attname                                        as name,
           t.oid                                            as "typeId",
           tn.nspname                                       as "typeSchema",
           t.typname                                        as "typeName",
           a.atttypmod                                      as modifier,
           pg_catalog.format_type(a.atttypid, a.atttypmod)  as "sqlType",
           pg_catalog.format_type(a.atttypid, -1)           as "wideType",
           a.attgenerated <> ''                             as generated,
           a.attidentity                                    as identity,
           a.attnotnull and not a.atthasdef and a.attidentity = '' as "mustBeGiven",
           t.typtype in ('e', 'r', 'm')
             or t.oid in (select oid from comparable)
             or t.typelem in (select oid from comparable) and t.typlen = -1 as comparable,
           case when t.oid >= 10000 then (
             select pg_catalog.quote_ident(n.nspname) || '.' || o.oprname
               from pg_catalog.pg_opclass k
               join pg_catalog.pg_am m on m.oid = k.opcmethod
               join pg_catalog.pg_amop s on s.amopfamily = k.opcfamily
                                        and s.amoplefttype = t.oid and s.amoprighttype = t.oid
                                        and s.amopstrategy = case m.amname when 'btree' then 3 else 1 end
               join pg_catalog.pg_operator o on o.oid = s.amopopr
               join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
              where k.opcintype = t.oid and k.opcdefault
                and m.amname in ('btree', 'hash')
                and n.nspname <> 'pg_catalog'
              limit 1) end                                  as equality
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join lateral (
             select base from domain d
               join pg_catalog.pg_type b on b.oid = d.base
              where d.oid = a.atttypid and b.typtype <> 'd'
           ) d on true
      left join pg_catalog.pg_type t on t.oid = coalesce(d.base, a.atttypid)
      left join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
     where c.relkind in ('r', 'p', 'f')
       and c.relpersistence <> 't'
       and n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'
       and ($1::text is null or $1::jsonb ? n.nspname)
     order by c.oid, a.attnum`,
    [schemas ?? null],
  )
  const found = new Map<string, DestinationTable>()
  for (const { oid, schema, table, kind, ...column } of rows) {
    const key = tableKey({ schema, name: table })
    if (wanted && !wanted.has(key)) continue
    let one = found.get(key)
    if (!one) {
      const quoted = quoteQualified(schema, table)
      one = {
        oid,
        schema,
        name: table,
        quoted,
        partitioned: kind === 'p',
        unique: [],
        columns: new Map(),
        rules: [],
      }
      found.set(key, one)
    }
    // The table has no columns.
    if (column.name !== null) one.columns.set(column.name, column)
  }
  for (const { columns, ...table } of await readUnique(session))
    found.get(tableKey(table))?.unique.push(columns)
  return found
}

function readUnique(session: Session) {
  return session.query<TableName & { columns: (string | null)[] }>(`
    select n.nspname as schema,
           c.relname as name,
           (select json_agg(a.attname)
              from pg_catalog.unnest(i.indkey) k
              left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k) as columns
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where (i.indisunique or i.indisexclusion)
       and n.nspname !~ '^pg_'`)
}

/** Adds to each table the rules that act in a session of this role. A subscription of the server ignores rules. */
export async function readFiringRules(
  session: Session,
  tables: ReadonlyMap<string, DestinationTable>,
  replicaRole: boolean,
): Promise<void> {
  const rows = await session.query<TableName & { rule: string }>(`
    select n.nspname as schema, c.relname as name, pg_catalog.quote_ident(r.rulename) as rule
      from pg_catalog.pg_rewrite r
      join pg_catalog.pg_class c on c.oid = r.ev_class
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where r.ev_type <> '1' and r.ev_enabled in ('A', ${replicaRole ? "'R'" : "'O'"})
       and c.relkind in ('r', 'p')
     order by 3`)
  for (const { rule, ...table } of rows) tables.get(tableKey(table))?.rules.push(rule)
}

/** Triggers and rules that also fire with replica role. They may read anything at any moment. */
export async function firesForReplica(session: Session): Promise<boolean> {
  const { fires } = await session.one<{ fires: boolean }>(`
    select exists (select from pg_catalog.pg_trigger where tgenabled in ('A', 'R'))
        or exists (select from pg_catalog.pg_rewrite where ev_enabled in ('A', 'R')) as fires`)
  return fires
}
