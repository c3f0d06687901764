// Finds a password in ~/.pgpass or a similar file, by libpq's rules.
// https://www.postgresql.org/docs/current/libpq-pgpass.html
import { messageOf } from '../../shared/message-of.ts'
import { type PlainFile, readPlainFile } from '../system/plain-file.ts'

export interface PasswordLookup {
  /** Every name that the file may use for the server. */
  hosts: readonly string[]
  port: number
  database: string
  user: string
}

export interface PasswordFound {
  password?: string
  /** Why the file was not used. */
  warning?: string
}

/** `named`: only by a line that names host, port and user. */
export type LinesWanted = 'any' | 'named'

export function passwordFromFile(path: string, lookup: PasswordLookup, lines: LinesWanted): PasswordFound {
  let file: PlainFile
  try {
    file = readPlainFile(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as { code?: unknown }).code))) return {}
    return { warning: `the password file ${path} was not used: ${messageOf(error)}` }
  }
  const warning = distrust(path, file)
  if (warning) return { warning }
  const { text } = file
  for (const host of lookup.hosts) {
    const wanted = [host, String(lookup.port), lookup.database, lookup.user]
    const password = findPassword(text, wanted, lines)
    if (password !== undefined) return { password }
    if (lines === 'named' && findPassword(text, wanted) !== undefined) {
      return {
        warning: `the password file ${path} was not used: for a connection given in a request, its line must name host, port and user, without *`,
      }
    }
  }
  return {}
}

/** Five fields separated by colons. A colon after a backslash is part of its field. */
const field = String.raw`((?:\\.|[^:\\])*)`
const entry = new RegExp(String.raw`^${field}:${field}:${field}:${field}:((?:\\.|[^:\\]|\\$)*)`)

const databaseField = 2

/** `wanted`: host, port, database and user, as in the first four fields of a line. */
export function findPassword(
  text: string,
  wanted: readonly string[],
  lines: LinesWanted = 'any',
): string | undefined {
  const mayBeAny = (index: number) => lines === 'any' || index === databaseField
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue
    const [, ...fields] = entry.exec(line.replace(/\r$/, '')) ?? []
    const password = fields.pop()
    if (password === undefined) continue
    const fits = (value: string, index: number) =>
      fields[index] === '*' ? mayBeAny(index) : withoutEscapes(fields[index]) === value
    if (wanted.every(fits)) {
      return withoutEscapes(password)
    }
  }
  return undefined
}

function distrust(path: string, { stats }: PlainFile): string | undefined {
  // Windows has no such permissions. There the user's profile directory protects the file, as for libpq.
  if (process.platform === 'win32' || (stats.mode & 0o077) === 0) return undefined
  return `the password file ${path} was not used: other users can read it. Run: chmod 600 ${path}`
}

function withoutEscapes(field = ''): string {
  return field.replaceAll(/\\(.)/g, '$1')
}
