// The messages between the page, scripts and the server over HTTP and the WebSocket.
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Connection } from './connection.ts'
import { sides } from './constants.ts'
import { LogLevel, RunStatus } from './event.ts'
import { oneOf } from './one-of.ts'
import { PlanAnswer } from './plan-api.ts'
import { Progress } from './progress.ts'
import { MigrationRequest } from './request.ts'
import { RunSize } from './run-size.ts'
import { Speeds } from './speeds.ts'
import { StorageFailure } from './storage-failure.ts'
import { Summary } from './summary.ts'

export const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

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

/** Every response that is not a success. */
export const ApiError = Type.Object({
  /** `usage`: the request is invalid. `not_now`: valid, but not in this state. `host` and others: why a connection failed. */
  error: oneOf(errorKinds),
  message: Type.String(),
  sqlstate: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
  /** The place in the request: `/options/batchSize`. */
  path: Type.Optional(Type.String()),
  /** Of the character in a condition at which the server found the error, from 1. */
  position: Type.Optional(Type.Integer()),
})
export type ApiError = Static<typeof ApiError>
export type ApiErrorKind = (typeof errorKinds)[number]

/** One end of a saved profile with its stored password. It cannot be changed in the request. */
export const ProfileConnection = Type.Object(
  { profile: Type.String(), side: oneOf(sides) },
  { additionalProperties: false },
)
export type ProfileConnection = Static<typeof ProfileConnection>

/** How a request names a database. */
export const Conn = Type.Union([...Connection.anyOf, ProfileConnection])
export type Conn = Static<typeof Conn>

/** A connection given by --source or --dest when the process was started, without its password. */
export const NamedEnd = Type.Object({
  connection: Connection,
  /** The process has a password for it, and uses it where a request has none. */
  password: Type.Boolean(),
})
export type NamedEnd = Static<typeof NamedEnd>
export const NamedEnds = Type.Object({ source: nullable(NamedEnd), destination: nullable(NamedEnd) })
export type NamedEnds = Static<typeof NamedEnds>

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

/** In requests every property that has a default is optional. */
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

/** What a run destroys must have been shown: the page sends back the confirmation of the plan. */
export const MigrateBody = Type.Object(
  {
    ...RequestBody.properties,
    /**
     * The user has confirmed what the plan destroys. Without it such a plan is refused. With a plan's `confirmation` the
     * run is also refused if it would destroy other objects than shown; `true` confirms any.
     */
    confirmed: Type.Optional(Type.Union([Type.Boolean(), Type.String()], { default: false })),
  },
  { additionalProperties: false },
)
export type MigrateBody = Static<typeof MigrateBody>

/** The connections of a past migration again, since its passwords were not stored. Completed work is not repeated. */
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
  Type.Omit(Progress, ['overall_percent', 'elapsed_seconds']),
  Type.Object({
    overall_percent: Type.Integer({
      minimum: 0,
      maximum: 100,
      description: '100 only when the run has completed.',
    }),
    elapsed_seconds: Type.Integer({ minimum: 0, description: 'Whole seconds; see elapsed_ms.' }),
    elapsed_ms: Type.Integer({ minimum: 0 }),
    partial: Type.Optional(
      Type.Boolean({ description: 'Tables that are not listed have not changed since the last message.' }),
    ),
    table_count: Type.Integer(),
    running: Type.Boolean(),
    id: nullable(Type.String()),
    log: Type.Array(LogLine, {
      description: 'The latest lines; in partial messages those since the last message.',
    }),
    request: Type.Optional(
      Type.Unknown({ description: 'The request of the job, without secrets; in complete messages.' }),
    ),
    plan: Type.Optional(PlanAnswer),
    summary: Type.Optional(Summary),
    speeds: Type.Optional(Speeds),
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
  /** The schedule that has started it. */
  schedule: nullable(Type.String()),
  /** `interrupted`: it was running when its process ended. */
  status: Type.Union([RunStatus, Type.Literal('running'), Type.Literal('interrupted')]),
  /** Null while it runs, and where its process ended before it. */
  size: nullable(RunSize),
  seconds: nullable(Type.Number()),
  /** The latest earlier one between the same databases that was of the same kind and had a result. */
  before: nullable(Type.Object({ id: Type.String(), size: RunSize, seconds: Type.Number() })),
})
export type PastMigration = Static<typeof PastMigration>

export const PastMigrationDetails = Type.Composite([
  PastMigration,
  Type.Object({
    /** Without passwords. */
    request: nullable(Type.Unknown()),
    summary: nullable(Summary),
    /** For a dry run. Of its steps only those that are known to be impossible are listed. */
    plan: nullable(PlanAnswer),
    /** Over the time of the run; null where they were not recorded, as for a run in a terminal. */
    speeds: nullable(Speeds),
  }),
])
export type PastMigrationDetails = Static<typeof PastMigrationDetails>

export const LogPage = Type.Object({
  lines: Type.Array(LogLine),
  total: Type.Integer(),
  /** The value of `after` for the next page; null at the end. */
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
    /** Store passwords too, encrypted. A password that is left out stays stored if its connection is unchanged. */
    passwords: Type.Optional(Type.Boolean({ default: false })),
  },
  { additionalProperties: false },
)
export type ProfileBody = Static<typeof ProfileBody>

export const Profile = Type.Object({
  name: Type.String(),
  /** Without passwords. */
  request: ProfileRequest,
  /** Whether any password is stored. */
  passwords: Type.Boolean(),
  /** For which connections: refer to such a connection as `{profile, side}`. */
  kept: Type.Object({ source: Type.Boolean(), destination: Type.Boolean() }),
  updated_at: Type.String(),
})
export type Profile = Static<typeof Profile>
