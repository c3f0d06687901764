// Notices a server that says nothing any more while it owes an answer: a firewall that has forgotten the connection, a
// machine that stands still. An index build may be silent for hours, and so may a query: only the server knows whether
// it is at work, and is asked over another connection. TCP's own keepalive does not tell: a process that hangs has a
// kernel that answers.
import { ConnectFailed, errorInfo, PgtrekError, sqlstate } from './errors.ts'
import { type ConnectionSettings, serverName } from './settings.ts'

/** As long as the servers themselves wait for each other, unless told otherwise (wal_receiver_timeout). */
const usualSilenceMs = 60_000
const longestTickMs = 5_000
/** Silences in a row in which no new connection could be had: an outage of the network may pass. */
const mostSilencesUnreachable = 5

export function silenceMsOf({ silenceMs }: ConnectionSettings): number {
  return silenceMs ?? usualSilenceMs
}

/** Nothing was heard, and this is why nothing will be. */
class Silence extends PgtrekError {
  constructor(silentMs: number, why: string) {
    super(`no data was received for ${Math.round(silentMs / 1000)} s, and ${why}`)
  }
}

/** What the server says of one of its sessions. */
type Standing =
  | { is: 'working' | 'waiting' | 'gone' }
  /** Or another server answered in its place. */
  | { is: 'unreachable'; why: string }

/** A session as it is seen here. */
interface WatchedSession {
  readonly settings: ConnectionSettings
  readonly pid: number
  /** When its server was started. */
  readonly serverStart: unknown
  readonly tap: { readonly movedAt: number; cut(why: Error): void }
  /** Another session at the same place. */
  openAnother(signal: AbortSignal): Promise<AskingSession>
}

interface AskingSession extends AsyncDisposable {
  readonly serverStart: unknown
  destroy(): void
  query<Row extends object>(sql: string): Promise<Row[]>
}

/**
 * Until it is disposed, sessions owe us something: `owing` says which one at this moment, none while we keep it waiting.
 * Where nothing moves, and its server is not at work for us, its connection is cut; the tap's `fault` says why.
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
  /** In answers in a row the server waited for us. */
  #vain = 0
  #unreachableSince: number | undefined

  constructor(readonly owing: () => WatchedSession | undefined) {
    this.#session = owing()
    this.#silenceMs = this.#session ? silenceMsOf(this.#session.settings) : usualSilenceMs
    this.#timer = setInterval(() => this.#look(), Math.min(this.#silenceMs / 4, longestTickMs))
    // What is waited for keeps the process, if anything does.
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
      this.#vain = 0
      this.#unreachableSince = undefined
      return
    }
    // After a moment in which nobody could listen, a second look decides.
    if (++this.#silentLooks < 2 || this.#isAsking) return
    const pause = this.#vain > 0 ? this.#silenceMs / 4 : this.#silenceMs
    if (now - this.#askedAt > pause) void this.#ask(session)
  }

  #movedAt(session: WatchedSession): number {
    return Math.max(this.#since, session.tap.movedAt)
  }

  async #ask(session: WatchedSession) {
    this.#isAsking = true
    const movedAt = this.#movedAt(session)
    const standing = await standingOf(session, this.#silenceMs)
    this.#isAsking = false
    this.#askedAt = performance.now()
    if (this.#isOver || this.#session !== session || this.#movedAt(session) !== movedAt) return
    const why = this.#judge(standing, movedAt)
    if (why === undefined) return
    session.tap.cut(new Silence(performance.now() - movedAt, why))
  }

  /** Why there is nothing to wait for, if there is not. */
  #judge(standing: Standing, movedAt: number): string | undefined {
    this.#vain = standing.is === 'waiting' ? this.#vain + 1 : 0
    if (standing.is !== 'unreachable') this.#unreachableSince = undefined
    else this.#unreachableSince ??= movedAt
    if (standing.is === 'gone') return 'the server no longer has this session'
    if (this.#vain > 1) return lostOnTheWay
    const since = this.#unreachableSince ?? Number.POSITIVE_INFINITY
    const isTooLong = performance.now() - since > mostSilencesUnreachable * this.#silenceMs
    return standing.is === 'unreachable' && isTooLong ? standing.why : undefined
  }
}

const lostOnTheWay = 'the server is waiting for pgtrek: the connection was lost, for instance at a firewall'

async function standingOf(session: WatchedSession, patienceMs: number): Promise<Standing> {
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

/** It refuses us, so it is there; one that is starting up has lost what it did for us. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ConnectFailed) || error.sqlstate === sqlstate.cannotConnectNow) return false
  return refusals.has(error.reason)
}

const refusals = new Set<ConnectFailed['reason']>(['limit', 'login', 'database', 'pooler'])
