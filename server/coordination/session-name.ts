// How the session that holds a run's locks is named in `pg_stat_activity`, where every role and every other run may
// read it.
import { hostname } from 'node:os'
import { systemUser } from '../postgres/system-user.ts'

/** The names of all such sessions start with this. */
export const sessionNamePrefix = 'pgtrek: '

/** The longest application name that a server keeps, in bytes. */
const longestName = 63

/** `what`: a command, or the name of a move. */
export function sessionNameFor(what: string, at = new Date()): string {
  const tail = ` pid ${process.pid} since ${at.toISOString().slice(0, 16).replace('T', ' ')}Z`
  const head = (who: string) => `${sessionNamePrefix}${what} ${who}`.replaceAll(/[^\x20-\x7e]/g, '?')
  const whole = head(`${userName()}@${hostname()}`)
  const room = longestName - tail.length
  // Without room for both, the machine matters more: it is where the process can be found.
  return (whole.length > room ? head(hostname()).slice(0, room) : whole) + tail
}

let known: string | undefined
export function userName(): string {
  known ??= systemUser() ?? 'unknown'
  return known
}
