// Changes to pg_dump's statements for this destination.
import { quoteIdentifier } from '../postgres/quote.ts'
import { tokens } from './lexer.ts'

/** `ALTER DATABASE here SET ...` -> the same about the destination's database. */
export function renameDatabase(statement: string, database: string): string {
  let behind = false
  for (const token of tokens(statement)) {
    if (behind)
      return statement.slice(0, token.start) + quoteIdentifier(database) + statement.slice(token.end)
    behind = token.kind === 'word' && statement.slice(token.start, token.end) === 'DATABASE'
  }
  return statement
}

/** The statements of an ACL entry that concern none of these roles, as owner, grantor or grantee. */
export function possibleGrants(statements: readonly string[], unusable: ReadonlySet<string>): string[] {
  const possible: string[] = []
  let grantor: string | undefined
  for (const statement of statements) {
    const acting = roleIn(/^SET SESSION AUTHORIZATION (ROLE)$/, statement)
    if (acting !== undefined) grantor = acting
    const owner = roleIn(/^ALTER DEFAULT PRIVILEGES FOR ROLE (ROLE) /, statement)
    const roles = [grantor, owner, granteeOf(statement)]
    if (!roles.some((role) => role !== undefined && unusable.has(role))) possible.push(statement)
    if (statement === 'RESET SESSION AUTHORIZATION') grantor = undefined
  }
  return possible
}

/** The role of `GRANT ... TO role` or `REVOKE ... FROM role`; undefined for PUBLIC. */
export function granteeOf(statement: string): string | undefined {
  return roleIn(/\s(?:TO|FROM) (ROLE)(?: WITH GRANT OPTION)?$/, statement)
}

/** Matches `pattern` with a name, quoted or not, for ROLE. The keyword PUBLIC is no role; a quoted "PUBLIC" is. */
function roleIn(pattern: RegExp, statement: string): string | undefined {
  const written = new RegExp(pattern.source.replace('ROLE)', '"(?:[^"]|"")*"|[^\\s"]+)')).exec(statement)?.[1]
  if (written === undefined || written === 'PUBLIC') return undefined
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written
}

/**
 * pg_dump writes for the newest server. It adds a parameter to a subscription of an older server which states how that
 * server behaves anyway. The older server does not know the parameter.
 */
export function withoutRunAsOwner(statement: string): string {
  return statement.replace(/, run_as_owner = true(?=[,)][^']*$)/, '')
}

/** Servers before 14 create no multirange type with a range, and do not know the clause that names it. */
export function withoutMultirange(statement: string): string {
  return statement.replace(
    /,\n +multirange_type_name = (?:"(?:[^"]|"")*"|[^",\n]+)(?:\.(?:"(?:[^"]|"")*"|[^",\n]+))?/,
    '',
  )
}

/** `    CONSTRAINT odd name NOT NULL a` -> `    CONSTRAINT "odd name" NOT NULL a`, where a line is exactly this. */
export function quoteNotNullNames(statement: string, names: readonly string[]): string {
  return names.reduce(
    (text, name) =>
      text.replaceAll(
        `\n    CONSTRAINT ${name} NOT NULL `,
        () => `\n    CONSTRAINT ${quoteIdentifier(name)} NOT NULL `,
      ),
    statement,
  )
}

/** Servers before 16 do not know NO INDENT, and never indent. A string or a comment may contain it, and is not changed. */
export function withoutNoIndent(text: string): string {
  if (!text.includes('NO INDENT')) return text
  const list = [...tokens(text)]
  const word = (index: number) => text.slice(list[index]?.start, list[index]?.end)
  let result = ''
  let behind = 0
  for (let index = 1; index < list.length - 2; index++) {
    if (word(index) !== 'NO' || word(index + 1) !== 'INDENT' || word(index + 2) !== ')') continue
    result += text.slice(behind, list[index - 1]?.end)
    behind = list[index + 1]?.end ?? text.length
  }
  return result + text.slice(behind)
}
