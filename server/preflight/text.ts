// Encodings and the order of text.
import { say } from '../../shared/say.ts'
import { missingCollations, readCollations } from '../catalog/destination.ts'
import { type Check, type Finding, findingFor, passed } from './check.ts'
import { collationVersions } from './collation-versions.ts'
import { type Locale, localeOf, newDatabase, plainLocale } from './new-database.ts'

const encoding: Check = {
  id: 'encoding',
  planned: true,
  title: 'Encoding',
  why: say`Text is converted between different encodings; if a value cannot be converted, the copy of its table fails.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const [from, to] = [context.facts.source.encoding, context.facts.destination.encoding]
    const found = from === to ? say`both are ${from}` : say`the source is ${from}, the destination ${to}`
    if (from === to) {
      return from === 'SQL_ASCII'
        ? { status: 'ok', found, todo: say`Names of objects must be valid UTF-8; values may be any bytes.` }
        : passed(found)
    }
    const { sql, words } = await newDatabase(context)
    return from === 'SQL_ASCII'
      ? {
          status: 'warning',
          found: say`${found}: the source does not check the encoding of its values`,
          todo: say`Check for values that are not valid ${to}, or create a destination with SQL_ASCII as well.${words}`,
          sql,
        }
      : {
          status: 'warning',
          found,
          todo: say`Create a destination with the encoding of the source, unless the change is intended.${words}`,
          sql,
        }
  },
}

const providerNames: Record<string, string> = { c: 'libc', i: 'icu', b: 'builtin' }

const collation: Check = {
  id: 'collation',
  title: 'Collation',
  why: say`With another collation, ORDER BY, range partitions over text and unique keys over text may behave differently.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const { source, destination } = context
    const [from, to] = await Promise.all([localeOf(source), localeOf(destination)])
    const found =
      describe(from) === describe(to)
        ? say`both are ${shown(from)}`
        : say`the source is ${shown(from)}, the destination ${shown(to)}`
    if (describe(from) === describe(to)) return passed(found)
    const { sql, words } = await newDatabase(context)
    return {
      status: 'warning',
      found,
      todo: say`Create a destination with the collation of the source, unless the change is intended.${words}`,
      sql,
    }
  },
}

function describe({ provider, locale, collate, ctype }: Locale): string {
  // With ICU or the built-in provider the locale names of libc hardly matter.
  return provider === 'c' ? `c ${plainLocale(collate)} ${plainLocale(ctype)}` : `${provider} ${locale}`
}

function shown({ provider, locale, collate, ctype }: Locale): string {
  const name = provider === 'c' ? (collate === ctype ? collate : `${collate} / ${ctype}`) : locale
  return `${name} (${providerNames[provider] ?? provider})`
}

const collations: Check = {
  id: 'collations',
  planned: true,
  title: 'Collations required on the destination',
  why: say`If a collation cannot be created, the columns and indexes that use it cannot be created either.`,
  async look({ source, lacks, scope }) {
    if (!scope.hasOther()) return passed(say`collations are not migrated`)
    const missing = missingCollations({ collations: await readCollations(source), lacks })
    return findingFor(missing, say`all can be created`, {
      status: 'warning',
      found: say`some may not exist there`,
      todo: say`Install the operating system's locales on the destination's host, or use a server with ICU.`,
    })
  },
}

export const textChecks: readonly Check[] = [encoding, collation, collationVersions, collations]
