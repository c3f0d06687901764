// Migrating many instances: the request, and the view of the board. No view contains passwords.

import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Connection } from './connection.ts'
import { ErrorInfo } from './error-info.ts'
import type { FollowAnswer } from './follow-action.ts'
import { type FollowView, Readiness } from './follow-view.ts'
import { oneOf } from './one-of.ts'
import { MigrationOptions } from './request.ts'
import { SwitchoverView } from './switchover.ts'
import { WorkerView } from './worker.ts'

const some = <Schema extends TSchema>(schema: Schema) => Type.Optional(schema)

/** Limits for the load on one source instance. */
export const FleetLimits = Type.Object(
  {
    /** Of all its databases together; 0: no limit. */
    bytesPerSecond: some(Type.Number({ minimum: 0 })),
    /** Sessions that copy from it at the same time. */
    connections: some(Type.Integer({ minimum: 1 })),
    /** Tables of one database that are copied at the same time. */
    tables: some(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
)
export type FleetLimits = Static<typeof FleetLimits>

export const fleetEngines = ['pgtrek', 'native'] as const
export const FleetEngine = oneOf(fleetEngines)
export type FleetEngine = (typeof fleetEngines)[number]

export const FleetMapping = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,60}$' }),
    /** Instances. The database is the one to connect to first (default: `postgres`). */
    source: Connection,
    dest: Connection,
    /** With `*` and `?` (default: all except templates). */
    databases: Type.Object(
      {
        include: Type.Array(Type.String(), { default: [] }),
        exclude: Type.Array(Type.String(), { default: [] }),
      },
      { additionalProperties: false, default: {} },
    ),
    /** False: copied once. */
    follow: Type.Boolean({ default: true }),
    engine: Type.Union(FleetEngine.anyOf, { default: 'pgtrek' }),
    roles: Type.Union(oneOf(['merge', 'skip', 'fail', 'none'] as const).anyOf, { default: 'merge' }),
    /** Databases of this mapping that are copied at the same time. */
    atOnce: Type.Integer({ default: 2, minimum: 1 }),
    limits: some(FleetLimits),
    /** For the copy of each database. */
    options: Type.Partial(MigrationOptions, { default: {} }),
  },
  { additionalProperties: false },
)
export type FleetMapping = Static<typeof FleetMapping>

export const notificationKinds = ['phase', 'problem', 'ready', 'done'] as const
export const FleetNotification = Type.Object(
  {
    url: Type.String({ pattern: '^https?://' }),
    format: Type.Union(oneOf(['teams', 'slack', 'json'] as const).anyOf, { default: 'json' }),
    on: Type.Array(oneOf(notificationKinds), { default: ['problem', 'ready', 'done'] }),
    /** Replaces the default text. `{mapping}`, `{database}`, `{state}` and `{message}` are replaced by their values. */
    template: some(Type.String()),
  },
  { additionalProperties: false },
)
export type FleetNotification = Static<typeof FleetNotification>

export const FleetConfig = Type.Object(
  {
    mappings: Type.Array(FleetMapping, { minItems: 1 }),
    /** Databases that are copied at the same time, over all mappings. */
    atOnce: Type.Integer({ default: 4, minimum: 1 }),
    /** For each source instance, unless its mapping has limits. */
    limits: some(FleetLimits),
    readyLagBytes: Type.Number({ default: 1024 * 1024, minimum: 0 }),
    readyLagSeconds: Type.Number({ default: 5, minimum: 0 }),
    readyForSeconds: Type.Number({ default: 10, minimum: 0 }),
    /** How often rows are counted on both sides; 0: never. */
    countEverySeconds: Type.Number({ default: 600, minimum: 0 }),
    refreshSeconds: Type.Number({ default: 5, minimum: 1 }),
    /** A database with the queue of the workers; without it this process copies the rows. */
    queue: some(Connection),
    notify: Type.Array(FleetNotification, { default: [] }),
    stateless: Type.Boolean({ default: false }),
  },
  { additionalProperties: false },
)
export type FleetConfig = Static<typeof FleetConfig>

export const fleetStates = [
  'waiting',
  'preflight',
  'schema',
  'copying',
  'catchup',
  /** All changes are applied and the lag is small, or the database was copied once. */
  'synced',
  /** Ready for the cutover. */
  'ready',
  'switchover',
  /** Switched over. */
  'done',
  /** Switched over and back: the application belongs on the source. */
  'returned',
  /** Marked complete: only the mark `complete` is left of the move. */
  'complete',
  'paused',
  /** Another process works on it; this one takes over when that one ends. */
  'elsewhere',
  /** It failed, or lost a server, and is repeated automatically. */
  'retrying',
  /** A user has to do something. */
  'problem',
] as const
export const FleetState = oneOf(fleetStates)
export type FleetState = (typeof fleetStates)[number]

export const FleetDatabase = Type.Object({
  name: Type.String(),
  state: FleetState,
  /** Its view in the store and under /api/follow, if it is followed. */
  follow: Type.Optional(Type.String()),
  /** The engine in use, and the reason if it is not the requested one. */
  engine: FleetEngine,
  engine_reason: Type.Optional(Type.String()),
  tables: Type.Number(),
  tables_done: Type.Number(),
  failed_tables: Type.Array(
    Type.Object({ schema: Type.String(), name: Type.String(), error: Type.String() }),
  ),
  rows: Type.Number(),
  bytes: Type.Number(),
  total_bytes: Type.Number(),
  bytes_per_second: Type.Number(),
  rows_per_second: Type.Number(),
  lag_bytes: Type.Number(),
  lag_seconds: Type.Number(),
  /** Rows of the source minus rows of the destination, at the last count. */
  row_difference: Type.Optional(Type.Number()),
  counted_at: Type.Optional(Type.Number()),
  ready: Type.Optional(Readiness),
  switchover: Type.Optional(SwitchoverView),
  /** Switched over, with changes applied to the source: it can return. */
  flows_back: Type.Optional(Type.Boolean()),
  /** The process that works on it, if that is another one. */
  at_work: Type.Optional(Type.String()),
  attempts: Type.Number(),
  /** The time of the next attempt, in milliseconds since 1970. */
  retry_at: Type.Optional(Type.Number()),
  /** The other processes that copy its rows now, separated by commas. */
  worker: Type.Optional(Type.String()),
  error: Type.Optional(ErrorInfo),
})
export type FleetDatabase = Static<typeof FleetDatabase>

export const FleetMappingView = Type.Object({
  name: Type.String(),
  source: Type.String(),
  destination: Type.String(),
  source_version: Type.Optional(Type.String()),
  destination_version: Type.Optional(Type.String()),
  follow: Type.Boolean(),
  engine: FleetEngine,
  /** The worst state of its databases, or its own. */
  state: FleetState,
  roles: Type.Object({
    state: oneOf(['waiting', 'running', 'done', 'problem', 'none'] as const),
    message: Type.String(),
    needing_password: Type.Array(Type.String()),
  }),
  databases: Type.Array(FleetDatabase),
  /** Sums over its databases. */
  databases_done: Type.Number(),
  tables: Type.Number(),
  tables_done: Type.Number(),
  lag_bytes: Type.Number(),
  lag_seconds: Type.Number(),
  row_difference: Type.Optional(Type.Number()),
  bytes_per_second: Type.Number(),
  errors: Type.Number(),
  error: Type.Optional(ErrorInfo),
  /** For this mapping, with its hosts. */
  instructions: Type.Array(Type.String()),
})
export type FleetMappingView = Static<typeof FleetMappingView>

export const FleetView = Type.Object({
  started_at: Type.Number(),
  updated_at: Type.Number(),
  stateless: Type.Boolean(),
  refresh_seconds: Type.Number(),
  mappings: Type.Array(FleetMappingView),
  /** With a queue: its workers. */
  workers: Type.Optional(Type.Array(WorkerView)),
  log: Type.Array(
    Type.Object({
      at: Type.Number(),
      level: oneOf(['info', 'warn', 'error'] as const),
      mapping: Type.Optional(Type.String()),
      database: Type.Optional(Type.String()),
      message: Type.String(),
    }),
  ),
})
export type FleetView = Static<typeof FleetView>

export const FleetAction = Type.Union([
  /** For one mapping or one of its databases; for all without a mapping. */
  Type.Object({
    type: oneOf(['pause', 'resume', 'retry'] as const),
    mapping: Type.Optional(Type.String()),
    database: Type.Optional(Type.String()),
  }),
  Type.Object({
    type: Type.Literal('switchover'),
    mapping: Type.Optional(Type.String()),
    database: Type.Optional(Type.String()),
    read_only_source: Type.Optional(Type.Boolean()),
    keep_reverse: Type.Optional(Type.Boolean()),
    accept_differences: Type.Optional(Type.Boolean()),
    refresh_materialized_views: Type.Optional(Type.Boolean()),
    verify: Type.Optional(Type.Boolean()),
    timeout_seconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    /** Return to the source, where changes are applied to it. */
    back: Type.Optional(Type.Boolean()),
    /** Return although changes were written to the old primary after the switchover. */
    discard_late_writes: Type.Optional(Type.Boolean()),
  }),
  /** Drops slots, publications and subscriptions; the rows stay. */
  Type.Object({
    type: Type.Literal('complete'),
    mapping: Type.String(),
    database: Type.Optional(Type.String()),
    /** Also drop a slot that shows changes written to the old primary after the switchover. */
    discard_late_writes: Type.Optional(Type.Boolean()),
  }),
])
export type FleetAction = Static<typeof FleetAction>

/** The view of a fleet and the actions on it. */
export interface FleetController {
  view(): FleetView
  /** The complete view of one database. */
  database(mapping: string, database: string): FollowView | undefined
  act(action: FleetAction): Promise<FollowAnswer>
}
