// The objects of one database as pg_dump describes them, to be looked up by name.

import type { Entry } from '../schema/entries.ts'
import { qualifiedNames } from '../schema/lexer.ts'
import { unquoted, withPlainNames } from '../schema/plain-names.ts'
import { renameDatabase } from '../schema/rewrite.ts'

export interface Definition {
  kind: string
  schema: string | undefined
  name: string
  /** The statements that create it, and all others of its entry. */
  text: string
  entry?: Entry
}

/** Replaces the database's name: the comparison ignores names and creation options of the databases. */
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
    entry,
    text: withBareAlias(withBareJson([...storage(entry), ...inAnyOrder(entry.kind, lines)].join(';\n'))),
  }
}

/** pg_dump writes the roles of a policy in the order in which the server has stored them. */
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

/** `json` is the only type name that some majors quote with --quote-all-identifiers and others do not. */
function withBareJson(text: string): string {
  return text.includes('"json"') ? withPlainNames(text, (name) => name === 'json') : text
}

const aliased = /\b((?:UPDATE|DELETE FROM) (?:ONLY )?"(?:[^"]|"")*"\."(?:[^"]|"")*") AS (?=")/g

/** Newer minor releases write `UPDATE t AS a` where older ones of the same major write `UPDATE t a`. */
function withBareAlias(text: string): string {
  return / AS "/.test(text) ? text.replace(aliased, '$1 ') : text
}

/** pg_dump writes these settings before an entry; they matter only for objects with storage. */
function storage({ kind, tablespace, accessMethod, statements }: Entry): string[] {
  const isTable = kind === 'TABLE' || kind === 'MATERIALIZED VIEW'
  const settings: string[] = []
  if ((isTable || kind === 'INDEX' || kind === 'CONSTRAINT') && tablespace !== '' && tablespace !== "''") {
    settings.push(`SET default_tablespace = ${tablespace}`)
  }
  // A partitioned table does not use the access method that is set for the table before it.
  const isPartitioned = / PARTITION BY /.test(statements[0] ?? '')
  if (isTable && !isPartitioned && accessMethod !== '' && unquoted(accessMethod) !== 'heap') {
    settings.push(`SET default_table_access_method = ${accessMethod}`)
  }
  return settings
}

/**
 * Sorts grants and settings, which pg_dump writes in the order of their creation. Grants by another role are enclosed
 * in SET SESSION AUTHORIZATION and keep their order.
 */
function inAnyOrder(kind: string, statements: string[]): string[] {
  const isList = kind === 'ACL' || kind === 'DEFAULT ACL' || kind === 'DATABASE PROPERTIES'
  const isOrdered = statements.some((one) => one.startsWith('SET SESSION AUTHORIZATION'))
  return isList && !isOrdered ? statements.toSorted() : statements
}

/** The table (or other object) that an entry belongs to, quoted as in SQL: `ks."Odd name"`. */
export function subjectOf(entry: Entry): string | undefined {
  return qualifiedNames(entry.statements[0] ?? entry.ownerStatement ?? '')[0]
}
