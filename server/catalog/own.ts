// What an earlier or another move of ours has made in a database, and is not a part of it.
import type { Session } from '../postgres/session.ts'

/** The schema that keeps positions and marks; one of that name with anything else in it is somebody's own. */
export const ownSchema = 'pgtrek'

/** `on` in sessions of ours that apply changes: a database that a switchover made read-only lets them write. */
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

/** What a move has made in a database and removes again: positions, marks, publications, and triggers that refuse to write. */
export function isOfMove({
  kind,
  schema,
  name,
}: {
  kind: string
  schema?: string | undefined
  name: string
}) {
  return (
    schema === ownSchema ||
    (kind === 'SCHEMA' && name === ownSchema) ||
    (/TRIGGER$|^PUBLICATION|^SUBSCRIPTION$|^COMMENT$/.test(kind) && /(^| |")pgtrek_\w+/.test(name))
  )
}
