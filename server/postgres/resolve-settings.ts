// Builds the settings of one connection from the user's text, libpq's environment variables and its files.
// https://www.postgresql.org/docs/current/libpq-envars.html

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Connection, ConnectionFields } from '../../shared/connection.ts'
import type { SslMode } from '../../shared/ssl-modes.ts'
import { sslModes } from '../../shared/ssl-modes.ts'
import type { ParameterName, Parameters } from './connection-parameters.ts'
import { collectParameters, listed, refuseUnsupported } from './connection-parameters.ts'
import { parseConnectionString, severalHosts } from './connection-string.ts'
import type { Environment } from './environment.ts'
import { environmentParameters } from './environment.ts'
import { UsageError } from './errors.ts'
import type { Owner } from './owner.ts'
import { isVerified, namedServer } from './owner.ts'
import type { PasswordLookup } from './passfile.ts'
import { passwordFromFile } from './passfile.ts'
import type { ConnectionSettings, TlsSettings } from './settings.ts'
import { isSocketDirectory } from './settings.ts'
import { systemUser } from './system-user.ts'

export interface SettingsContext {
  env?: Environment
  home?: string
  userName?: string
  /** The directories in which a local server may have its socket. */
  socketDirectories?: readonly string[]
  /**
   * For a connection that came with a request: the owner of this process, with the servers that the owner has named.
   */
  owner?: Owner
}

/** libpq waits for ever, which is too long for a user at a page. */
const defaultConnectTimeout = 10

export function resolveSettings(
  connection: Connection | undefined,
  context: SettingsContext = {},
): ConnectionSettings {
  const environment = context.env ?? process.env
  const given = givenParameters(connection)
  const parameters = withInherited(given, environment)
  refuseUnsupported(parameters)
  const text = (name: ParameterName) => parameters.get(name)?.value
  const directories = context.socketDirectories ?? defaultSocketDirectories
  const files = userFiles(environment, context.home)

  const port = portOf(parameters)
  const host = text('host') ?? text('hostaddr') ?? localHost(port, directories)
  refuseStrangeHost(host)
  const hostAddress = text('hostaddr')
  const user = text('user') ?? context.userName ?? currentUser()
  const database = text('dbname') ?? user
  const place = { host, ...(hostAddress !== undefined && { hostAddress }), port, user }
  const { owner } = context
  const named = owner && namedServer(owner, { ...place, tls: tlsSettings(parameters, files.certificates) })
  const isStrange = owner !== undefined && !named
  const withheld = isStrange ? withhold(given, parameters) : undefined

  const tls = tlsSettings(
    parameters,
    isStrange ? { rootCert: files.certificates.rootCert } : files.certificates,
  )
  const options = text('options')
  const secret = passwordFor(
    { given, parameters, named, isStrange, withheld },
    { hosts: directories.includes(host) ? ['localhost', host] : [host], port, database, user },
    files.passwords,
  )
  const isVouched = isVerified({ tls }) && (!given.has('sslrootcert') || named !== undefined)
  const onlyProve = owner && !given.has('password') && !owner.allowCleartext && !isVouched
  return {
    ...place,
    database,
    ...(secret.password !== undefined && { password: secret.password }),
    ...(onlyProve && { onlyProve }),
    tls,
    connectTimeout: connectTimeoutOf(parameters),
    ...(options !== undefined && { options }),
    applicationName: text('application_name') ?? 'pgtrek',
    warnings: secret.warnings,
  }
}

/** Settings from the owner's environment that are never sent to a server that the owner has not named. */
const ownersOnly = ['password', 'sslcert', 'sslkey', 'options'] as const

/** Removes them. Returns a warning if a password was removed. */
function withhold(given: Parameters, parameters: Parameters): string | undefined {
  const password = given.has('password') ? undefined : parameters.get('password')
  for (const name of ownersOnly) if (!given.has(name)) parameters.delete(name)
  return (
    password &&
    `${password.origin} was not used: it is only sent to the servers that pgtrek was started with (PGHOST, PGPORT and PGUSER, or --source and --dest)`
  )
}

interface Secrets {
  given: Parameters
  parameters: Parameters
  named: ConnectionSettings | undefined
  isStrange: boolean
  withheld: string | undefined
}

function passwordFor(
  { given, parameters, named, isStrange, withheld }: Secrets,
  lookup: PasswordLookup,
  usualFile: string,
): { password?: string; warnings: string[] } {
  const own = parameters.get('password')?.value
  const known = given.has('password') ? own : (named?.password ?? own)
  if (known !== undefined) return { password: known, warnings: [] }
  // If the request chooses the address, the server's name proves nothing.
  if (isStrange && given.has('hostaddr')) return { warnings: withheld ? [withheld] : [] }
  const path = parameters.get('passfile')?.value ?? usualFile
  const { password, warning } = passwordFromFile(path, lookup, isStrange ? 'named' : 'any')
  if (password !== undefined) return { password, warnings: [] }
  return { warnings: [warning, withheld].filter((text) => text !== undefined) }
}

function givenParameters(connection: Connection | undefined): Parameters {
  return connection && 'url' in connection
    ? parseConnectionString(connection.url)
    : fieldParameters(connection)
}

function withInherited(given: Parameters, environment: Environment): Parameters {
  const inherited = environmentParameters(environment)
  // An address in the environment belongs to the host in the environment only.
  if (given.has('host')) inherited.delete('hostaddr')
  return new Map([...inherited, ...given])
}

function fieldParameters(fields: ConnectionFields = {}): Parameters {
  const { port, connectTimeout } = fields
  const pairs: [ParameterName, string | undefined][] = [
    ['host', fields.host?.replace(/^\[(.*)\]$/, '$1')],
    ['port', port?.toString()],
    ['dbname', fields.database],
    ['user', fields.user],
    ['password', fields.password],
    ['sslmode', fields.sslMode],
    ['sslrootcert', fields.sslRootCert],
    ['sslcert', fields.sslCert],
    ['sslkey', fields.sslKey],
    ['connect_timeout', connectTimeout?.toString()],
    ['options', fields.options],
    ['application_name', fields.applicationName],
  ]
  const present = pairs.filter((pair): pair is [ParameterName, string] => pair[1] !== undefined)
  return collectParameters(present, 'connection')
}

function portOf(parameters: Parameters): number {
  const given = parameters.get('port')
  if (!given) return 5432
  if (given.value.includes(',')) throw severalHosts()
  const port = /^\s*\d{1,5}\s*$/.test(given.value) ? Number(given.value) : 0
  if (port >= 1 && port <= 65535) return port
  throw new UsageError(
    `${given.origin} must be a number from 1 to 65535 (in a URL, write / in a password as %2F and : as %3A)`,
  )
}

const defaultSocketDirectories = process.platform === 'win32' ? [] : ['/var/run/postgresql', '/tmp']

/** libpq knows one directory, chosen when it was built. Here all usual directories are searched. */
function localHost(port: number, directories: readonly string[]): string {
  return directories.find((directory) => existsSync(`${directory}/.s.PGSQL.${port}`)) ?? 'localhost'
}

function refuseStrangeHost(host: string) {
  if (host.includes(',')) throw severalHosts()
  if (isSocketDirectory(host)) return
  // Not repeated in the message: after an encoding mistake it may contain a part of the password.
  if (/[@/\\?#\s]/.test(host)) {
    throw new UsageError(
      'the host contains a character that is not valid in a host name: check the user, password and host',
    )
  }
}

function currentUser(): string {
  const name = systemUser()
  if (name !== undefined) return name
  throw new UsageError(
    'no user is given, and the operating system has no name for the current user: use postgres://USER@host/database, or set PGUSER',
  )
}

/** The longest time of a timer. */
const longestTimeout = 2_000_000

function connectTimeoutOf(parameters: Parameters): number {
  const given = parameters.get('connect_timeout')
  if (!given) return defaultConnectTimeout
  const seconds = Number(given.value)
  if (!Number.isFinite(seconds)) throw new UsageError(`${given.origin} must be a number of seconds`)
  return Math.min(Math.max(0, seconds), longestTimeout)
}

function tlsSettings(
  parameters: Parameters,
  defaults: { rootCert: string; cert?: string; key?: string },
): TlsSettings {
  const pick = (name: ParameterName, usual: string | undefined) =>
    parameters.get(name)?.value ?? (usual !== undefined && existsSync(usual) ? usual : undefined)
  const rootCert = pick('sslrootcert', defaults.rootCert)
  const cert = pick('sslcert', defaults.cert)
  const key = pick('sslkey', defaults.key)
  const mode = sslModeOf(parameters, rootCert === 'system' ? 'verify-full' : 'prefer')
  if (rootCert === 'system' && mode !== 'verify-full') {
    throw new UsageError('with the root certificate "system" sslmode must be verify-full')
  }
  const direct = isDirect(parameters, mode)
  return {
    mode,
    ...(direct && { direct }),
    ...(rootCert && { rootCert }),
    ...(cert && { cert }),
    ...(key && { key }),
  }
}

function sslModeOf(parameters: Parameters, usual: SslMode): SslMode {
  const given = parameters.get('sslmode')
  if (!given) return usual
  const mode = sslModes.find((candidate) => candidate === given.value)
  if (!mode) throw new UsageError(`${given.origin} must be ${listed(sslModes)}`)
  return mode
}

function isDirect(parameters: Parameters, mode: SslMode): boolean {
  const given = parameters.get('sslnegotiation')
  if (!given || given.value === 'postgres') return false
  if (given.value !== 'direct') throw new UsageError(`${given.origin} must be postgres or direct`)
  if (['disable', 'allow', 'prefer'].includes(mode)) {
    throw new UsageError(`${given.origin} is direct: that needs sslmode require, verify-ca or verify-full`)
  }
  return true
}

function userFiles(environment: Environment, given: string | undefined) {
  const windows = process.platform === 'win32'
  const home = given ?? environment.HOME ?? homedir()
  const directory = windows ? join(environment.APPDATA ?? home, 'postgresql') : join(home, '.postgresql')
  return {
    passwords: windows ? join(directory, 'pgpass.conf') : join(home, '.pgpass'),
    certificates: {
      rootCert: join(directory, 'root.crt'),
      cert: join(directory, 'postgresql.crt'),
      key: join(directory, 'postgresql.key'),
    },
  }
}
