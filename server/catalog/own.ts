// What moves of pgtrek have created in a database, which is not compared or migrated.
import type { Session } from '../postgres/session.ts'
import { type ReadOnlyState, readReadOnly } from './read-only-state.ts'

/** The schema that keeps positions and marks; one of that name with anything else in it is the user's. */
export const ownSchema = 'pgtrek'

/** `on` in our sessions that apply changes. A database that a switchover has made read-only lets them write. */
export const appliesSetting = 'pgtrek.applies'

export async function hasOwnSchema(session: Session): Promise<boolean> {
  const { own } = await session.one<{ own: boolean }>(`
    select exists (
             select from pg_catalog.pg_namespace n
              where n.nspname = '${ownSchema}'
                and not exists (select from pg_catalog.pg_class c
                                 where c.relnamespace = n.oid and c.relkind <> 'i'
                                   and not (c.relname in ('position', 'move', 'taken_away') and c.relkind = 'r'))
                and not exists (select from pg_catalog.pg_proc p
                                 where p.pronamespace = n.oid and p.proname <> 'refuse_writes')
                and (exists (select from pg_catalog.pg_class c where c.relnamespace = n.oid)
                     or exists (select from pg_catalog.pg_proc p where p.pronamespace = n.oid))) as own`)
  return own
}

/** Publications of moves that are under way. */
export function isOwnPublication(name: string): boolean {
  return name.startsWith('pgtrek_')
}

/** The prefix of the comment on a publication that a move has created. */
export const publicationMark = 'pgtrek move '

/** What moves have created in a database and will drop: it is not compared or migrated. */
export interface OwnObjects {
  schema: boolean
  publications: ReadonlySet<string>
  subscriptions: ReadonlySet<string>
  /** Set for a database that a switchover has made read-only. */
  readOnly: ReadOnlyState | undefined
}

export async function readOwnObjects(session: Session): Promise<OwnObjects> {
  const schema = await hasOwnSchema(session)
  const publications = await session.query<{ name: string }>(`
    with ours as (
      select pubname::text as name
        from pg_catalog.pg_publication p
       where starts_with(pubname::text, 'pgtrek_')
         and (starts_with(pg_catalog.obj_description(p.oid, 'pg_publication'), '${publicationMark}')
              or exists (select from pg_catalog.pg_replication_slots s
                          where s.slot_name = p.pubname and s.database = pg_catalog.current_database())))
    select name from ours
    union
    select pubname from pg_catalog.pg_publication
     where pubname in (select name || '${insertsSuffix}' from ours)`)
  const subscriptions = await session.query<{ name: string }>(`
    select subname as name
      from pg_catalog.pg_subscription
     where starts_with(subname::text, 'pgtrek_') and subslotname = subname
       and subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`)
  const names = (rows: { name: string }[]) => new Set(rows.map(({ name }) => name))
  return {
    schema,
    publications: names(publications),
    subscriptions: names(subscriptions),
    readOnly: schema ? await readReadOnly(session) : undefined,
  }
}

/** Tables without a replica identity have a publication of their own, which publishes inserts only. */
export const insertsSuffix = '_inserts'
