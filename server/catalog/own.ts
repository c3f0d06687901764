// What an earlier or another move of ours has made in a database, and is not a part of it.
import type { Session } from '../postgres/session.ts'

/** The schema that keeps positions and marks; one of that name with anything else in it is somebody's own. */
export const ownSchema = 'pgtrek'

export async function hasOwnSchema(session: Session): Promise<boolean> {
  const { own } = await session.one<{ own: boolean }>(`
    select coalesce(bool_and(c.relname in ('position', 'move') and c.relkind = 'r'), false) as own
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = '${ownSchema}'
       and c.relkind <> 'i'`)
  return own
}

/** Publications of moves that are under way. */
export function isOwnPublication(name: string): boolean {
  return name.startsWith('pgtrek_')
}
