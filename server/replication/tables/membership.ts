// Since when the changes of a table are sent, and whether rows from before that can be missing on the other side: a
// partition may be attached with its rows, or be out of its tree, or of the publication, for a while. None of it is
// in the stream.

import type { TableName } from '../../../shared/table-name.ts'
import { ServerError } from '../../postgres/errors.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { type Publications, publicationList } from '../stream/publication.ts'

export interface Membership extends TableName {
  oid: number
  /** OIDs of the publications. */
  publication: string
  /** The topmost table of its partition tree. */
  top: (TableName & { oid: number }) | null
  /** What its changes are sent by: the same text as long as nothing of it was taken away, not even for a moment. */
  links: string
  /** Some of it is newer than the publication. */
  isLate: boolean
  /** It was made as a partition of what was published already: it never had a row that was not sent. */
  isBornIn: boolean
}

/**
 * The links by which a table has been followed without a gap, by its OID on the source and those of the publications:
 * a switchover makes another one, with which nothing of before counts. Of a table whose rows the destination has lost, by
 * its OID alone, that it has.
 */
export type Memberships = Readonly<Record<string, string>>

function keyOf({ oid, publication }: Membership): string {
  return `${oid}/${publication}`
}

const namespacesSince = 15

/** What was written more than 2,147,483,647 transactions ago would be younger than now. */
function ageOf(xid: string): string {
  return `(pg_catalog.age(${xid})::pg_catalog.int8 & 4294967295)`
}

/** Of all tables with rows that are published. */
export async function readMemberships(session: Session, publication: Publications): Promise<Membership[]> {
  const list = publicationList(publication)
  const ofSchemas =
    session.major < namespacesSince
      ? ''
      : `union all
         select s.oid, s.xmin, a.oid, true
           from pg_catalog.pg_publication_namespace s
           join pg_catalog.pg_publication p on p.oid = s.pnpubid and p.pubname in ${list}
           join pg_catalog.pg_class a on a.relnamespace = s.pnnspid`
  return await session.query<Membership>(`
    with members as (
      select c.oid, n.nspname, c.relname, c.relispartition,
             pg_catalog.pg_partition_root(c.oid)::oid as top
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and c.relpersistence = 'p'
         and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    ), above as (
      select oid, oid as relation from members
       union
      select m.oid, a.relid from members m, pg_catalog.pg_partition_ancestors(m.oid) a where m.relispartition
    ), published as (
      select p.oid as id, p.xmin as since, null::oid as relation, p.puballtables as "all"
        from pg_catalog.pg_publication p
       where p.pubname in ${list}
       union all
      select r.oid, r.xmin, r.prrelid, false
        from pg_catalog.pg_publication_rel r
        join pg_catalog.pg_publication p on p.oid = r.prpubid and p.pubname in ${list}
       ${ofSchemas}
    ), entries as (
      select a.oid, p.id, p.since from above a join published p on p.relation = a.relation
       union all
      select m.oid, p.id, p.since from members m join published p on p."all"
    ), steps as (
      select a.oid, i.inhrelid as id, i.xmin as since,
             i.xmin = s.xmin and exists (
               -- Attaching changes all columns of a table, making it as a partition none.
               select from pg_catalog.pg_attribute u
                where u.attrelid = i.inhrelid and u.attnum > 0 and not u.attisdropped
                  and u.xmin = s.xmin and u.cmin = s.cmin) as "isBorn"
        from above a
        join pg_catalog.pg_class c on c.oid = a.relation and c.relispartition
        join pg_catalog.pg_inherits i on i.inhrelid = a.relation
        join pg_catalog.pg_attribute s on s.attrelid = i.inhrelid and s.attname = 'ctid' and s.attnum < 0
    ), links as (
      select oid,
             pg_catalog.left(pg_catalog.md5(
               pg_catalog.string_agg(pg_catalog.concat(kind, id, ' ', since), ',' order by kind, id)), 16) as links,
             pg_catalog.min(${ageOf('since')}) as youngest,
             pg_catalog.max(${ageOf('since')}) filter (where kind = 'p') as oldest
        from (select 'p' as kind, oid, id, since from entries
               union all
              select 'i', oid, id, since from steps) l
       group by oid
      having pg_catalog.bool_or(kind = 'p')
    ), births as (
      -- Its own step is that of a table into the one right above it.
      select oid, pg_catalog.min(own) as age,
             pg_catalog.bool_and(case when id = oid or age = own then "isBorn" else age > own end) as "isBorn"
        from (select oid, id, "isBorn", ${ageOf('since')} as age,
                     pg_catalog.min(${ageOf('since')}) filter (where id = oid) over (partition by oid) as own
                from steps) s
       group by oid
    )
    select m.oid, m.nspname as schema, m.relname as name, l.links,
           (select pg_catalog.string_agg(p.oid::text, ',' order by p.oid)
              from pg_catalog.pg_publication p where p.pubname in ${list}) as publication,
           case when t.oid is not null then
             pg_catalog.json_build_object('oid', t.oid, 'schema', tn.nspname, 'name', t.relname) end as top,
           l.youngest < (select pg_catalog.max(${ageOf('since')}) from published) as "isLate",
           coalesce(b."isBorn" and l.oldest > b.age, false) as "isBornIn"
      from members m
      join links l on l.oid = m.oid
      left join births b on b.oid = m.oid
      left join pg_catalog.pg_class t on t.oid = m.top
      left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace`)
}

export type Gap = 'attached' | 'interrupted' | 'replaced'

const replaced = 'replaced'

/** The destination has lost the rows of these, by their OIDs. */
export function markReplaced(oids: Iterable<number>): Memberships {
  return Object.fromEntries(Array.from(oids, (oid) => [oid, replaced]))
}

function isReplaced({ oid }: Membership, known: Memberships): boolean {
  return known[oid] === replaced
}

export interface Judged {
  /** Rows of theirs may be missing on the other side. */
  gaps: { table: Membership; gap: Gap }[]
  /** Nothing is missing of these: to be known from now on. */
  whole: Membership[]
}

/**
 * `known` is what the copy and earlier looks have left. What is not known and as old as the publication was there
 * when the tables were copied. The members are those of followed tables and trees.
 */
export async function judgeMembers(
  session: Session,
  members: readonly Membership[],
  known: Memberships,
): Promise<Judged> {
  const gaps: Judged['gaps'] = []
  const whole: Membership[] = []
  for (const table of members) {
    const before = known[keyOf(table)]
    if (isReplaced(table, known)) gaps.push({ table, gap: 'replaced' })
    else if (before === table.links) continue
    else if (before !== undefined) gaps.push({ table, gap: 'interrupted' })
    else if (!table.isLate || table.isBornIn || (await isEmpty(session, table))) whole.push(table)
    else gaps.push({ table, gap: 'attached' })
  }
  return { gaps, whole }
}

/** They are whole, as of the moment that the members were read at. */
export function linksOf(members: readonly Membership[]): Memberships {
  return Object.fromEntries(members.map((table) => [keyOf(table), table.links]))
}

export function isKnown(table: Membership, known: Memberships = {}): boolean {
  return known[keyOf(table)] !== undefined || isReplaced(table, known)
}

export function isKnownWhole(table: Membership, known: Memberships = {}): boolean {
  return known[keyOf(table)] === table.links && !isReplaced(table, known)
}

/** Nothing is missing of these any more. */
export function withLinks(known: Memberships | undefined, members: readonly Membership[]): Memberships {
  const oids = new Set(members.map(({ oid }) => String(oid)))
  const others = Object.entries(known ?? {}).filter(([key]) => !oids.has(key))
  return { ...Object.fromEntries(others), ...linksOf(members) }
}

/**
 * Rows that it had before would be in it still, or their deletion is in the stream and finds them missing. One that is
 * locked, or must not be read, is not known to be empty.
 */
async function isEmpty(session: Session, { schema, name }: Membership): Promise<boolean> {
  try {
    const { empty } = await session.one<{ empty: boolean }>(
      `select not exists (select from only ${quoteQualified(schema, name)}) as empty`,
    )
    return empty
  } catch (error) {
    if (error instanceof ServerError) return false
    throw error
  }
}
