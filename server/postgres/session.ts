// One authenticated connection: typed queries through the driver, its raw bytes when asked, a real cancel.

import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { messageOf } from '../../shared/message-of.ts'
import { printable } from '../../shared/printable.ts'
import { settledWithin } from '../system/deadline.ts'
import { arrayElements } from './array-literal.ts'
import { strangeColumn } from './asked-for.ts'
import { attemptsFor, dial, timedOut } from './dial.ts'
import {
  Cancelled,
  ConnectFailed,
  type ConnectFailure,
  ConnectionLost,
  ProtocolViolation,
  ServerError,
  sqlstate,
} from './errors.ts'
import { AnswerWatch, silenceMsOf } from './liveness.ts'
import { cancelRequest } from './messages.ts'
import {
  asLent,
  deallocating,
  endingProcess,
  farewell,
  givingBack,
  isBehindPooler,
  type Lent,
  refuseShared,
  whichProcess,
} from './pooler.ts'
import { markStatement } from './run-mark.ts'
import { type ConnectionSettings, describeSettings, serverName } from './settings.ts'
import { Tap } from './tap.ts'

/**
 * Our sessions wait as long as the work takes, may write where they are to write, and mean the same by the same
 * SQL, whatever the defaults of the server, the database or the role are.
 */
const neutralSettings = `
  set default_transaction_read_only = off;
  set statement_timeout = 0;
  set lock_timeout = 0;
  set idle_in_transaction_session_timeout = 0;
  set standard_conforming_strings = on;
  set quote_all_identifiers = off;
`
/**
 * Settings that only newer majors know. A session whose other end was killed would continue a long statement,
 * or wait for a lock and then do its work; not every platform lets a server look whether somebody is there.
 * https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-CLIENT-CONNECTION-CHECK-INTERVAL
 */
const newerSettings = [
  { since: 140000, sql: 'set idle_session_timeout = 0' },
  {
    since: 140000,
    sql: `select pg_catalog.set_config('client_connection_check_interval', '2s', false)
           where pg_catalog.version() like '%linux%'`,
  },
  { since: 170000, sql: 'set transaction_timeout = 0' },
]

export interface SessionOptions {
  /** Ends the attempt to open it. */
  signal?: AbortSignal | undefined
  /** Ends that, too, and the work: the statement under way is cancelled, and none is started any more. */
  until?: AbortSignal | undefined
  onNotice?: ((message: string) => void) | undefined
  /** A walsender that also takes SQL, without parameters: for slots and START_REPLICATION. */
  replication?: boolean
  /** For a library that writes JSON itself, and reads arrays. */
  writtenJson?: boolean
}

/** https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const arrayTypes = { uuid: 2951, text: 1009, int4: 1007 }

/** The driver would write a text that is JSON already as a JSON string. */
const writtenJson = {
  json: {
    to: 114,
    from: [114, 3802],
    serialize: String,
    parse: (text: string) => JSON.parse(text) as unknown,
  },
  texts: {
    to: arrayTypes.text,
    from: [arrayTypes.text, arrayTypes.uuid],
    serialize: String,
    parse: arrayElements,
  },
  numbers: {
    to: arrayTypes.int4,
    from: [arrayTypes.int4],
    serialize: String,
    parse: (text: string) => arrayElements(text).map((one) => (one === null ? null : Number(one))),
  },
}

export class Session implements AsyncDisposable {
  readonly encrypted: boolean
  #closed = false
  /** Behind a pooler: what its server process had when it was lent to us. */
  #lent: Lent[] | undefined
  #until: AbortSignal | undefined
  readonly #unanswered = new Set<Promise<unknown>>()

  private constructor(
    readonly settings: ConnectionSettings,
    readonly tap: Tap,
    readonly tlsVersion: string | undefined,
    private readonly client: postgres.Sql,
    private readonly sql: postgres.ReservedSql,
    /** The server process that works for this session. */
    readonly pid: number,
    /** When this server was started, which tells it from all others. */
    readonly serverStart: string,
  ) {
    this.encrypted = tlsVersion !== undefined
  }

  /** Throws `PoolerRefused` behind a pooler that does not keep one server process for a session. */
  static async open(settings: ConnectionSettings, options: SessionOptions = {}): Promise<Session> {
    const { until } = options
    const signal =
      until && options.signal ? AbortSignal.any([until, options.signal]) : (until ?? options.signal)
    const session = await Session.#connect(settings, { ...options, signal })
    const abandon = () => session.destroy()
    signal?.addEventListener('abort', abandon, { once: true })
    try {
      if (session.isPooled) {
        const other = (stop: AbortSignal) =>
          Session.#connect(settings, { ...options, signal: signal ? AbortSignal.any([signal, stop]) : stop })
        await refuseShared(session, other)
        session.#lent = await session.query<Lent>(asLent)
      }
      await session.#prepare()
      signal?.throwIfAborted()
      if (until) session.#endWith(until)
      return session
    } catch (error) {
      session.destroy()
      if (signal?.aborted) throw new Cancelled()
      throw loginFailure(error, settings)
    } finally {
      signal?.removeEventListener('abort', abandon)
    }
  }

  /** Logged in, and nothing set yet. */
  static async #connect(settings: ConnectionSettings, options: SessionOptions): Promise<Session> {
    const attempts = attemptsFor(settings)
    for (const [index, attempt] of attempts.entries()) {
      try {
        return await Session.#login(settings, attempt, options)
      } catch (error) {
        if (index === attempts.length - 1 || !isRefusedBeforeLogin(error)) throw error
      }
    }
    throw new ConnectFailed('tls', `no way to connect to ${describeSettings(settings)}`)
  }

  static async #login(
    settings: ConnectionSettings,
    attempt: 'plain' | 'tls',
    options: SessionOptions,
  ): Promise<Session> {
    const { signal, onNotice, replication } = options
    if (signal?.aborted) throw new Cancelled()
    const began = performance.now()
    const { socket, tlsVersion } = await dial(settings, attempt, signal)
    const tap = new Tap(socket, settings)
    let lent = false
    const client = postgres({
      max: 1,
      // The driver asks for a socket again when the first one closes before login is through.
      socket: () => {
        if (lent) throw new ConnectFailed('closed', closedDuringLogin(settings))
        lent = true
        return tap
      },
      host: settings.host,
      port: settings.port,
      database: settings.database,
      user: settings.user,
      // It is never asked for one; in place of none it would take PGPASSWORD.
      pass: () => '',
      ssl: false,
      // It is kept here.
      connect_timeout: 0,
      idle_timeout: undefined,
      max_lifetime: null,
      // It would be a query whose failure nobody hears.
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
    const abandon = () => socket.destroy()
    signal?.addEventListener('abort', abandon, { once: true })
    const deadline = limitLogin(tap, settings, began)
    try {
      // The driver connects for a query, but waits for ever when asked to reserve first.
      const echo = randomUUID()
      const [row] = await unlessClosed(tap, client.unsafe<FirstAnswer[]>(firstQuery(echo)))
      if (row?.echo !== echo || !(row.pid > 0)) {
        throw new ProtocolViolation('its first query was answered by something else')
      }
      const reserved = await unlessClosed(tap, client.reserve())
      return new Session(settings, tap, tlsVersion, client, reserved, row.pid, row.start)
    } catch (error) {
      socket.destroy()
      if (signal?.aborted) throw new Cancelled()
      throw loginFailure(tap.fault ?? error, settings, tap.lastWords)
    } finally {
      deadline.end()
      signal?.removeEventListener('abort', abandon)
    }
  }

  /** Another session of the same kind at the same place. */
  openAnother(signal: AbortSignal): Promise<Session> {
    const { mark: _, ...settings } = this.settings
    return Session.open(settings, { signal })
  }

  /** As `server_version_num`: 150004. */
  get version(): number {
    return versionNumber(this.tap.parameters.get('server_version') ?? '')
  }

  get major(): number {
    return Math.floor(this.version / 10000)
  }

  /** A connection pooler lends us its server process, and lends it to others afterwards. */
  get isPooled(): boolean {
    return isBehindPooler(this)
  }

  async #prepare(): Promise<void> {
    const newer = newerSettings.filter((entry) => entry.since <= this.version).map(({ sql }) => sql)
    const marking = this.settings.mark === undefined ? [] : [markStatement(this.settings.mark)]
    // Bytes that nobody has checked come as they are: a catalog that has one can still be read.
    const bytes =
      this.tap.parameters.get('server_encoding') === 'SQL_ASCII' ? ["set client_encoding = 'SQL_ASCII'"] : []
    await this.execute(neutralSettings + [...newer, ...bytes, ...marking].join(';\n'))
  }

  /** One statement with `$1` parameters. Without parameters the simple protocol is used. */
  async query<Row extends object>(text: string, parameters: readonly (string | number | null)[] = []) {
    if (this.#until?.aborted) throw new Cancelled()
    return await this.#ask<Row>(text, parameters)
  }

  /** `isForeign`: somebody else has written it, and nobody reads the answer. */
  async #ask<Row extends object>(
    text: string,
    parameters: readonly (string | number | null)[] = [],
    isForeign = false,
  ) {
    if (this.#closed || this.tap.socket.destroyed) throw this.#explain(new Error('it is closed'))
    const answer = unlessClosed(this.tap, this.sql.unsafe<Row[]>(text, parameters as never[]))
    this.#unanswered.add(answer)
    using _ = new AnswerWatch(() => this)
    try {
      const rows = await answer
      if (!hasColumns(rows) && selects.test(text)) {
        throw new ProtocolViolation('a query was answered without columns')
      }
      if (!isForeign) refuseStrangers(rows, text)
      // Behind a statement that failed among its rows, the driver continues numbering where that one stopped:
      // there are holes before the first row.
      return rows.filter(() => true) as Row[]
    } catch (error) {
      throw this.#explain(error)
    } finally {
      this.#unanswered.delete(answer)
    }
  }

  async one<Row extends object>(text: string, parameters: readonly (string | number | null)[] = []) {
    const [row] = await this.query<Row>(text, parameters)
    if (!row) {
      const query = text.trim().replaceAll(/\s+/g, ' ').slice(0, 200)
      throw new ProtocolViolation(`a query that has one row was answered with none (${query})`)
    }
    return row
  }

  /** Any number of statements at once; outside a transaction they are one transaction together. */
  async execute(text: string): Promise<void> {
    if (this.#until?.aborted) throw new Cancelled()
    await this.#ask(text, [], true)
  }

  /**
   * Asks the server to stop what this session is doing; the session itself stays usable. Where the statement does not
   * end for that, the connection is cut: whoever cancels must not wait for a server that does not answer.
   */
  async cancel(patienceMs = cancelPatienceMs): Promise<void> {
    if (this.#closed || (this.#unanswered.size === 0 && !this.tap.isLent)) return
    const answers = Promise.allSettled([...this.#unanswered])
    const giveUp = settledWithin(answers, patienceMs).then((isOver) => {
      if (!isOver) this.destroy()
    })
    try {
      await this.#requestCancel(patienceMs)
    } finally {
      await giveUp
    }
  }

  async #requestCancel(patienceMs: number): Promise<void> {
    const inTime = AbortSignal.timeout(patienceMs)
    const { socket } = await dial(this.settings, this.encrypted ? 'tls' : 'plain', inTime)
    const ended = new Promise<void>((resolve) => {
      socket.on('error', () => resolve())
      socket.on('close', () => resolve())
      // It may have ended before anybody listened.
      if (socket.destroyed) return resolve()
      // The server closes the connection when it has read the request.
      socket.resume()
      socket.write(cancelRequest(this.tap.pid, this.tap.secret))
    })
    await settledWithin(ended, patienceMs)
    socket.destroy()
  }

  #endWith(until: AbortSignal) {
    this.#until = until
    const end = () => void this.cancel().catch(() => this.destroy())
    until.addEventListener('abort', end, { once: true })
    this.tap.once('close', () => until.removeEventListener('abort', end))
  }

  /** Cuts the connection; the server rolls back what was open. */
  destroy() {
    this.#closed = true
    // Lent to somebody else it is in the middle of something, and a pooler does not use its process again.
    if (!this.#lent || this.tap.isLent) return this.tap.destroy()
    this.#leave(givingBack(this.#lent))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    if (this.#lent) await this.#giveBack(this.#lent)
    this.#closed = true
    this.sql.release()
    // The driver would wait for the end of a connection that has ended already.
    await this.client.end({ timeout: this.tap.socket.destroyed ? 0 : 2 })
    this.tap.destroy()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  /** The pooler gets its server process back as it was. */
  async #giveBack(lent: readonly Lent[]): Promise<void> {
    this.#lent = undefined
    const late = Bun.sleep(farewellMs).then(() => {
      throw new Error('the pooler does not answer')
    })
    try {
      await Promise.race([this.#restore(lent), late])
    } catch {
      // Better no process for the next one than this one.
      this.#leave(endingProcess)
    }
  }

  async #restore(lent: readonly Lent[]): Promise<void> {
    // Several statements at once answer with a list of their rows each.
    const answers: unknown = await this.#ask(givingBack(lent))
    const prepared = (answers as { name: string }[][]).at(-1) ?? []
    const known = new Set(lent.map(({ name }) => name))
    const ours = prepared.map(({ name }) => name).filter((name) => !known.has(name))
    if (ours.length > 0) await this.#ask(deallocating(ours))
  }

  #leave(lastStatement: string) {
    if (this.tap.socket.destroyed) return
    this.tap.end(farewell(lastStatement))
    setTimeout(() => this.tap.destroy(), farewellMs).unref()
  }

  /** In place of what the driver knows of it. */
  #explain(error: unknown): Error {
    if (this.tap.fault) return this.lost(error)
    if (error instanceof postgres.PostgresError) return serverError(error)
    if (isNonsense(error)) {
      // Whatever comes next would be as strange.
      this.tap.cut(error instanceof ProtocolViolation ? error : new ProtocolViolation(unreadable))
    }
    return this.lost(error)
  }

  /** The connection is gone, and why, as far as anybody knows. */
  lost(cause?: unknown): ConnectionLost {
    const { fault, lastWords } = this.tap
    const known = fault?.message ?? lastWords ?? (cause instanceof Error ? cause.message : undefined)
    const advice = fault instanceof ProtocolViolation ? inBetween : ''
    const where = describeSettings(this.settings)
    return new ConnectionLost(`the connection to ${where} was lost${known ? `: ${known}` : ''}${advice}`, {
      cause,
    })
  }
}

const inBetween =
  '. Check that this is a PostgreSQL server, and that no proxy or firewall changes what it sends'
const unreadable = 'a value in a row does not match its type'

/** Errors of the driver while it reads; others are about the connection. */
function isNonsense(error: unknown): boolean {
  return (
    error instanceof ProtocolViolation ||
    error instanceof TypeError ||
    error instanceof SyntaxError ||
    error instanceof RangeError
  )
}

function refuseStrangers(rows: object, text: string) {
  const columns = 'columns' in rows ? (rows.columns as { name: string }[] | undefined) : undefined
  const strange = columns && strangeColumn(columns, text)
  if (strange === undefined) return
  throw new ProtocolViolation(
    `a query was answered with a column "${printable(strange)}", which it does not have`,
  )
}

/** With INTO it answers as CREATE TABLE AS does. */
const selects = /^\s*select\b(?!.*\binto\b)/is

/** Also true of the answers to several statements at once. */
function hasColumns(rows: object): boolean {
  return !('columns' in rows) || rows.columns !== undefined
}

interface FirstAnswer {
  pid: number
  start: string
  echo: string
}

/** Only a server that understands what it is asked can answer. */
function firstQuery(echo: string): string {
  return `${whichProcess}, extract(epoch from pg_catalog.pg_postmaster_start_time())::text as start, '${echo}'::text as echo`
}

/** A pooler may have no server process for the first query: PgBouncer's query_wait_timeout is 120 s. */
const silencesOfPooler = 2.5

/** The connect timeout covers the login. */
function limitLogin(tap: Tap, settings: ConnectionSettings, began: number): { end(): void } {
  const left = settings.connectTimeout * 1000 - (performance.now() - began)
  let timer =
    settings.connectTimeout > 0 ? setTimeout(() => tap.cut(timedOut(settings)), Math.max(0, left)) : undefined
  const begin = () => {
    clearTimeout(timer)
    const waitMs = silencesOfPooler * silenceMsOf(settings)
    timer = setTimeout(() => tap.cut(silentAfterLogin(settings, waitMs)), waitMs)
  }
  tap.once('login', begin)
  return {
    end() {
      clearTimeout(timer)
      tap.off('login', begin)
    },
  }
}

function silentAfterLogin(settings: ConnectionSettings, waitMs: number): ConnectFailed {
  return new ConnectFailed(
    'timeout',
    `${serverName(settings)} accepted the login but did not answer the first query within ${Math.round(waitMs / 1000)} s: ` +
      'check whether the server, or the pool of a connection pooler, is overloaded',
  )
}

const cancelPatienceMs = 5000

/** How long a pooler may take to get its server process back. */
const farewellMs = 2000

/** How long the driver may take to say itself that the connection is gone. */
const closeGraceMs = 1000

/** When the connection ends between two steps of the driver, it waits for ever. */
async function unlessClosed<T>(tap: Tap, work: PromiseLike<T>): Promise<T> {
  const lost = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const closed = () => {
    timer = setTimeout(() => lost.reject(new Error('the connection was closed')), closeGraceMs)
  }
  tap.once('close', closed)
  if (tap.socket.destroyed) closed()
  try {
    return await Promise.race([work, lost.promise])
  } finally {
    clearTimeout(timer)
    tap.off('close', closed)
  }
}

/** `15.4 (Debian 15.4-1)` -> 150004; `18beta1` -> 180000 */
export function versionNumber(text: string): number {
  const [, major = '0', minor = '0'] = /^(\d+)(?:\.(\d+))?/.exec(text) ?? []
  return Number(major) * 10000 + Number(minor)
}

export function serverError(error: postgres.PostgresError): ServerError {
  return new ServerError({
    severity: error.severity,
    sqlstate: error.code,
    message: error.message,
    ...(error.detail && { detail: error.detail }),
    ...(error.hint && { hint: error.hint }),
    ...(error.where && { context: error.where }),
    ...(error.schema_name && { schema: error.schema_name }),
    ...(error.table_name && { table: error.table_name }),
    ...(error.column_name && { column: error.column_name }),
    ...(error.constraint_name && { constraint: error.constraint_name }),
  })
}

/**
 * `allow` and `prefer` try the other kind of connection when pg_hba.conf refuses this one. A wrong password
 * must not be sent again, least of all in the clear.
 */
function isRefusedBeforeLogin(error: unknown): boolean {
  if (!(error instanceof ConnectFailed)) return false
  return error.reason === 'tls' || error.sqlstate === sqlstate.invalidAuthorization
}

function closedDuringLogin(settings: ConnectionSettings): string {
  return `${settings.host}:${settings.port} closed the connection during login: is a PostgreSQL server listening there?`
}

function noPassword({ warnings }: ConnectionSettings): string {
  return ['no password was given', ...warnings].join('; ')
}

function loginFailure(error: unknown, settings: ConnectionSettings, lastWords?: string): Error {
  if (error instanceof ConnectFailed) return error
  if (isNonsense(error)) {
    const what =
      error instanceof ProtocolViolation ? error.message : new ProtocolViolation(unreadable).message
    const advice = 'is a PostgreSQL server listening there?'
    return new ConnectFailed('closed', `${serverName(settings)}: ${what}: ${advice}`, { cause: error })
  }
  if (!(error instanceof postgres.PostgresError)) {
    if (lastWords !== undefined) {
      const said = `${serverName(settings)} ended the connection during login: ${lastWords}`
      return new ConnectFailed('closed', said, { cause: error })
    }
    const reason = messageOf(error)
    // With TLS 1.3 the server's opinion of our certificate arrives only after the handshake.
    const alert = /^ERR_SSL_.*ALERT/.test((error as { code?: string }).code ?? '')
    return alert
      ? new ConnectFailed(
          'certificate',
          `${settings.host}:${settings.port} did not accept the client certificate: ${reason}`,
        )
      : new ConnectFailed('closed', `${closedDuringLogin(settings)} (${reason})`, { cause: error })
  }
  const where = describeSettings(settings)
  const said = error.message
  const refuse = (reason: ConnectFailure, advice: string) =>
    new ConnectFailed(reason, `${where}: ${said}${advice}`, { sqlstate: error.code })
  switch (error.code) {
    case sqlstate.invalidPassword:
      return refuse(
        'login',
        `. Check user and password${settings.password ? '' : ` (${noPassword(settings)})`}.`,
      )
    case sqlstate.invalidAuthorization:
      return refuse('login', ". Check the user's name and the server's pg_hba.conf.")
    case sqlstate.undefinedDatabase:
      return refuse('database', '. Create it first, or check its name.')
    case sqlstate.tooManyConnections:
      return refuse('limit', '. Free connections on the server or use fewer workers.')
    default:
      return refuse('login', ` (SQLSTATE ${error.code})`)
  }
}
