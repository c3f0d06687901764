// Detects a server that has stopped sending although an answer is due: a firewall has dropped the connection, the
// machine has stopped. An index build or a query may send nothing for hours, and only the server knows whether it is
// working on it, so it is asked over another connection. TCP keepalives do not help: the kernel answers them also for
// a process that hangs.
import { ConnectFailed, errorInfo, PgtrekError, sqlstate } from './errors.ts'
import { type ConnectionSettings, serverName } from './settings.ts'

/** Servers wait this long for each other by default (wal_receiver_timeout). */
const usualSilenceMs = 60_000
const longestTickMs = 5_000
/** How many silences in a row without a new connection are accepted, because a network outage may pass. */
const mostSilencesUnreachable = 5

export function silenceMsOf({ silenceMs }: ConnectionSettings): number {
  return silenceMs ?? usualSilenceMs
}

/** Nothing was received, and nothing will be for this reason. */
class Silence extends PgtrekError {
  constructor(silentMs: number, why: string) {
    super(`no data was received for ${Math.round(silentMs / 1000)} s, and ${why}`)
  }
}

/** The state of one of its sessions, as the server reports it. */
type ReportedState =
  | { is: 'working' | 'waiting' | 'gone' }
  /** Also when another server answered in its place. */
  | { is: 'unreachable'; why: string }

/** The part of a session that is used here. */
interface WatchedSession {
  readonly settings: ConnectionSettings
  readonly pid: number
  /** When its server was started. */
  readonly serverStart: unknown
  readonly tap: { readonly movedAt: number; cut(why: Error): void }
  /** Another session on the same server. */
  openAnother(signal: AbortSignal): Promise<AskingSession>
}

interface AskingSession extends AsyncDisposable {
  readonly serverStart: unknown
  destroy(): void
  query<Row extends object>(sql: string): Promise<Row[]>
}

/**
 * Watches for silence until it is disposed. `owing` returns the session whose answer is due at this moment, or
 * undefined while the session waits for us. When nothing is received, and the server is not working for us, the
 * connection is cut; the tap's `fault` has the reason.
 */
export class AnswerWatch implements Disposable {
  readonly #timer: NodeJS.Timeout
  readonly #silenceMs: number
  #session: WatchedSession | undefined
  #since = performance.now()
  #silentLooks = 0
  #askedAt = Number.NEGATIVE_INFINITY
  #isAsking = false
  #isOver = false
  /** How many times in a row the server was found waiting for us. */
  #idleAnswers = 0
  #unreachableSince: number | undefined

  constructor(readonly owing: () => WatchedSession | undefined) {
    this.#session = owing()
    this.#silenceMs = this.#session ? silenceMsOf(this.#session.settings) : usualSilenceMs
    this.#timer = setInterval(() => this.#look(), Math.min(this.#silenceMs / 4, longestTickMs))
    // This timer alone must not keep the process alive.
    this.#timer.unref()
  }

  [Symbol.dispose]() {
    this.#isOver = true
    clearInterval(this.#timer)
  }

  #look() {
    const session = this.owing()
    const now = performance.now()
    if (session !== this.#session) this.#since = now
    this.#session = session
    if (!session || now - this.#movedAt(session) < this.#silenceMs) {
      this.#silentLooks = 0
      this.#idleAnswers = 0
      this.#unreachableSince = undefined
      return
    }
    // The process may have been busy and not have read. A second check decides.
    if (++this.#silentLooks < 2 || this.#isAsking) return
    const pause = this.#idleAnswers > 0 ? this.#silenceMs / 4 : this.#silenceMs
    if (now - this.#askedAt > pause) void this.#ask(session)
  }

  #movedAt(session: WatchedSession): number {
    return Math.max(this.#since, session.tap.movedAt)
  }

  async #ask(session: WatchedSession) {
    this.#isAsking = true
    const movedAt = this.#movedAt(session)
    const reported = await standingOf(session, this.#silenceMs)
    this.#isAsking = false
    this.#askedAt = performance.now()
    if (this.#isOver || this.#session !== session || this.#movedAt(session) !== movedAt) return
    const why = this.#judge(reported, movedAt)
    if (why === undefined) return
    session.tap.cut(new Silence(performance.now() - movedAt, why))
  }

  /** Why waiting is useless; undefined if it is not. */
  #judge(reported: ReportedState, movedAt: number): string | undefined {
    this.#idleAnswers = reported.is === 'waiting' ? this.#idleAnswers + 1 : 0
    if (reported.is !== 'unreachable') this.#unreachableSince = undefined
    else this.#unreachableSince ??= movedAt
    if (reported.is === 'gone') return 'the server no longer has this session'
    if (this.#idleAnswers > 1) return lostOnTheWay
    const since = this.#unreachableSince ?? Number.POSITIVE_INFINITY
    const isTooLong = performance.now() - since > mostSilencesUnreachable * this.#silenceMs
    return reported.is === 'unreachable' && isTooLong ? reported.why : undefined
  }
}

const lostOnTheWay = 'the server is waiting for pgtrek: the connection was lost, for instance at a firewall'

async function standingOf(session: WatchedSession, patienceMs: number): Promise<ReportedState> {
  const { settings, pid } = session
  const inTime = AbortSignal.timeout(patienceMs)
  try {
    await using other = await session.openAnother(inTime)
    inTime.addEventListener('abort', () => other.destroy(), { once: true })
    if (other.serverStart !== session.serverStart) {
      return {
        is: 'unreachable',
        why: `another server answers at ${serverName(settings)}, or it was restarted`,
      }
    }
    const [row] = await other.query<{ waiting: boolean }>(`
      select coalesce(wait_event, '') in ('ClientRead', 'ClientWrite') as waiting
        from pg_catalog.pg_stat_activity
       where pid = ${pid}`)
    return { is: row === undefined ? 'gone' : row.waiting ? 'waiting' : 'working' }
  } catch (error) {
    if (isRefusal(error)) return { is: 'working' }
    const why = inTime.aborted ? 'it takes too long' : errorInfo(error).message
    return { is: 'unreachable', why: `no other connection could be opened: ${why}` }
  }
}

/** A refusal shows that the server is there. One that is starting up has lost the session. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ConnectFailed) || error.sqlstate === sqlstate.cannotConnectNow) return false
  return refusals.has(error.reason)
}

const refusals = new Set<ConnectFailed['reason']>(['limit', 'login', 'database', 'pooler'])
