// The few places where pg_dump's statements are changed on their way.
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

/** The role that `GRANT ... TO role` or `REVOKE ... FROM role` is about; the last word but its options. */
export function granteeOf(statement: string): string | undefined {
  const found = /\s(?:TO|FROM) ("(?:[^"]|"")*"|[^\s"]+)(?: WITH GRANT OPTION)?$/.exec(statement)?.[1]
  return found?.startsWith('"') ? found.slice(1, -1).replaceAll('""', '"') : found
}
