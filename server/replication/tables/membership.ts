// Since when the changes of a table are sent, and whether older rows may be missing on the destination: a partition
// may be attached with its rows, or may have been out of its tree or its publication for a while. The stream contains
// none of this.

import type { TableName } from '../../../shared/table-name.ts'
import { ServerError } from '../../postgres/errors.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { type Publications, publicationList } from '../stream/publication.ts'

export interface Membership extends TableName {
  oid: number
  /** OIDs of the publications. */
  publication: string
  /** The root of its partition tree. */
  top: (TableName & { oid: number }) | null
  /**
   * What its changes are sent by. The text stays the same as long as no part of it was removed, even for a moment.
   */
  links: string
  /** A part of it is newer than the publication. */
  isLate: boolean
  /** It was created as a partition of a published table, so that all its rows were sent. */
  isBornIn: boolean
}

/**
 * The links by which a table has been followed without interruption, by its OID on the source and the OIDs of the
 * publications: a switchover creates other publications, for which older links do not count. A table whose rows the
 * destination has lost is recorded by its OID on the destination alone.
 */
export type Memberships = Readonly<Record<string, string>>

function keyOf({ oid, publication }: Membership): string {
  return `${oid}/${publication}`
}

const namespacesSince = 15

/** After more than 2,147,483,647 transactions `age` would make an old xid look newer than the present one. */
function ageOf(xid: string): string {
  return `(pg_catalog.age(${xid})::pg_catalog.int8 & 4294967295)`
}

/** For all published tables with rows. */
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
               -- ATTACH PARTITION changes all columns of a table, CREATE TABLE ... PARTITION OF none.
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
      -- The age "own" is that of the step from the table itself to its direct parent.
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

/** The destination has lost the rows of these tables, by their OIDs. */
export function markReplaced(oids: Iterable<number>): Memberships {
  return Object.fromEntries(Array.from(oids, (oid) => [oid, replaced]))
}

function isReplaced({ oid }: Membership, known: Memberships): boolean {
  return known[oid] === replaced
}

export interface Judged {
  /** Rows of these tables may be missing on the destination. */
  gaps: { table: Membership; gap: Gap }[]
  /** No row of these tables is missing: their links are to be stored. */
  whole: Membership[]
}

/**
 * `known` is the result of the copy and of earlier calls. A table that is not in it, and whose links are as old as
 * the publication, existed when the tables were copied. The members belong to followed tables and trees.
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

/** The links of tables of which no row is missing, as of the time when the members were read. */
export function linksOf(members: readonly Membership[]): Memberships {
  return Object.fromEntries(members.map((table) => [keyOf(table), table.links]))
}

export function isKnown(table: Membership, known: Memberships = {}): boolean {
  return known[keyOf(table)] !== undefined || isReplaced(table, known)
}

export function isKnownWhole(table: Membership, known: Memberships = {}): boolean {
  return known[keyOf(table)] === table.links && !isReplaced(table, known)
}

/** Adds tables of which no row is missing any more. */
export function withLinks(known: Memberships | undefined, members: readonly Membership[]): Memberships {
  const oids = new Set(members.map(({ oid }) => String(oid)))
  const others = Object.entries(known ?? {}).filter(([key]) => !oids.has(key))
  return { ...Object.fromEntries(others), ...linksOf(members) }
}

/**
 * If older rows existed they would still be in the table, or their deletion is in the stream and would find them
 * missing. A table that is locked or not readable does not count as empty.
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
