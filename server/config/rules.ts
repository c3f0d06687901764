// What rules and hooks from flags and from files share.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Pattern, PatternError } from '../../shared/pattern.ts'
import { UsageError } from '../postgres/errors.ts'

export function refuseOddPattern(table: string, place: string) {
  try {
    new Pattern(table)
  } catch (error) {
    if (error instanceof PatternError) throw new UsageError(`${place}: ${error.message}`)
    throw error
  }
}

/** Only the program: the arguments may contain a secret, and names appear in logs. */
export function commandName(command: string): string {
  const words = command.trim().split(/\s+/)
  return basename(words.find((word) => !word.includes('=')) ?? 'command')
}

/** Read before the run starts, so that a missing file is reported early. */
export function readSql(path: string, place: string): string {
  let sql: string
  try {
    sql = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${place}: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  if (sql.trim() === '') throw new UsageError(`${place}: ${path} is empty`)
  return sql
}
