// One run at a time for each object of a destination: advisory locks in the destination's database, held by one
// session for as long as the run lasts. The server releases them when that session ends, however it ends.
// https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { showName } from '../../shared/table-name.ts'
import { PlanRefused } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { systemUser } from '../postgres/system-user.ts'
import { settledWithin } from '../system/deadline.ts'
import { endPredecessor, identify, type SessionId } from './sessions.ts'

/** "pgru": every run holds the first in shared mode; one that plans holds the second alone. */
const runs = 0x70677275
const present = 0
const planning = 1

/** The server keeps all locks in one table of a fixed size, and needs most of it itself. */
const shareOfLockTable = 8
const heartbeatMs = 5000
const betweenTriesMs = 250
const planningPatienceMs = 60_000
/** A server takes a moment to notice that a process was killed. */
const dyingPatienceMs = 1000
/** Whoever ends does not wait longer for a server that does not answer. */
const farewellPatienceMs = 5000
/** How long a session of ours that has lost its connection may take to end on the server. */
const predecessorPatienceMs = 30_000
const mostNamed = 5

export interface LockedObject {
  /** Empty for what is in no schema. */
  schema: string
  name: string
}

/** Another session that holds what is needed, as far as the role may see it. */
export interface Holder {
  pid: number
  application: string
  user: string | null
  address: string | null
  since: string | null
}

/** Another run works on the same objects, or on the same move. */
export class DestinationBusy extends PlanRefused {
  constructor(
    message: string,
    readonly holders: readonly Holder[],
  ) {
    super(message)
  }
}

interface Lock {
  key: string
  isShared: boolean
  what: string
}

export interface RunLockOptions {
  /** What the session is called in `pg_stat_activity`: a command, or the name of a move. */
  what: string
  signal?: AbortSignal | undefined
  /** The locks are lost, and somebody else has them: the run must stop. */
  onLost: (error: Error) => void
  say: (message: string) => void
}

export class RunLock implements AsyncDisposable {
  #session: Session
  #identity: SessionId
  #locks = new Map<string, Lock>()
  #closed = false
  #isHeld = true
  #isPlanning = false
  /** The server did not answer in time. */
  #isSilent = false
  readonly #beat: ReturnType<typeof setInterval>

  private constructor(
    readonly settings: ConnectionSettings,
    readonly options: RunLockOptions,
    session: Session,
    identity: SessionId,
  ) {
    this.#session = session
    this.#identity = identity
    this.#watch(session)
    this.#beat = setInterval(() => void this.#session.query('select').catch(() => {}), heartbeatMs)
  }

  static async open(settings: ConnectionSettings, options: RunLockOptions): Promise<RunLock> {
    const { session, identity } = await openSession(settings, options)
    return new RunLock(settings, options, session, identity)
  }

  /** False from the loss of the session until its locks are held again. */
  get isHeld(): boolean {
    return this.#isHeld && !this.#closed
  }

  /**
   * Until `endPlanning` no other run begins here. What a plan read of the destination is true as long as no run
   * that was at work then has ended in the meantime: `others` says which are.
   */
  async beginPlanning(signal: AbortSignal): Promise<void> {
    if (this.#isPlanning) return
    signal.throwIfAborted()
    const deadline = performance.now() + planningPatienceMs
    for (let attempt = 0; !(await this.#tryPlanning()); attempt++) {
      signal.throwIfAborted()
      const holders = await this.#holdersOf(
        `classid = ${runs} and objid = ${planning} and objsubid = 2 and mode = 'ExclusiveLock'`,
      )
      const words = `another run is reading this destination to plan its work: ${holders.map(describeHolder).join('; ')}`
      if (performance.now() > deadline) throw new DestinationBusy(`${words}. Nothing was changed`, holders)
      if (attempt === 4) this.options.say(`waiting: ${words}`)
      await Bun.sleep(betweenTriesMs)
    }
    this.#isPlanning = true
  }

  async endPlanning(): Promise<void> {
    if (!this.#isPlanning) return
    this.#isPlanning = false
    await this.#release(`pg_advisory_unlock(${runs}, ${planning})`)
  }

  /** What is under way for a run that has to end ends with it. */
  hurry() {
    const session = this.#session
    void session.cancel().catch(() => session.destroy())
  }

  /** The server's process numbers of the runs that have objects of this database. */
  async others(): Promise<number[]> {
    return (await conflicts(this.#session, [databaseLock(false)])).map(({ pid }) => pid)
  }

  /** All of them, or none: throws `DestinationBusy`. */
  async take(objects: readonly LockedObject[]): Promise<void> {
    await this.#take(this.#session, await locksFor(this.#session, objects), (names, holders) => {
      return new DestinationBusy(
        `${describeSettings(this.settings)}: another run of pgtrek is working on ${names}: ${holders}. ` +
          'Nothing was changed. Wait until it has ended (or use --wait), or stop it first',
        [],
      )
    })
  }

  /** The name of a move, so that no two processes work on it. */
  async takeMove(name: string): Promise<void> {
    await this.#take(this.#session, [moveLock(name)], (_, holders) => {
      return new DestinationBusy(
        `${describeSettings(this.settings)}: the move ${name} is running in another process: ${holders}. ` +
          'Nothing was changed. Stop that process first; --name gives this move another name',
        [],
      )
    })
  }

  /** While it is held, what this run has dropped on the destination is its own to restore. */
  async takeRun(run: string): Promise<void> {
    await this.#take(this.#session, [workLock(run)], (what) => new DestinationBusy(`${what} is in use`, []))
  }

  async endRun(run: string): Promise<void> {
    const { key } = workLock(run)
    if (this.#locks.delete(key)) await this.#release(`pg_advisory_unlock_shared(${key})`)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#beat)
    // The server ends a session a moment after its connection is closed; the next run may be quicker.
    if (!this.#isSilent) await this.#release('pg_advisory_unlock_all()')
    if (this.#isSilent) this.#session.destroy()
    else await this.#session.close()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  /** Where it fails, the lock goes with its session. */
  async #release(lock: string): Promise<void> {
    const answer = this.#session.query(`select pg_catalog.${lock}`)
    if (!(await settledWithin(answer, farewellPatienceMs))) this.#isSilent = true
  }

  async #tryPlanning(): Promise<boolean> {
    const { held } = await this.#session.one<{ held: boolean }>(
      `select pg_catalog.pg_try_advisory_lock(${runs}, ${planning}) as held`,
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
    const deadline = performance.now() + dyingPatienceMs
    let refused = await tryLocks(session, missing)
    while (refused.length > 0 && performance.now() < deadline) {
      await Bun.sleep(betweenTriesMs)
      refused = await tryLocks(session, missing)
    }
    if (refused.length > 0) {
      const holders = await holdersOf(session, refused)
      const error = refusal(
        refused
          .slice(0, mostNamed)
          .map(({ what }) => what)
          .join(', ') + (refused.length > mostNamed ? ` and ${refused.length - mostNamed} more` : ''),
        holders.map(describeHolder).join('; ') || 'it has just ended',
      )
      throw new DestinationBusy(error.message, holders)
    }
    for (const lock of missing) this.#locks.set(lock.key, lock)
  }

  async #holdersOf(condition: string): Promise<Holder[]> {
    return await readHolders(this.#session, condition)
  }

  #watch(session: Session) {
    const lost = () => {
      if (this.#closed || this.#session !== session) return
      this.#isHeld = false
      void this.#again()
    }
    session.tap.once('close', lost)
    if (session.tap.socket.destroyed) lost()
  }

  /** The connection is lost: the locks are taken again as soon as the server can be reached. */
  async #again(): Promise<void> {
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
          this.#closed = true
          clearInterval(this.#beat)
          session.destroy()
          const who = holders.map(describeHolder).join('; ')
          this.options.onLost(
            new DestinationBusy(
              `the connection that held this run's locks was lost, and another run is now working on ${refused[0]?.what}: ${who}`,
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
        await Bun.sleep(betweenTriesMs)
      }
    }
  }
}

async function openSession(
  settings: ConnectionSettings,
  { what, signal }: RunLockOptions,
): Promise<{ session: Session; identity: SessionId }> {
  const session = await Session.open({ ...settings, applicationName: ownWords(what) }, { signal })
  const abandon = () => session.destroy()
  signal?.addEventListener('abort', abandon, { once: true })
  try {
    // A machine that is gone without a trace must not hold its locks for hours.
    await session.execute(`
      set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3;
      select pg_catalog.pg_advisory_lock_shared(${runs}, ${present})`)
    return { session, identity: await identify(session) }
  } catch (error) {
    session.destroy()
    throw error
  } finally {
    signal?.removeEventListener('abort', abandon)
  }
}

/** What other runs, and `pg_stat_activity`, read of us; every role may see it. The server keeps 63 bytes. */
export function ownWords(what: string, at = new Date()): string {
  const tail = ` pid ${process.pid} since ${at.toISOString().slice(0, 16).replace('T', ' ')}Z`
  const head = (who: string) => `${ownMark}${what} ${who}`.replaceAll(/[^\x20-\x7e]/g, '?')
  const whole = head(`${userName()}@${hostname()}`)
  const room = 63 - tail.length
  // The machine is what somebody has to know who looks for the process.
  return (whole.length > room ? head(hostname()).slice(0, room) : whole) + tail
}

/** Sessions whose names begin so hold the locks of a run. */
export const ownMark = 'pgtrek: '

let known: string | undefined
export function userName(): string {
  known ??= systemUser() ?? 'unknown'
  return known
}

export function describeHolder({ pid, application, user, address }: Holder): string {
  const role = [user && `role ${user}`, address && `from ${address}`].filter(Boolean).join(' ')
  return `"${application}" (server process ${pid}${role && `, ${role}`})`
}

/** For a dry run: which runs would refuse this one. */
export async function busyWith(
  session: Session,
  objects: readonly LockedObject[],
): Promise<{ names: string[]; holders: Holder[] }> {
  const locks = await locksFor(session, objects)
  const names: string[] = []
  const holders = new Map<number, Holder>()
  for (const one of await conflicts(session, locks)) {
    names.push(...locks.filter(({ key }) => key === one.key).map(({ what }) => what))
    holders.set(one.pid, one)
  }
  return { names: [...new Set(names)], holders: [...holders.values()] }
}

/** Every run that is active in this database. */
export async function readRuns(session: Session): Promise<Holder[]> {
  return await readHolders(session, `classid = ${runs} and objid = ${present} and objsubid = 2`)
}

/** Those that work on a move of this name, wherever they run. */
export async function processesOf(session: Session, name: string): Promise<Holder[]> {
  return await holdersOf(session, [moveLock(name)])
}

/** For each name whether a process works on a move of this name, in any database of the server. */
export async function movesAtWork(session: Session, names: readonly string[]): Promise<boolean[]> {
  return await areHeld(session, names.map(moveLock))
}

/** Those of these runs that still work in some database of the server. */
export async function runsAtWork(session: Session, runs: readonly string[]): Promise<Set<string>> {
  const held = await areHeld(session, runs.map(workLock))
  return new Set(runs.filter((_, index) => held[index]))
}

async function areHeld(session: Session, locks: readonly Lock[]): Promise<boolean[]> {
  if (locks.length === 0) return []
  const rows = await session.query<{ key: string }>(`
    select distinct key::text as key
      from ${arrays(locks)} as wanted(key, shared)
      join pg_catalog.pg_locks l
        on l.locktype = 'advisory' and l.objsubid = 1 and l.granted
       and (l.classid::int8 << 32) | l.objid::int8 = wanted.key`)
  const held = new Set(rows.map(({ key }) => key))
  return locks.map(({ key }) => held.has(key))
}

/** A lock for each object; where these are too many, for each schema; where these are, for the database. */
async function locksFor(session: Session, objects: readonly LockedObject[]): Promise<Lock[]> {
  const { most } = await session.one<{ most: number }>(`
    select (current_setting('max_locks_per_transaction')::int
         * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int)
         / ${shareOfLockTable})::int as most`)
  const schemas = [...new Set(objects.map(({ schema }) => schema))]
  const ofSchema = (isShared: boolean) => (schema: string) =>
    lockOf(['schema', schema], schema === '' ? 'the database' : `schema ${schema}`, isShared)
  if (schemas.length + 1 > most) return [databaseLock(false)]
  if (schemas.length + objects.length + 1 > most) return [databaseLock(true), ...schemas.map(ofSchema(false))]
  return [
    databaseLock(true),
    ...schemas.map(ofSchema(true)),
    ...objects.map((one) =>
      lockOf(['object', one.schema, one.name], one.schema === '' ? one.name : showName(one), false),
    ),
  ]
}

/** Shared by all that have objects of the database; alone where one has too many to name them. */
const databaseLock = (isShared: boolean): Lock => lockOf(['database'], 'the database', isShared)
const moveLock = (name: string): Lock => lockOf(['move', name], `the move ${name}`, false)
/** Of one run: it excludes nobody. */
const workLock = (run: string): Lock => lockOf(['run', run], `run ${run}`, true)

function lockOf(path: readonly string[], what: string, isShared: boolean): Lock {
  const digest = createHash('sha256')
    .update(JSON.stringify(['pgtrek', ...path]))
    .digest()
  return { key: digest.readBigInt64BE().toString(), isShared, what }
}

/** In one order, and without waiting: two runs never wait for each other. Those that were not free. */
async function tryLocks(session: Session, locks: readonly Lock[]): Promise<Lock[]> {
  if (locks.length === 0) return []
  const inOrder = locks.toSorted((one, other) => (BigInt(one.key) < BigInt(other.key) ? -1 : 1))
  const rows = await session.query<{ key: string; held: boolean }>(`
    select key::text as key,
           case when shared then pg_catalog.pg_try_advisory_lock_shared(key)
                else pg_catalog.pg_try_advisory_lock(key) end as held
      from ${arrays(inOrder)} as wanted(key, shared)`)
  const held = new Set(rows.filter((row) => row.held).map(({ key }) => key))
  const refused = inOrder.filter(({ key }) => !held.has(key))
  if (refused.length === 0) return []
  await session.query(`
    select case when shared then pg_catalog.pg_advisory_unlock_shared(key)
                else pg_catalog.pg_advisory_unlock(key) end
      from ${arrays(inOrder.filter(({ key }) => held.has(key)))} as taken(key, shared)`)
  return refused
}

function arrays(locks: readonly Lock[]): string {
  const keys = locks.map(({ key }) => key).join(',')
  const modes = locks.map(({ isShared }) => isShared).join(',')
  return `rows from (pg_catalog.unnest('{${keys}}'::pg_catalog.int8[]), pg_catalog.unnest('{${modes}}'::pg_catalog.bool[]))`
}

async function holdersOf(session: Session, locks: readonly Lock[]): Promise<Holder[]> {
  const byPid = new Map((await conflicts(session, locks)).map((one) => [one.pid, one]))
  return [...byPid.values()]
}

async function conflicts(session: Session, locks: readonly Lock[]): Promise<(Holder & { key: string })[]> {
  if (locks.length === 0) return []
  return await session.query<Holder & { key: string }>(`
    select wanted.key::text as key, ${holderColumns}
      from ${arrays(locks)} as wanted(key, shared)
      join pg_catalog.pg_locks l
        on ${inThisDatabase} and l.objsubid = 1 and l.granted
       and (l.classid::int8 << 32) | l.objid::int8 = wanted.key
       and (l.mode = 'ExclusiveLock' or not wanted.shared)
      left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.pid <> pg_catalog.pg_backend_pid()
     order by l.pid`)
}

async function readHolders(session: Session, condition: string): Promise<Holder[]> {
  return await session.query<Holder>(`
    select ${holderColumns}
      from pg_catalog.pg_locks l
      left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where ${inThisDatabase} and ${condition} and l.granted and l.pid <> pg_catalog.pg_backend_pid()
     order by l.pid`)
}

const inThisDatabase = `locktype = 'advisory'
  and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`

const holderColumns = `l.pid, coalesce(nullif(a.application_name, ''), 'unknown') as application, a.usename as "user",
  pg_catalog.host(a.client_addr) as address, a.backend_start::text as since`

export function describeBusy({ names, holders }: Awaited<ReturnType<typeof busyWith>>): string {
  const named = names.slice(0, mostNamed).join(', ')
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ''
  return `another run of pgtrek is working on ${named}${more}: ${holders.map(describeHolder).join('; ')}`
}
