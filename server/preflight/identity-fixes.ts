// Statements that set a replica identity which the server accepts, for each table or partition. Partitions do not
// inherit a replica identity.
import type { Session } from '../postgres/session.ts'
import { isUsers, qualifiedName } from './catalog-sql.ts'
import { type End, type Fix, fixes, ownerOf } from './fix.ts'

interface UsableIdentity {
  name: string
  /** The primary key, or else a unique index over columns that are NOT NULL and not generated. */
  key: 'primary' | 'index' | null
  index: string | null
  /** True if the source rejects updates with REPLICA IDENTITY FULL because of one of the columns. */
  isFullRefused: boolean
}

export type Identities = (place: string) => UsableIdentity | undefined

/** https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY */
export async function readUsableIdentities(session: Session): Promise<Identities> {
  const rows = await session.query<UsableIdentity>(`
    select ${qualifiedName} as name,
           case when k.indisprimary then 'primary' when k.indisprimary is not null then 'index' end as key,
           pg_catalog.quote_ident(x.relname) as index,
           exists (select from pg_catalog.pg_attribute a
                    where a.attrelid = c.oid and a.attgenerated = 'v' and not a.attisdropped) as "isFullRefused"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join lateral (
        select i.indexrelid, i.indisprimary
          from pg_catalog.pg_index i
         where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
           and not exists (
             select from unnest(i.indkey) with ordinality k (number, place)
               left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
              where k.place <= i.indnkeyatts
                and (k.number = 0 or not a.attnotnull or a.attgenerated <> ''))
         order by i.indisprimary desc, i.indnkeyatts, i.indexrelid
         limit 1) k on true
      left join pg_catalog.pg_class x on x.oid = k.indexrelid
     where c.relkind in ('r', 'p') and ${isUsers}`)
  const byName = new Map(rows.map((row) => [row.name, row]))
  return (place) => byName.get(place)
}

/** Empty for a table without a usable key. */
export function keyFixes(end: End, place: string, identities: Identities): Fix[] {
  const { key, index } = identities(place) ?? {}
  if (!key) return []
  const identity = key === 'primary' ? 'default' : `using index ${index}`
  return fixes(end, ownerOf('the table'), `alter table ${place} replica identity ${identity}`)
}

export function wholeRowFixes(end: End, place: string, identities: Identities): Fix[] {
  return identities(place)?.isFullRefused
    ? []
    : fixes(end, ownerOf('the table'), `alter table ${place} replica identity full`)
}

export function identityFixes(end: End, place: string, identities: Identities): Fix[] {
  const byKey = keyFixes(end, place, identities)
  return byKey.length > 0 ? byKey : wholeRowFixes(end, place, identities)
}
