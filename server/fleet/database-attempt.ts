// One attempt to copy a database and to start following it, from the state in which an earlier process has left it.
// The state on the servers decides, not what this process remembers.

import { defaultFollowOptions, defaultOptions, everything } from '../../shared/defaults.ts'
import { describeObject } from '../../shared/describe.ts'
import type { FleetConfig, FleetMapping } from '../../shared/fleet.ts'
import type { ProgressFold } from '../../shared/fold.ts'
import type { MigrationOptions } from '../../shared/request.ts'
import { say } from '../../shared/say.ts'
import { describeHolder, processesOf } from '../coordination/lock-holders.ts'
import { DestinationBusy } from '../coordination/run-lock.ts'
import { cleanUpFollow, lockMove } from '../follow/cleanup.ts'
import type { FollowRun } from '../follow/follow-run.ts'
import { describeMove, type MoveFacts, readMoveFacts, stateOf } from '../follow/move-state.ts'
import { followName, linkNames } from '../follow/names.ts'
import type { FollowEnds } from '../follow/request.ts'
import { hasRows, type RunState } from '../follow/run-state.ts'
import type { RunRequest } from '../migrate/request.ts'
import { PgtrekError, PlanRefused } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings, serverName } from '../postgres/settings.ts'
import type { JobQueue } from '../queue/queue.ts'
import { copiersOn } from '../queue/queued-copies.ts'
import {
  continueFollowing,
  copyAndFollow,
  type StartedFollowing,
  type Watched,
} from '../runs/start-following.ts'
import { type RunOptions, startRun } from '../runs/start-run.ts'
import type { FollowStore } from '../store/follows.ts'
import {
  createDatabase,
  type DestinationState,
  dropMark,
  type InstanceDatabase,
  missingExtensions,
  ofDatabase,
  readDestinationState,
  readMarkedMove,
  setMark,
} from './instance.ts'
import { transferAlone } from './limits.ts'

export interface AttemptServices {
  config: FleetConfig
  mapping: FleetMapping
  instances: { source: ConnectionSettings; destination: ConnectionSettings }
  store: FollowStore
  /** The queue of the workers; without it the rows are copied by this process. */
  queue: JobQueue | undefined
  signal: AbortSignal
  say: (level: 'info' | 'warn' | 'error', message: string) => void
  /**
   * Called when no other process works on the database. False: the attempt is no longer wanted, and nothing was
   * started.
   */
  started: () => boolean
  /** Called with the progress of the copy when it starts. */
  onCopy: (progress: ProgressFold) => void
  onRows: () => void
  /** Called with the run that follows, or without one if it ended before the copy was complete. */
  onRun: (run: FollowRun | undefined) => void
  onRunState: (state: RunState) => void
  onChange: () => void
}

export type Outcome =
  /** The rows are copied, and changes are applied or wait for a server. */
  | { type: 'followed'; run: FollowRun }
  | { type: 'copied'; missing: string | undefined }
  | { type: 'switched' }
  | { type: 'returned' }
  | { type: 'completed' }

/** Nothing of the move of this database is left on the servers. */
export class MoveEnded extends PlanRefused {}

/** A database on both instances, and the options of its move. */
export function endsOf(
  { name }: Pick<InstanceDatabase, 'name'>,
  { instances, config, mapping }: Pick<AttemptServices, 'instances' | 'config' | 'mapping'>,
): FollowEnds {
  const { readyLagBytes, readyLagSeconds, readyForSeconds } = config
  return {
    source: ofDatabase(instances.source, name),
    destination: ofDatabase(instances.destination, name),
    follow: {
      ...defaultFollowOptions,
      engine: mapping.engine,
      readyLagBytes,
      readyLagSeconds,
      readyForSeconds,
    },
  }
}

export class DatabaseAttempt {
  readonly #ends: FollowEnds
  readonly #followName: string

  constructor(
    readonly database: InstanceDatabase,
    readonly services: AttemptServices,
  ) {
    this.#ends = endsOf(database, services)
    this.#followName = followName(this.#ends)
  }

  /** Undefined if the attempt is no longer wanted. */
  async make(): Promise<Outcome | undefined> {
    const { mapping, instances, signal } = this.services
    await using instance = await Session.open(instances.destination, { signal })
    if ((await readDestinationState(this.#ends.destination, instance)) === 'missing')
      await this.#create(instance)
    // No other fleet can work on this database from here on. What it has done until now is read again.
    await using _ = await lockMove(this.#ends.destination, `fleet ${this.#followName}`)
    await this.#refuseOthers()
    if (!this.services.started()) return undefined
    const arrival = await readDestinationState(this.#ends.destination, instance)
    switch (arrival) {
      case 'complete':
        return { type: 'completed' }
      case 'switched':
      case 'returned':
        return { type: arrival }
      case 'copied':
        return mapping.follow ? await this.#continue() : await this.#copiedBefore()
      case 'occupied':
        throw new PlanRefused(
          say`${describeSettings(this.#ends.destination)} exists and is not empty. It was not changed. Empty it, rename it, or exclude ${this.database.name} from the mapping ${mapping.name}`,
        )
    }
    if (arrival === 'copying' && mapping.follow && (await this.#isCopied())) return await this.#continue()
    await this.#refuseMissingExtensions(instance)
    return await this.#copyAnew(arrival)
  }

  async #create(instance: Session) {
    await this.#refuseMissingExtensions(instance)
    await createDatabase(instance, this.database)
  }

  /** Throws if another fleet or a command follows the database already. */
  async #refuseOthers() {
    await using session = await Session.open(this.#ends.destination, { signal: this.services.signal })
    const holders = await processesOf(session, this.#followName)
    if (holders.length === 0) return
    throw new DestinationBusy(
      say`${this.database.name} is running in another process: ${holders.map(describeHolder).join('; ')}`,
      holders,
    )
  }

  /** Drops the incomplete copy of an earlier process, and copies again. */
  async #copyAnew(arrival: DestinationState): Promise<Outcome> {
    const { mapping, config, store } = this.services
    if (arrival === 'copying') {
      this.services.say(
        'warn',
        say`an earlier process was interrupted while it copied rows: copying them again`,
      )
      // Without a confirmation, only what that process has created is dropped.
      const { move } = await readMarkedMove(this.#ends.destination)
      await cleanUpFollow(this.#ends, store, { writable: false, onlyOf: move ?? '' })
    }
    const move = crypto.randomUUID()
    await setMark(this.#ends.destination, 'copying', { move })
    const options: MigrationOptions = {
      ...defaultOptions,
      ...transferAlone(config, mapping),
      ...mapping.options,
      ...(arrival === 'copying' && { existingTableMode: 'drop' as const }),
    }
    try {
      if (!mapping.follow) return await this.#copyOnce(options, move)
      const run = await this.#untilRows((watched) => {
        const { copy, ...started } = copyAndFollow(this.#request(options), {
          ...{ ...this.#copyOptions, ...watched, follow: this.#ends.follow, until: watched.signal, move },
        })
        this.services.onCopy(copy.progress)
        return started
      })
      await setMark(this.#ends.destination, 'copied', { move })
      return { type: 'followed', run }
    } catch (error) {
      // Nothing was written, so the next attempt starts as if it were the first.
      if (error instanceof PlanRefused && arrival !== 'copying') await dropMark(this.#ends.destination)
      throw error
    }
  }

  async #copyOnce(options: MigrationOptions, move: string): Promise<Outcome> {
    const run = startRun(this.#request(options), this.#copyOptions)
    this.services.onCopy(run.progress)
    const result = await run.done
    if (result.error !== undefined) throw result.error
    const missing = shortfall(run.progress)
    await setMark(this.#ends.destination, 'copied', { move, missing })
    return { type: 'copied', missing }
  }

  /** Copied once by an earlier process, which has recorded what it could not copy. */
  async #copiedBefore(): Promise<Outcome> {
    return { type: 'copied', missing: (await readMarkedMove(this.#ends.destination)).missing }
  }

  /** Objects that use them would be missing. */
  async #refuseMissingExtensions(instance: Session) {
    const { options } = this.services.mapping
    const skipped = options.skipExtensions ?? []
    const missing = await missingExtensions(this.#ends.source, instance, skipped)
    if (missing.length === 0) return
    const server = serverName(instance.settings)
    throw new PlanRefused(
      missing.length === 1
        ? say`${this.database.name} uses the extension ${missing.join(', ')}, not available on ${server}: install the packages there, or leave them out with skip_extensions. Nothing was changed`
        : say`${this.database.name} uses the extensions ${missing.join(', ')}, not available on ${server}: install the packages there, or leave them out with skip_extensions. Nothing was changed`,
    )
  }

  /** Continues from the state on the servers, which includes what other commands have done in the meantime. */
  async #continue(): Promise<Outcome> {
    const facts = await this.#facts()
    const state = stateOf(facts)
    switch (state) {
      case 'following':
      case 'both_ways':
      case 'switching':
      case 'flowing_back':
      case 'returning': {
        const run = await this.#untilRows((watched) =>
          continueFollowing(this.#ends, { ...watched, say: this.services.say }),
        )
        return { type: 'followed', run }
      }
      case 'switched_over':
        return await this.#handedOver('switched')
      case 'returned':
        return await this.#handedOver('returned')
      case 'none':
      case 'read_only':
        throw new MoveEnded(
          say`the rows of ${this.database.name} were copied, and their changes are no longer followed: slot and publication were cleaned up. If its application uses the destination, mark it complete; to copy it again, drop the database on the destination and retry`,
        )
      case 'copying':
      case 'remains': {
        const { words, next: ways } = describeMove(facts, this.#ends)
        throw new PlanRefused(`${words}. ${ways.join('; ')}`)
      }
    }
  }

  /** True also if the process was killed between the end of the copy and the mark `copied`. */
  async #isCopied(): Promise<boolean> {
    const { move } = await readMarkedMove(this.#ends.destination)
    const facts = await this.#facts()
    return stateOf(facts) === 'following' && move !== undefined && facts.forward.mark?.move === move
  }

  async #facts(): Promise<MoveFacts> {
    const { signal } = this.services
    await using source = await Session.open(this.#ends.source, { signal })
    await using destination = await Session.open(this.#ends.destination, { signal })
    const name = this.#followName
    const links = { forward: linkNames(name, 'forward'), back: linkNames(name, 'back') }
    return await readMoveFacts(source, destination, name, links)
  }

  async #handedOver(how: 'switched' | 'returned'): Promise<Outcome> {
    await setMark(this.#ends.destination, how)
    return { type: how }
  }

  async #untilRows(begin: (watched: Watched) => StartedFollowing): Promise<FollowRun> {
    const { store, signal, onRun, onRunState, onChange } = this.services
    const arrived = Promise.withResolvers<void>()
    const { following, done } = begin({
      memory: store,
      signal,
      onView: onChange,
      onTransition: ({ after }) => {
        if (hasRows(after)) arrived.resolve()
        onRunState(after)
      },
    })
    onRun(following)
    await Promise.race([arrived.promise, done])
    if (!following.isRunning && !hasRows(following.state)) {
      onRun(undefined)
      const { error } = await done
      throw error ?? new PgtrekError(say`it was stopped before its rows were copied`)
    }
    return following
  }

  /** Without a log file and without the store: the fleet has its own log, and the servers have the state. */
  get #copyOptions(): RunOptions {
    const { signal, say, queue, mapping, onRows, onChange } = this.services
    const { name } = this.database
    const databases = { mapping: mapping.name, sourceDatabase: name, destinationDatabase: name }
    return {
      ...{ signal, say, copiers: queue && copiersOn(queue, databases) },
      // The existing objects were created by an earlier attempt.
      confirmed: true,
      onEvent(event) {
        if (event.type === 'warning') say('warn', event.message)
        if (event.type === 'step_started' && event.step.kind === 'ROWS') onRows()
        onChange()
      },
    }
  }

  #request(options: MigrationOptions): RunRequest {
    const { source, destination } = this.#ends
    return { source, destination, selection: everything, tables: [], hooks: [], options }
  }
}

/** What a finished copy could not copy, in words. */
function shortfall(copy: ProgressFold): string | undefined {
  const { failed } = copy.overview(Date.now())
  const [first] = failed
  if (!first) return undefined
  const what = describeObject(first.kind, first)
  const why = first.error.replace(/\.$/, '')
  return failed.length > 1
    ? say`${what} could not be copied: ${why}, and ${failed.length - 1} more. To copy the database again, drop it on the destination and retry`
    : say`${what} could not be copied: ${why}. To copy the database again, drop it on the destination and retry`
}
