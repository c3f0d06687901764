// Everything that is needed to connect to one database, and its name in messages.
import type { SslMode } from '../../shared/ssl-modes.ts'

export interface TlsSettings {
  mode: SslMode
  /** Start TLS without asking whether the server supports it: only for servers from 17 on. */
  direct?: boolean
  /** Paths. `system` as root certificate means the trusted ones of the system. */
  rootCert?: string
  cert?: string
  key?: string
}

export interface ConnectionSettings {
  /** A host name, an address, or the directory of a Unix socket. */
  host: string
  /** The address to connect to; `host` is then only the name to verify. */
  hostAddress?: string
  port: number
  database: string
  user: string
  password?: string
  /** The password must only be proved (SCRAM), never sent in clear text or as an MD5 hash. */
  onlyProve?: boolean
  tls: TlsSettings
  /** Seconds; 0 waits for ever. */
  connectTimeout: number
  options?: string
  applicationName: string
  /** Identifies the sessions of one run on the server, so that a later run can end them after a kill. */
  mark?: number
  /** After how long without data the server is asked whether it is working (default: one minute). */
  silenceMs?: number
  /** The largest answer to one query, instead of the limit derived from the memory. */
  mostAnswerBytes?: number
  /** It is known already that a pooler there keeps one server process for a session. */
  isSessionPool?: boolean
  /** What was found but not used: a password file that others may read. */
  warnings: string[]
}

/** For messages and logs; never with a password. */
export function describeSettings(settings: ConnectionSettings): string {
  const { user, database } = settings
  return `${user}@${serverName(settings)}/${database}`
}

/**
 * Whether the description is of this host and database. The user may be another one, for instance after a switchover
 * with other roles.
 */
export function isAt(described: string, settings: ConnectionSettings): boolean {
  return described.endsWith(`@${serverName(settings)}/${settings.database}`)
}

/** The server, for messages. */
export function serverName({ host, port }: ConnectionSettings): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** As for libpq, `@` stands for a socket in Linux's abstract name space. */
export function isSocketDirectory(host: string): boolean {
  return host.startsWith('/') || host.startsWith('@')
}
