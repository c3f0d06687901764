// Metrics of a fleet by mapping and database. Tables and messages are not labels, so that the number of series is
// bounded. The state of a database is a single sample, because one per possible state would multiply the series of
// thousands of databases.
import {
  type FleetDatabase,
  type FleetMappingView,
  type FleetState,
  type FleetView,
  fleetStates,
} from '../../../shared/fleet.ts'
import type { Family } from './prometheus.ts'
import { families, type Metric, oneHot } from './table.ts'

/** The states in which a lag is known; in others a value would be wrong. */
const lagging: ReadonlySet<FleetState> = new Set(['catchup', 'synced', 'ready', 'switchover', 'paused'])

const ofMappings: Metric<FleetMappingView>[] = [
  {
    name: 'pgtrek_fleet_mapping_info',
    help: 'Always 1; the labels name the instances.',
    read: ({ source, destination, engine }) => ({ value: 1, labels: { source, destination, engine } }),
  },
  {
    name: 'pgtrek_fleet_mapping_state',
    help: 'Worst state of its databases: 1 for the current one.',
    read: ({ state }) => oneHot('state', fleetStates, state),
  },
  {
    name: 'pgtrek_fleet_mapping_databases',
    help: 'Databases of the mapping by state.',
    read: ({ databases }) => countStates(databases),
  },
  {
    name: 'pgtrek_fleet_mapping_databases_done',
    help: 'Databases that are switched over, or copied once.',
    read: ({ databases_done }) => databases_done,
  },
  {
    name: 'pgtrek_fleet_mapping_errors',
    help: 'Errors that need attention.',
    read: ({ errors }) => errors,
  },
  {
    name: 'pgtrek_fleet_mapping_roles_needing_password',
    help: 'Roles whose password could not be copied.',
    read: ({ roles }) => roles.needing_password.length,
  },
]

const ofDatabases: Metric<FleetDatabase>[] = [
  {
    name: 'pgtrek_fleet_database_state',
    help: 'Always 1; the label is the current state.',
    read: ({ state }) => ({ value: 1, labels: { state } }),
  },
  {
    name: 'pgtrek_fleet_database_ready',
    help: '1 when ready to switch over.',
    read: ({ state, ready }) => ready && (state === 'synced' || state === 'ready') && ready.green,
  },
  {
    name: 'pgtrek_fleet_database_lag_bytes',
    help: 'Log of the source not yet applied.',
    read: (one) => (isFollowed(one) ? one.lag_bytes : undefined),
  },
  {
    name: 'pgtrek_fleet_database_lag_seconds',
    help: 'Age of the newest applied change, while newer ones wait.',
    read: (one) => (isFollowed(one) ? one.lag_seconds : undefined),
  },
  {
    name: 'pgtrek_fleet_database_bytes_per_second',
    help: 'Bytes copied per second, recently.',
    read: ({ bytes_per_second }) => bytes_per_second,
  },
  {
    name: 'pgtrek_fleet_database_rows_per_second',
    help: 'Rows copied or applied per second, recently.',
    read: ({ rows_per_second }) => rows_per_second,
  },
  { name: 'pgtrek_fleet_database_tables', help: 'Tables to migrate.', read: ({ tables }) => tables },
  {
    name: 'pgtrek_fleet_database_tables_done',
    help: 'Tables whose rows are copied.',
    read: ({ tables_done }) => tables_done,
  },
  {
    name: 'pgtrek_fleet_database_failed_tables',
    help: 'Tables whose rows could not be copied.',
    read: ({ failed_tables }) => failed_tables.length,
  },
  {
    name: 'pgtrek_fleet_database_row_difference',
    help: 'Rows of the source minus rows of the destination, as last counted.',
    read: ({ row_difference }) => row_difference,
  },
  {
    name: 'pgtrek_fleet_database_attempts',
    help: 'Number of starts.',
    read: ({ attempts }) => attempts,
  },
]

export function fleetFamilies({ mappings, started_at, updated_at }: FleetView): Family[] {
  const whole: Metric<undefined>[] = [
    {
      name: 'pgtrek_fleet_started_timestamp_seconds',
      help: 'When the fleet was started, in seconds since 1970.',
      read: () => started_at / 1000,
    },
    {
      name: 'pgtrek_fleet_updated_timestamp_seconds',
      help: 'When the view of the fleet was created, in seconds since 1970.',
      read: () => updated_at / 1000,
    },
  ]
  const databases = mappings.flatMap(({ name: mapping, databases }) =>
    databases.map((of) => ({ of, labels: { mapping, database: of.name } })),
  )
  return [
    ...families(whole, [{ of: undefined, labels: {} }]),
    ...families(
      ofMappings,
      mappings.map((of) => ({ of, labels: { mapping: of.name } })),
    ),
    ...families(ofDatabases, databases),
  ]
}

function countStates(databases: readonly FleetDatabase[]) {
  const counts = new Map<FleetState, number>(fleetStates.map((state) => [state, 0]))
  for (const { state } of databases) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, value]) => ({ value, labels: { state } }))
}

function isFollowed({ state, ready }: FleetDatabase): boolean {
  return ready !== undefined && lagging.has(state)
}
