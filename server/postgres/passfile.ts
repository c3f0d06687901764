// Finds a password in ~/.pgpass or a file of its kind, by libpq's rules.
// https://www.postgresql.org/docs/current/libpq-pgpass.html
import { readFileSync, type Stats, statSync } from 'node:fs'

export interface PasswordLookup {
  /** Every name under which the file may list the server. */
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

export function passwordFromFile(path: string, lookup: PasswordLookup): PasswordFound {
  const file = statSync(path, { throwIfNoEntry: false })
  if (!file) return {}
  const warning = distrust(path, file)
  if (warning) return { warning }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return { warning: `the password file ${path} was not used: ${(error as Error).message}` }
  }
  for (const host of lookup.hosts) {
    const password = findPassword(text, [host, String(lookup.port), lookup.database, lookup.user])
    if (password !== undefined) return { password }
  }
  return {}
}

/** Five fields with colons between; a colon after a backslash is part of its field. */
const field = String.raw`((?:\\.|[^:\\])*)`
const entry = new RegExp(String.raw`^${field}:${field}:${field}:${field}:((?:\\.|[^:\\]|\\$)*)`)

/** `wanted` is host, port, database and user: the first four fields of a line. */
export function findPassword(text: string, wanted: readonly string[]): string | undefined {
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue
    const [, ...fields] = entry.exec(line.replace(/\r$/, '')) ?? []
    const password = fields.pop()
    if (password === undefined) continue
    if (wanted.every((value, index) => fields[index] === '*' || withoutEscapes(fields[index]) === value)) {
      return withoutEscapes(password)
    }
  }
  return undefined
}

function distrust(path: string, file: Stats): string | undefined {
  if (!file.isFile()) return `the password file ${path} was not used: it is not a plain file`
  // Windows has no such bits; there the user's profile directory is the protection, as it is for libpq.
  if (process.platform === 'win32' || (file.mode & 0o077) === 0) return undefined
  return `the password file ${path} was not used: others may read it. Run: chmod 600 ${path}`
}

function withoutEscapes(field = ''): string {
  return field.replaceAll(/\\(.)/g, '$1')
}
