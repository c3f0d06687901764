// A fleet for the API and the page, without servers: its numbers change when a test requests it.
import type {
  FleetAction,
  FleetController,
  FleetDatabase,
  FleetMappingView,
  FleetState,
  FleetView,
} from '../../shared/fleet.ts'
import type { FollowAnswer } from '../../shared/follow-action.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { followView } from '../../tools/moves/follow-view.ts'

const states: FleetState[] = ['copying', 'catchup', 'synced', 'ready', 'ready', 'done', 'waiting', 'ready']

export class SeenFleet implements FleetController {
  readonly actions: FleetAction[] = []
  answer: FollowAnswer = { ok: true, message: 'taken up' }
  readonly log: FleetView['log'] = []
  refreshSeconds = 1
  mappings: FleetMappingView[]

  constructor(mappings: number, databases: number) {
    this.mappings = Array.from({ length: mappings }, (_, index) => mapping(index, databases))
  }

  view(): FleetView {
    return structuredClone({
      started_at: 1_790_000_000_000,
      updated_at: Date.now(),
      stateless: false,
      refresh_seconds: this.refreshSeconds,
      mappings: this.mappings.map(summed),
      log: this.log,
    })
  }

  database(mapping: string, database: string): FollowView | undefined {
    const { follow } = this.find(mapping, database)
    return follow === undefined ? undefined : followView(follow, { table: `orders of ${database}` })
  }

  async act(action: FleetAction): Promise<FollowAnswer> {
    this.actions.push(action)
    return this.answer
  }

  find(mapping: string, database: string): FleetDatabase {
    const found = this.mappings
      .find(({ name }) => name === mapping)
      ?.databases.find(({ name }) => name === database)
    if (!found) throw new Error(`no ${mapping}/${database}`)
    return found
  }

  /** Progress everywhere: every number changes. */
  move() {
    for (const { databases } of this.mappings) {
      for (const one of databases) {
        one.lag_bytes += 1024
        one.rows += 10
      }
    }
  }
}

function mapping(index: number, databases: number): FleetMappingView {
  const number = String(index + 1).padStart(3, '0')
  return {
    name: `shops-${number}`,
    source: `admin@old-${number}.example.com:5432`,
    destination: `admin@new-${number}.example.com:5432`,
    source_version: '12.22',
    destination_version: '17.10',
    follow: true,
    engine: 'pgtrek',
    state: 'waiting',
    roles: {
      state: 'done',
      message: '4 roles',
      needing_password: index === 0 ? ['reporting', 'app "quoted"'] : [],
    },
    databases: Array.from({ length: databases }, (_, at) => database(number, at)),
    ...sums([]),
    instructions: [
      `Stop what writes to old-${number}.example.com.`,
      `pgtrek fleet switchover --mapping shops-${number}`,
      `Point your applications to new-${number}.example.com.`,
    ],
  }
}

function database(mapping: string, index: number): FleetDatabase {
  const state = states[index % states.length] ?? 'waiting'
  const name = `shop_${mapping}_${String(index + 1).padStart(2, '0')}`
  const isFollowed = !['copying', 'waiting', 'done'].includes(state)
  return {
    name,
    state,
    follow: `fleet_${name}`,
    engine: 'pgtrek',
    tables: 40,
    tables_done: isFollowed || state === 'done' ? 40 : 10,
    failed_tables: [],
    rows: 1_000 * (index + 1),
    bytes: 2 ** 20 * (index + 1),
    total_bytes: 2 ** 22 * (index + 1),
    bytes_per_second: state === 'copying' ? 3 * 2 ** 20 : 0,
    rows_per_second: state === 'copying' ? 12_000 : 0,
    lag_bytes: isFollowed ? 1024 * (index + 1) : 0,
    lag_seconds: isFollowed ? index : 0,
    ...(isFollowed && {
      row_difference: index % 5 === 0 ? 12 : 0,
      counted_at: 1_790_000_000_000,
      ready: {
        green: state === 'ready',
        reasons: state === 'ready' ? [] : ['it is still catching up'],
        lag_bytes: 1e6,
        lag_seconds: 5,
        for_seconds: 10,
      },
    }),
    attempts: 1,
  }
}

function summed(one: FleetMappingView): FleetMappingView {
  const worst = one.databases.find(({ state }) => state === 'problem') ?? one.databases[0]
  return { ...one, ...sums(one.databases), state: worst?.state ?? 'waiting' }
}

function sums(databases: readonly FleetDatabase[]) {
  const sum = (read: (one: FleetDatabase) => number) => databases.reduce((total, one) => total + read(one), 0)
  return {
    databases_done: databases.filter(({ state }) => state === 'done' || state === 'complete').length,
    tables: sum(({ tables }) => tables),
    tables_done: sum(({ tables_done }) => tables_done),
    lag_bytes: sum(({ lag_bytes }) => lag_bytes),
    lag_seconds: Math.max(0, ...databases.map(({ lag_seconds }) => lag_seconds)),
    row_difference: sum(({ row_difference }) => row_difference ?? 0),
    bytes_per_second: sum(({ bytes_per_second }) => bytes_per_second),
    errors: databases.filter(({ error }) => error).length,
  }
}
