// Encodings and the order of text.
import { readCollations } from '../catalog/destination.ts'
import { collationGaps } from '../engine/gaps.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { type Check, type Finding, fine, unless } from './check.ts'

const encoding: Check = {
  id: 'encoding',
  planned: true,
  title: 'Encoding',
  why: 'Text is converted between different encodings; a value that has no counterpart stops its table.',
  look({ facts: { source, destination } }) {
    const [from, to] = [source.encoding, destination.encoding]
    const found = from === to ? `both are ${from}` : `the source is ${from}, the destination ${to}`
    if (from === 'SQL_ASCII' && to !== 'SQL_ASCII') {
      return {
        status: 'warning',
        found: `${found}: nobody checked what the bytes of the source mean`,
        todo: `Look for values that are not ${to}, or make the destination SQL_ASCII as well.`,
        sql: [
          `create database ${quoteIdentifier(destination.database)} template template0 encoding 'SQL_ASCII'`,
        ],
      }
    }
    if (from !== to) {
      return {
        status: 'warning',
        found,
        todo: 'Make the destination with the encoding of the source, unless the change is wanted.',
        sql: [
          `create database ${quoteIdentifier(destination.database)} template template0 encoding '${from}'`,
        ],
      }
    }
    return from === 'SQL_ASCII'
      ? { status: 'warning', found, todo: 'Names of objects must be valid UTF-8; values may be any bytes.' }
      : fine(found)
  },
}

interface Locale {
  collate: string
  ctype: string
  provider: string
  locale: string | null
  recorded: string | null
  actual: string | null
}

const providerNames: Record<string, string> = { c: 'libc', i: 'icu', b: 'builtin' }

/** Columns of newer majors are looked up by name, so that older ones may lack them. */
async function localeOf(session: Session): Promise<Locale> {
  const actual = session.major >= 15 ? 'pg_catalog.pg_database_collation_actual_version(d.oid)' : 'null::text'
  return await session.one<Locale>(`
    select d.datcollate                                                as collate,
           d.datctype                                                  as ctype,
           coalesce(j ->> 'datlocprovider', 'c')                       as provider,
           coalesce(j ->> 'datlocale', j ->> 'daticulocale')           as locale,
           j ->> 'datcollversion'                                      as recorded,
           ${actual}                                                   as actual
      from pg_catalog.pg_database d
      cross join lateral to_jsonb(d) j
     where d.datname = current_database()`)
}

const collation: Check = {
  id: 'collation',
  title: 'Order of text',
  why: 'With another collation ORDER BY, ranges of text partitions and unique keys over text may mean something else.',
  async look({ source, destination, facts }): Promise<Finding> {
    const [from, to] = await Promise.all([localeOf(source), localeOf(destination)])
    const found =
      describe(from) === describe(to)
        ? `both are ${shown(from)}`
        : `the source is ${shown(from)}, the destination ${shown(to)}`
    if (describe(from) === describe(to)) return fine(found)
    return {
      status: 'warning',
      found,
      todo: 'Make the destination with the collation of the source, unless the change is wanted.',
      sql: [
        `create database ${quoteIdentifier(facts.destination.database)} template template0 ${localeClause(from, destination.major)}`,
      ],
    }
  },
}

/** `en_US.UTF-8` and `en_US.utf8` are one. */
function describe({ provider, locale, collate, ctype }: Locale): string {
  const plain = (name: string) => name.toLowerCase().replace(/utf-?8/, 'utf8')
  // Behind ICU and the built-in provider libc's names hardly count.
  return provider === 'c' ? `c ${plain(collate)} ${plain(ctype)}` : `${provider} ${locale}`
}

function shown({ provider, locale, collate, ctype }: Locale): string {
  const name = provider === 'c' ? (collate === ctype ? collate : `${collate} / ${ctype}`) : locale
  return `${name} (${providerNames[provider] ?? provider})`
}

function localeClause({ provider, locale, collate, ctype }: Locale, major: number): string {
  const libc = `lc_collate '${collate}' lc_ctype '${ctype}'`
  if (provider === 'i') return `locale_provider icu icu_locale '${locale}' ${libc}`
  return provider === 'b' && major >= 17 ? `locale_provider builtin builtin_locale '${locale}' ${libc}` : libc
}

const collationVersions: Check = {
  id: 'collation-versions',
  title: 'Versions of collations',
  why: 'When the operating system changed the order of text, indexes made before may no longer find their rows.',
  async look({ source, destination }): Promise<Finding> {
    const objects: string[] = []
    const sql: string[] = []
    const ends = [
      ['source', source],
      ['destination', destination],
    ] as const
    const read = await Promise.all(
      ends.map(([, session]) => Promise.all([localeOf(session), session.query<Outdated>(outdated)])),
    )
    for (const [index, [end, session]] of ends.entries()) {
      const [{ recorded, actual }, collations] = read[index] as [Locale, Outdated[]]
      if (recorded !== null && actual !== null && recorded !== actual) {
        objects.push(`${end}: the database (made with ${recorded}, runs with ${actual})`)
        sql.push(`reindex database ${quoteIdentifier(session.settings.database)}`)
        sql.push(`alter database ${quoteIdentifier(session.settings.database)} refresh collation version`)
      }
      for (const one of collations) {
        objects.push(`${end}: collation ${one.name} (made with ${one.recorded}, runs with ${one.actual})`)
        sql.push(`alter collation ${one.name} refresh version`)
      }
    }
    return unless(objects, 'all as they were made', {
      status: 'warning',
      found: 'the order of text has changed since indexes were made',
      todo: 'Rebuild the indexes that use them, then record the new version. On the destination indexes are made anew by the move.',
      sql,
    })
  },
}

interface Outdated {
  name: string
  recorded: string
  actual: string
}

/** Collations that something uses. */
const outdated = `
  select pg_catalog.format('%I.%I', n.nspname, c.collname) as name,
         c.collversion                                     as recorded,
         pg_catalog.pg_collation_actual_version(c.oid)     as actual
    from pg_catalog.pg_collation c
    join pg_catalog.pg_namespace n on n.oid = c.collnamespace
   where c.collversion <> pg_catalog.pg_collation_actual_version(c.oid)
     and c.collname <> 'default'
     and exists (select from pg_catalog.pg_depend d
                  where d.refclassid = 'pg_catalog.pg_collation'::regclass and d.refobjid = c.oid)`

const collations: Check = {
  id: 'collations',
  planned: true,
  title: 'Collations the destination must know',
  why: 'A collation that cannot be made takes the columns and indexes along that use it.',
  async look({ source, lacks, scope }) {
    if (!scope.hasOther()) return fine('collations are not moved')
    const gaps = collationGaps({ collations: await readCollations(source), lacks })
    return unless(gaps, 'all can be made', {
      status: 'warning',
      found: 'some may not exist there',
      todo: "Install the operating system's locales on the destination's machine, or use a server with ICU.",
    })
  },
}

export const textChecks: readonly Check[] = [encoding, collation, collationVersions, collations]
