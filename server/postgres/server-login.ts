// Logs in to a server: tries the ways that the settings allow, and proves with a first query that a server process
// answers.
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { attemptsFor, dial, timedOut } from './dial.ts'
import { unlessClosed } from './driver-errors.ts'
import { writtenJson } from './driver-types.ts'
import { Cancelled, ConnectFailed, ProtocolViolation } from './errors.ts'
import { silenceMsOf } from './liveness.ts'
import { closedDuringLogin, isRefusedBeforeLogin, loginFailure, silentAfterLogin } from './login-failure.ts'
import { whichProcess } from './pooler.ts'
import { type ConnectionSettings, describeSettings } from './settings.ts'
import { Tap } from './tap.ts'

export interface LoginOptions {
  signal?: AbortSignal | undefined
  onNotice?: ((message: string) => void) | undefined
  /** A walsender that also takes SQL, without parameters: for slots and START_REPLICATION. */
  replication?: boolean
  /** For a library that writes JSON itself, and reads arrays. */
  writtenJson?: boolean
}

/** A connection that is logged in, with no setting changed yet. */
export interface LoggedIn {
  tap: Tap
  tlsVersion: string | undefined
  client: postgres.Sql
  sql: postgres.ReservedSql
  /** The server process that answers. */
  pid: number
  /** When the server was started. It identifies the server among all that could answer at this address. */
  serverStart: string
}

export async function logIn(settings: ConnectionSettings, options: LoginOptions): Promise<LoggedIn> {
  const attempts = attemptsFor(settings)
  for (const [index, attempt] of attempts.entries()) {
    try {
      return await tryLogin(settings, attempt, options)
    } catch (error) {
      if (index === attempts.length - 1 || !isRefusedBeforeLogin(error)) throw error
    }
  }
  throw new ConnectFailed('tls', `no way to connect to ${describeSettings(settings)}`)
}

async function tryLogin(
  settings: ConnectionSettings,
  attempt: 'plain' | 'tls',
  options: LoginOptions,
): Promise<LoggedIn> {
  const { signal } = options
  if (signal?.aborted) throw new Cancelled()
  const began = performance.now()
  const { socket, tlsVersion } = await dial(settings, attempt, signal)
  const tap = new Tap(socket, settings)
  const client = driverOver(tap, settings, options)
  const abandon = () => socket.destroy()
  signal?.addEventListener('abort', abandon, { once: true })
  const deadline = limitLogin(tap, settings, began)
  try {
    // The driver connects for a query, but waits for ever when it is asked to reserve a connection first.
    const echo = randomUUID()
    const [row] = await unlessClosed(tap, client.unsafe<FirstAnswer[]>(firstQuery(echo)))
    if (row?.echo !== echo || !(row.pid > 0)) {
      throw new ProtocolViolation('its first query was answered by something else')
    }
    const sql = await unlessClosed(tap, client.reserve())
    return { tap, tlsVersion, client, sql, pid: row.pid, serverStart: row.start }
  } catch (error) {
    socket.destroy()
    if (signal?.aborted) throw new Cancelled()
    throw loginFailure(tap.fault ?? error, settings, tap.lastWords)
  } finally {
    deadline.end()
    signal?.removeEventListener('abort', abandon)
  }
}

/** The driver for one connection. Authentication, time limits and everything else about the socket are ours. */
function driverOver(tap: Tap, settings: ConnectionSettings, options: LoginOptions): postgres.Sql {
  const { onNotice, replication } = options
  let isTaken = false
  return postgres({
    max: 1,
    // The driver asks for a socket again when the first one closes before the login is complete.
    socket: () => {
      if (isTaken) throw new ConnectFailed('closed', closedDuringLogin(settings))
      isTaken = true
      return tap
    },
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    // The tap answers requests for a password. Without this option the driver would read PGPASSWORD.
    pass: () => '',
    ssl: false,
    // `limitLogin` keeps the connect timeout.
    connect_timeout: 0,
    idle_timeout: undefined,
    max_lifetime: null,
    // Fetching types would be a query whose failure is reported to no caller.
    fetch_types: false,
    prepare: false,
    ...(options.writtenJson && { types: writtenJson }),
    onnotice: (notice) => onNotice?.(`${notice.severity}: ${notice.message}`),
    connection: {
      application_name: settings.applicationName,
      ...(settings.options ? { options: settings.options } : {}),
      // https://www.postgresql.org/docs/current/protocol-replication.html
      ...(replication ? { replication: 'database' } : {}),
    },
  } as postgres.Options<Record<string, postgres.PostgresType>>)
}

interface FirstAnswer {
  pid: number
  start: string
  echo: string
}

/** Only a server that understands the query can answer it. */
function firstQuery(echo: string): string {
  return `${whichProcess}, extract(epoch from pg_catalog.pg_postmaster_start_time())::text as start, '${echo}'::text as echo`
}

/** A pooler may have no server process for the first query: PgBouncer's query_wait_timeout is 120 s. */
const silencesOfPooler = 2.5

/** The connect timeout covers the login; after it the first query has a limit of its own. */
function limitLogin(tap: Tap, settings: ConnectionSettings, began: number): { end(): void } {
  const left = settings.connectTimeout * 1000 - (performance.now() - began)
  let timer =
    settings.connectTimeout > 0 ? setTimeout(() => tap.cut(timedOut(settings)), Math.max(0, left)) : undefined
  const limitFirstQuery = () => {
    clearTimeout(timer)
    const waitMs = silencesOfPooler * silenceMsOf(settings)
    timer = setTimeout(() => tap.cut(silentAfterLogin(settings, waitMs)), waitMs)
  }
  tap.once('login', limitFirstQuery)
  return {
    end() {
      clearTimeout(timer)
      tap.off('login', limitFirstQuery)
    },
  }
}
