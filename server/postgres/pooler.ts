// Whether a connection pooler stands between us and the server, whether it lends us one server process for the
// whole session, and what it takes to give that process back as it was.
import { errorInfo, PoolerRefused } from './errors.ts'
import { queryMessage, terminateMessage } from './messages.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { type ConnectionSettings, serverName } from './settings.ts'

/** A pooler may be reconfigured: it is checked again when no session has been opened for so long. */
const verdictLastsMs = 60_000

/** Sessions beside the first one, and how often all of them look in turn. */
const others = 8
const turns = 2

/** How long the first of them may wait for a server process, and how long the rest. */
const patienceMs = 10_000
const restMs = 2_000

/** A session as it is seen here. */
interface PooledSession {
  readonly settings: ConnectionSettings
  /** Of the server process that answers. */
  readonly pid: number
  /** What the login said of it. */
  readonly tap: { readonly pid: number }
  readonly isPooled: boolean
  one<Row extends object>(sql: string): Promise<Row>
  close(): Promise<void>
}

/**
 * The process number that the server sends at login serves for cancel requests. A pooler has to send one of its
 * own, or it could not tell for whom a request is meant: who sees another process at work is behind a pooler.
 */
export function isBehindPooler(session: Pick<PooledSession, 'pid' | 'tap'>): boolean {
  return session.pid !== session.tap.pid
}

/**
 * Throws behind any pooler: a slot or a replication origin that a killed pgtrek has used stays with the pooler's
 * server process, and what the application writes through that process is taken for changes of ours.
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
  /** Rejects while it is not known, or where server processes are shared. */
  found: Promise<void>
  /** It was known before, and this is another look. */
  isKnown: boolean
}

const verdicts = new Map<string, Verdict>()

function endOf({ host, hostAddress, port, database, user }: ConnectionSettings): string {
  return JSON.stringify([host, hostAddress, port, database, user])
}

/** For threads, which know nothing of what was found here. */
export function withVerdict(settings: ConnectionSettings): ConnectionSettings {
  return verdicts.get(endOf(settings))?.isKnown ? { ...settings, isSessionPool: true } : settings
}

/**
 * Throws where one server process serves several sessions in turn (transaction and statement mode). A setting
 * made there would be one of the application's next transaction, so nothing may be set before this is known.
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
 * Statements that change nothing, each a transaction of its own, of several sessions in turn. A process that serves
 * two of them, or another process than before, proves that processes are shared. Poolers prefer the process that
 * became free last, or the one that has been free longest: the next look is served by the one that served another
 * session, or by another one than before. The sessions are several because a pooler may be several programs behind
 * one port, each with a pool of its own (PgBouncer: so_reuseport): some two sessions meet in one of them.
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
      // Our own sessions may have all of a pool's server processes by now.
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

/** Of the first of several that failed. */
function reasonOf({ errors: [error] }: AggregateError): string {
  return errorInfo(error).message
}

/** What a session asks first: it is the only thing that nobody can answer but the process itself. */
export const whichProcess = 'select pg_catalog.pg_backend_pid() as pid'

function shared(settings: ConnectionSettings, seen: string): PoolerRefused {
  return new PoolerRefused(
    `${serverName(settings)} is a connection pooler in transaction or statement mode (${seen}): snapshots and locks ` +
      'do not last there, and settings of pgtrek would change what the application does. Connect to the ' +
      'PostgreSQL server directly, or to a pool in session mode (PgBouncer: pool_mode = session).',
  )
}

/** What a server process had when it was lent to us: of a pooler's own statements, or of clients before us. */
export interface SessionState {
  name: string
  /** Null for a prepared statement. */
  setting: string | null
}

/** Settings that somebody made for the session; those of a transaction end with it. */
const madeForSession = `
  from pg_catalog.pg_settings
 where source = 'session'
   and context in ('user', 'superuser')
   and name not in ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')`

/** Not among the settings of the view: a hook may have changed them. The first one resets the second. */
const roles = ['session_authorization', 'role']

/** By PREPARE, as pg_dump does; those of the protocol are not ours. */
const prepared = 'from pg_catalog.pg_prepared_statements where from_sql'

/** Before we set anything. */
export const readSessionState = `
  select name, setting ${madeForSession}
   union all select name, current_setting(name) from (values ${roles.map((name) => `('${name}')`).join(', ')}) r (name)
   union all select name, null ${prepared}`

/** Restores what the session has set, whoever asked for it, releases its locks, and answers what is prepared. */
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

/** Where that fails, the server process ends; the pooler starts another one. */
export const endOwnProcess = 'select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())'

/**
 * For a session that is dropped in the middle of something. A pooler that sees us gone while a statement is under
 * way gives that server process up; one that is done with it has put everything back.
 */
export function finalMessages(statement: string): Buffer {
  return Buffer.concat([queryMessage(statement), terminateMessage])
}
