// The databases of an instance, and how each is created on another one with the same encoding and collation.

import type { Connection } from '../../shared/connection.ts'
import type { FleetMapping } from '../../shared/fleet.ts'
import { Pattern } from '../../shared/pattern.ts'
import { say } from '../../shared/say.ts'
import { dropEmptySchema } from '../coordination/own-schema.ts'
import { UsageError } from '../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import { resolveSettings } from '../postgres/resolve-settings.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'

export interface InstanceDatabase {
  name: string
  owner: string
  encoding: string
  collate: string
  ctype: string
  /** `c`: C library, `i`: ICU, `b`: built-in. */
  provider: string
  /** The locale of the provider, unless it is the C library. */
  locale: string | null
  icuRules: string | null
  bytes: number
}

const since = { provider: 15, icuRules: 16, builtin: 17 } as const

/** Connects to the given database, or to postgres; other databases use the same settings. */
export function instanceSettings(connection: Connection): ConnectionSettings {
  const settings = resolveSettings(connection)
  const isNamed = 'url' in connection ? hasDatabase(connection.url) : connection.database !== undefined
  return isNamed ? settings : { ...settings, database: 'postgres' }
}

/** Without warnings, which belong to the instance and are reported with it. */
export function ofDatabase(instance: ConnectionSettings, database: string): ConnectionSettings {
  return { ...instance, database, warnings: [] }
}

function hasDatabase(url: string): boolean {
  return /^postgres(ql)?:\/\/[^/]*\/[^?]/i.test(url) || /\bdbname\s*=/.test(url)
}

export async function listDatabases(session: Session): Promise<InstanceDatabase[]> {
  const { major } = session
  const locale =
    major >= since.builtin ? 'datlocale' : major >= since.provider ? 'daticulocale' : 'null::text'
  return await session.query<InstanceDatabase>(`
    select datname                                  as name,
           pg_catalog.pg_get_userbyid(datdba)       as owner,
           pg_catalog.pg_encoding_to_char(encoding) as encoding,
           datcollate                               as collate,
           datctype                                 as ctype,
           ${major >= since.provider ? 'datlocprovider::text' : "'c'"} as provider,
           ${locale}                                as locale,
           ${major >= since.icuRules ? 'daticurules' : 'null::text'} as "icuRules",
           case when pg_catalog.has_database_privilege(oid, 'connect')
                then pg_catalog.pg_database_size(oid)::float8 else 0 end as bytes
      from pg_catalog.pg_database
     where datallowconn and not datistemplate
     order by datname`)
}

/** Throws a UsageError for a name that does not exist. */
export function chosenDatabases(
  databases: readonly InstanceDatabase[],
  { name, databases: wanted }: Pick<FleetMapping, 'name' | 'databases'>,
): InstanceDatabase[] {
  const include = wanted.include.map((text) => new Pattern(text, 'name'))
  const exclude = wanted.exclude.map((text) => new Pattern(text, 'name'))
  const chosen = databases.filter(
    (database) =>
      (include.length === 0
        ? // Every instance has `postgres`, which is moved only if it is included by name.
          database.name !== 'postgres'
        : include.some((pattern) => pattern.matches(database.name))) &&
      !exclude.some((pattern) => pattern.matches(database.name)),
  )
  const unused = include.find(({ used }) => !used)
  if (unused) throw new UsageError(say`${name}: the source has no database ${unused.text}`)
  return chosen
}

export type Mark = 'copying' | 'copied' | 'switched' | 'returned' | 'complete'

export type DestinationState =
  /** The database does not exist. */
  | 'missing'
  | 'empty'
  /** Created by a fleet: the last step that an earlier process has recorded. */
  | Mark
  /** It contains objects that no fleet has created. */
  | 'occupied'

export interface MarkedMove {
  /** The number of the move that is copying, or has copied. */
  move: string | undefined
  /** What a copy without following could not copy; no other record of it exists. */
  missing: string | undefined
}

/** Empty without a mark, or with one of an older version. */
export async function readMarkedMove(destination: ConnectionSettings): Promise<MarkedMove> {
  await using session = await Session.open(destination)
  const columns = await session.query<{ name: string }>(`
    select attname as name from pg_catalog.pg_attribute
     where attrelid = pg_catalog.to_regclass('pgtrek.move') and attnum > 0 and not attisdropped`)
  if (!columns.some(({ name }) => name === 'missing')) return { move: undefined, missing: undefined }
  const [row] = await session.query<{ move: string | null; missing: string | null }>(
    'select move, missing from pgtrek.move',
  )
  return { move: row?.move ?? undefined, missing: row?.missing ?? undefined }
}

/** Extensions of the source's database that are not available on the destination's server. */
export async function missingExtensions(
  source: ConnectionSettings,
  instance: Session,
  skipped: readonly string[],
): Promise<string[]> {
  await using session = await Session.open(source)
  const wanted = await session.query<{ name: string }>(
    'select extname as name from pg_catalog.pg_extension order by 1',
  )
  const available = await instance.query<{ name: string }>(
    'select name from pg_catalog.pg_available_extensions',
  )
  const there = new Set([...available.map(({ name }) => name), ...skipped])
  return wanted.map(({ name }) => name).filter((name) => !there.has(name))
}

/** Reads the mark of an earlier process, or whether the database is empty. */
export async function readDestinationState(
  destination: ConnectionSettings,
  instance: Session,
): Promise<DestinationState> {
  const [there] = await instance.query(
    `select from pg_catalog.pg_database where datname = ${quoteLiteral(destination.database)}`,
  )
  if (!there) return 'missing'
  await using session = await Session.open(destination)
  const { marked } = await session.one<{ marked: boolean }>(
    `select pg_catalog.to_regclass('pgtrek.move') is not null as marked`,
  )
  if (marked) {
    const [row] = await session.query<{ state: Mark }>('select state from pgtrek.move')
    if (row) return row.state
  }
  const { objects } = await session.one<{ objects: number }>(`
    select (select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgtrek'))::int
         + (select count(*) from pg_catalog.pg_largeobject_metadata)::int as objects`)
  return objects > 0 ? 'occupied' : 'empty'
}

/** Creates it as on the source; settings, comment and grants are migrated with its content. */
export async function createDatabase(instance: Session, database: InstanceDatabase): Promise<void> {
  await instance.execute(await createDatabaseSql(instance, database))
}

/** Throws a UsageError if the destination is too old. */
export async function createDatabaseSql(instance: Session, database: InstanceDatabase): Promise<string> {
  const { name, owner, encoding, collate, ctype, provider, locale, icuRules } = database
  const [known] = await instance.query(
    `select from pg_catalog.pg_roles where rolname = ${quoteLiteral(owner)}`,
  )
  const parts = [
    `create database ${quoteIdentifier(name)}`,
    'template template0',
    `encoding ${quoteLiteral(encoding)}`,
    `lc_collate ${quoteLiteral(collate)}`,
    `lc_ctype ${quoteLiteral(ctype)}`,
    ...(known ? [`owner ${quoteIdentifier(owner)}`] : []),
    ...localeClauses(instance, provider, locale, icuRules),
  ]
  return parts.join(' ')
}

function localeClauses(
  { major, settings }: Session,
  provider: string,
  locale: string | null,
  icuRules: string | null,
): string[] {
  if (provider === 'c') return []
  if (major < since.provider || (provider === 'b' && major < since.builtin)) {
    const what = provider === 'b' ? 'builtin' : 'ICU'
    throw new UsageError(
      say`the database's collation is of the provider ${what}, which ${describeSettings(settings)} (PostgreSQL ${major}) does not have: create the database there by hand, with a collation of your choice`,
    )
  }
  const [word, key] = provider === 'b' ? ['builtin', 'builtin_locale'] : ['icu', 'icu_locale']
  return [
    `locale_provider ${word}`,
    ...(locale ? [`${key} ${quoteLiteral(locale)}`] : []),
    ...(icuRules && major >= since.icuRules ? [`icu_rules ${quoteLiteral(icuRules)}`] : []),
  ]
}

/** Stored in the database itself, so that a process without the state directory finds it. */
export async function setMark(
  destination: ConnectionSettings,
  state: Mark,
  { move, missing }: Partial<MarkedMove> = {},
): Promise<void> {
  await using session = await Session.open(destination)
  const text = (value: string | undefined) => (value === undefined ? 'null' : quoteLiteral(value))
  await session.execute(`
    create schema if not exists pgtrek;
    create table if not exists pgtrek.move (state text not null, at timestamptz not null);
    alter table pgtrek.move add column if not exists move text, add column if not exists missing text;
    delete from pgtrek.move;
    insert into pgtrek.move (state, at, move, missing)
    values (${quoteLiteral(state)}, now(), ${text(move)}, ${text(missing)})`)
}

/** True if there was a mark. */
export async function dropMark(destination: ConnectionSettings): Promise<boolean> {
  await using session = await Session.open(destination)
  const { marked } = await session.one<{ marked: boolean }>(
    `select pg_catalog.to_regclass('pgtrek.move') is not null as marked`,
  )
  if (!marked) return false
  await session.execute('drop table pgtrek.move')
  await dropEmptySchema(session)
  return true
}
