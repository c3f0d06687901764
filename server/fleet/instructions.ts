// The instructions for the cutover of one mapping, step by step. Each command can be pasted into a shell.

import type { FleetMapping } from '../../shared/fleet.ts'
import { say } from '../../shared/say.ts'
import { type ConnectionSettings, isSocketDirectory, serverName } from '../postgres/settings.ts'

const mostNamed = 5

export function cutoverInstructions(
  mapping: FleetMapping,
  { source, destination }: { source: ConnectionSettings; destination: ConnectionSettings },
  databases: readonly string[],
  /** The state directory of the fleet; without one, other processes cannot see its moves. */
  stateDirectory: string | undefined,
): string[] {
  const named = databases.slice(0, mostNamed).join(', ') + (databases.length > mostNamed ? ', ...' : '')
  const [from, to] = [serverName(source), serverName(destination)]
  if (!mapping.follow) {
    return [
      say`Stop the applications that write to ${from} (${named}) before the copy starts: later changes are not copied.`,
      say`Wait until every database of ${mapping.name} is synced and the row-count difference is 0.`,
      say`Point the applications to ${to} and start them.`,
      say`Mark ${mapping.name} complete.`,
    ]
  }
  const each = (command: (database: string) => string) => forEach(databases, command)
  const pgtrek = (command: string) =>
    each(
      (database) =>
        `pgtrek ${command}${stateDirectory === undefined ? '' : ` --state-dir ${shellWord(stateDirectory)}`}` +
        ` --source "${connectionString(source, database)}" --dest "${connectionString(destination, database)}"`,
    )
  const psql = (settings: ConnectionSettings, sql: string) =>
    each((database) => `psql "${connectionString(settings, database)}" -c "${sql}"`)
  const keepsState = stateDirectory !== undefined
  const go = pgtrek('switchover --read-only-source --keep-reverse --verify')
  const goBack = pgtrek('switchover --back --read-only-source --verify --watch 0')
  return [
    say`The commands below take passwords from the passfile (~/.pgpass) or from PGPASSWORD.`,
    say`Wait until every database of ${mapping.name} (${named}) is ready and the row-count difference is 0.`,
    say`List the sessions on ${from}: ${psql(source, 'select usename, application_name, count(*) from pg_stat_activity where datname = current_database() group by 1, 2')}`,
    say`Tell the users of ${from} that these databases become and stay read-only. (A switchover that fails makes its database writable again.) To keep them writable, stop the applications yourself and omit --read-only-source below.`,
    keepsState
      ? say`Switch over, from the board, or on this machine, whether the fleet runs or not, with: ${go} . Each one succeeds with both sides compared, or leaves its database unchanged.`
      : say`Switch over, from the board, or, after stopping this fleet (it keeps nothing that another process could read), with: ${go} . Each one succeeds with both sides compared, or leaves its database unchanged.`,
    say`Point the applications to ${to} and start them. Set the passwords of roles that need one.`,
    say`Check that ${to} can be written to: ${psql(destination, 'show transaction_read_only')} answers off. Check the applications' logs.`,
    keepsState
      ? say`While changes flow back (a fleet that is running or restarted applies them), you can return, from the board, or on this machine, whether the fleet runs or not, with: ${goBack} . It makes ${from} writable again; ${to} then stays read-only.`
      : say`While changes flow back (a fleet that is running or restarted applies them), you can return, from the board, or, after stopping this fleet (it keeps nothing that another process could read), with: ${goBack} . It makes ${from} writable again; ${to} then stays read-only.`,
    say`When you are sure: mark ${mapping.name} complete. Slots, publications and positions are dropped on both sides; read-only databases stay read-only. To make it writable again after that: ${pgtrek('cleanup --writable')}`,
  ]
}

/** Stops at the first command that fails. */
function forEach(databases: readonly string[], command: (database: string) => string): string {
  const [only, ...more] = databases.map(encoded)
  if (only === undefined) return command('DATABASE')
  if (more.length === 0) return command(only)
  return `for db in ${[only, ...more].join(' ')}; do ${command('$db')} || break; done`
}

/** A URI of libpq without the password; `encoded` has made the name of the database. */
function connectionString(settings: ConnectionSettings, database: string): string {
  const { host, hostAddress, port, user, tls, options } = settings
  const isSocket = isSocketDirectory(host)
  const place = host.includes(':') ? `[${host}]` : encoded(host)
  const parameters: [string, string | undefined][] = [
    ['host', isSocket ? host : undefined],
    ['hostaddr', hostAddress],
    ['sslmode', tls.mode === 'prefer' ? undefined : tls.mode],
    ['sslrootcert', tls.rootCert],
    ['sslcert', tls.cert],
    ['sslkey', tls.key],
    ['options', options],
  ]
  const query = parameters.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encoded(value)}`],
  )
  return `postgres://${encoded(user)}@${isSocket ? '' : place}:${port}/${database}${query.length > 0 ? `?${query.join('&')}` : ''}`
}

/** Escapes all characters with a meaning for a shell, in quotes or not. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
