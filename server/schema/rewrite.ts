// The few changes to pg_dump's statements.
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

/** Of the statements of an ACL entry those that concern none of these roles, as owner, grantor or grantee. */
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

/** The role that `GRANT ... TO role` or `REVOKE ... FROM role` is about; undefined for everybody. */
export function granteeOf(statement: string): string | undefined {
  return roleIn(/\s(?:TO|FROM) (ROLE)(?: WITH GRANT OPTION)?$/, statement)
}

/** `pattern` with ROLE for a name, quoted or not. The keyword PUBLIC is no role, a quoted "PUBLIC" is. */
function roleIn(pattern: RegExp, statement: string): string | undefined {
  const written = new RegExp(pattern.source.replace('ROLE)', '"(?:[^"]|"")*"|[^\\s"]+)')).exec(statement)?.[1]
  if (written === undefined || written === 'PUBLIC') return undefined
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written
}

/**
 * pg_dump writes for the newest server. A subscription of an older one gets a parameter that says how such
 * servers behave anyway, and that they do not know.
 */
export function withoutRunAsOwner(statement: string): string {
  return statement.replace(/, run_as_owner = true(?=[,)][^']*$)/, '')
}

/** Servers before 14 make no multirange type beside a range, and do not know the clause that names it. */
export function withoutMultirange(statement: string): string {
  return statement.replace(
    /,\n +multirange_type_name = (?:"(?:[^"]|"")*"|[^",\n]+)(?:\.(?:"(?:[^"]|"")*"|[^",\n]+))?/,
    '',
  )
}

/** `    CONSTRAINT odd name NOT NULL a` -> `    CONSTRAINT "odd name" NOT NULL a`, where a line says just that. */
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

/** Servers before 16 indent nothing, and do not know the words. Only in code: a string or a comment may say so, too. */
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
