// Detects connection poolers: whether one is in between, whether it assigns one server process to the whole session,
// and how the state of that process is restored at the end.
import { errorInfo, PoolerRefused } from './errors.ts'
import { queryMessage, terminateMessage } from './messages.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { type ConnectionSettings, serverName } from './settings.ts'

/** A pooler may be reconfigured: it is checked again when no session was opened for this long. */
const verdictLastsMs = 60_000

/** The number of additional sessions, and of rounds in which all of them are queried. */
const others = 8
const turns = 2

/** How long the first of them may wait for a server process, and how long the others. */
const patienceMs = 10_000
const restMs = 2_000

/** The part of a session that is used here. */
interface PooledSession {
  readonly settings: ConnectionSettings
  /** The server process that answers queries. */
  readonly pid: number
  /** As reported at login. */
  readonly tap: { readonly pid: number }
  readonly isPooled: boolean
  one<Row extends object>(sql: string): Promise<Row>
  close(): Promise<void>
}

/**
 * The process id that a server sends at login is used for cancel requests. A pooler has to send an id of its own to
 * assign such requests to its clients. Behind a pooler the two ids therefore differ.
 */
export function isBehindPooler(session: Pick<PooledSession, 'pid' | 'tap'>): boolean {
  return session.pid !== session.tap.pid
}

/**
 * Throws behind any pooler. A slot or a replication origin would stay in use by the pooler's server process after
 * pgtrek is killed, and writes of the application through that process would count as ours.
 */
export function refusePooled(...sessions: PooledSession[]) {
  for (const session of sessions) {
    if (session.isPooled)
      throw new PoolerRefused(`${serverName(session.settings)} is a connection pooler: ${notThrough}`)
  }
}

const notThrough =
  'changes cannot be followed through it, since its server process would keep the replication slot or the origin ' +
  'when pgtrek ends. Connect to the PostgreSQL server directly.'

interface Verdict {
  usedAt: number
  /** Rejects while the result is unknown, or where server processes are shared. */
  found: Promise<void>
  /** The result was known before, and is checked again. */
  isKnown: boolean
}

const verdicts = new Map<string, Verdict>()

function endOf({ host, hostAddress, port, database, user }: ConnectionSettings): string {
  return JSON.stringify([host, hostAddress, port, database, user])
}

/** For worker threads, which do not share the results. */
export function withVerdict(settings: ConnectionSettings): ConnectionSettings {
  return verdicts.get(endOf(settings))?.isKnown ? { ...settings, isSessionPool: true } : settings
}

/**
 * Throws where sessions share server processes (transaction and statement mode). A setting would affect the
 * application's next transaction there, so none may be changed before this is known.
 */
export async function refuseShared(one: PooledSession, open: OpenSession): Promise<void> {
  const end = endOf(one.settings)
  const before = verdicts.get(end)
  const isKnown = before?.isKnown ?? one.settings.isSessionPool ?? false
  const isFresh = before ? performance.now() - before.usedAt < verdictLastsMs : isKnown
  const found = isFresh ? (before?.found ?? Promise.resolve()) : look(one, open, isKnown)
  const verdict: Verdict = { usedAt: performance.now(), found, isKnown }
  verdicts.set(end, verdict)
  try {
    await found
    verdict.isKnown = true
  } catch (error) {
    // The pooler may be reconfigured before the next attempt.
    verdicts.delete(end)
    throw error
  }
}

export type OpenSession = (signal: AbortSignal) => Promise<PooledSession>

/**
 * Runs queries of several sessions in turn, each in a transaction of its own. A process that serves two sessions, or
 * a session with two processes, proves that processes are shared. Poolers choose the process that became free last or
 * first: in both cases the next query would be served by the process of another session, or by another process than
 * before. Several sessions are needed because a pooler may consist of several programs behind one port, each with its
 * own pool (PgBouncer: so_reuseport): some two sessions share a program.
 */
async function look(one: PooledSession, open: OpenSession, isKnown: boolean): Promise<void> {
  const stop = new AbortController()
  const opening = Array.from({ length: others }, () => open(stop.signal))
  const sessions = [one]
  const all = Promise.allSettled(
    opening.map(async (other) => {
      sessions.push(await other)
    }),
  )
  try {
    const first = await Promise.race([Promise.any(opening).catch(reasonOf), Bun.sleep(patienceMs)])
    if (sessions.length > 1) await Promise.race([all, Bun.sleep(restMs)])
    else {
      // By now our own sessions may use all server processes of a pool.
      if (isKnown) return
      const why = typeof first === 'string' ? first : `it had to wait longer than ${patienceMs / 1000} s`
      throw new PoolerRefused(
        `${serverName(one.settings)} is a connection pooler, which did not assign a server process to a second session (${why}): ` +
          'its pool mode could not be determined, and pgtrek needs several sessions at once. Connect to the ' +
          'PostgreSQL server directly, or make the pool larger (PgBouncer: default_pool_size).',
      )
    }
    const looking = [...sessions]
    if (new Set(looking.map(({ pid }) => pid)).size < looking.length) {
      throw shared(one.settings, 'several sessions were served by one server process')
    }
    for (let turn = 0; turn < turns; turn++) {
      for (const session of looking) {
        const { pid } = await session.one<{ pid: number }>(whichProcess)
        if (pid === session.pid) continue
        throw shared(one.settings, 'transactions of one session were served by different server processes')
      }
    }
  } finally {
    stop.abort()
    await all
    await Promise.all(sessions.slice(1).map((other) => other.close()))
  }
}

/** The reason why the first of several attempts failed. */
function reasonOf({ errors: [error] }: AggregateError): string {
  return errorInfo(error).message
}

/** The first query of a session. Only the server process itself can answer it. */
export const whichProcess = 'select pg_catalog.pg_backend_pid() as pid'

function shared(settings: ConnectionSettings, seen: string): PoolerRefused {
  return new PoolerRefused(
    `${serverName(settings)} is a connection pooler in transaction or statement mode (${seen}): snapshots and locks ` +
      'do not last there, and settings of pgtrek would change what the application does. Connect to the ' +
      'PostgreSQL server directly, or to a pool in session mode (PgBouncer: pool_mode = session).',
  )
}

/** The state of a server process when it was assigned to us, as the pooler and earlier clients have left it. */
export interface SessionState {
  name: string
  /** Null for a prepared statement. */
  setting: string | null
}

/** Settings that were changed for the session. Those of a transaction end with it. */
const madeForSession = `
  from pg_catalog.pg_settings
 where source = 'session'
   and context in ('user', 'superuser')
   and name not in ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')`

/**
 * The view does not contain them, and a hook of the pooler may have changed them. Setting the first resets the
 * second.
 */
const roles = ['session_authorization', 'role']

/** Those of PREPARE, as pg_dump uses it. We prepare none by the protocol. */
const prepared = 'from pg_catalog.pg_prepared_statements where from_sql'

/** To be run before any setting is changed. */
export const readSessionState = `
  select name, setting ${madeForSession}
   union all select name, current_setting(name) from (values ${roles.map((name) => `('${name}')`).join(', ')}) r (name)
   union all select name, null ${prepared}`

/** Restores all settings of the session, releases its locks, and returns the prepared statements. */
export function restoreSessionState(before: readonly SessionState[]): string {
  const settings = new Map(before.flatMap(({ name, setting }) => (setting === null ? [] : [[name, setting]])))
  const asBefore = [...settings].map(
    ([name, value]) => `when ${quoteLiteral(name)} then ${quoteLiteral(value)}`,
  )
  const value = `case name ${asBefore.join(' ')} else reset_val end`
  const restored = roles.map(
    (name) =>
      `select pg_catalog.set_config('${name}', ${quoteLiteral(settings.get(name) ?? 'none')}, false);`,
  )
  return `
    rollback;
    ${restored.join(' ')}
    select pg_catalog.set_config(name, ${value}, false) ${madeForSession};
    select pg_catalog.pg_advisory_unlock_all();
    select name ${prepared}`
}

export function deallocate(names: readonly string[]): string {
  return names.map((name) => `deallocate ${quoteIdentifier(name)}`).join(';\n')
}

/** Used when the state cannot be restored. The pooler starts another process. */
export const endOwnProcess = 'select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())'

/**
 * For a session that is destroyed. A pooler that loses a client during a statement ends the server process. One that
 * has completed these messages has a process with the restored state.
 */
export function finalMessages(statement: string): Buffer {
  return Buffer.concat([queryMessage(statement), terminateMessage])
}
