// Collations whose version has changed since indexes were built. The fix rebuilds the indexes before it records the
// new version, because recording it ends the server's own warning.
// https://www.postgresql.org/docs/current/sql-altercollation.html#SQL-ALTERCOLLATION-NOTES
import { say } from '../../shared/say.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { type Check, type CheckContext, type Finding, findingFor } from './check.ts'
import { type End, type Fix, fixes, ownerOf } from './fix.ts'
import { localeOf } from './new-database.ts'

export const collationVersions: Check = {
  id: 'collation-versions',
  title: 'Versions of collations',
  why: say`When the operating system changes the sort order of text, existing indexes may no longer find their rows.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const [source, destination] = await Promise.all([
      outdatedOn(context, 'source'),
      outdatedOn(context, 'destination'),
    ])
    const found = [source, destination]
    const kept = found.flatMap(({ unrecorded }) => unrecorded)
    return findingFor(
      found.flatMap(({ objects }) => objects),
      say`all are as recorded`,
      {
        status: 'warning',
        found: say`collation versions have changed since indexes were built`,
        todo: say`Rebuild the indexes that use them, then record the new version. Do not run this in a transaction. A unique index cannot be rebuilt if rows have become equal. Check range partitions over text by hand.${kept.length > 0 ? say` Only the provider can record the version of ${kept.join(', ')}.` : ''}`,
        sql: found.flatMap(({ sql }) => sql),
      },
    )
  },
}

interface Outdated {
  oid: number
  name: string
  owner: string
  recorded: string
  actual: string
}

interface SortedIndex {
  name: string
  exclusion: boolean
}

interface Findings {
  objects: string[]
  sql: Fix[]
  /** Collations whose version only the provider can record. */
  unrecorded: string[]
}

/** `default`: the collation of the database. https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_collation.dat */
const ofDatabase = 100

async function outdatedOn(context: CheckContext, end: End): Promise<Findings> {
  const session = context[end]
  const [{ recorded, actual }, collations] = await Promise.all([
    localeOf(session),
    session.query<Outdated>(outdated),
  ])
  const isDatabase = recorded !== null && actual !== null && recorded !== actual
  if (!isDatabase && collations.length === 0) return { objects: [], sql: [], unrecorded: [] }
  const { database, databaseOwner } = context.facts[end]
  const isProviders = (owner: string) => context.managed[end]?.isInternal(owner) ?? false
  const numbers = [...(isDatabase ? [ofDatabase] : []), ...collations.map(({ oid }) => oid)]
  const indexes = await session.query<SortedIndex>(sortedBy(numbers))
  const recordable = collations.filter(({ owner }) => !isProviders(owner))
  return {
    objects: [
      ...(isDatabase
        ? [`${end}: the database (recorded version ${recorded}, actual version ${actual})`]
        : []),
      ...collations.map(
        (one) =>
          `${end}: collation ${one.name} (recorded version ${one.recorded}, actual version ${one.actual})`,
      ),
    ],
    sql: [
      ...rebuilt(end, indexes, database),
      ...(isDatabase && !isProviders(databaseOwner)
        ? fixes(
            end,
            ownerOf('the database'),
            `alter database ${quoteIdentifier(database)} refresh collation version`,
          )
        : []),
      ...recordable.flatMap(({ name, owner }) =>
        fixes(end, `"${owner}" or a superuser`, `alter collation ${name} refresh version`),
      ),
    ],
    unrecorded: [
      ...(isDatabase && isProviders(databaseOwner) ? [`database ${database}`] : []),
      ...collations.filter(({ owner }) => isProviders(owner)).map(({ name }) => name),
    ],
  }
}

const mostListed = 50

/** Indexes of exclusion constraints cannot be rebuilt concurrently. */
function rebuilt(end: End, indexes: readonly SortedIndex[], database: string): Fix[] {
  const each = (list: readonly SortedIndex[], how: string) =>
    fixes(end, ownerOf('the table'), ...list.map(({ name }) => `reindex index${how} ${name}`))
  const exclusions = indexes.filter(({ exclusion }) => exclusion)
  const others = indexes.filter(({ exclusion }) => !exclusion)
  return [
    ...(others.length > mostListed
      ? fixes(end, ownerOf('the database'), `reindex database concurrently ${quoteIdentifier(database)}`)
      : each(others, ' concurrently')),
    ...each(exclusions, ''),
  ]
}

/** Only collations that something depends on. */
const outdated = `
  select c.oid,
         pg_catalog.format('%I.%I', n.nspname, c.collname) as name,
         pg_catalog.pg_get_userbyid(c.collowner)           as owner,
         c.collversion                                     as recorded,
         pg_catalog.pg_collation_actual_version(c.oid)     as actual
    from pg_catalog.pg_collation c
    join pg_catalog.pg_namespace n on n.oid = c.collnamespace
   where c.collversion <> pg_catalog.pg_collation_actual_version(c.oid)
     and c.oid <> ${ofDatabase}
     and exists (select from pg_catalog.pg_depend d
                  where d.refclassid = 'pg_catalog.pg_collation'::regclass and d.refobjid = c.oid)
   order by 2`

/** Indexes that use a collation in a key, an expression, a condition or a range type. */
function sortedBy(collations: readonly number[]): string {
  const among = (oid: string) => `${oid} in (${collations.join(', ')})`
  return `
    select pg_catalog.format('%I.%I', n.nspname, x.relname) as name, i.indisexclusion as exclusion
      from pg_catalog.pg_index i
      join pg_catalog.pg_class x on x.oid = i.indexrelid
      join pg_catalog.pg_namespace n on n.oid = x.relnamespace
     where x.relkind = 'i' and x.relpersistence <> 't' and n.nspname !~ '^pg_toast'
       and (exists (select from unnest(i.indcollation) k (oid) where ${among('k.oid')})
            or exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid
                          and d.refclassid = 'pg_catalog.pg_collation'::regclass and ${among('d.refobjid')})
            or exists (select from pg_catalog.pg_attribute a
                         join pg_catalog.pg_range r on r.rngtypid = a.atttypid
                        where a.attrelid = i.indexrelid and ${among('r.rngcollation')}))
     order by 1`
}
