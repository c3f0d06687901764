// The value of each sequence of the source. Sequences are not subject to snapshots: the value is the
// current one, which is never behind the rows that were read earlier.
import { quoteLiteral, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'

export interface SequenceName {
  oid: number
  schema: string
  name: string
  mayRead: boolean
  /** The table that has it as the sequence of a serial or identity column. */
  ownedBy: number | null
  /** Created by an extension: pg_dump does not dump or read it. */
  isOfExtension: boolean
}

export interface SequenceValue {
  oid: number
  /** As text, because a bigint does not fit a number. */
  value: string
  called: boolean
}

const sequencesPerQuery = 200

/**
 * With those of extensions whose values belong to the user: the extension has registered the sequence, or the table
 * of its column.
 * https://www.postgresql.org/docs/current/extend-extensions.html#EXTEND-EXTENSIONS-CONFIG-TABLES
 */
export function listSequences(session: Session): Promise<SequenceName[]> {
  return session.query<SequenceName>(`
    with configured as (select unnest(extconfig) as oid from pg_catalog.pg_extension)
    select c.oid,
           n.nspname as schema,
           c.relname as name,
           pg_catalog.has_schema_privilege(n.oid, 'usage')
             and pg_catalog.has_sequence_privilege(c.oid, 'select') as "mayRead",
           o.refobjid as "ownedBy",
           m.objid is not null as "isOfExtension"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_depend o
             on o.classid = 'pg_catalog.pg_class'::regclass
            and o.objid = c.oid
            and o.refclassid = 'pg_catalog.pg_class'::regclass
            and o.refobjsubid > 0
            and o.deptype in ('a', 'i')
      left join pg_catalog.pg_depend m
             on m.classid = 'pg_catalog.pg_class'::regclass
            and m.objid = c.oid
            and m.deptype = 'e'
     where c.relkind = 'S'
       and c.relpersistence <> 't'
       and n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'
       and (m.objid is null
            or c.oid in (select oid from configured)
            or o.refobjid in (select oid from configured)
            or exists (
                 select from pg_catalog.pg_depend d
                   join pg_catalog.pg_attrdef a on a.oid = d.objid
                  where d.classid = 'pg_catalog.pg_attrdef'::regclass
                    and d.refclassid = 'pg_catalog.pg_class'::regclass
                    and d.refobjid = c.oid
                    and a.adrelid in (select oid from configured)))
     order by n.nspname, c.relname`)
}

export async function readSequenceValues(session: Session, names: readonly SequenceName[]) {
  const values: SequenceValue[] = []
  for (let first = 0; first < names.length; first += sequencesPerQuery) {
    const some = names.slice(first, first + sequencesPerQuery)
    const parts = some.map(
      ({ oid, schema, name }) =>
        `select ${oid}::oid as oid, last_value::text as value, is_called as called from ${quoteQualified(schema, name)}`,
    )
    values.push(...(await session.query<SequenceValue>(parts.join('\nunion all\n'))))
  }
  return values
}

export function setSequenceStatement(
  { schema, name }: SequenceName,
  { value, called }: SequenceValue,
): string {
  const sequence = quoteLiteral(quoteQualified(schema, name))
  return `select pg_catalog.setval(${sequence}::regclass, ${value}, ${called})`
}

/**
 * On a destination that has used the sequence itself, the sequence may only be advanced: an earlier value could be
 * used already.
 */
export function advanceSequenceStatement(
  { schema, name }: SequenceName,
  { value, called }: SequenceValue,
): string {
  const sequence = quoteQualified(schema, name)
  const theirs = `(${value}::bigint, ${called})`
  return `
    select pg_catalog.setval(p.seqrelid::regclass, f.value, f.called)
      from ${sequence} s
      join pg_catalog.pg_sequence p on p.seqrelid = ${quoteLiteral(sequence)}::regclass,
           lateral (select value, called
                      from (values (s.last_value, s.is_called), ${theirs}) v (value, called)
                     order by case when p.seqincrement > 0 then value else -value end desc, called desc
                     limit 1) f`
}
