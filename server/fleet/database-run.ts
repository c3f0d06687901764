// One database of a fleet: made, copied, followed, switched over, marked complete. It can be begun in any
// state that an earlier process has left, and tries again what may pass. All of its attempts are made one after
// another by `work`: no two runs of one database are ever there at a time.

import { describeObject } from '../../shared/describe.ts'
import type { FleetConfig, FleetDatabase, FleetMapping } from '../../shared/fleet.ts'
import { ProgressFold } from '../../shared/fold.ts'
import { lateLines } from '../../shared/follow-health.ts'
import { defaultFollowOptions } from '../../shared/follow-options.ts'
import type { FollowAction, FollowAnswer, FollowView } from '../../shared/follow-view.ts'
import { defaultOptions, everything, type MigrationOptions } from '../../shared/request.ts'
import { showName, type TableName } from '../../shared/table-name.ts'
import { compareData } from '../compare/data.ts'
import { DestinationBusy, describeHolder, processesOf } from '../coordination/run-lock.ts'
import { cleanUpFollow, lockMove } from '../follow/cleanup.ts'
import { FollowRun } from '../follow/follow-run.ts'
import { describeMove, type MoveFacts, readMoveFacts, stateOf } from '../follow/move-state.ts'
import { followName, linkNames } from '../follow/names.ts'
import type { FollowServices } from '../follow/request.ts'
import { HandOverUnknown } from '../follow/switchover/hand-over.ts'
import { migrate } from '../migrate/migrate.ts'
import { errorInfo, PgtrekError, PlanRefused, SnapshotLost } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings, serverName } from '../postgres/settings.ts'
import type { JobQueue } from '../queue/queue.ts'
import { copiersOn } from '../queue/queued-copies.ts'
import { mayPass } from '../replication/apply/recovery.ts'
import { MoveTaken } from '../store/follow-memory.ts'
import { FollowStore } from '../store/follows.ts'
import { NoMemory } from '../store/run-memory.ts'
import { StateDatabase } from '../store/state-database.ts'
import {
  type DatabaseEvent,
  type DatabaseState,
  type Failure,
  flowsBack,
  mayComplete,
  next,
  shownState,
} from './database-state.ts'
import {
  type Arrival,
  createDatabase,
  dropArrival,
  type InstanceDatabase,
  markArrival,
  missingExtensions,
  ofDatabase,
  readArrival,
  readMarkedMove,
} from './instance.ts'
import { transferAlone } from './limits.ts'

export interface MoveServices {
  config: FleetConfig
  mapping: FleetMapping
  instances: { source: ConnectionSettings; destination: ConnectionSettings }
  /** Forgets with the process, or does not. */
  store: FollowStore | undefined
  /** Where workers take its rows from; without it they are copied here. */
  queue: JobQueue | undefined
  signal: AbortSignal
  say: (level: 'info' | 'warn' | 'error', message: string, database: string) => void
  onChange: () => void
}

/** So many at a time. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

const firstRestMs = 2_000
/** Another process may end at any moment, and asking for that is cheap. */
const longestRestMs = { passing: 300_000, busy: 30_000 }

/** Nothing of the move of this database is left on the servers. */
class MoveEnded extends PlanRefused {}

export class DatabaseMove {
  attempts = 0
  #state: DatabaseState = { at: 'waiting' }
  /** Without a success in between. */
  #failures = 0
  #fold = new ProgressFold()
  #run: FollowRun | undefined
  #counted: { difference: number; at: number } | undefined
  /** Ends the pause before the next attempt. */
  #woken = Promise.withResolvers<void>()
  /** A run that somebody has ended in order to begin it again, or to mark the database complete. */
  #ended: FollowRun | undefined
  /** Marks it complete: until that is done nothing is begun. */
  #completing: Promise<void> | undefined
  #working: Promise<void> | undefined
  #stop = new AbortController()
  /** The number of the move that this process has begun. */
  #move: string | undefined
  readonly #store: FollowStore

  constructor(
    readonly database: InstanceDatabase,
    readonly services: MoveServices,
  ) {
    this.#store = services.store ?? new FollowStore(StateDatabase.inMemory())
    services.signal.addEventListener('abort', () => this.#stop.abort(), { once: true })
  }

  get name(): string {
    return this.database.name
  }

  /** Until the fleet is stopped. `inTurn` is held while rows are copied, never while it waits or follows. */
  work(inTurn: InTurn): Promise<void> {
    this.#working ??= this.#work(inTurn)
    return this.#working
  }

  /** Nothing more becomes of it unless somebody asks for it. */
  get isSettled(): boolean {
    const { at } = this.#state
    return ['copied', 'switched', 'returned', 'complete', 'problem'].includes(at)
  }

  view(): FleetDatabase {
    const now = Date.now()
    const follow = this.#run?.view()
    const copy = this.#fold.overview(now)
    const stream = follow?.streams.find(({ direction }) => direction === follow.direction)
    const failed = follow?.failed_tables ?? copy.failedTables
    const isFollowed = this.#state.at === 'following'
    return {
      name: this.name,
      state: shownState(this.#state, follow),
      ...(this.#run && { follow: this.#run.name }),
      ...this.#engineOf(follow),
      tables: copy.table_count || (follow?.tables ?? 0),
      tables_done: copy.table_count ? copy.settled_tables : (follow?.tables ?? 0),
      failed_tables: failed.map(({ schema, name, error }) => ({ schema, name, error })),
      rows: copy.migrated_rows,
      bytes: copy.migrated_bytes,
      total_bytes: copy.total_bytes || this.database.bytes,
      bytes_per_second: copy.bytes_per_second,
      rows_per_second: stream?.status.rowsPerSecond ?? copy.rows_per_second,
      lag_bytes: stream?.status.lagBytes ?? 0,
      lag_seconds: (stream?.status.lagMilliseconds ?? 0) / 1000,
      ...(this.#counted && { row_difference: this.#counted.difference, counted_at: this.#counted.at }),
      ...(isFollowed && follow && { ready: follow.ready }),
      ...(follow?.switchover && { switchover: follow.switchover }),
      ...(flowsBack(this.#state, follow) && { flows_back: true }),
      attempts: this.attempts,
      ...this.#shownWorkers(now),
      ...this.#shownWaiting(),
      ...this.#shownError(follow),
    }
  }

  get follow(): FollowView | undefined {
    return this.#run?.view()
  }

  /** It can be followed back, or forward: whether now is a good moment its run decides. */
  canSwitch({ back }: { back: boolean }): boolean {
    const follow = this.follow
    if (back) return flowsBack(this.#state, follow)
    return ['ready', 'synced', 'catchup'].includes(shownState(this.#state, follow)) && follow !== undefined
  }

  get mayComplete(): boolean {
    return mayComplete(this.#state, this.follow)
  }

  async act(action: FollowAction): Promise<FollowAnswer> {
    return (await this.#run?.act(action)) ?? { ok: false, message: `${this.name} is not followed` }
  }

  /** Also one whose rows are not copied yet: then nothing is begun until it is resumed. */
  async pause(): Promise<FollowAnswer> {
    if (this.#state.at === 'following') return await this.act({ type: 'pause' })
    return this.#enter({ type: 'paused' })
      ? { ok: true, message: 'pausing' }
      : { ok: false, message: `${this.name} is ${this.view().state}: it cannot be paused now` }
  }

  async resume(): Promise<FollowAnswer> {
    if (!this.#enter({ type: 'resumed' })) return await this.act({ type: 'resume' })
    this.#woken.resolve()
    return { ok: true, message: 'resuming' }
  }

  /** At once; a run that is there ends before the next one begins. */
  async retry(): Promise<FollowAnswer> {
    if (this.#state.at === 'following') return await this.#retryFollowing()
    if (!this.#enter({ type: 'asked' })) {
      return {
        ok: false,
        message: `${this.name} is ${this.view().state}: there is nothing to be tried again`,
      }
    }
    this.#woken.resolve()
    return { ok: true, message: 'trying again' }
  }

  /**
   * Slots, publications, positions: what was made on the way. The rows stay, and a mark that says that it is complete:
   * for a later process the database would be one that is not empty.
   */
  async complete({ discardLateWrites }: { discardLateWrites: boolean }): Promise<string[]> {
    const isFollowed = this.#state.at === 'following'
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#completing = promise
    try {
      await this.#endRun()
      const { dropped, remarks } = await cleanUpFollow(this.#ends, this.#store, {
        ...{ writable: false, discardLateWrites },
      })
      for (const line of remarks) this.#say('warn', line)
      const { missing } = await readMarkedMove(this.#ends.destination)
      await markArrival(this.#ends.destination, 'complete', { missing })
      this.#enter({ type: 'completed' })
      return [...(dropped.length > 0 ? [`dropped ${dropped.join(', ')}`] : []), ...remarks]
    } catch (error) {
      // It goes on as before.
      if (isFollowed) this.#enter({ type: 'asked' })
      throw error
    } finally {
      this.#completing = undefined
      if (isFollowed) this.#woken.resolve()
      resolve()
    }
  }

  /** Rows of the source minus those of the destination. */
  async count(): Promise<void> {
    const { tables } = await compareData({
      source: this.#ends.source,
      destination: this.#ends.destination,
      fast: true,
      sequences: false,
      largeObjects: false,
      signal: this.#stop.signal,
    })
    const unknown = tables.find(({ status }) => status === 'unknown')
    if (unknown) throw new PgtrekError(`${showName(unknown)}: ${unknown.error?.message}`)
    const missing = tables.filter(({ status }) => status === 'missing')
    const missingRows = await countRowsOf(this.#ends.source, missing)
    const rows = (side: 'source' | 'destination') =>
      tables.reduce((sum, table) => sum + Number(table[side]?.rows ?? 0), 0)
    this.#counted = { difference: rows('source') + missingRows - rows('destination'), at: Date.now() }
    this.services.onChange()
  }

  async end(): Promise<void> {
    this.#stop.abort()
    await this.#working
  }

  async #work(inTurn: InTurn) {
    while (!this.#stop.signal.aborted) {
      this.#woken = Promise.withResolvers()
      await this.#completing
      if (!this.isSettled && this.#state.at !== 'paused') await this.#attempt(inTurn)
      await this.#rest()
    }
  }

  async #attempt(inTurn: InTurn) {
    try {
      const run = await inTurn(() => this.#begin())
      if (run) await this.#outlive(run)
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(error)
    }
  }

  /** Until it is time for the next attempt, or somebody asks for it. */
  async #rest() {
    const { signal } = this.#stop
    const retryAt = 'retryAt' in this.#state ? this.#state.retryAt : undefined
    const over = Promise.withResolvers<void>()
    const end = () => over.resolve()
    const timer = retryAt === undefined ? undefined : setTimeout(end, Math.max(0, retryAt - Date.now()))
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    await Promise.race([this.#woken.promise, over.promise])
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }

  async #retryFollowing(): Promise<FollowAnswer> {
    const { state, stage, failed_tables: failed } = this.follow ?? {}
    if (state === 'waiting') {
      await this.#endRun()
      this.#enter({ type: 'asked' })
      this.#woken.resolve()
      return { ok: true, message: 'trying again' }
    }
    // The run refuses a retry when there is no conflict either.
    const isRecopy = state !== 'conflict' && stage !== 'done' && failed !== undefined && failed.length > 0
    return await this.act(isRecopy ? { type: 'recopy', tables: [] } : { type: 'retry' })
  }

  /** Of this process, if it has one. */
  async #endRun() {
    const run = this.#run
    if (!run?.isRunning) return
    this.#ended = run
    await run.act({ type: 'stop' })
    await run.done
  }

  /** Returns the run that follows once its rows are there; without one nothing is left to be done. */
  async #begin(): Promise<FollowRun | undefined> {
    // It was stopped, or paused, while it waited for its turn.
    if (this.#stop.signal.aborted || this.#state.at === 'paused') return undefined
    this.attempts++
    this.#run = undefined
    this.#enter({ type: 'tried' })
    const { mapping, instances } = this.services
    await using instance = await Session.open(instances.destination, { signal: this.#stop.signal })
    if ((await readArrival(this.#ends.destination, instance)) === 'missing') await this.#make(instance)
    // From here on no other fleet works on this database; what it has done until now is read anew.
    await using _ = await lockMove(this.#ends.destination, `fleet ${this.followName}`)
    await this.#refuseOthers()
    if (!this.#enter({ type: 'begun' })) return undefined
    const arrival = await readArrival(this.#ends.destination, instance)
    switch (arrival) {
      case 'complete':
        this.#enter({ type: 'completed' })
        return undefined
      case 'switched':
      case 'returned':
        this.#enter({ type: arrival })
        return undefined
      case 'copied':
        return mapping.follow ? await this.#goOn() : await this.#comeBack()
      case 'occupied':
        throw new PlanRefused(
          `${describeSettings(this.#ends.destination)} exists and is not empty: nothing of it was touched. Empty it, rename it, or exclude ${this.name} from the mapping ${mapping.name}`,
        )
    }
    if (arrival === 'copying' && mapping.follow && (await this.#isCopied())) return await this.#goOn()
    await this.#refuseMissingExtensions(instance)
    return await this.#copyAnew(arrival)
  }

  async #make(instance: Session) {
    await this.#refuseMissingExtensions(instance)
    await createDatabase(instance, this.database)
  }

  /** A fleet that follows it already, or a command. */
  async #refuseOthers() {
    await using session = await Session.open(this.#ends.destination, { signal: this.#stop.signal })
    const holders = await processesOf(session, this.followName)
    if (holders.length === 0) return
    throw new DestinationBusy(
      `${this.name} is at work in another process: ${holders.map(describeHolder).join('; ')}`,
      holders,
    )
  }

  /** What an earlier process has left half done is ours, and goes. */
  async #copyAnew(arrival: Arrival): Promise<FollowRun | undefined> {
    const { mapping, config } = this.services
    if (arrival === 'copying') {
      this.#say('warn', 'an earlier process was broken off while it copied: copied anew')
      // Nobody has asked for it: only what that process has made.
      const { move } = await readMarkedMove(this.#ends.destination)
      await cleanUpFollow(this.#ends, this.#store, { writable: false, onlyOf: move ?? '' })
    }
    this.#move = crypto.randomUUID()
    await markArrival(this.#ends.destination, 'copying', { move: this.#move })
    const options: MigrationOptions = {
      ...defaultOptions,
      ...transferAlone(config, mapping),
      ...mapping.options,
      ...(arrival === 'copying' && { existingTableMode: 'drop' as const }),
    }
    this.#fold = new ProgressFold()
    this.#enter({ type: 'schema' })
    try {
      if (!mapping.follow) return await this.#copyOnce(options)
      const run = await this.#arrive((services) =>
        FollowRun.clone(
          { ...this.#ends, ...this.#request(options), runMemory: new NoMemory(), move: this.#move },
          services,
        ),
      )
      await markArrival(this.#ends.destination, 'copied', { move: this.#move })
      return run
    } catch (error) {
      // Nothing was written: once it is mended it begins as if for the first time.
      if (error instanceof PlanRefused && arrival !== 'copying') await dropArrival(this.#ends.destination)
      throw error
    }
  }

  async #copyOnce(options: MigrationOptions): Promise<undefined> {
    const result = await migrate({
      ...this.#request(options),
      memory: new NoMemory(),
      signal: this.#stop.signal,
    })
    if (result.error !== undefined) throw result.error
    const missing = this.#shortfall()
    await markArrival(this.#ends.destination, 'copied', { move: this.#move, missing })
    this.#finishCopy(missing)
  }

  /** Copied once, by an earlier process, which has written down what it could not bring. */
  async #comeBack(): Promise<undefined> {
    this.#finishCopy((await readMarkedMove(this.#ends.destination)).missing)
  }

  #finishCopy(missing: string | undefined) {
    this.#enter({ type: 'copied', missing })
    if (missing !== undefined) this.#say('error', missing)
  }

  #shortfall(): string | undefined {
    const { failed } = this.#fold.overview(Date.now())
    const [first] = failed
    if (!first) return undefined
    const more = failed.length > 1 ? `, and ${failed.length - 1} more` : ''
    return (
      `${describeObject(first.kind, first)} could not be copied: ${first.error.replace(/\.$/, '')}${more}. ` +
      'To copy the database anew, drop it on the destination and try again'
    )
  }

  /** Whatever uses them would be missing. */
  async #refuseMissingExtensions(instance: Session) {
    const { options } = this.services.mapping
    const skipped = options.skipExtensions ?? []
    const missing = await missingExtensions(this.#ends.source, instance, skipped)
    if (missing.length === 0) return
    throw new PlanRefused(
      `${this.name} uses ${missing.length === 1 ? 'the extension' : 'the extensions'} ${missing.join(', ')}, not available on ` +
        `${serverName(instance.settings)}: install the packages there, or leave them out with skip_extensions. Nothing was changed`,
    )
  }

  /** As far as the servers say that it has come; they know also what other commands have done meanwhile. */
  async #goOn(): Promise<FollowRun | undefined> {
    const facts = await this.#facts()
    const state = stateOf(facts)
    switch (state) {
      case 'following':
      case 'both_ways':
      case 'switching':
      case 'flowing_back':
      case 'returning':
        return await this.#arrive((services) => FollowRun.continue(this.#ends, services))
      case 'switched_over':
        return await this.#handedOver('switched')
      case 'returned':
        return await this.#handedOver('returned')
      case 'none':
      case 'read_only':
        throw new MoveEnded(
          `the rows of ${this.name} were copied, and nothing follows them any more: slot and publication were cleaned up. ` +
            'If its application uses the destination, mark it complete; to copy it anew, drop the database of the destination and try again',
        )
      case 'copying':
      case 'remains': {
        const { words, next: ways } = describeMove(facts, this.#ends)
        throw new PlanRefused(`${words}. ${ways.join('; ')}`)
      }
    }
  }

  /** Also when it was killed between the copy and the mark `copied`. */
  async #isCopied(): Promise<boolean> {
    const { move } = await readMarkedMove(this.#ends.destination)
    const facts = await this.#facts()
    return stateOf(facts) === 'following' && move !== undefined && facts.forward.mark?.move === move
  }

  async #facts(): Promise<MoveFacts> {
    const { signal } = this.#stop
    await using source = await Session.open(this.#ends.source, { signal })
    await using destination = await Session.open(this.#ends.destination, { signal })
    const name = this.followName
    const links = { forward: linkNames(name, 'forward'), back: linkNames(name, 'back') }
    return await readMoveFacts(source, destination, name, links)
  }

  async #handedOver(how: 'switched' | 'returned'): Promise<undefined> {
    await markArrival(this.#ends.destination, how)
    this.#enter({ type: how })
  }

  /** Resolves when rows are there, and changes flow or wait for a server. */
  async #arrive(begin: (services: FollowServices) => FollowRun): Promise<FollowRun> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = begin({
      memory: this.#store,
      signal: this.#stop.signal,
      onView: (view) => {
        if (hasArrived(view)) resolve()
        if (view.stage === 'streaming' && view.state === 'running') this.#failures = 0
        this.services.onChange()
      },
    })
    this.#run = run
    await Promise.race([promise, run.done])
    if (!run.isRunning && !hasArrived(run.view())) {
      this.#run = undefined
      const { error } = await run.done
      throw error ?? new PgtrekError('it was stopped before its rows were copied')
    }
    return run
  }

  /** What comes after the copy needs nobody's turn. */
  async #outlive(run: FollowRun) {
    this.#enter({ type: 'followed' })
    const { status, error } = await run.done
    if (this.#stop.signal.aborted || this.#ended === run) return
    if (status === 'failed') throw error
    if (status !== 'switched_over') throw new PgtrekError('another command has stopped following')
    const how = run.view().switchover?.options.back ? 'returned' : 'switched'
    this.#enter({ type: how })
    // Whoever comes next finds it out from the servers in any case.
    await markArrival(this.#ends.destination, how).catch((failure) =>
      this.#say('warn', `the mark "${how}" could not be written: ${errorInfo(failure).message}`),
    )
  }

  get #ends() {
    const { instances, config } = this.services
    const { readyLagBytes, readyLagSeconds, readyForSeconds } = config
    return {
      source: ofDatabase(instances.source, this.name),
      destination: ofDatabase(instances.destination, this.name),
      follow: {
        ...defaultFollowOptions,
        engine: this.services.mapping.engine,
        readyLagBytes,
        readyLagSeconds,
        readyForSeconds,
      },
    }
  }

  get followName(): string {
    return followName(this.#ends)
  }

  get #copiers() {
    const { queue, mapping } = this.services
    const { name } = this
    return (
      queue && copiersOn(queue, { mapping: mapping.name, sourceDatabase: name, destinationDatabase: name })
    )
  }

  #request(options: MigrationOptions) {
    return {
      source: this.#ends.source,
      destination: this.#ends.destination,
      run: crypto.randomUUID().slice(0, 8),
      selection: everything,
      tables: [],
      hooks: [],
      options,
      copiers: this.#copiers,
      // What is there is what an earlier attempt of ours has made.
      confirm: () => true,
      onEvent: (event: Parameters<ProgressFold['apply']>[0]) => {
        this.#fold.apply(event)
        if (event.type === 'warning') this.#say('warn', event.message)
        if (event.type === 'step_started' && event.step.kind === 'ROWS') this.#enter({ type: 'rows' })
        this.services.onChange()
      },
    }
  }

  #engineOf(follow: FollowView | undefined): Pick<FleetDatabase, 'engine' | 'engine_reason'> {
    const { engine } = this.services.mapping
    const reason = engine === 'native' && follow?.warnings.find((one) => one.includes("pgtrek's own stream"))
    return reason ? { engine: 'pgtrek', engine_reason: reason } : { engine }
  }

  #shownWorkers(now: number): Pick<FleetDatabase, 'worker'> {
    const names = this.#fold.runningTables(now).flatMap(({ worker }) => worker?.split(', ') ?? [])
    return names.length > 0 ? { worker: [...new Set(names)].join(', ') } : {}
  }

  #shownWaiting(): Pick<FleetDatabase, 'retry_at' | 'at_work'> {
    const state = this.#state
    return {
      ...('retryAt' in state && state.retryAt !== undefined && { retry_at: state.retryAt }),
      ...(state.at === 'elsewhere' && { at_work: errorInfo(state.error).message }),
    }
  }

  #shownError(follow: FollowView | undefined): Pick<FleetDatabase, 'error'> {
    const state = this.#state
    if (state.at === 'problem' || state.at === 'retrying') return { error: errorInfo(state.error) }
    if (state.at === 'copied' && state.missing !== undefined) return { error: { message: state.missing } }
    if (!follow) return {}
    const [late] = lateLines(follow)
    if (late !== undefined) return { error: { message: late } }
    if (state.at !== 'following') return {}
    const [table] = follow.failed_tables
    if (table) return { error: { message: `${table.schema}.${table.name}: ${table.error}` } }
    const isTrouble = ['conflict', 'waiting', 'failed'].includes(follow.state)
    return follow.last_error && isTrouble ? { error: follow.last_error } : {}
  }

  /** False where the event leads nowhere from this state. */
  #enter(event: DatabaseEvent): boolean {
    const before = this.#state
    this.#state = next(before, event)
    if (this.#state === before) return false
    const [was, is] = [shownState(before, undefined), shownState(this.#state, undefined)]
    if (was !== is && event.type !== 'failed') this.#say('info', is)
    this.services.onChange()
    return true
  }

  #fail(error: unknown) {
    const before = 'error' in this.#state ? errorInfo(this.#state.error).message : undefined
    const why = failureOf(error)
    const longest = why === 'busy' ? longestRestMs.busy : longestRestMs.passing
    const restMs = Math.min(firstRestMs * 2 ** this.#failures++, longest)
    const { message } = errorInfo(error)
    this.#enter({ type: 'failed', error, why, retryAt: Date.now() + restMs })
    if (message === before) return
    if (why === 'busy') this.#say('info', `${message}; it is taken over when that process ends`)
    else this.#say('error', message)
  }

  #say(level: 'info' | 'warn' | 'error', message: string) {
    this.services.say(level, message, this.name)
  }
}

/** Of tables that the other side does not have. */
async function countRowsOf(settings: ConnectionSettings, tables: readonly TableName[]): Promise<number> {
  if (tables.length === 0) return 0
  await using session = await Session.open(settings)
  let sum = 0
  for (const { schema, name } of tables) {
    const { rows } = await session.one<{ rows: number }>(
      `select count(*)::float8 as rows from ${quoteQualified(schema, name)}`,
    )
    sum += rows
  }
  return sum
}

/** Rows are there, and what is left to wait for needs nobody's turn. */
function hasArrived({ stage, state }: FollowView): boolean {
  return ['catchup', 'streaming', 'done'].includes(stage) || state === 'waiting'
}

/** What it means for the next attempt. */
function failureOf(error: unknown): Failure {
  if (error instanceof DestinationBusy || error instanceof MoveTaken) return 'busy'
  if (error instanceof MoveEnded) return 'ended'
  return mayPassLater(error) ? 'passing' : 'lasting'
}

/** A server that starts, a network that comes back. */
export function mayPassLater(error: unknown): boolean {
  return mayPass(error) || error instanceof SnapshotLost || error instanceof HandOverUnknown
}
