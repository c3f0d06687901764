// All there is to know for connecting to one database, and how it is called in messages.
import type { SslMode } from '../../shared/ssl-modes.ts'

export interface TlsSettings {
  mode: SslMode
  /** Skip the question whether the server speaks TLS: servers of 17 and later only. */
  direct?: boolean
  /** Paths; `system` as root certificate means the machine's own trusted ones. */
  rootCert?: string
  cert?: string
  key?: string
}

export interface ConnectionSettings {
  /** A host name, an address, or the directory of a Unix socket. */
  host: string
  /** Where to connect to when `host` is only the name to check. */
  hostAddress?: string
  port: number
  database: string
  user: string
  password?: string
  /** The password is only to be proved (SCRAM): never sent in clear text or as an MD5 hash. */
  onlyProve?: boolean
  tls: TlsSettings
  /** Seconds; 0 waits for ever. */
  connectTimeout: number
  options?: string
  applicationName: string
  /** By which the sessions of one run are known on the server, should nobody be left to end them. */
  mark?: number
  /** How long nothing may be heard before somebody asks whether the server is at work; a minute unless given. */
  silenceMs?: number
  /** All that the answer to one query may have, in place of what the memory of the machine allows. */
  mostAnswerBytes?: number
  /** Known already: a pooler there keeps one server process for a session. */
  isSessionPool?: boolean
  /** What was found but was not used: a password file that others may read. */
  warnings: string[]
}

/** For messages and logs; never with a password. */
export function describeSettings(settings: ConnectionSettings): string {
  const { user, database } = settings
  return `${user}@${serverName(settings)}/${database}`
}

/** Whether it was described as being there; the user may be another one, as after a change of hands. */
export function isAt(described: string, settings: ConnectionSettings): boolean {
  return described.endsWith(`@${serverName(settings)}/${settings.database}`)
}

/** What a user would call the other end. */
export function serverName({ host, port }: ConnectionSettings): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** As for libpq, `@` stands for a socket in Linux's abstract name space. */
export function isSocketDirectory(host: string): boolean {
  return host.startsWith('/') || host.startsWith('@')
}
