// The statement that creates another destination database with the encoding and the collation of the source: those of
// an existing database cannot be changed.
import { say } from '../../shared/say.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import type { CheckContext } from './check.ts'
import type { Fix } from './fix.ts'

export interface Locale {
  collate: string
  ctype: string
  /** `c`: C library, `i`: ICU, `b`: built-in. */
  provider: string
  locale: string | null
  rules: string | null
  recorded: string | null
  actual: string | null
}

/** Columns of newer majors are looked up by name, because older majors do not have them. */
export async function localeOf(session: Session): Promise<Locale> {
  const actual = session.major >= 15 ? 'pg_catalog.pg_database_collation_actual_version(d.oid)' : 'null::text'
  return await session.one<Locale>(`
    select d.datcollate                                                as collate,
           d.datctype                                                  as ctype,
           coalesce(j ->> 'datlocprovider', 'c')                       as provider,
           coalesce(j ->> 'datlocale', j ->> 'daticulocale')           as locale,
           j ->> 'daticurules'                                         as rules,
           j ->> 'datcollversion'                                      as recorded,
           ${actual}                                                   as actual
      from pg_catalog.pg_database d
      cross join lateral to_jsonb(d) j
     where d.datname = current_database()`)
}

/** `en_US.UTF-8` and `en_US.utf8` are equal. */
export const plainLocale = (name: string) => name.toLowerCase().replace(/utf-?8/, 'utf8')

/** Locales that exist only since 18. */
const newerBuiltin = new Set(['PG_UNICODE_FAST'])

interface NewDatabase {
  sql: Fix[]
  /** Appended to the instruction of the finding. */
  words: string
}

export async function newDatabase(context: CheckContext): Promise<NewDatabase> {
  const { source, destination, facts, lacks, managed } = context
  const { database, user } = facts.destination
  const [locale, databases, { createdb }] = await Promise.all([
    localeOf(source),
    destination.query<{ name: string; collate: string; ctype: string }>(
      'select datname as name, datcollate as collate, datctype as ctype from pg_catalog.pg_database',
    ),
    destination.one<{ createdb: boolean }>(
      'select rolcreatedb or rolsuper as createdb from pg_catalog.pg_roles where rolname = current_user',
    ),
  ])
  const known = new Set(
    ['C', 'POSIX', ...lacks.collations, ...databases.flatMap(({ collate, ctype }) => [collate, ctype])].map(
      plainLocale,
    ),
  )
  const clauses = localeClauses(locale, context, known)
  if (typeof clauses === 'string') return { sql: [], words: ` ${clauses}` }
  const name = freeName(
    database,
    databases.map((one) => one.name),
  )
  const parts = [
    `create database ${quoteIdentifier(name)} template template0 encoding ${quoteLiteral(facts.source.encoding)}`,
    ...clauses,
    ...(createdb ? [] : [`owner ${quoteIdentifier(user)}`]),
  ]
  const others = managed.destination ? `a role with CREATEDB that is a member of "${user}"` : 'a superuser'
  return {
    sql: [{ end: 'destination', by: createdb ? `"${user}"` : others, sql: parts.join(' ') }],
    words: say` The existing database is not changed; use the new one, "${name}", as destination.`,
  }
}

/** Returns the reason if there are no such clauses. */
function localeClauses(
  { provider, locale, collate, ctype, rules }: Locale,
  { destination: { major }, lacks }: Pick<CheckContext, 'destination' | 'lacks'>,
  known: ReadonlySet<string>,
): string[] | string {
  const has = (name: string) => known.has(plainLocale(name))
  if (provider === 'c') {
    const missing = [collate, ctype].find((name) => !has(name))
    if (missing !== undefined) {
      return say`The destination's host does not have the locale "${missing}": install it there before you create such a database.`
    }
    return [...(major >= 15 ? ['locale_provider libc'] : []), ...libc(collate, ctype)]
  }
  // With ICU or the built-in provider the locale names of the C library hardly matter.
  const behind = has(collate) && has(ctype) ? libc(collate, ctype) : libc('C', 'C')
  if (provider === 'i') {
    if (major < 15 || !lacks.hasIcu) {
      return say`PostgreSQL ${major} on the destination has no ICU for databases: only a newer server has this collation.`
    }
    return [
      `locale_provider icu icu_locale ${quoteLiteral(locale ?? 'und')}`,
      ...(rules !== null && major >= 16 ? [`icu_rules ${quoteLiteral(rules)}`] : []),
      ...behind,
    ]
  }
  if (major < 17 || (major < 18 && newerBuiltin.has(locale ?? ''))) {
    return say`PostgreSQL ${major} on the destination does not have the built-in locale ${locale}: only a newer server has it.`
  }
  return [`locale_provider builtin builtin_locale ${quoteLiteral(locale ?? 'C')}`, ...behind]
}

function libc(collate: string, ctype: string): string[] {
  return [`lc_collate ${quoteLiteral(collate)} lc_ctype ${quoteLiteral(ctype)}`]
}

const mostBytes = 63

function freeName(name: string, taken: readonly string[]): string {
  for (let number = 1; ; number++) {
    const end = number === 1 ? '_new' : `_new${number}`
    let begin = name
    while (Buffer.byteLength(begin + end) > mostBytes) begin = begin.slice(0, -1)
    if (!taken.includes(begin + end)) return begin + end
  }
}
