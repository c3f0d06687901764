// Objects of the source that only a superuser can create on the destination.
import { say } from '../../shared/say.ts'
import type { Session } from '../postgres/session.ts'
import { currentDatabase, isExtensions } from './catalog-sql.ts'
import { type Check, findingFor, passed, type Remark } from './check.ts'
import type { Scope } from './scope.ts'

interface Needed {
  name: string
  /** The OID of a function. */
  routine?: number
  /** For an object in a schema whose kind a selection cannot list. */
  schema?: string
}

export const superuserNeeds: Check = {
  id: 'superuser-needs',
  title: 'Objects that need a superuser',
  why: say`Other roles cannot create them, so they and the objects that depend on them would be missing.`,
  async look({ source, facts, scope, options, managed }): Promise<Remark> {
    if (options.dataOnly) return passed(say`no objects are created`)
    const provider = managed.destination?.name
    if (facts.destination.superuser)
      return passed(say`"${facts.destination.user}" is a superuser on the destination`)
    return findingFor(await readNeeds(source, scope), say`there are none`, {
      status: 'warning',
      found: say`"${facts.destination.user}" is not a superuser on the destination${provider ? ` (${provider})` : ''}`,
      todo: provider
        ? say`Check which of these the provider allows; do without the others.`
        : say`Connect there as a superuser, or do without these objects.`,
    })
  },
}

async function readNeeds(source: Session, scope: Scope): Promise<string[]> {
  const found = await Promise.all(queries.map((sql) => source.query<Needed>(sql)))
  const isMoved = ({ routine, schema }: Needed) =>
    routine === undefined ? scope.hasOther(schema) : scope.has(routine, 'pg_proc')
  return found
    .flat()
    .filter(isMoved)
    .map(({ name }) => name)
}

const queries = [
  `select 'event trigger ' || pg_catalog.quote_ident(t.evtname) as name
     from pg_catalog.pg_event_trigger t
    where not ${isExtensions('pg_event_trigger', 't.oid')}`,
  `select 'function ' || p.oid::regprocedure || case when p.proleakproof then ' (leakproof)' else ' in ' || l.lanname end as name,
          p.oid as routine
     from pg_catalog.pg_proc p
     join pg_catalog.pg_language l on l.oid = p.prolang
    where p.oid >= 16384
      and (not l.lanpltrusted and p.prokind <> 'a' or p.proleakproof)
      and not ${isExtensions('pg_proc', 'p.oid')}`,
  `select 'foreign data wrapper ' || pg_catalog.quote_ident(w.fdwname) as name
     from pg_catalog.pg_foreign_data_wrapper w
    where not ${isExtensions('pg_foreign_data_wrapper', 'w.oid')}`,
  `select 'base type ' || t.oid::regtype as name,
          t.typnamespace::regnamespace::text as schema
     from pg_catalog.pg_type t
    where t.oid >= 16384 and t.typtype = 'b' and t.typelem = 0
      and not ${isExtensions('pg_type', 't.oid')}`,
  `select 'operator class ' || pg_catalog.quote_ident(o.opcname) as name,
          o.opcnamespace::regnamespace::text as schema
     from pg_catalog.pg_opclass o
    where o.oid >= 16384 and not ${isExtensions('pg_opclass', 'o.oid')}`,
  `select 'access method ' || pg_catalog.quote_ident(a.amname) as name
     from pg_catalog.pg_am a
    where a.oid >= 16384 and not ${isExtensions('pg_am', 'a.oid')}`,
  `select 'text search parser ' || pg_catalog.quote_ident(p.prsname) as name,
          p.prsnamespace::regnamespace::text as schema
     from pg_catalog.pg_ts_parser p
    where p.oid >= 16384 and not ${isExtensions('pg_ts_parser', 'p.oid')}`,
  `select 'text search template ' || pg_catalog.quote_ident(t.tmplname) as name,
          t.tmplnamespace::regnamespace::text as schema
     from pg_catalog.pg_ts_template t
    where t.oid >= 16384 and not ${isExtensions('pg_ts_template', 't.oid')}`,
  `select 'publication ' || pg_catalog.quote_ident(p.pubname) || ' (for all tables)' as name
     from pg_catalog.pg_publication p
    where p.puballtables`,
  `select 'subscription ' || pg_catalog.quote_ident(s.subname) as name
     from pg_catalog.pg_subscription s
    where s.subdbid = ${currentDatabase}`,
]
