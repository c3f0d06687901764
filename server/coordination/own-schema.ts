// The schema `pgtrek` of a destination, in which moves and runs store what must survive them.
import type { Session } from '../postgres/session.ts'

/** Drops the schema when it is empty. Returns what was dropped, in words. */
export async function dropEmptySchema(session: Session): Promise<string[]> {
  const [row] = await session.query<{ ours: boolean }>(`
    select pg_catalog.pg_has_role(n.nspowner, 'usage')
           and not exists (select from pg_catalog.pg_depend d
                            where d.refclassid = 'pg_catalog.pg_namespace'::regclass and d.refobjid = n.oid) as ours
      from pg_catalog.pg_namespace n
     where n.nspname = 'pgtrek'`)
  if (!row?.ours) return []
  await session.execute('drop schema pgtrek')
  return ['schema pgtrek']
}
