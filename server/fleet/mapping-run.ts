// One mapping of a fleet: an instance, its roles and its databases, to another instance.
import type {
  FleetConfig,
  FleetDatabase,
  FleetMapping,
  FleetMappingView,
  FleetState,
} from '../../shared/fleet.ts'
import type { RolesReport } from '../../shared/roles.ts'
import { errorInfo, UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { serverName } from '../postgres/settings.ts'
import type { JobQueue } from '../queue/queue.ts'
import { moveRoles } from '../roles/move.ts'
import type { FollowStore } from '../store/follows.ts'
import { DatabaseMove, mayPassLater } from './database-move.ts'
import { chosenDatabases, instanceSettings, listDatabases } from './instance.ts'
import { cutoverInstructions } from './instructions.ts'
import { Turns } from './turns.ts'

export interface MappingServices {
  config: FleetConfig
  turns: Turns
  store: FollowStore | undefined
  queue: JobQueue | undefined
  signal: AbortSignal
  say: (level: 'info' | 'warn' | 'error', message: string, database?: string) => void
}

const restMs = 10_000

export class MappingRun {
  moves: DatabaseMove[] = []
  #error: unknown
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

  /** Resolves when every database is copied, or has failed for good. */
  async run(): Promise<void> {
    while (!this.services.signal.aborted) {
      try {
        this.#error = undefined
        await this.#discover()
        break
      } catch (error) {
        this.#error = error
        this.services.say('error', errorInfo(error).message)
        if (error instanceof UsageError || !mayPassLater(error)) return
        await Bun.sleep(restMs)
      }
    }
    await this.#bringRoles()
    const own = new Turns(this.mapping.atOnce)
    await Promise.all(this.moves.map((move) => own.hold(() => this.services.turns.hold(() => move.copy()))))
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
      ),
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
        new DatabaseMove(database, {
          config: this.services.config,
          mapping: this.mapping,
          instances: this.instances,
          store: this.services.store,
          queue: this.services.queue,
          signal,
          say: (level, message, name) => this.services.say(level, message, name),
          onChange() {},
        }),
    )
    this.services.say('info', `${databases.length} databases`)
  }

  async #bringRoles() {
    const { roles } = this.mapping
    if (roles === 'none' || this.services.signal.aborted) return
    this.#roles = { ...this.#roles, state: 'running' }
    try {
      const report = await moveRoles({
        source: this.instances.source,
        destination: this.instances.destination,
        options: { roles, includeRoles: [], excludeRoles: [], passwords: true },
        dryRun: false,
        signal: this.services.signal,
        // The mapping says what becomes of roles that are there.
        confirm: () => true,
      })
      this.#roles = rolesView(report)
    } catch (error) {
      this.#roles = { state: 'problem', message: errorInfo(error).message, needing_password: [] }
    }
    const { state, message } = this.#roles
    this.services.say(state === 'problem' ? 'error' : 'info', `roles: ${message}`)
  }

  /** What most needs somebody's eye. */
  #state(databases: readonly FleetDatabase[]): FleetState {
    if (this.#error !== undefined) return 'problem'
    const states = new Set(databases.map(({ state }) => state))
    return order.find((state) => states.has(state)) ?? 'waiting'
  }
}

const over: readonly FleetState[] = ['synced', 'ready', 'done', 'complete']
/** `ready` only when all of its databases are at least that. */
const order: FleetState[] = [
  'problem',
  'switchover',
  'paused',
  'copying',
  'schema',
  'preflight',
  'catchup',
  'waiting',
  'synced',
  'ready',
  'done',
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
  const refused = status === 'refused' ? `${differences.length} differ, and nothing was changed; ` : ''
  return {
    state: isProblem ? 'problem' : 'done',
    message: `${refused}${done} changes made, ${failed} failed, ${obstacles.length} not possible from here`,
    needing_password: needs_password.map(({ role }) => role),
  }
}
