// A signature of a table's definition: when it changes, earlier comparisons of the table are not valid any more. The
// stream does not show an added column, rows rewritten by ALTER TABLE, or that a table was unpublished for a while.
import type { TwoSnapshots } from '../../compare/two-snapshots.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { Group } from './groups.ts'

const namespacesSince = 15

/** OID -> signature. `publications`: those of the move on this side. */
async function readSignatures(
  session: Session,
  oids: readonly number[],
  publications: readonly string[],
): Promise<Map<number, string>> {
  if (oids.length === 0) return new Map()
  const names = publications.length > 0 ? publications.map(quoteLiteral).join(', ') : 'null'
  const schemas =
    session.major < namespacesSince
      ? ''
      : `|| coalesce((select string_agg(concat_ws(':', s.oid, s.xmin), ',' order by s.oid)
           from pg_catalog.pg_publication_namespace s
           join pg_catalog.pg_publication p on p.oid = s.pnpubid where p.pubname in (${names})), '')`
  const rows = await session.query<{ oid: number; signature: string }>(`
    select c.oid,
           concat_ws(' ', c.oid, n.nspname, c.relname, c.relfilenode, c.relreplident, c.relkind,
             (select md5(string_agg(concat_ws(':', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped,
                                              a.attgenerated), ',' order by a.attnum))
                from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0),
             (select string_agg(concat_ws(':', r.oid, r.xmin, p.oid, p.xmin), ',' order by r.oid)
                from pg_catalog.pg_publication_rel r
                join pg_catalog.pg_publication p on p.oid = r.prpubid
               where p.pubname in (${names})
                 and r.prrelid in (c.oid, pg_catalog.pg_partition_root(c.oid))),
             (select string_agg(concat_ws(':', p.oid, p.xmin), ',' order by p.oid)
                from pg_catalog.pg_publication p where p.pubname in (${names}))) ${schemas} as signature
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.oid in (${oids.join(', ')})`)
  return new Map(rows.map(({ oid, signature }) => [oid, signature]))
}

/** The signatures of all tables of a group on both sides. `published`: the publications of the source. */
export async function readGroupSignatures(
  both: TwoSnapshots,
  groups: readonly Group[],
  published: readonly string[],
): Promise<Map<Group, string>> {
  const { source, destination } = both.scans
  const members = new Map(
    groups.map((group) => {
      const units = both.units(group.tables)
      const oids = (side: 'source' | 'destination') =>
        units.flatMap((unit) => unit[side] ?? []).map(({ oid }) => oid)
      return [group, { source: oids('source'), destination: oids('destination') }]
    }),
  )
  const oids = (side: 'source' | 'destination') => [...members.values()].flatMap((one) => one[side])
  const here = await readSignatures(source.end.catalog, oids('source'), published)
  const there = await readSignatures(destination.end.catalog, oids('destination'), [])
  return new Map(
    groups.map((group) => {
      const of = members.get(group)
      const list = [
        ...(of?.source ?? []).map((oid) => here.get(oid)),
        '/',
        ...(of?.destination ?? []).map((oid) => there.get(oid)),
      ]
      return [group, list.toSorted().join('\n')]
    }),
  )
}
