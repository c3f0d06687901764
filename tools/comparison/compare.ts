// The differences between two databases, in words; an empty list when there are none.

import type { TestDatabase } from '../servers/clusters.ts'
import { readGrants, readOwners } from './owners-and-grants.ts'
import { readRows } from './rows.ts'
import { type Facts, inSession, type Session } from './session.ts'

export { textDifference } from '../../server/compare/text-difference.ts'

/** Every table with rows and every materialized view: the number of rows, and their contents in any order. */
export function compareRows(source: TestDatabase, destination: TestDatabase): Promise<string[]> {
  return compare(source, destination, readRows)
}

export function compareSequences(source: TestDatabase, destination: TestDatabase): Promise<string[]> {
  return compare(source, destination, readSequences)
}

export function compareLargeObjects(source: TestDatabase, destination: TestDatabase): Promise<string[]> {
  return compare(source, destination, readLargeObjects)
}

/** The owners of all objects, and the effective privileges, default privileges included. */
export async function compareOwnersAndGrants(
  source: TestDatabase,
  destination: TestDatabase,
): Promise<string[]> {
  const owners = await compare(source, destination, readOwners)
  const majors = await Promise.all([source, destination].map(serverMajor))
  // Only privileges that both servers know are compared.
  const known = Math.min(...majors)
  const grants = await compare(source, destination, (session) => readGrants(session, known))
  return [...owners, ...grants]
}

/** The comment, the connection limit and the settings of the database, also those per role. */
export function compareDatabaseSettings(source: TestDatabase, destination: TestDatabase): Promise<string[]> {
  return compare(source, destination, readDatabaseSettings)
}

export async function compareEverything(source: TestDatabase, destination: TestDatabase): Promise<string[]> {
  const comparisons = [
    compareRows,
    compareSequences,
    compareLargeObjects,
    compareOwnersAndGrants,
    compareDatabaseSettings,
  ]
  const differences: string[] = []
  for (const one of comparisons) differences.push(...(await one(source, destination)))
  return differences
}

async function compare(
  source: TestDatabase,
  destination: TestDatabase,
  read: (session: Session) => Promise<Facts>,
): Promise<string[]> {
  const [there, here] = await Promise.all([inSession(source, read), inSession(destination, read)])
  const names = new Set([...there.keys(), ...here.keys()])
  return [...names].sort().flatMap((name) => {
    const [was, is] = [there.get(name), here.get(name)]
    if (was === is) return []
    if (is === undefined) return [`${name}: only in the source (${was})`]
    if (was === undefined) return [`${name}: only in the destination (${is})`]
    return [`${name}: ${was} in the source, ${is} in the destination`]
  })
}

async function readSequences(session: Session): Promise<Facts> {
  const sequences = await session.unsafe<{ name: string }[]>(`
    select oid::regclass::text as name from pg_class where relkind = 'S' and relpersistence <> 't'`)
  const facts: Facts = new Map()
  for (const { name } of sequences) {
    const [row] = await session.unsafe(`select last_value, is_called from ${name}`)
    facts.set(`sequence ${name}`, `${row?.last_value} (${row?.is_called ? 'called' : 'not called'})`)
  }
  return facts
}

async function readLargeObjects(session: Session): Promise<Facts> {
  const rows = await session.unsafe<{ name: string; fact: string }[]>(`
    select 'large object ' || oid as name,
           format('owner %s, %s, contents %s, comment %s',
             lomowner::regrole,
             coalesce((
               select string_agg(format('%s to %s by %s', privilege_type || case when is_grantable then '*' else '' end,
                        case when grantee = 0 then 'public' else grantee::regrole::text end, grantor::regrole), ', '
                        order by grantee = 0, grantee::regrole::text collate "C", grantor::regrole::text collate "C", privilege_type collate "C")
               from aclexplode(coalesce(lomacl, acldefault('L', lomowner)))), 'no grants'),
             md5(lo_get(oid)),
             coalesce(quote_literal(obj_description(oid, 'pg_largeobject')), 'none')) as fact
    from pg_largeobject_metadata`)
  return new Map(rows.map(({ name, fact }) => [name, fact]))
}

async function readDatabaseSettings(session: Session): Promise<Facts> {
  const rows = await session.unsafe<{ name: string; fact: string }[]>(`
    with this as (select * from pg_database where datname = current_database())
    select 'comment of the database' as name, coalesce(shobj_description(oid, 'pg_database'), 'none') as fact from this
    union all
    select 'connection limit of the database', datconnlimit::text from this
    union all
    select 'settings of the database' || case when setrole = 0 then '' else ' for ' || setrole::regrole end,
           (select string_agg(setting, ', ' order by setting collate "C") from unnest(setconfig) setting)
    from pg_db_role_setting join this on setdatabase = this.oid`)
  return new Map(rows.map(({ name, fact }) => [name, fact]))
}

async function serverMajor(database: TestDatabase): Promise<number> {
  const [row] = await database.sql<{ server_version_num: string }>('show server_version_num')
  return Math.floor(Number(row?.server_version_num) / 10_000)
}
