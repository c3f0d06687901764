// One run at a time for each object of a destination: advisory locks in the destination's database, held by one session
// for as long as the run lasts. The server releases them when that session ends for any reason.
import { PlanRefused } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { pauseUnlessAborted, settledWithin } from '../system/deadline.ts'
import { pollUntil } from '../system/poll.ts'
import {
  activityLock,
  databaseLock,
  type Lock,
  type LockedObject,
  locksFor,
  moveLock,
  planningLock,
  presenceLock,
  runClass,
  tryLocks,
} from './advisory-locks.ts'
import { conflicts, describeHolders, type Holder, holdersOf, listNames, readHolders } from './lock-holders.ts'
import { sessionNameFor } from './session-name.ts'
import { endPredecessor, identify, type SessionId } from './sessions.ts'

const heartbeatMs = 5000
const betweenTriesMs = 250
const planningPatienceMs = 60_000
/** A server needs a moment to notice that a process was killed. */
const dyingPatienceMs = 1000
/** The end of a run does not wait longer for a server that does not answer. */
const farewellPatienceMs = 5000
/** How long a session of ours that has lost its connection may take to end on the server. */
const predecessorPatienceMs = 30_000

/** Another run works on the same objects, or on the same move. */
export class DestinationBusy extends PlanRefused {
  constructor(
    message: string,
    readonly holders: readonly Holder[],
  ) {
    super(message)
  }
}

export interface RunLockOptions {
  /** For the name of the session: a command, or the name of a move. */
  what: string
  signal?: AbortSignal | undefined
  /** The locks are lost and another run has taken them: this run must stop. */
  onLost: (error: Error) => void
  say: (message: string) => void
}

export class RunLock implements AsyncDisposable {
  #session: Session
  #identity: SessionId
  #locks = new Map<string, Lock>()
  readonly #closing = new AbortController()
  #isHeld = true
  #isPlanning = false
  /** The server did not answer in time. */
  #isSilent = false
  readonly #heartbeat: ReturnType<typeof setInterval>

  private constructor(
    readonly settings: ConnectionSettings,
    readonly options: RunLockOptions,
    session: Session,
    identity: SessionId,
  ) {
    this.#session = session
    this.#identity = identity
    this.#watch(session)
    this.#heartbeat = setInterval(() => void this.#session.query('select').catch(() => {}), heartbeatMs)
  }

  static async open(settings: ConnectionSettings, options: RunLockOptions): Promise<RunLock> {
    const { session, identity } = await openSession(settings, options)
    return new RunLock(settings, options, session, identity)
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** False from the loss of the session until its locks are held again. */
  get isHeld(): boolean {
    return this.#isHeld && !this.#closed
  }

  /**
   * Until `endPlanning` no other run starts here. What a plan has read of the destination stays true as long as no run
   * that was active then has ended in the meantime: compare `others`.
   */
  async beginPlanning(signal: AbortSignal): Promise<void> {
    if (this.#isPlanning) return
    signal.throwIfAborted()
    const deadline = performance.now() + planningPatienceMs
    for (let attempt = 0; !(await this.#tryPlanning()); attempt++) {
      signal.throwIfAborted()
      const holders = await readHolders(
        this.#session,
        `classid = ${runClass} and objid = ${planningLock} and objsubid = 2 and mode = 'ExclusiveLock'`,
      )
      const words = `another run is reading this destination to plan its work: ${describeHolders(holders)}`
      if (performance.now() > deadline) throw new DestinationBusy(`${words}. Nothing was changed`, holders)
      if (attempt === 4) this.options.say(`waiting: ${words}`)
      await pauseUnlessAborted(betweenTriesMs, signal)
    }
    this.#isPlanning = true
  }

  async endPlanning(): Promise<void> {
    if (!this.#isPlanning) return
    this.#isPlanning = false
    await this.#release(`pg_advisory_unlock(${runClass}, ${planningLock})`)
  }

  /** Ends the statement that is running, for a run that was cancelled. */
  cancelStatement() {
    const session = this.#session
    void session.cancel().catch(() => session.destroy())
  }

  /** The server processes of the other runs that have locked objects of this database. */
  async others(): Promise<number[]> {
    return (await conflicts(this.#session, [databaseLock(false)])).map(({ pid }) => pid)
  }

  /** Locks all objects, or none and throws `DestinationBusy`. */
  async take(objects: readonly LockedObject[]): Promise<void> {
    await this.#take(this.#session, await locksFor(this.#session, objects), (names, holders) => {
      return new DestinationBusy(
        `${describeSettings(this.settings)}: another run of pgtrek is working on ${names}: ${holders}. ` +
          'Nothing was changed. Wait until it has ended (or use --wait), or stop it first',
        [],
      )
    })
  }

  /** Locks the name of a move, so that no two processes work on it. */
  async takeMove(name: string): Promise<void> {
    await this.#take(this.#session, [moveLock(name)], (_, holders) => {
      return new DestinationBusy(
        `${describeSettings(this.settings)}: the move ${name} is running in another process: ${holders}. ` +
          'Nothing was changed. Stop that process first; --name gives this move another name',
        [],
      )
    })
  }

  /** While this lock is held, other runs do not restore what this run has suspended on the destination. */
  async takeRun(run: string): Promise<void> {
    await this.#take(
      this.#session,
      [activityLock(run)],
      (what) => new DestinationBusy(`${what} is in use`, []),
    )
  }

  async endRun(run: string): Promise<void> {
    const { key } = activityLock(run)
    if (this.#locks.delete(key)) await this.#release(`pg_advisory_unlock_shared(${key})`)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closing.abort()
    clearInterval(this.#heartbeat)
    // The server ends a session a moment after its connection is closed; the next run may start before that.
    if (!this.#isSilent) await this.#release('pg_advisory_unlock_all()')
    if (this.#isSilent) this.#session.destroy()
    else await this.#session.close()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  /** If it fails, the server releases the lock at the end of the session. */
  async #release(lock: string): Promise<void> {
    const answer = this.#session.query(`select pg_catalog.${lock}`)
    if (!(await settledWithin(answer, farewellPatienceMs))) this.#isSilent = true
  }

  async #tryPlanning(): Promise<boolean> {
    const { held } = await this.#session.one<{ held: boolean }>(
      `select pg_catalog.pg_try_advisory_lock(${runClass}, ${planningLock}) as held`,
    )
    return held
  }

  async #take(
    session: Session,
    wanted: readonly Lock[],
    refusal: (names: string, holders: string) => DestinationBusy,
  ): Promise<void> {
    const missing = wanted.filter(({ key, isShared }) => {
      const held = this.#locks.get(key)
      return !held || (held.isShared && !isShared)
    })
    const refused = await pollUntil(
      () => tryLocks(session, missing),
      (locks) => locks.length === 0,
      { everyMs: betweenTriesMs, withinMs: dyingPatienceMs },
    )
    if (refused.length > 0) {
      const holders = await holdersOf(session, refused)
      const error = refusal(
        listNames(refused.map(({ what }) => what)),
        describeHolders(holders) || 'it has just ended',
      )
      throw new DestinationBusy(error.message, holders)
    }
    for (const lock of missing) this.#locks.set(lock.key, lock)
  }

  #watch(session: Session) {
    const lost = () => {
      if (this.#closed || this.#session !== session) return
      this.#isHeld = false
      void this.#reconnect()
    }
    session.tap.once('close', lost)
    if (session.tap.socket.destroyed) lost()
  }

  /** After a lost connection: takes the locks again as soon as the server can be reached. */
  async #reconnect(): Promise<void> {
    let deadline: number | undefined
    while (!this.#closed) {
      let session: Session | undefined
      try {
        const opened = await openSession(this.settings, this.options)
        session = opened.session
        deadline ??= performance.now() + predecessorPatienceMs
        await endPredecessor(session, this.#identity)
        const locks = [...this.#locks.values()]
        const refused = await tryLocks(session, locks)
        if (refused.length > 0) {
          const holders = await holdersOf(session, refused)
          const isOurs = holders.every(({ pid }) => pid === this.#identity.pid)
          if (isOurs && performance.now() < deadline) throw new Error('the session before has not ended yet')
          this.#closing.abort()
          clearInterval(this.#heartbeat)
          session.destroy()
          this.options.onLost(
            new DestinationBusy(
              `the connection that held this run's locks was lost, and another run is now working on ${refused[0]?.what}: ${describeHolders(holders)}`,
              holders,
            ),
          )
          return
        }
        this.#identity = opened.identity
        if (this.#closed) return session.destroy()
        this.#session = session
        this.#isHeld = true
        this.#watch(session)
        return
      } catch {
        session?.destroy()
        await pauseUnlessAborted(betweenTriesMs, this.#closing.signal)
      }
    }
  }
}

async function openSession(
  settings: ConnectionSettings,
  { what, signal }: RunLockOptions,
): Promise<{ session: Session; identity: SessionId }> {
  const session = await Session.open({ ...settings, applicationName: sessionNameFor(what) }, { signal })
  const abandon = () => session.destroy()
  signal?.addEventListener('abort', abandon, { once: true })
  try {
    // Without keepalives the server would keep the locks of a machine that has disappeared for hours.
    await session.execute(`
      set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3;
      select pg_catalog.pg_advisory_lock_shared(${runClass}, ${presenceLock})`)
    return { session, identity: await identify(session) }
  } catch (error) {
    session.destroy()
    throw error
  } finally {
    signal?.removeEventListener('abort', abandon)
  }
}
