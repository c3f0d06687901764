// One authenticated connection: typed queries through the driver, its raw bytes through the tap, and a cancel that
// the server obeys.
import postgres from 'postgres'
import { settledWithin } from '../system/deadline.ts'
import { refuseMissingColumns, refuseUnexpectedColumns } from './answer-columns.ts'
import { dial } from './dial.ts'
import { isInvalidAnswer, serverError, unlessClosed, unreadable } from './driver-errors.ts'
import { Cancelled, ConnectionLost, ProtocolViolation } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import { loginFailure } from './login-failure.ts'
import { cancelRequest } from './messages.ts'
import {
  deallocate,
  endOwnProcess,
  finalMessages,
  isBehindPooler,
  readSessionState,
  refuseShared,
  restoreSessionState,
  type SessionState,
} from './pooler.ts'
import { markStatement } from './run-mark.ts'
import { type LoggedIn, type LoginOptions, logIn } from './server-login.ts'
import { type ConnectionSettings, describeSettings } from './settings.ts'
import type { Tap } from './tap.ts'

/**
 * Our statements have no time limit, may write, and mean the same regardless of the defaults of the server, the
 * database and the role.
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
 * Settings that older majors do not have. Without a connection check, the session of a killed process would continue a
 * long statement, or would wait for a lock and then do its work. Only some platforms support the check.
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

const cancelPatienceMs = 5000

/** How long restoring a pooler's server process may take. */
const restorePatienceMs = 2000

export interface SessionOptions extends LoginOptions {
  /** Ends the attempt to open the session, and later its work: the running statement is cancelled, new ones are refused. */
  until?: AbortSignal | undefined
}

export class Session implements AsyncDisposable {
  readonly tap: Tap
  readonly tlsVersion: string | undefined
  readonly encrypted: boolean
  /** The server process that works for this session. */
  readonly pid: number
  /** When this server was started, which distinguishes it from all others. */
  readonly serverStart: string
  readonly #client: postgres.Sql
  readonly #sql: postgres.ReservedSql
  #closed = false
  /** Behind a pooler: the state in which it assigned its server process to us. */
  #stateBefore: SessionState[] | undefined
  #until: AbortSignal | undefined
  readonly #unanswered = new Set<Promise<unknown>>()

  private constructor(
    readonly settings: ConnectionSettings,
    { tap, tlsVersion, client, sql, pid, serverStart }: LoggedIn,
  ) {
    this.tap = tap
    this.tlsVersion = tlsVersion
    this.encrypted = tlsVersion !== undefined
    this.pid = pid
    this.serverStart = serverStart
    this.#client = client
    this.#sql = sql
  }

  /** Throws `PoolerRefused` behind a pooler that does not keep one server process for a session. */
  static async open(settings: ConnectionSettings, options: SessionOptions = {}): Promise<Session> {
    const { until } = options
    const signal =
      until && options.signal ? AbortSignal.any([until, options.signal]) : (until ?? options.signal)
    const connect = async (stop: AbortSignal | undefined) =>
      new Session(settings, await logIn(settings, { ...options, signal: stop }))
    const session = await connect(signal)
    const abandon = () => session.destroy()
    signal?.addEventListener('abort', abandon, { once: true })
    try {
      if (session.isPooled) {
        await refuseShared(session, (stop) => connect(signal ? AbortSignal.any([signal, stop]) : stop))
        session.#stateBefore = await session.query<SessionState>(readSessionState)
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

  /** Another session with the same settings, but without the mark of a run. */
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

  /** Whether a connection pooler assigned us its server process, and will assign it to others afterwards. */
  get isPooled(): boolean {
    return isBehindPooler(this)
  }

  async #prepare(): Promise<void> {
    const newer = newerSettings.filter((entry) => entry.since <= this.version).map(({ sql }) => sql)
    const marking = this.settings.mark === undefined ? [] : [markStatement(this.settings.mark)]
    // Such a database may hold bytes that are valid in no encoding. They are read as they are, so that its catalog
    // can be read at all.
    const bytes =
      this.tap.parameters.get('server_encoding') === 'SQL_ASCII' ? ["set client_encoding = 'SQL_ASCII'"] : []
    await this.execute(neutralSettings + [...newer, ...bytes, ...marking].join(';\n'))
  }

  /** One statement with `$1` parameters. Without parameters the simple protocol is used. */
  async query<Row extends object>(text: string, parameters: readonly (string | number | null)[] = []) {
    if (this.#until?.aborted) throw new Cancelled()
    return await this.#ask<Row>(text, parameters)
  }

  /** `isForeign`: the statement is not written by us and its answer is not read, so its columns are not checked. */
  async #ask<Row extends object>(
    text: string,
    parameters: readonly (string | number | null)[] = [],
    isForeign = false,
  ) {
    if (this.#closed || this.tap.socket.destroyed) throw this.#explain(new Error('it is closed'))
    const answer = unlessClosed(this.tap, this.#sql.unsafe<Row[]>(text, parameters as never[]))
    this.#unanswered.add(answer)
    using _ = new AnswerWatch(() => this)
    try {
      const rows = await answer
      refuseMissingColumns(rows, text)
      if (!isForeign) refuseUnexpectedColumns(rows, text)
      // After a statement that failed among its rows, the driver continues to number rows where that one stopped:
      // the array has holes before the first row.
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

  /** Any number of statements at once. Outside of a transaction they are one transaction together. */
  async execute(text: string): Promise<void> {
    if (this.#until?.aborted) throw new Cancelled()
    await this.#ask(text, [], true)
  }

  /**
   * Asks the server to stop what this session is doing. The session stays usable, unless the statement does not end in
   * time: then the connection is cut, so that a cancel does not wait for a server that does not answer.
   */
  async cancel(patienceMs = cancelPatienceMs): Promise<void> {
    if (this.#closed || (this.#unanswered.size === 0 && !this.tap.isBorrowed)) return
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
      // It may have ended before these listeners were added.
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
    // A pooler does not use a server process again whose connection is cut in the middle of a COPY.
    if (!this.#stateBefore || this.tap.isBorrowed) return this.tap.destroy()
    this.#leave(restoreSessionState(this.#stateBefore))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    if (this.#stateBefore) await this.#restoreProcess(this.#stateBefore)
    this.#closed = true
    this.#sql.release()
    // The driver would also wait for the end of a connection that has ended already.
    await this.#client.end({ timeout: this.tap.socket.destroyed ? 0 : 2 })
    this.tap.destroy()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  /** The pooler gets its server process back in the state in which it assigned it. */
  async #restoreProcess(before: readonly SessionState[]): Promise<void> {
    this.#stateBefore = undefined
    const late = Bun.sleep(restorePatienceMs).then(() => {
      throw new Error('the pooler does not answer')
    })
    try {
      await Promise.race([this.#restore(before), late])
    } catch {
      // The pooler must not assign a process with our settings to another client.
      this.#leave(endOwnProcess)
    }
  }

  async #restore(before: readonly SessionState[]): Promise<void> {
    // Several statements at once are answered with one list of rows for each.
    const answers: unknown = await this.#ask(restoreSessionState(before))
    const prepared = (answers as { name: string }[][]).at(-1) ?? []
    const known = new Set(before.map(({ name }) => name))
    const ours = prepared.map(({ name }) => name).filter((name) => !known.has(name))
    if (ours.length > 0) await this.#ask(deallocate(ours))
  }

  #leave(lastStatement: string) {
    if (this.tap.socket.destroyed) return
    this.tap.end(finalMessages(lastStatement))
    setTimeout(() => this.tap.destroy(), restorePatienceMs).unref()
  }

  /** Our error for one of the driver, which knows less about the connection. */
  #explain(error: unknown): Error {
    if (this.tap.fault) return this.lost(error)
    if (error instanceof postgres.PostgresError) return serverError(error)
    if (isInvalidAnswer(error)) {
      // Later answers could not be trusted either.
      this.tap.cut(error instanceof ProtocolViolation ? error : new ProtocolViolation(unreadable))
    }
    return this.lost(error)
  }

  /** The error for a lost connection, with the reason as far as it is known. */
  lost(cause?: unknown): ConnectionLost {
    const { fault, lastWords } = this.tap
    const known = fault?.message ?? lastWords ?? (cause instanceof Error ? cause.message : undefined)
    const advice = fault instanceof ProtocolViolation ? checkProxies : ''
    const where = describeSettings(this.settings)
    return new ConnectionLost(`the connection to ${where} was lost${known ? `: ${known}` : ''}${advice}`, {
      cause,
    })
  }
}

const checkProxies =
  '. Check that this is a PostgreSQL server, and that no proxy or firewall changes what it sends'

/** `15.4 (Debian 15.4-1)` -> 150004; `18beta1` -> 180000 */
export function versionNumber(text: string): number {
  const [, major = '0', minor = '0'] = /^(\d+)(?:\.(\d+))?/.exec(text) ?? []
  return Number(major) * 10000 + Number(minor)
}
