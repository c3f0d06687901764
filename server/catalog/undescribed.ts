// Objects that pg_dump does not describe completely enough to create them again. They are read from the catalogs.
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'

interface Routine {
  schema: string
  name: string
}

/**
 * Languages that were created manually with a handler that pg_dump does not describe, because it is built in or
 * belongs to an extension; with the statements that create them. pg_dump writes only their names, and a server takes
 * `CREATE LANGUAGE name` as a request for an extension.
 */
export async function readHandmadeLanguages(session: Session): Promise<Map<number, string>> {
  const routine = (oid: string) => `(
    select json_build_object('schema', n.nspname, 'name', p.proname)
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where p.oid = ${oid})`
  const rows = await session.query<{
    oid: number
    name: string
    trusted: boolean
    handler: Routine
    inline: Routine | null
    validator: Routine | null
  }>(`
    select l.oid,
           l.lanname                     as name,
           l.lanpltrusted                as trusted,
           ${routine('l.lanplcallfoid')} as handler,
           ${routine('l.laninline')}     as inline,
           ${routine('l.lanvalidator')}  as validator
      from pg_catalog.pg_language l
      join pg_catalog.pg_proc h on h.oid = l.lanplcallfoid
     where l.lanispl
       and l.oid >= 16384
       and (h.pronamespace = 'pg_catalog'::regnamespace
            or exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_proc'::regclass
                          and d.objid = h.oid and d.deptype = 'e'))
       and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_language'::regclass
                          and d.objid = l.oid and d.deptype = 'e')`)
  return new Map(
    rows.map(({ oid, name, trusted, handler, inline, validator }) => {
      const of = (word: string, routine: Routine | null) =>
        routine ? ` ${word} ${quoteQualified(routine.schema, routine.name)}` : ''
      const routines = of('handler', handler) + of('inline', inline) + of('validator', validator)
      return [oid, `create ${trusted ? 'trusted ' : ''}language ${quoteIdentifier(name)}${routines}`]
    }),
  )
}

export interface BrokenName {
  class: number
  oid: number
  schema: string
  name: string
}

/** Names with line breaks, which pg_dump replaces by spaces. */
export function readBrokenNames(session: Session): Promise<BrokenName[]> {
  const named = (catalog: string, name: string, namespace: string) => `
    select '${catalog}'::pg_catalog.regclass::oid as class, o.oid, n.nspname as schema, o.${name} as name
      from pg_catalog.${catalog} o
      join pg_catalog.pg_namespace n on n.oid = o.${namespace}
     where o.${name} ~ E'[\\n\\r]' or n.nspname ~ E'[\\n\\r]'`
  return session.query<BrokenName>(`
    ${named('pg_class', 'relname', 'relnamespace')}
    union all ${named('pg_type', 'typname', 'typnamespace')}
    union all
    select 'pg_namespace'::pg_catalog.regclass, oid, nspname, nspname
      from pg_catalog.pg_namespace
     where nspname ~ E'[\\n\\r]'`)
}
