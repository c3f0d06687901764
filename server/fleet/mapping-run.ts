// Runs one mapping of a fleet: its roles and databases, from one instance to another.

import type {
  FleetConfig,
  FleetDatabase,
  FleetMapping,
  FleetMappingView,
  FleetState,
} from '../../shared/fleet.ts'
import type { RolesReport } from '../../shared/roles.ts'
import { say } from '../../shared/say.ts'
import { DestinationBusy, type RunLock } from '../coordination/run-lock.ts'
import { lockMove } from '../follow/cleanup.ts'
import { errorInfo, UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { serverName } from '../postgres/settings.ts'
import type { JobQueue } from '../queue/queue.ts'
import { moveRoles } from '../roles/move.ts'
import type { FollowStore } from '../store/follows.ts'
import { aborted } from '../system/deadline.ts'
import { DatabaseRun, mayPassLater } from './database-run.ts'
import { chosenDatabases, instanceSettings, listDatabases } from './instance.ts'
import { cutoverInstructions } from './instructions.ts'
import { Turns } from './semaphore.ts'

export interface MappingServices {
  config: FleetConfig
  turns: Turns
  store: FollowStore | undefined
  queue: JobQueue | undefined
  signal: AbortSignal
  say: (level: 'info' | 'warn' | 'error', message: string, database?: string) => void
  /** Called when the view may have changed. */
  onChange: () => void
}

const restMs = 10_000
const rolesRestMs = 2_000

export class MappingRun {
  moves: DatabaseRun[] = []
  #error: unknown
  /** Nothing happens until a user requests another attempt. */
  #isRefused = false
  #isDiscovered = false
  /** Ends the pause before the next attempt to read the instances. */
  #woken = Promise.withResolvers<void>()
  #roles: FleetMappingView['roles']
  #versions: { source?: string; destination?: string } = {}
  readonly instances: {
    source: ReturnType<typeof instanceSettings>
    destination: ReturnType<typeof instanceSettings>
  }

  constructor(
    readonly mapping: FleetMapping,
    readonly services: MappingServices,
  ) {
    const none = mapping.roles === 'none'
    this.#roles = { state: none ? 'none' : 'waiting', message: '', needing_password: [] }
    this.instances = {
      source: instanceSettings(mapping.source),
      destination: instanceSettings(mapping.dest),
    }
  }

  /** Works until the fleet is stopped. */
  async run(): Promise<void> {
    const { signal, turns, say } = this.services
    const { source, destination } = this.instances
    for (const warning of [...source.warnings, ...destination.warnings]) say('warn', warning)
    while (!signal.aborted && !this.#isDiscovered) await this.#tryToDiscover()
    await this.#bringRoles()
    if (signal.aborted) return
    const own = new Turns(this.mapping.atOnce)
    await Promise.all(this.moves.map((move) => move.work((copy) => own.hold(() => turns.hold(copy)))))
  }

  async end(): Promise<void> {
    await Promise.all(this.moves.map((move) => move.end()))
  }

  /** Nothing more happens without a request of a user. */
  get isOver(): boolean {
    if (this.#isRefused) return true
    if (!this.#isDiscovered || ['waiting', 'running'].includes(this.#roles.state)) return false
    return this.moves.every((move) =>
      this.mapping.follow ? ['done', 'returned', 'complete'].includes(move.view().state) : move.isSettled,
    )
  }

  /** Repeats a failed reading of the instances or a failed copy of their roles. False if there is none. */
  retry(): boolean {
    if (this.#error !== undefined && !this.#isDiscovered) {
      this.#isRefused = false
      this.#woken.resolve()
      return true
    }
    if (this.#roles.state !== 'problem') return false
    void this.#bringRoles()
    return true
  }

  view(): FleetMappingView {
    const { name, follow, engine } = this.mapping
    const databases = this.moves.map((move) => move.view())
    const sum = (of: (database: FleetDatabase) => number) => databases.reduce((all, one) => all + of(one), 0)
    const counted = databases.filter((one) => one.row_difference !== undefined)
    const failed = databases.filter((one) => one.error !== undefined || one.failed_tables.length > 0).length
    return {
      name,
      source: serverName(this.instances.source),
      destination: serverName(this.instances.destination),
      ...(this.#versions.source && { source_version: this.#versions.source }),
      ...(this.#versions.destination && { destination_version: this.#versions.destination }),
      follow,
      engine,
      state: this.#state(databases),
      roles: this.#roles,
      databases,
      databases_done: databases.filter(({ state }) => over.includes(state)).length,
      tables: sum((one) => one.tables),
      tables_done: sum((one) => one.tables_done),
      lag_bytes: sum((one) => one.lag_bytes),
      lag_seconds: Math.max(0, ...databases.map((one) => one.lag_seconds)),
      ...(counted.length > 0 && { row_difference: sum((one) => one.row_difference ?? 0) }),
      bytes_per_second: sum((one) => one.bytes_per_second),
      errors: failed + (this.#error === undefined ? 0 : 1) + (this.#roles.state === 'problem' ? 1 : 0),
      ...(this.#error !== undefined && { error: errorInfo(this.#error) }),
      instructions: cutoverInstructions(
        this.mapping,
        this.instances,
        this.moves.map((move) => move.name),
        this.services.store?.database.directory,
      ),
    }
  }

  async #tryToDiscover() {
    const { signal, say, onChange } = this.services
    this.#woken = Promise.withResolvers()
    try {
      await this.#discover()
      this.#error = undefined
      this.#isDiscovered = true
      onChange()
    } catch (error) {
      if (signal.aborted) return
      const { message } = errorInfo(error)
      if (this.#error === undefined || errorInfo(this.#error).message !== message) say('error', message)
      this.#error = error
      this.#isRefused = error instanceof UsageError || !mayPassLater(error)
      onChange()
      const rest = this.#isRefused ? new Promise<void>(() => {}) : Bun.sleep(restMs)
      await Promise.race([this.#woken.promise, rest, aborted(signal)])
    }
  }

  async #discover() {
    const { signal } = this.services
    await using source = await Session.open(this.instances.source, { signal })
    await using destination = await Session.open(this.instances.destination, { signal })
    this.#versions = { source: versionOf(source), destination: versionOf(destination) }
    const databases = chosenDatabases(await listDatabases(source), this.mapping)
    this.moves = databases.map(
      (database) =>
        new DatabaseRun(database, {
          config: this.services.config,
          mapping: this.mapping,
          instances: this.instances,
          store: this.services.store,
          queue: this.services.queue,
          signal,
          say: (level, message, name) => this.services.say(level, message, name),
          onChange: () => this.services.onChange(),
        }),
    )
    this.services.say('info', `${databases.length} databases`)
  }

  async #bringRoles() {
    const { roles } = this.mapping
    if (roles === 'none' || this.services.signal.aborted) return
    this.#roles = { ...this.#roles, state: 'running' }
    this.services.onChange()
    for (;;) {
      try {
        this.#roles = rolesView(await this.#moveRoles(roles))
        break
      } catch (error) {
        if (this.services.signal.aborted) return
        if (!(error instanceof DestinationBusy) && !mayPassLater(error)) {
          this.#roles = { state: 'problem', message: errorInfo(error).message, needing_password: [] }
          break
        }
        this.#roles = { ...this.#roles, message: say`${errorInfo(error).message}; it will be retried` }
        this.services.onChange()
        await Promise.race([Bun.sleep(rolesRestMs), aborted(this.services.signal)])
      }
    }
    const { state, message } = this.#roles
    this.services.onChange()
    this.services.say(state === 'problem' ? 'error' : 'info', `roles: ${message}`)
  }

  /** Statements of two processes that change the same roles at the same time fail. */
  async #moveRoles(roles: Exclude<FleetMapping['roles'], 'none'>): Promise<RolesReport> {
    const { source, destination } = this.instances
    await using lock: RunLock = await lockMove(destination, 'fleet roles')
    void lock
    return await moveRoles({
      ...{ source, destination },
      options: { roles, includeRoles: [], excludeRoles: [], passwords: true },
      dryRun: false,
      signal: this.services.signal,
      // The configuration decides what happens to existing roles.
      confirm: () => true,
    })
  }

  /** The state that most needs attention. */
  #state(databases: readonly FleetDatabase[]): FleetState {
    if (this.#error !== undefined) return 'problem'
    const states = new Set(databases.map(({ state }) => state))
    return order.find((state) => states.has(state)) ?? 'waiting'
  }
}

const over: readonly FleetState[] = ['synced', 'ready', 'done', 'returned', 'complete']
/** `ready` only if all databases have at least that state. */
const order: FleetState[] = [
  'problem',
  'retrying',
  'switchover',
  'paused',
  'elsewhere',
  'copying',
  'schema',
  'preflight',
  'catchup',
  'waiting',
  'synced',
  'ready',
  'done',
  'returned',
  'complete',
]

function versionOf({ version }: Session): string {
  const [major, minor] = [Math.floor(version / 10000), version % 10000]
  return `${major}.${minor}`
}

function rolesView({
  status,
  steps,
  obstacles,
  differences,
  needs_password,
}: RolesReport): FleetMappingView['roles'] {
  const failed = steps.filter((step) => step.status === 'failed').length
  const done = steps.filter((step) => step.status === 'done').length
  const isProblem = status !== 'completed'
  const made = say`${done} changes made, ${failed} failed, ${obstacles.length} not possible from here`
  const refused = say`${differences.length} roles differ, and nothing was changed`
  return {
    state: isProblem ? 'problem' : 'done',
    message: status === 'refused' ? `${refused}; ${made}` : made,
    needing_password: needs_password.map(({ role }) => role),
  }
}
