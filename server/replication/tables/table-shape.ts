// The definition of a table on one side, as far as changes of the source's table have to be repeated on the
// destination.

import type { TableName } from '../../../shared/table-name.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { exactValues } from '../stream/stream.ts'

export interface ColumnShape {
  name: string
  /** As SQL, with schema and modifier. */
  type: string
  /** The type without modifier, and the modifier alone. */
  typeName: string
  modifier: number
  typeKind: string
  /** Null for the collation of the type. */
  collation: string | null
  notNull: boolean
  /** The default, or the expression that the column is generated from. */
  expression: string | null
  /** pg_attribute.attgenerated: s(tored), v(irtual), or empty. */
  generated: string
  /** pg_attribute.attidentity: a(lways), (by) d(efault), or empty. */
  identity: string
  /** The value of rows that are older than the column. Also null when it is not known. */
  missing: string | null
  hasMissing: boolean
  sequence: OwnedSequence | null
}

export interface OwnedSequence {
  schema: string
  name: string
  /** Options of CREATE SEQUENCE. */
  options: string
  /** Arguments of setval; null when the sequence was never used. */
  last: string | null
}

export interface PartitionShape extends TableName {
  parent: TableName
  /** FOR VALUES ... */
  bound: string
  /** Its own partition key. */
  divided: string | null
}

export interface TableShape extends TableName {
  kind: string
  /** pg_class.relreplident */
  identity: string
  /** The root, for a partition. */
  root: TableName | null
  /** Parent and bound, for a partition. */
  partition: PartitionShape | null
  /** The partition key, for a partitioned table. */
  divided: string | null
  columns: Map<string, ColumnShape>
  /** The columns of the primary key, or of the unique index that is the replica identity; empty without either. */
  key: string[]
  /** At all levels, outermost first. */
  partitions: PartitionShape[]
  /** Tables that inherit from it without being partitions. */
  children: TableName[]
  enums: Map<string, string[]>
  /** Indexes and constraints: name -> definition. */
  belongings: Map<string, string>
}

/** Undefined when there is no such table. The session must not be in a transaction. */
export async function readTableShape(session: Session, table: TableName): Promise<TableShape | undefined> {
  // Names are only qualified while the search path is empty.
  await session.execute(
    `begin isolation level repeatable read read only; ${local(exactValues)} set local search_path = ''`,
  )
  try {
    return await readShape(session, table)
  } finally {
    await session.execute('commit')
  }
}

export function local(settings: string): string {
  return settings.replaceAll(/^(\s*)set /gm, '$1set local ')
}

async function readShape(session: Session, { schema, name }: TableName): Promise<TableShape | undefined> {
  const [found] = await session.query<
    Omit<TableShape, 'columns' | 'enums' | 'belongings'> & { oid: number }
  >(`
    select c.oid,
           ${quoteLiteral(schema)}::text as schema,
           ${quoteLiteral(name)}::text   as name,
           c.relkind                     as kind,
           c.relreplident                as identity,
           case when c.relispartition then ${idOf('pg_catalog.pg_partition_root(c.oid)')} end as root,
           case when c.relispartition then ${partitionOf('c')} end as partition,
           case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as divided,
           array_to_json(coalesce((
             select array_agg(a.attname order by k.place)
               from pg_catalog.pg_index i,
                    unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k (number, place),
                    pg_catalog.pg_attribute a
              where i.indrelid = c.oid and i.indisvalid and i.indimmediate
                and case when c.relreplident = 'i' then i.indisreplident else i.indisprimary end
                and a.attrelid = c.oid and a.attnum = k.number), '{}'))  as key,
           array_to_json(array(
             select ${partitionOf('m')}
               from pg_catalog.pg_partition_tree(c.oid) t
               join pg_catalog.pg_class m on m.oid = t.relid
              where t.level > 0 and c.relkind = 'p'
              order by t.level, m.relname)) as partitions,
           array_to_json(array(
             with recursive below as (
               select inhrelid as oid from pg_catalog.pg_inherits where inhparent = c.oid and c.relkind <> 'p'
               union
               select i.inhrelid from below b join pg_catalog.pg_inherits i on i.inhparent = b.oid)
             select ${idOf('below.oid')} from below)) as children
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ${quoteLiteral(schema)} and c.relname = ${quoteLiteral(name)}
       and c.relkind in ('r', 'p', 'f')`)
  if (!found) return undefined
  const { oid, ...shape } = found
  const columns = await readColumns(session, oid)
  return {
    ...shape,
    columns: new Map(columns.map((column) => [column.name, column])),
    enums: await readEnums(session, oid),
    belongings: await readBelongings(session, oid),
  }
}

function readColumns(session: Session, oid: number) {
  return session.query<ColumnShape>(`
    select a.attname                                         as name,
           pg_catalog.format_type(a.atttypid, a.atttypmod)   as type,
           pg_catalog.format_type(a.atttypid, null)          as "typeName",
           a.atttypmod                                       as modifier,
           t.typtype                                         as "typeKind",
           (select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname)
              from pg_catalog.pg_collation l
              join pg_catalog.pg_namespace n on n.oid = l.collnamespace
             where l.oid = a.attcollation and a.attcollation <> t.typcollation) as collation,
           a.attnotnull                                      as "notNull",
           pg_catalog.pg_get_expr(d.adbin, d.adrelid)        as expression,
           a.attgenerated                                    as generated,
           a.attidentity                                     as identity,
           -- The separator of box values is not the comma of all other types.
           a.atthasmissing and a.atttypid <> 'pg_catalog.box'::regtype as "hasMissing",
           case when a.atthasmissing and a.atttypid <> 'pg_catalog.box'::regtype
             then (a.attmissingval::text::text[])[1] end     as missing,
           (select json_build_object(
                     'schema', n.nspname, 'name', c.relname,
                     'options', format(
                       'as %s increment by %s minvalue %s maxvalue %s start with %s cache %s %scycle',
                       pg_catalog.format_type(s.seqtypid, null), s.seqincrement, s.seqmin, s.seqmax, s.seqstart,
                       s.seqcache, case when s.seqcycle then '' else 'no ' end),
                     'last', case when pg_catalog.has_sequence_privilege(c.oid, 'select, usage')
                       then pg_catalog.pg_sequence_last_value(c.oid)::text end)
              from pg_catalog.pg_depend d
              join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
              join pg_catalog.pg_sequence s on s.seqrelid = c.oid
              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
               and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype in ('a', 'i')
             limit 1)                                        as sequence
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type t on t.oid = a.atttypid
      left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped
     order by a.attnum`)
}

/** The enum types of its columns, also of arrays, by the type's name. */
async function readEnums(session: Session, oid: number): Promise<Map<string, string[]>> {
  const rows = await session.query<{ type: string; labels: string[] }>(`
    select pg_catalog.format_type(t.oid, null) as type,
           (select json_agg(e.enumlabel order by e.enumsortorder)
              from pg_catalog.pg_enum e where e.enumtypid = t.oid) as labels
      from pg_catalog.pg_type t
     where t.typtype = 'e'
       and exists (
             select from pg_catalog.pg_attribute a
               join pg_catalog.pg_type u on u.oid = a.atttypid
              where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped and t.oid in (u.oid, u.typelem))`)
  return new Map(rows.map(({ type, labels }) => [type, labels ?? []]))
}

async function readBelongings(session: Session, oid: number): Promise<Map<string, string>> {
  const rows = await session.query<{ name: string; sql: string }>(`
    select c.conname as name,
           format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname,
                  pg_catalog.pg_get_constraintdef(c.oid)) as sql
      from pg_catalog.pg_constraint c
     where c.conrelid = ${oid} and c.contype in ('c', 'f', 'p', 'u', 'x')
     union all
    select x.relname, pg_catalog.pg_get_indexdef(x.oid)
      from pg_catalog.pg_index i
      join pg_catalog.pg_class x on x.oid = i.indexrelid
     where i.indrelid = ${oid} and i.indisvalid
       and not exists (select from pg_catalog.pg_constraint c where c.conindid = x.oid and c.contype in ('p', 'u', 'x'))
     order by 1`)
  return new Map(rows.map(({ name, sql }) => [name, sql]))
}

function idOf(oid: string): string {
  return `(select json_build_object('schema', pn.nspname, 'name', pc.relname)
             from pg_catalog.pg_class pc join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
            where pc.oid = ${oid})`
}

function partitionOf(alias: string): string {
  return `json_build_object(
            'schema', (select nspname from pg_catalog.pg_namespace where oid = ${alias}.relnamespace),
            'name', ${alias}.relname,
            'parent', ${idOf(`(select inhparent from pg_catalog.pg_inherits where inhrelid = ${alias}.oid)`)},
            'bound', pg_catalog.pg_get_expr(${alias}.relpartbound, ${alias}.oid),
            'divided', case when ${alias}.relkind = 'p' then pg_catalog.pg_get_partkeydef(${alias}.oid) end)`
}
