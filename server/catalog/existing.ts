// The tables of the destination that have the names of tables to be migrated, and the objects that depend on them.

import { tableKey } from '../../shared/table-name.ts'
import { quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'

export interface ExistingColumn {
  name: string
  /** As SQL: `character varying(20)`, `public.mood[]`. */
  type: string
  typeOid: number
  generated: boolean
  /** GENERATED ALWAYS: it may be set for a new row, and never be updated. */
  identityAlways: boolean
  /** NOT NULL, without a default. */
  required: boolean
}

export interface UniqueKey {
  /** The name of the index, which is also the name of its constraint if it has one. */
  name: string
  isConstraint: boolean
  isPrimary: boolean
  deferrable: boolean
  /** Null where the key has an expression. */
  columns: string[] | null
  isPartial: boolean
}

export interface ExistingTrigger {
  name: string
  /** How it fires now: O(rigin), R(eplica), A(lways). */
  enabled: string
  /**
   * Before 13 a partition's copy of its parent's trigger counts as a system trigger, which only a superuser may
   * disable.
   */
  system: boolean
}

export interface ExistingTable {
  oid: number
  schema: string
  name: string
  partitioned: boolean
  hasRows: boolean
  owned: boolean
  /** The privileges of our role. */
  rights: { select: boolean; insert: boolean; update: boolean; delete: boolean; truncate: boolean }
  columns: ExistingColumn[]
  keys: UniqueKey[]
  /** User triggers that fire. */
  triggers: ExistingTrigger[]
}

const rights = ['select', 'insert', 'update', 'delete', 'truncate'] as const

interface TableRow {
  oid: number
  schema: string
  name: string
  partitioned: boolean
  readable: boolean
  owned: boolean
  rights: ExistingTable['rights']
}

export async function readExistingTables(
  session: Session,
  wanted: readonly { schema: string; name: string }[],
): Promise<Map<string, ExistingTable>> {
  const keys = new Set(wanted.map(tableKey))
  const all = await session.query<TableRow>(`
    select c.oid,
           n.nspname            as schema,
           c.relname            as name,
           c.relkind = 'p'      as partitioned,
           pg_catalog.has_schema_privilege(n.oid, 'usage')
             and pg_catalog.has_table_privilege(c.oid, 'select')  as readable,
           pg_catalog.pg_has_role(c.relowner, 'usage')            as owned,
           json_build_object(${rights.map((right) => `'${right}', pg_catalog.has_table_privilege(c.oid, '${right}')`).join(', ')}) as rights
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p')
       and c.relpersistence <> 't'
       and n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'`)
  const found = all.filter((row) => keys.has(tableKey(row)))
  if (found.length === 0) return new Map()
  const oids = found.map((row) => row.oid)
  const [columns, uniqueKeys, triggers] = [
    await readColumns(session, oids),
    await readUniqueKeys(session, oids),
    await readTriggers(session, oids),
  ]
  const filled = await readFilled(session, found)
  return new Map(
    found.map(({ readable: _, ...row }) => [
      tableKey(row),
      {
        ...row,
        hasRows: filled.has(row.oid),
        columns: columns.get(row.oid) ?? [],
        keys: uniqueKeys.get(row.oid) ?? [],
        triggers: triggers.get(row.oid) ?? [],
      },
    ]),
  )
}

const tablesPerQuery = 200

/** A partitioned table has the rows of its partitions. A table that may not be read counts as filled. */
async function readFilled(session: Session, tables: readonly TableRow[]): Promise<Set<number>> {
  const filled = new Set(tables.filter((table) => !table.readable).map(({ oid }) => oid))
  const looked = tables.filter((table) => table.readable)
  for (let first = 0; first < looked.length; first += tablesPerQuery) {
    const parts = looked
      .slice(first, first + tablesPerQuery)
      .map(
        ({ oid, schema, name, partitioned }) =>
          `select ${oid}::oid as oid where exists (select from ${partitioned ? '' : 'only '}${quoteQualified(schema, name)})`,
      )
    for (const { oid } of await session.query<{ oid: number }>(parts.join('\nunion all\n'))) filled.add(oid)
  }
  return filled
}

async function readColumns(session: Session, oids: readonly number[]) {
  return grouped(
    await session.query<ExistingColumn & { table: number }>(`
      select a.attrelid                                       as "table",
             a.attname                                        as name,
             pg_catalog.format_type(a.atttypid, a.atttypmod)  as type,
             a.atttypid                                       as "typeOid",
             a.attgenerated <> ''                             as generated,
             a.attidentity = 'a'                              as "identityAlways",
             a.attnotnull and not a.atthasdef and a.attidentity = '' as required
        from pg_catalog.pg_attribute a
       where a.attrelid = any (${oidArray(oids)})
         and a.attnum > 0
         and not a.attisdropped
       order by a.attrelid, a.attnum`),
  )
}

async function readUniqueKeys(session: Session, oids: readonly number[]) {
  return grouped(
    await session.query<UniqueKey & { table: number }>(`
      select i.indrelid                   as "table",
             c.relname                    as name,
             k.oid is not null            as "isConstraint",
             i.indisprimary               as "isPrimary",
             coalesce(k.condeferrable, false) as deferrable,
             i.indpred is not null        as "isPartial",
             case when i.indexprs is null then (
               select json_agg(a.attname order by p.place)
                 from unnest(i.indkey::int2[]) with ordinality p (attnum, place)
                 join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = p.attnum
                where p.place <= i.indnkeyatts) end as columns
        from pg_catalog.pg_index i
        join pg_catalog.pg_class c on c.oid = i.indexrelid
        left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u')
       where i.indisunique and i.indisvalid
         and i.indrelid = any (${oidArray(oids)})
       order by i.indrelid, i.indisprimary desc, c.relname`),
  )
}

async function readTriggers(session: Session, oids: readonly number[]) {
  return grouped(
    await session.query<ExistingTrigger & { table: number }>(`
      select t.tgrelid as "table", t.tgname as name, t.tgenabled::text as enabled, t.tgisinternal as system
        from pg_catalog.pg_trigger t
       where (not t.tgisinternal or t.tgconstraint = 0)
         and t.tgenabled <> 'D'
         and t.tgrelid = any (${oidArray(oids)})
       order by t.tgrelid, t.tgname`),
  )
}

/** The OIDs come from our own queries. A parameter would require the extended protocol. */
export function oidArray(oids: readonly number[]): string {
  return `'{${oids.join(',')}}'::oid[]`
}

function grouped<Row extends { table: number }>(rows: readonly Row[]): Map<number, Omit<Row, 'table'>[]> {
  const groups = new Map<number, Omit<Row, 'table'>[]>()
  for (const { table, ...row } of rows) {
    const list = groups.get(table)
    if (list) list.push(row)
    else groups.set(table, [row])
  }
  return groups
}

export interface TriggersOf {
  schema: string
  name: string
  triggers: ExistingTrigger[]
}
