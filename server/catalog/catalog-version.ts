// Detects whether a database's objects have changed, at a fraction of the cost of reading them again.

import type { Session } from '../postgres/session.ts'

/** It stays equal as long as no row of a catalog is inserted, updated or deleted. */
export type CatalogVersion = string

/** Catalogs that describe rows and not objects, or that do not matter to a dump. */
const ofNoObject = [
  'pg_largeobject',
  'pg_replication_origin',
  'pg_statistic',
  'pg_statistic_ext_data',
  'pg_subscription_rel',
]

/**
 * Our own publication is created between two readings, so its rows, their dependencies and their comments are not
 * counted. Rows about other databases of the server are not counted either.
 */
const counted: Readonly<Record<string, string>> = {
  pg_publication: `where pubname !~ '^pgtrek_'`,
  pg_publication_rel: `where prpubid not in (${ownPublications()})`,
  pg_publication_namespace: `where pnpubid not in (${ownPublications()})`,
  pg_depend: `where classid not in (${classes('pg_publication', 'pg_publication_rel', 'pg_publication_namespace')})`,
  pg_shdepend: `where dbid in (0, (${currentDatabase()})) and classid not in (${classes('pg_publication')})`,
  pg_description: `where classoid not in (${classes('pg_publication')})`,
  pg_database: `where oid = (${currentDatabase()})`,
  pg_db_role_setting: `where setdatabase in (0, (${currentDatabase()}))`,
}

/**
 * Writing a row gives it an xmin that is newer than all before, and freezing does not change it. With the same number
 * of rows, the sum of all xmin is therefore only equal when no row was written. VACUUM and ANALYZE update pg_class in
 * place, without changing xmin.
 * https://www.postgresql.org/docs/current/ddl-system-columns.html
 */
export async function readCatalogVersion(session: Session): Promise<CatalogVersion> {
  const catalogs = await session.query<{ name: string }>(`
    select relname as name
      from pg_catalog.pg_class
     where relnamespace = 'pg_catalog'::regnamespace
       and relkind = 'r'
       and pg_catalog.has_table_privilege(oid, 'select')
       and relname not in (${ofNoObject.map((name) => `'${name}'`).join(', ')})
     order by relname`)
  const sums = catalogs.map(
    ({ name }) =>
      `select '${name}' as name, count(*) as rows, sum(xmin::text::bigint) as sum from pg_catalog.${name} ${counted[name] ?? ''}`,
  )
  const { version } = await session.one<{ version: string }>(`
    select (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', name, rows, sum), ';' order by name)
              from (${sums.join(' union all ')}) as catalogs)
           || ';' || (select pg_catalog.md5(pg_catalog.string_agg(rolname || ' ' || oid, ',' order by oid))
                        from pg_catalog.pg_roles) as version`)
  return version
}

function ownPublications(): string {
  return `select oid from pg_catalog.pg_publication where pubname ~ '^pgtrek_'`
}

function classes(...names: string[]): string {
  return `select oid from pg_catalog.pg_class where relnamespace = 'pg_catalog'::regnamespace and relname in (${names.map((name) => `'${name}'`).join(', ')})`
}

function currentDatabase(): string {
  return 'select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()'
}
