// Roles, extensions and schemas that the destination has or lacks, compared with what is to be migrated.
import { say } from '../../shared/say.ts'
import type { Session } from '../postgres/session.ts'
import type { ServerFacts } from './server.ts'

export interface DestinationFacts {
  /** Roles that exist; true when our role may give them objects. */
  roles: Map<string, boolean>
  tablespaces: Set<string>
  /** Extensions that exist or could be created. */
  extensions: Set<string>
  installedExtensions: Set<string>
  hasIcu: boolean
  collations: Set<string>
  largeObjects: Set<number>
  /** Schemas that exist, in which our role may create nothing. */
  closedSchemas: Set<string>
  mayCreateSchemas: boolean
}

/** All queries are sent at once, which costs one round trip. */
export async function readDestination(session: Session): Promise<DestinationFacts> {
  const names = async (sql: string) =>
    new Set((await session.query<{ name: string }>(sql)).map((row) => row.name))
  const [
    roles,
    objects,
    tablespaces,
    extensions,
    installedExtensions,
    icu,
    collations,
    closedSchemas,
    create,
  ] = await Promise.all([
    session.query<{ name: string; mayAct: boolean }>(`
        select rolname as name, pg_catalog.pg_has_role(oid, 'member') as "mayAct" from pg_catalog.pg_roles`),
    session.query<{ oid: number }>('select oid from pg_catalog.pg_largeobject_metadata'),
    names('select spcname as name from pg_catalog.pg_tablespace'),
    names(`
        select name from pg_catalog.pg_available_extensions
        union select extname from pg_catalog.pg_extension`),
    names('select extname as name from pg_catalog.pg_extension'),
    names(`select 'icu' as name from pg_catalog.pg_collation where collprovider = 'i' limit 1`),
    names(`select distinct collcollate as name from pg_catalog.pg_collation
              where collprovider = 'c' and collcollate is not null`),
    names(`
        select nspname as name from pg_catalog.pg_namespace
         where not pg_catalog.has_schema_privilege(oid, 'create')`),
    names(`select 'yes' as name where pg_catalog.has_database_privilege(current_database(), 'create')`),
  ])
  return {
    roles: new Map(roles.map((row) => [row.name, row.mayAct])),
    ...{ tablespaces, extensions, installedExtensions, collations, closedSchemas },
    hasIcu: icu.size > 0,
    mayCreateSchemas: create.size > 0,
    largeObjects: new Set(objects.map((row) => row.oid)),
  }
}

/** Roles of the source that own something in this database or are granted something. */
export async function readUsedRoles(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(`
    select distinct r.rolname as name
      from pg_catalog.pg_shdepend d
      join pg_catalog.pg_roles r on r.oid = d.refobjid
     where d.refclassid = 'pg_catalog.pg_authid'::regclass
       and d.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
     order by 1`)
  return rows.map((row) => row.name)
}

export interface CollationUse {
  name: string
  provider: string
  locale: string | null
}

export function readCollations(session: Session): Promise<CollationUse[]> {
  return session.query<CollationUse>(`
    select c.collname                    as name,
           c.collprovider::text          as provider,
           c.collcollate                 as locale
      from pg_catalog.pg_collation c
      join pg_catalog.pg_namespace n on n.oid = c.collnamespace
     where c.oid >= 16384
       and n.nspname <> 'pg_catalog'`)
}

/** For messages. */
export function missingCollations({
  collations,
  lacks,
}: {
  collations: readonly CollationUse[]
  lacks: DestinationFacts
}): string[] {
  return collations.flatMap(({ name, provider, locale }) => {
    if (provider === 'i' && !lacks.hasIcu) {
      return [say`collation "${name}" needs ICU, but the destination was built without it`]
    }
    return provider === 'c' && locale && !lacks.collations.has(locale)
      ? [
          say`collation "${name}" needs the operating system's locale "${locale}", which the destination may not have`,
        ]
      : []
  })
}

export function mayChangeDatabase({ destination }: { destination: ServerFacts }): boolean {
  return destination.superuser || destination.ownsDatabase
}

/** Used in the source, but missing on the destination or not ours to give objects to. */
export function unusableRoles({
  lacks,
  usedRoles,
}: {
  lacks: DestinationFacts
  usedRoles: readonly string[]
}): string[] {
  return usedRoles.filter((name) => !lacks.roles.get(name))
}
