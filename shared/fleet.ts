// Many instances to many: what is asked for, and what the board shows. Passwords are in none of the views.

import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Connection } from './connection.ts'
import { ErrorInfo } from './error-info.ts'
import { type FollowAnswer, type FollowView, Readiness, SwitchoverView } from './follow-view.ts'
import { oneOf } from './one-of.ts'
import { MigrationOptions } from './request.ts'
import { WorkerView } from './worker.ts'

const some = <Schema extends TSchema>(schema: Schema) => Type.Optional(schema)

/** What one source instance is asked to bear. */
export const FleetLimits = Type.Object(
  {
    /** Of all its databases together; 0 is as fast as it goes. */
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
    /** Instances: the database is the one to connect to first, `postgres` unless told. */
    source: Connection,
    dest: Connection,
    /** With `*` and `?`; all but templates unless told. */
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
    /** Of each database's copy. */
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
    /** Instead of the usual text: `{mapping}`, `{database}`, `{state}`, `{message}` stand for what it is about. */
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
    /** Of each source instance, unless its mapping says otherwise. */
    limits: some(FleetLimits),
    readyLagBytes: Type.Number({ default: 1024 * 1024, minimum: 0 }),
    readyLagSeconds: Type.Number({ default: 5, minimum: 0 }),
    readyForSeconds: Type.Number({ default: 10, minimum: 0 }),
    /** How often rows are counted on both sides; 0 never. */
    countEverySeconds: Type.Number({ default: 600, minimum: 0 }),
    refreshSeconds: Type.Number({ default: 5, minimum: 1 }),
    /** A database in which workers find their jobs; without it this process copies by itself. */
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
  /** Everything has arrived: followed closely, or copied once. */
  'synced',
  /** The light is green. */
  'ready',
  'switchover',
  /** Switched over. */
  'done',
  /** Switched over, and back: the application belongs on the source. */
  'returned',
  /** Marked complete: of ours only the mark `complete` is left. */
  'complete',
  'paused',
  /** Another process works on it; this one takes over when that one ends. */
  'elsewhere',
  /** It failed, or lost a server, and is tried again by itself. */
  'retrying',
  /** Somebody has to do something. */
  'problem',
] as const
export const FleetState = oneOf(fleetStates)
export type FleetState = (typeof fleetStates)[number]

export const FleetDatabase = Type.Object({
  name: Type.String(),
  state: FleetState,
  /** Its view in the store and under /api/follow, where it is followed. */
  follow: Type.Optional(Type.String()),
  /** As it turned out, where another was asked for; and why. */
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
  /** Rows of the source minus rows of the destination, as last counted. */
  row_difference: Type.Optional(Type.Number()),
  counted_at: Type.Optional(Type.Number()),
  ready: Type.Optional(Readiness),
  switchover: Type.Optional(SwitchoverView),
  /** Switched over, and changes flow back: it can return. */
  flows_back: Type.Optional(Type.Boolean()),
  /** Where another process works on it: which one. */
  at_work: Type.Optional(Type.String()),
  attempts: Type.Number(),
  /** When it is tried again, in milliseconds since 1970. */
  retry_at: Type.Optional(Type.Number()),
  /** The processes that copy its rows at this moment, where those are others; by commas. */
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
  /** The worst of its databases, or where it stands itself. */
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
  /** Written out for this mapping, with its hosts. */
  instructions: Type.Array(Type.String()),
})
export type FleetMappingView = Static<typeof FleetMappingView>

export const FleetView = Type.Object({
  started_at: Type.Number(),
  updated_at: Type.Number(),
  stateless: Type.Boolean(),
  refresh_seconds: Type.Number(),
  mappings: Type.Array(FleetMappingView),
  /** Where there is a queue: who takes jobs from it. */
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
  /** Of one mapping or one of its databases; of all without a mapping. */
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
    /** Returns to the source, where changes flow back. */
    back: Type.Optional(Type.Boolean()),
    /** Returns although changes were written to the old primary after the switchover. */
    discard_late_writes: Type.Optional(Type.Boolean()),
  }),
  /** Takes away slots, publications, subscriptions; the rows stay. */
  Type.Object({
    type: Type.Literal('complete'),
    mapping: Type.String(),
    database: Type.Optional(Type.String()),
    /** Also drops a slot that shows changes written to the old primary after the switchover. */
    discard_late_writes: Type.Optional(Type.Boolean()),
  }),
])
export type FleetAction = Static<typeof FleetAction>

/** Where somebody sees a fleet and says what is to be done with it. */
export interface FleetController {
  view(): FleetView
  /** One database in full. */
  database(mapping: string, database: string): FollowView | undefined
  act(action: FleetAction): Promise<FollowAnswer>
}
