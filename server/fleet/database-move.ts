// One database of a fleet: made, copied, followed, switched over, marked complete. It can be begun in any
// state that an earlier process has left, and tries again what may pass.
import type { FleetConfig, FleetDatabase, FleetMapping, FleetState } from '../../shared/fleet.ts'
import { ProgressFold } from '../../shared/fold.ts'
import { lateLines } from '../../shared/follow-health.ts'
import { defaultFollowOptions } from '../../shared/follow-options.ts'
import type { FollowAction, FollowAnswer, FollowView } from '../../shared/follow-view.ts'
import { showName, type TableName } from '../../shared/phase.ts'
import { defaultOptions, everything, type MigrationOptions } from '../../shared/request.ts'
import { compareData } from '../compare/data.ts'
import { cleanUpFollow, lockMove } from '../engine/follow/cleanup.ts'
import { FollowRun } from '../engine/follow/follow-run.ts'
import { followName } from '../engine/follow/names.ts'
import { NoMemory } from '../engine/memory.ts'
import { migrate } from '../engine/migrate.ts'
import { ConnectFailed, errorInfo, isLost, PgtrekError, PlanRefused } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings, serverName } from '../postgres/settings.ts'
import type { JobQueue } from '../queue/queue.ts'
import { copiersOn } from '../queue/queued-copies.ts'
import { FollowStore } from '../store/follows.ts'
import { StateDatabase } from '../store/state-database.ts'
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

const firstRestMs = 2_000
const longestRestMs = 300_000

export class DatabaseMove {
  state: FleetState = 'waiting'
  attempts = 0
  #retryAt: number | undefined
  #error: unknown
  #fold = new ProgressFold()
  #run: FollowRun | undefined
  #counted: { difference: number; at: number } | undefined
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

  /** Until its rows are there, or it has failed and does not try again by itself. */
  async copy(): Promise<void> {
    for (;;) {
      this.attempts++
      this.#error = undefined
      try {
        await this.#begin()
        return
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#fail(error)
        if (!mayPassLater(error)) return
        await this.#rest()
      }
    }
  }

  view(): FleetDatabase {
    const now = Date.now()
    const follow = this.#run?.view()
    const copy = this.#fold.overview(now)
    const stream = follow?.streams.find(({ direction }) => direction === follow.direction)
    const failed = follow?.failed_tables ?? copy.failedTables
    return {
      name: this.name,
      state: this.#stateWith(follow),
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
      ...(follow && { ready: follow.ready }),
      ...(follow?.switchover && { switchover: follow.switchover }),
      attempts: this.attempts,
      ...this.#shownWorkers(now),
      ...(this.#retryAt !== undefined && { retry_at: this.#retryAt }),
      ...this.#shownError(follow),
    }
  }

  get follow(): FollowView | undefined {
    return this.#run?.view()
  }

  async act(action: FollowAction): Promise<FollowAnswer> {
    return (await this.#run?.act(action)) ?? { ok: false, message: `${this.name} is not followed` }
  }

  /** Slots, publications, positions, marks: what was made on the way. The rows stay. */
  async complete({ discardLateWrites }: { discardLateWrites: boolean }): Promise<string[]> {
    await this.#run?.act({ type: 'stop' })
    await this.#run?.done
    const { dropped } = await cleanUpFollow(this.#ends, this.#store, {
      ...{ writable: false, discardLateWrites },
    })
    const marked = await dropArrival(this.#ends.destination)
    this.state = 'complete'
    this.services.onChange()
    return marked ? [...dropped, `mark of ${describeSettings(this.#ends.destination)}`] : dropped
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
    await this.#run?.done
  }

  async #begin() {
    const { mapping, instances } = this.services
    this.#enter('preflight')
    await using instance = await Session.open(instances.destination, { signal: this.#stop.signal })
    let arrival = await readArrival(this.#ends.destination, instance)
    if (arrival === 'missing') {
      await this.#refuseMissingExtensions(instance)
      await createDatabase(instance, this.database)
    }
    // From here on no other fleet works on this database; what it has done until now is read anew.
    await using _ = await lockMove(this.#ends.destination, `fleet ${this.followName}`)
    arrival = await readArrival(this.#ends.destination, instance)
    if (arrival === 'occupied') {
      throw new PlanRefused(
        `${describeSettings(this.#ends.destination)} exists and is not empty: nothing of it was touched. Empty it, rename it, or exclude ${this.name} from the mapping ${mapping.name}`,
      )
    }
    if (arrival === 'switched') {
      this.#enter('done')
      return
    }
    if (arrival === 'copied') return mapping.follow ? await this.#goOn() : await this.#comeBack()
    await this.#refuseMissingExtensions(instance)
    await this.#copyAnew(arrival)
  }

  /** What an earlier process has left half done is ours, and goes. */
  async #copyAnew(arrival: Arrival) {
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
    this.#enter('schema')
    try {
      if (mapping.follow) await this.#copyAndFollow(options)
      else await this.#copyOnce(options)
    } catch (error) {
      // Nothing was written: once it is mended it begins as if for the first time.
      if (error instanceof PlanRefused && arrival !== 'copying') await dropArrival(this.#ends.destination)
      throw error
    }
    const missing = mapping.follow ? undefined : this.#shortfall()
    await markArrival(this.#ends.destination, 'copied', { move: this.#move, missing })
  }

  async #copyOnce(options: MigrationOptions) {
    const result = await migrate({
      ...this.#request(options),
      memory: new NoMemory(),
      signal: this.#stop.signal,
    })
    if (result.error !== undefined) throw result.error
    this.#enter('synced')
  }

  async #copyAndFollow(options: MigrationOptions) {
    await this.#follow(
      FollowRun.clone(
        { ...this.#ends, ...this.#request(options), runMemory: new NoMemory(), move: this.#move },
        { memory: this.#store, signal: this.#stop.signal, onView: () => this.services.onChange() },
      ),
    )
  }

  /** Copied once, by an earlier process, which has written down what it could not bring. */
  async #comeBack() {
    const { missing } = await readMarkedMove(this.#ends.destination)
    this.#enter('synced')
    if (missing) this.#fail(new PgtrekError(missing))
  }

  #shortfall(): string | undefined {
    const { failed } = this.#fold.overview(Date.now())
    const [first] = failed
    if (!first) return undefined
    const more = failed.length > 1 ? `, and ${failed.length - 1} more` : ''
    return `${first.kind} ${showName(first)} could not be copied: ${first.error}${more}`
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

  async #goOn() {
    await this.#follow(
      FollowRun.continue(this.#ends, {
        memory: this.#store,
        signal: this.#stop.signal,
        onView: () => this.services.onChange(),
      }),
    )
  }

  /** Resolves when rows are there and changes flow. */
  async #follow(run: FollowRun) {
    this.#run = run
    for (;;) {
      const { stage } = run.view()
      if (stage === 'catchup' || stage === 'streaming' || stage === 'done') break
      if (!run.isRunning) {
        const { error } = await run.done
        this.#run = undefined
        throw error ?? new PgtrekError('it has stopped before its rows were copied')
      }
      await Bun.sleep(100)
    }
    this.state = 'catchup'
    void this.#outlive(run)
  }

  /** What comes after the copy needs nobody's turn. */
  async #outlive(run: FollowRun) {
    const { status, error } = await run.done
    if (this.#stop.signal.aborted || this.#run !== run) return
    if (run.view().switchover?.state === 'done') {
      this.#enter('done')
      await markArrival(this.#ends.destination, 'switched').catch((failure) => this.#fail(failure))
      return
    }
    if (status !== 'failed') return
    this.#fail(error)
    if (!mayPassLater(error)) return
    await this.#rest()
    if (!this.#stop.signal.aborted) await this.#goOn().catch((failure) => this.#fail(failure))
  }

  async #rest() {
    const milliseconds = Math.min(firstRestMs * 2 ** (this.attempts - 1), longestRestMs)
    this.#retryAt = Date.now() + milliseconds
    this.services.onChange()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, milliseconds)
    this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    clearTimeout(timer)
    this.#retryAt = undefined
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
        if (event.type === 'step_started' && event.step.kind === 'ROWS') this.#enter('copying')
        this.services.onChange()
      },
    }
  }

  #engineOf(follow: FollowView | undefined): Pick<FleetDatabase, 'engine' | 'engine_reason'> {
    const { engine } = this.services.mapping
    const reason = engine === 'native' && follow?.warnings.find((one) => one.includes("pgtrek's own stream"))
    return reason ? { engine: 'pgtrek', engine_reason: reason } : { engine }
  }

  #stateWith(follow: FollowView | undefined): FleetState {
    if (this.#error !== undefined) return 'problem'
    if (!follow || ['done', 'complete', 'schema', 'copying', 'waiting'].includes(this.state)) {
      return this.#isCutShort ? 'problem' : this.state
    }
    if (follow.stage === 'switchover') return 'switchover'
    if (follow.stage === 'done') return 'done'
    if (follow.state === 'paused') return 'paused'
    if (follow.state === 'conflict' || follow.failed_tables.length > 0) return 'problem'
    if (follow.ready.green) return 'ready'
    return follow.stage === 'streaming' ? 'synced' : 'catchup'
  }

  /** Copied once, and not all of it arrived. */
  get #isCutShort(): boolean {
    return this.state === 'synced' && this.#fold.overview(Date.now()).failed.length > 0
  }

  #shownWorkers(now: number): Pick<FleetDatabase, 'worker'> {
    const names = this.#fold.runningTables(now).flatMap(({ worker }) => worker?.split(', ') ?? [])
    return names.length > 0 ? { worker: [...new Set(names)].join(', ') } : {}
  }

  #shownError(follow: FollowView | undefined): Pick<FleetDatabase, 'error'> {
    if (this.#error !== undefined) return { error: errorInfo(this.#error) }
    const [failed] = this.#isCutShort ? this.#fold.overview(Date.now()).failed : []
    if (failed) return { error: { message: `${failed.kind} ${failed.name}: ${failed.error}` } }
    const [table] = follow?.failed_tables ?? []
    if (table) return { error: { message: `${table.schema}.${table.name}: ${table.error}` } }
    const [late] = follow ? lateLines(follow) : []
    if (late !== undefined) return { error: { message: late } }
    return follow?.last_error && follow.state !== 'running' ? { error: follow.last_error } : {}
  }

  #enter(state: FleetState) {
    if (this.state === state) return
    this.state = state
    this.#say('info', state)
    this.services.onChange()
  }

  #fail(error: unknown) {
    this.#error = error
    this.#say('error', errorInfo(error).message)
    this.services.onChange()
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

const passingReasons: readonly string[] = ['refused', 'timeout', 'closed', 'limit']

/** A server that starts, a network that comes back. */
export function mayPassLater(error: unknown): boolean {
  if (isLost(error)) return true
  if (!(error instanceof ConnectFailed)) return false
  return passingReasons.includes(error.reason) || error.sqlstate?.startsWith('57') === true
}
