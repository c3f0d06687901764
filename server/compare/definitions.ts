// The objects of one database as pg_dump describes them, so that each can be looked up on the other.

import type { Entry } from '../schema/entries.ts'
import { qualifiedNames } from '../schema/lexer.ts'
import { unquoted, withPlainNames } from '../schema/plain-names.ts'
import { renameDatabase } from '../schema/rewrite.ts'

export interface Definition {
  kind: string
  schema: string | undefined
  name: string
  /** What creates it; everything that is said of it in one entry. */
  text: string
}

/** Databases are compared by what is in them: neither their names count nor how they were created. */
const anyDatabase = 'this database'

export function definitionOf(entry: Entry): Definition | undefined {
  if (entry.kind === 'DATABASE') return undefined
  const isDatabase = entry.kind === 'DATABASE PROPERTIES' || entry.name.startsWith('DATABASE ')
  const statements = [...entry.statements, ...(entry.ownerStatement ? [entry.ownerStatement] : [])]
  if (entry.kind === 'POLICY') statements.splice(0, 1, withSortedRoles(statements[0] ?? ''))
  const lines = isDatabase ? statements.map((one) => renameDatabase(one, anyDatabase)) : statements
  return {
    kind: entry.kind,
    schema: entry.schema,
    name: isDatabase ? anyDatabase : entry.name,
    text: withBareAlias(withBareJson([...storage(entry), ...inAnyOrder(entry.kind, lines)].join(';\n'))),
  }
}

/** pg_dump writes the roles of a policy in the order in which the server happens to have stored them. */
function withSortedRoles(policy: string): string {
  return policy.replace(rolesOfPolicy, (_, to: string, roles: string) => {
    const names = roles.match(/"(?:[^"]|"")*"|[^\s",]+/g) ?? []
    return to + names.sort().join(', ')
  })
}

const name = '(?:"(?:[^"]|"")*"|[^\\s",.]+)'
const rolesOfPolicy = new RegExp(
  `^(CREATE POLICY ${name} ON ${name}(?:\\.${name})* (?:AS \\w+ )?(?:FOR \\w+ )?TO )(${name}(?:, ${name})*)`,
)

/** The only type that some majors quote with all other names, and some do not. */
function withBareJson(text: string): string {
  return text.includes('"json"') ? withPlainNames(text, (name) => name === 'json') : text
}

const aliased = /\b((?:UPDATE|DELETE FROM) (?:ONLY )?"(?:[^"]|"")*"\."(?:[^"]|"")*") AS (?=")/g

/** Newer minor releases write `UPDATE t AS a` where older ones of the same major write `UPDATE t a`. */
function withBareAlias(text: string): string {
  return / AS "/.test(text) ? text.replace(aliased, '$1 ') : text
}

/** pg_dump sets these for the statements that follow; they say something only of what takes room. */
function storage({ kind, tablespace, accessMethod, statements }: Entry): string[] {
  const isTable = kind === 'TABLE' || kind === 'MATERIALIZED VIEW'
  const settings: string[] = []
  if ((isTable || kind === 'INDEX' || kind === 'CONSTRAINT') && tablespace !== '' && tablespace !== "''") {
    settings.push(`SET default_tablespace = ${tablespace}`)
  }
  // What a partitioned table inherits from the one before it in the script is no property of it.
  const isPartitioned = / PARTITION BY /.test(statements[0] ?? '')
  if (isTable && !isPartitioned && accessMethod !== '' && unquoted(accessMethod) !== 'heap') {
    settings.push(`SET default_table_access_method = ${accessMethod}`)
  }
  return settings
}

/**
 * Grants and settings are written in the order in which they were made. Those that another role makes stand
 * between the statements that say so, and keep their order.
 */
function inAnyOrder(kind: string, statements: string[]): string[] {
  const isList = kind === 'ACL' || kind === 'DEFAULT ACL' || kind === 'DATABASE PROPERTIES'
  const isOrdered = statements.some((one) => one.startsWith('SET SESSION AUTHORIZATION'))
  return isList && !isOrdered ? statements.toSorted() : statements
}

/** The table (or other object) that an entry belongs to, as quoted in SQL: `ks."Odd name"`. */
export function subjectOf(entry: Entry): string | undefined {
  return qualifiedNames(entry.statements[0] ?? entry.ownerStatement ?? '')[0]
}
