// What the page, scripts and the server say to each other over HTTP and the WebSocket.
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Connection } from './connection.ts'
import { LogLevel, RunStatus } from './event.ts'
import { oneOf } from './one-of.ts'
import { Progress, TableProgress } from './progress.ts'
import { MigrationRequest } from './request.ts'
import { Speeds } from './speeds.ts'
import { StorageFailure } from './storage-failure.ts'
import { Summary } from './summary.ts'
import { TableName } from './table-name.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

const errorKinds = [
  'usage',
  'forbidden',
  'unauthorized',
  'not_found',
  'method',
  'busy',
  'not_now',
  'too_large',
  'host',
  'refused',
  'timeout',
  'tls',
  'certificate',
  'login',
  'database',
  'limit',
  'pooler',
  'closed',
  'server',
  'cancelled',
  'internal',
  'storage',
] as const

/** Every answer that is not a success. */
export const ApiError = Type.Object({
  /** `usage`: the request is wrong. `not_now`: right, but not in this state. `host`...: what kept a connection from being had. */
  error: oneOf(errorKinds),
  message: Type.String(),
  sqlstate: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
  /** Where in the request: `/options/batchSize`. */
  path: Type.Optional(Type.String()),
})
export type ApiError = Static<typeof ApiError>
export type ApiErrorKind = (typeof errorKinds)[number]

export const sides = ['source', 'destination'] as const
export type Side = (typeof sides)[number]

/** One end of a saved profile, its kept password included: nothing of it can be changed on the way. */
export const ProfileConnection = Type.Object(
  { profile: Type.String(), side: oneOf(sides) },
  { additionalProperties: false },
)
export type ProfileConnection = Static<typeof ProfileConnection>

/** How a request names a database. */
export const Conn = Type.Union([...Connection.anyOf, ProfileConnection])
export type Conn = Static<typeof Conn>

/** What was named with --source and --dest when the process was started, without passwords. */
export const NamedEnd = Type.Object({
  connection: Connection,
  /** The owner's password for it is known, and is used where a request has none. */
  password: Type.Boolean(),
})
export type NamedEnd = Static<typeof NamedEnd>
export const NamedEnds = Type.Object({ source: nullable(NamedEnd), destination: nullable(NamedEnd) })
export type NamedEnds = Static<typeof NamedEnds>

export const ConnectionBody = Type.Object({ conn: Conn }, { additionalProperties: false })
export type ConnectionBody = Static<typeof ConnectionBody>

export const ConnectionTest = Type.Object({
  ok: Type.Literal(true),
  version: Type.String({ description: '15.18' }),
  major: Type.Integer(),
  latency_ms: Type.Number(),
  database: Type.String(),
  user: Type.String(),
  superuser: Type.Boolean(),
  encoding: Type.String(),
  size_bytes: nullable(Type.Number()),
  tls: nullable(Type.String({ description: 'TLSv1.3; null without encryption' })),
})
export type ConnectionTest = Static<typeof ConnectionTest>

const tableKinds = ['table', 'partitioned', 'partition', 'foreign'] as const

export const BrowsedTable = Type.Object({
  name: Type.String(),
  kind: oneOf(tableKinds),
  /** The table right above a partition. */
  parent: Type.Optional(TableName),
  estimated_rows: Type.Number({ description: 'Estimate of the server; -1 if unknown.' }),
  /** With TOAST and indexes; of a partitioned table the sum of its partitions. */
  bytes: Type.Number(),
  readable: Type.Boolean(),
})
export type BrowsedTable = Static<typeof BrowsedTable>

/** `needs` are objects by `kind schema.name`, so that the page can say what a choice needs or breaks. */
export const BrowsedObject = Type.Object({
  name: Type.String(),
  /** Of a trigger: its table. */
  table: Type.Optional(Type.String()),
  needs: Type.Array(Type.Object({ kind: Type.String(), schema: Type.String(), name: Type.String() })),
})
export type BrowsedObject = Static<typeof BrowsedObject>

export const BrowsedSchema = Type.Object({
  name: Type.String(),
  owner: Type.String(),
  tables: Type.Array(Type.Composite([BrowsedTable, Type.Pick(BrowsedObject, ['needs'])])),
  views: Type.Array(BrowsedObject),
  materializedViews: Type.Array(BrowsedObject),
  /** `name(argument types)` */
  functions: Type.Array(BrowsedObject),
  sequences: Type.Array(BrowsedObject),
  triggers: Type.Array(BrowsedObject),
  types: Type.Array(BrowsedObject),
})
export type BrowsedSchema = Static<typeof BrowsedSchema>

export const Browse = Type.Object({
  database: Type.String(),
  version: Type.String(),
  size_bytes: nullable(Type.Number()),
  schemas: Type.Array(BrowsedSchema),
  extensions: Type.Array(Type.Object({ name: Type.String(), version: Type.String() })),
})
export type Browse = Static<typeof Browse>

export const TableInfoBody = Type.Object(
  {
    conn: Conn,
    schema: Type.String(),
    table: Type.String(),
    /** Rows to show. */
    sample: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, default: 0 })),
    /** How long the rows may be counted. */
    countSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 600, default: 5 })),
  },
  { additionalProperties: false },
)
export type TableInfoBody = Static<typeof TableInfoBody>

export const TableInfo = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  columns: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.String(),
      nullable: Type.Boolean(),
      default: nullable(Type.String()),
      identity: nullable(Type.Union([Type.Literal('always'), Type.Literal('by default')])),
      generated: Type.Boolean(),
    }),
  ),
  keys: Type.Array(Type.Object({ name: Type.String(), kind: Type.String(), definition: Type.String() })),
  indexes: Type.Array(
    Type.Object({
      name: Type.String(),
      definition: Type.String(),
      bytes: Type.Number(),
      valid: Type.Boolean(),
    }),
  ),
  foreign_keys: Type.Array(
    Type.Object({ name: Type.String(), definition: Type.String(), references: TableName }),
  ),
  triggers: Type.Array(
    Type.Object({ name: Type.String(), definition: Type.String(), enabled: Type.Boolean() }),
  ),
  bytes: Type.Number(),
  estimated_rows: Type.Number({ description: 'Estimate of the server; -1 if unknown.' }),
  /** Null when counting took longer than its limit. */
  exact_rows: nullable(Type.Number()),
  /** Rows as text, in the order of the columns; only when asked for. */
  sample: Type.Optional(Type.Array(Type.Array(nullable(Type.String())))),
})
export type TableInfo = Static<typeof TableInfo>

/** A plan as people see it. */
export const PlanAnswer = Type.Object({
  steps: Type.Array(
    Type.Object({
      id: Type.Integer(),
      phase: Type.String(),
      kind: Type.String(),
      schema: Type.Optional(Type.String()),
      name: Type.String(),
      /** Known to be impossible or left out, with the reason. */
      skip: Type.Optional(Type.String()),
      /** Only when asked for. */
      sql: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  /** Steps of each phase. */
  counts: Type.Record(Type.String(), Type.Number()),
  tables: Type.Array(
    Type.Object({
      schema: Type.String(),
      name: Type.String(),
      rows: Type.Number({ description: 'Estimate of the source; -1 if unknown.' }),
      bytes: Type.Number(),
      mode: Type.String(),
      /** Another table of the destination, or one that is partitioned there in another way. */
      into: Type.Optional(TableName),
      where: Type.Optional(Type.String()),
      mapping: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  destroyed: Type.Array(
    Type.Object({
      action: Type.Union([Type.Literal('truncate'), Type.Literal('drop')]),
      kind: Type.Optional(Type.String()),
      schema: Type.Optional(Type.String()),
      name: Type.String(),
      because: Type.Optional(Type.String()),
    }),
  ),
  warnings: Type.Array(Type.String()),
  rows: Type.Number(),
  bytes: Type.Number(),
  workers: Type.Integer(),
  index_workers: Type.Integer(),
  /** Stands for exactly what `destroyed` lists: to be sent back as `confirmed`. */
  confirmation: Type.String(),
})
export type PlanAnswer = Static<typeof PlanAnswer>

/** Over the wire nothing has to be said that has a default. */
export const loose = <Schema extends TSchema>(schema: Schema) =>
  Type.Unsafe<Partial<Static<Schema>>>(Type.Partial(schema))

export const RequestBody = Type.Object(
  {
    source: Conn,
    destination: Conn,
    selection: Type.Optional(loose(MigrationRequest.properties.selection)),
    tables: Type.Optional(MigrationRequest.properties.tables),
    hooks: Type.Optional(MigrationRequest.properties.hooks),
    options: Type.Optional(loose(MigrationRequest.properties.options)),
  },
  { additionalProperties: false },
)
export type RequestBody = Static<typeof RequestBody>

/** What is destroyed must have been shown: the page sends back what it was told. */
export const MigrateBody = Type.Object(
  {
    ...RequestBody.properties,
    /**
     * The user has seen what the plan destroys, and wants it. Without it such a plan is refused. With a plan's
     * `confirmation` also one that destroys anything else than was shown; `true` agrees to whatever it is.
     */
    confirmed: Type.Optional(Type.Union([Type.Boolean(), Type.String()], { default: false })),
  },
  { additionalProperties: false },
)
export type MigrateBody = Static<typeof MigrateBody>

/** The ends of a past migration again, since no password of it was kept. What is complete is not done again. */
export const RetryBody = Type.Pick(MigrateBody, ['source', 'destination', 'confirmed'], {
  additionalProperties: false,
})
export type RetryBody = Static<typeof RetryBody>

export const Started = Type.Object({ ok: Type.Literal(true), id: Type.String() })

export const LogLine = Type.Object({
  at: Type.Number({ description: 'Milliseconds since 1970.' }),
  level: LogLevel,
  message: Type.String(),
  table: Type.Optional(Type.String()),
})
export type LogLine = Static<typeof LogLine>

export const JobProgress = Type.Composite([
  Progress,
  Type.Object({
    /** Tables that are missing have not changed since the last message. */
    partial: Type.Optional(Type.Boolean()),
    table_count: Type.Integer(),
    tables: Type.Array(TableProgress),
    running: Type.Boolean(),
    id: nullable(Type.String()),
    /** The lines since the last message. */
    log: Type.Array(LogLine),
    /** What the job was asked for, without secrets; in full messages. */
    request: Type.Optional(Type.Unknown()),
    /** Of a dry run: the plan is its result. */
    plan: Type.Optional(PlanAnswer),
    summary: Type.Optional(Summary),
    /** Since the run began, in full messages. */
    speeds: Type.Optional(Speeds),
    /** While the state directory cannot be written. */
    storage_failure: Type.Optional(StorageFailure),
  }),
])
export type JobProgress = Static<typeof JobProgress>

export const ProgressMessage = Type.Object({ type: Type.Literal('progress'), data: JobProgress })
export type ProgressMessage = Static<typeof ProgressMessage>

export const PastMigration = Type.Object({
  id: Type.String(),
  source: Type.String(),
  destination: Type.String(),
  started_at: Type.String(),
  finished_at: nullable(Type.String()),
  /** Only its plan was made: nothing was written. */
  dry_run: Type.Boolean(),
  /** `interrupted`: it was running when its process ended. */
  status: Type.Union([RunStatus, Type.Literal('running'), Type.Literal('interrupted')]),
})
export type PastMigration = Static<typeof PastMigration>

export const PastMigrationDetails = Type.Composite([
  PastMigration,
  Type.Object({
    /** Without passwords. */
    request: nullable(Type.Unknown()),
    summary: nullable(Summary),
    /** Of a dry run, without the steps that would be taken; those that are known to be impossible are there. */
    plan: nullable(PlanAnswer),
    /** Over its time; null where none was kept, as of a run in a terminal. */
    speeds: nullable(Speeds),
  }),
])
export type PastMigrationDetails = Static<typeof PastMigrationDetails>

export const LogPage = Type.Object({
  lines: Type.Array(LogLine),
  total: Type.Integer(),
  /** To ask for the next page with `after`; null at the end. */
  next: nullable(Type.Integer()),
})
export type LogPage = Static<typeof LogPage>

export const ProfileRequest = Type.Object(
  { ...RequestBody.properties, source: Connection, destination: Connection },
  { additionalProperties: false },
)
export type ProfileRequest = Static<typeof ProfileRequest>

export const ProfileName = Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\u0000-\\u001f/]+$' })

export const ProfileBody = Type.Object(
  {
    request: ProfileRequest,
    /** Keep the passwords too, sealed. One that is left out stays as it was if its connection did. */
    passwords: Type.Optional(Type.Boolean({ default: false })),
  },
  { additionalProperties: false },
)
export type ProfileBody = Static<typeof ProfileBody>

export const Profile = Type.Object({
  name: Type.String(),
  /** Without passwords. */
  request: ProfileRequest,
  /** Whether any password is kept. */
  passwords: Type.Boolean(),
  /** Which: such an end is best named by `{profile, side}`. */
  kept: Type.Object({ source: Type.Boolean(), destination: Type.Boolean() }),
  updated_at: Type.String(),
})
export type Profile = Static<typeof Profile>
