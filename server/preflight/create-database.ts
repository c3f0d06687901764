// A destination database that does not exist yet: the statement that creates it with the encoding and the locale of the
// source, what else is possible where the destination does not have that locale, and its execution.
// https://www.postgresql.org/docs/current/sql-createdatabase.html
import type { CreateDatabaseAnswer, DatabaseChoice } from '../../shared/create-database-api.ts'
import { ConnectFailed, PlanRefused, ServerError, sqlstate, UsageError } from '../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { type Locale, localeOf, plainLocale } from './new-database.ts'

export interface DatabaseRequest {
  destination: ConnectionSettings
  /** The source. */
  like: ConnectionSettings
  /** A statement that was shown and confirmed; without it nothing is created. */
  confirmed?: string | undefined
  signal: AbortSignal
}

/** Throws a PlanRefused if the confirmed statement is not among those that are possible now. */
export async function createDatabase(request: DatabaseRequest): Promise<CreateDatabaseAnswer> {
  const { destination, like, confirmed, signal } = request
  const { database } = destination
  if (Buffer.byteLength(database) > mostBytes) {
    throw new UsageError(`the name of the database is longer than ${mostBytes} bytes: choose a shorter one`)
  }
  await using source = await Session.open(like, { signal })
  await source.execute("set default_transaction_read_only = on; set search_path = ''")
  const wanted = await readSource(source)
  await using session = await openBeside(destination, signal)
  await session.execute("set search_path = ''")
  const facts = await readServer(session, wanted.owner)
  const { encoding } = wanted
  const { user, allowed, mayGive, via } = facts
  const owner = mayGive && wanted.owner !== user ? wanted.owner : null
  const known = { database, encoding, user, allowed, owner, via }
  const choices = choicesFor(database, wanted, owner, session.major, facts)
  if (confirmed === undefined || (await exists(session, database))) {
    return { ...known, exists: await exists(session, database), created: false, choices }
  }
  const chosen = choices.find(({ sql }) => sql === confirmed)
  if (!chosen) {
    throw new PlanRefused(
      'the source or the destination has changed since this statement was shown: look at the new one, and confirm it',
    )
  }
  const created = await execute(session, chosen.sql)
  if (!(await exists(session, database))) {
    throw new PlanRefused(
      `the database "${database}" was created and is gone again: someone else has dropped it`,
    )
  }
  return { ...known, exists: true, created, choices }
}

const mostBytes = 63
/** Where databases are created from. The last one is what some providers have instead. */
const maintenance = ['postgres', 'template1', 'defaultdb']

/** A session in a database that exists. */
async function openBeside(destination: ConnectionSettings, signal: AbortSignal): Promise<Session> {
  let first: unknown
  for (const database of maintenance.filter((name) => name !== destination.database)) {
    try {
      return await Session.open({ ...destination, database, warnings: [] }, { signal })
    } catch (error) {
      // It does not exist, or the user may not connect to it. Another failure would be the same for the next one.
      if (!(error instanceof ConnectFailed) || (error.reason !== 'database' && error.reason !== 'login'))
        throw error
      if (error.sqlstate === sqlstate.invalidPassword) throw error
      first ??= error
    }
  }
  throw first
}

interface Wanted {
  encoding: string
  owner: string
  locale: Locale
}

async function readSource(source: Session): Promise<Wanted> {
  const [{ encoding, owner }, locale] = await Promise.all([
    source.one<{ encoding: string; owner: string }>(`
      select pg_catalog.pg_encoding_to_char(encoding) as encoding, pg_catalog.pg_get_userbyid(datdba) as owner
        from pg_catalog.pg_database where datname = pg_catalog.current_database()`),
    localeOf(source),
  ])
  return { encoding, owner, locale }
}

export interface ServerOfDatabase {
  user: string
  allowed: boolean
  /** The source's owner exists here, and the user may make it the owner. */
  mayGive: boolean
  via: string
  hasIcu: boolean
  /** Names of locales that are in use here, or were known when the server was set up. */
  locales: ReadonlySet<string>
  /** Of template0, which a statement without a locale uses. */
  ownLocale: Locale
}

async function readServer(session: Session, owner: string): Promise<ServerOfDatabase> {
  const [role, locales, icu, own] = await Promise.all([
    session.one<Pick<ServerOfDatabase, 'user' | 'allowed' | 'mayGive' | 'via'>>(`
      select current_user as "user", pg_catalog.current_database() as via, rolsuper or rolcreatedb as allowed,
             exists (select from pg_catalog.pg_roles o where o.rolname = ${quoteLiteral(owner)}
                        and (r.rolsuper or pg_catalog.pg_has_role(o.oid, 'usage'))) as "mayGive"
        from pg_catalog.pg_roles r where rolname = current_user`),
    session.query<{ name: string }>(`
      select collcollate as name from pg_catalog.pg_collation where collprovider = 'c' and collcollate is not null
       union select datcollate from pg_catalog.pg_database union select datctype from pg_catalog.pg_database`),
    session.one<{ has: boolean }>(
      "select exists (select from pg_catalog.pg_collation where collprovider = 'i') as has",
    ),
    session.one<Locale>(`
      select d.datcollate as collate, d.datctype as ctype, coalesce(j ->> 'datlocprovider', 'c') as provider,
             coalesce(j ->> 'datlocale', j ->> 'daticulocale') as locale, j ->> 'daticurules' as rules,
             null::text as recorded, null::text as actual
        from pg_catalog.pg_database d cross join lateral pg_catalog.to_jsonb(d) j where d.datname = 'template0'`),
  ])
  const names = ['C', 'POSIX', ...locales.map(({ name }) => name)].map(plainLocale)
  return { ...role, hasIcu: icu.has, locales: new Set(names), ownLocale: own }
}

/** The first one is as the source, if the version of the destination has its provider at all. */
export function choicesFor(
  database: string,
  { encoding, locale }: Wanted,
  owner: string | null,
  major: number,
  facts: ServerOfDatabase,
): DatabaseChoice[] {
  const statement = (clauses: readonly string[]) =>
    [
      `create database ${quoteIdentifier(database)}`,
      'template template0',
      `encoding ${quoteLiteral(encoding)}`,
      ...clauses,
      ...(owner === null ? [] : [`owner ${quoteIdentifier(owner)}`]),
    ].join(' ')
  const same = sameLocale(locale, major, facts)
  const c = [...(major >= 15 ? ['locale_provider libc'] : []), ...libc('C', 'C')]
  const all: DatabaseChoice[] = [
    ...(same === undefined
      ? []
      : [
          {
            locale: 'same' as const,
            sql: statement(same.clauses),
            collation: describeLocale(locale),
            doubt: same.doubt,
          },
        ]),
    { locale: 'server', sql: statement([]), collation: describeLocale(facts.ownLocale), doubt: null },
    { locale: 'c', sql: statement(c), collation: 'libc C', doubt: null },
  ]
  return all.filter(({ collation }, index) => all.findIndex((one) => one.collation === collation) === index)
}

const since = { provider: 15, icuRules: 16, builtin: 17, unicodeFast: 18 } as const

function sameLocale(
  { provider, locale, collate, ctype, rules }: Locale,
  major: number,
  { locales, hasIcu }: ServerOfDatabase,
): { clauses: string[]; doubt: string | null } | undefined {
  const missing = [collate, ctype].find((name) => !locales.has(plainLocale(name)))
  if (provider === 'c') {
    const doubt =
      missing === undefined ? null : `the destination's host does not seem to have the locale "${missing}"`
    return {
      clauses: [...(major >= since.provider ? ['locale_provider libc'] : []), ...libc(collate, ctype)],
      doubt,
    }
  }
  // With ICU or the built-in provider the locale names of the C library hardly matter.
  const behind = missing === undefined ? libc(collate, ctype) : libc('C', 'C')
  if (provider === 'i') {
    if (major < since.provider) return undefined
    const withRules = rules !== null && major >= since.icuRules
    const doubt = !hasIcu
      ? 'the destination was built without ICU'
      : rules !== null && !withRules
        ? `the source has ICU rules of its own, which PostgreSQL ${major} cannot have`
        : null
    const clauses = [
      `locale_provider icu icu_locale ${quoteLiteral(locale ?? 'und')}`,
      ...(withRules ? [`icu_rules ${quoteLiteral(rules)}`] : []),
      ...behind,
    ]
    return { clauses, doubt }
  }
  const isTooOld = major < since.builtin || (locale === 'PG_UNICODE_FAST' && major < since.unicodeFast)
  if (isTooOld) return undefined
  return {
    clauses: [`locale_provider builtin builtin_locale ${quoteLiteral(locale ?? 'C')}`, ...behind],
    doubt: null,
  }
}

function libc(collate: string, ctype: string): string[] {
  return [`lc_collate ${quoteLiteral(collate)} lc_ctype ${quoteLiteral(ctype)}`]
}

export function describeLocale({ provider, locale, collate, ctype }: Locale): string {
  if (provider === 'c') return `libc ${collate === ctype ? collate : `${collate} / ${ctype}`}`
  return `${provider === 'i' ? 'icu' : 'builtin'} ${locale ?? ''}`
}

async function exists(session: Session, database: string): Promise<boolean> {
  const found = await session.query(
    `select from pg_catalog.pg_database where datname = ${quoteLiteral(database)}`,
  )
  return found.length > 0
}

/** False if somebody else was faster. */
async function execute(session: Session, sql: string): Promise<boolean> {
  try {
    await session.execute(sql)
    return true
  } catch (error) {
    // Two at the same moment collide at the unique index of the catalog.
    const isThere = error instanceof ServerError && ['42P04', '23505'].includes(error.sqlstate)
    if (!isThere) throw error
    return false
  }
}
