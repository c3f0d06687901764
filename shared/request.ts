// A user's request: two databases, what to migrate, and how.
import { type Static, Type } from '@sinclair/typebox'
import { Connection } from './connection.ts'
import { objectKinds } from './constants.ts'
import { oneOf } from './one-of.ts'

const flag = (byDefault: boolean, description: string) => Type.Boolean({ default: byDefault, description })
const patterns = (description: string) => Type.Array(Type.String(), { default: [], description })
const someNames = Type.Optional(Type.Array(Type.String()))

export const ObjectKind = oneOf(objectKinds)

/** All of a schema. If any kind has a list, only the listed objects. `*` and `?` are wildcards. */
export const SchemaSelection = Type.Object(
  {
    name: Type.String(),
    tables: someNames,
    views: someNames,
    materializedViews: someNames,
    /** `name`, or `name(integer, text)` for one of several. */
    functions: someNames,
    sequences: someNames,
    /** `trigger`, or `table.trigger`. */
    triggers: someNames,
    types: someNames,
  },
  { additionalProperties: false },
)
export type SchemaSelection = Static<typeof SchemaSelection>

/** Empty: everything. Names are exactly as in the database; a part whose name contains dots or wildcards is quoted. */
export const Selection = Type.Object(
  {
    schemas: Type.Array(SchemaSelection, { default: [], description: 'Schemas, or objects of them.' }),
    includeSchemas: patterns('Only these schemas.'),
    excludeSchemas: patterns('Not these schemas.'),
    include: patterns('Only these tables, with all that belongs to them: `schema.table` or `table`.'),
    exclude: patterns('Not these tables.'),
    only: Type.Array(ObjectKind, { default: [], description: 'Only objects of these kinds.' }),
    needed: Type.Union([Type.Literal('add'), Type.Literal('report')], {
      default: 'add',
      description:
        'Required objects that are neither selected nor on the destination: added, or reported, and the objects that require them skipped.',
    }),
  },
  { additionalProperties: false },
)
export type Selection = Static<typeof Selection>

/** The source of the values of a column of the destination. */
export const ColumnSource = Type.Union([
  Type.Object(
    { from: Type.String({ description: 'A column of the source.' }) },
    { additionalProperties: false },
  ),
  Type.Object(
    { value: Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]) },
    { additionalProperties: false },
  ),
  Type.Object(
    { expression: Type.String({ description: 'SQL over the columns of the source.' }) },
    { additionalProperties: false },
  ),
])
export type ColumnSource = Static<typeof ColumnSource>

/** How the rows of one table (or of all that match) are copied. */
export const TableRule = Type.Object(
  {
    table: Type.String({ description: '`schema.table` or `table`, with wildcards.' }),
    where: Type.Optional(Type.String({ description: 'Only rows for which this SQL condition holds.' })),
    key: Type.Optional(
      Type.String({ description: 'The unique constraint or index by which upsert merges.' }),
    ),
    columns: Type.Optional(
      Type.Record(Type.String(), ColumnSource, {
        description: 'Column of the destination -> its value. Other columns get the column of the same name.',
      }),
    ),
    leaveOut: Type.Optional(Type.Array(Type.String(), { description: 'Columns of the source not to copy.' })),
  },
  { additionalProperties: false },
)
export type TableRule = Static<typeof TableRule>

export const hookPhases = ['run', 'schema', 'data', 'indexes'] as const
/** A user's SQL or command that runs before or after a phase. `indexes`: all indexes, keys and constraints. */
export const Hook = Type.Object(
  {
    when: Type.Union([Type.Literal('before'), Type.Literal('after')]),
    phase: oneOf(hookPhases),
    run: Type.Union([
      Type.Object(
        { on: Type.Union([Type.Literal('source'), Type.Literal('destination')]), sql: Type.String() },
        { additionalProperties: false },
      ),
      Type.Object({ command: Type.String() }, { additionalProperties: false }),
    ]),
    /** Its name in messages: the file that it is from. */
    name: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type Hook = Static<typeof Hook>

export const MigrationOptions = Type.Object(
  {
    schemaOnly: flag(false, 'Create the objects, copy no rows, sequence values or large objects.'),
    dataOnly: flag(false, 'Copy rows, sequence values and large objects into existing tables.'),
    existingTableMode: Type.Union([Type.Literal('keep'), Type.Literal('drop')], {
      default: 'keep',
      description: 'Objects that exist on the destination: kept, or dropped and recreated.',
    }),
    existingDataMode: Type.Union([Type.Literal('truncate'), Type.Literal('append'), Type.Literal('upsert')], {
      default: 'truncate',
      description: 'Rows that exist in tables of the destination: deleted, appended to, or merged with.',
    }),
    batchSize: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 1000,
      description: 'Rows that append and upsert merge per batch.',
    }),
    disableFk: flag(
      true,
      'Suspend foreign keys of the destination while rows are copied; otherwise tables are copied in their order.',
    ),
    disableTriggers: flag(true, 'Suspend triggers of the destination while rows are copied.'),
    workers: Type.Integer({ minimum: 0, default: 0, description: 'Number of copy workers; 0: automatic.' }),
    indexWorkers: Type.Integer({
      minimum: 0,
      default: 0,
      description: 'Number of concurrent index builds; 0: automatic.',
    }),
    splitBytes: Type.Integer({
      minimum: 0,
      default: 0,
      description: 'Tables above this size are copied in parts; 0: automatic.',
    }),
    maxBytesPerSecond: Type.Integer({
      minimum: 0,
      default: 0,
      description: 'Maximum read rate from the source; 0: unlimited.',
    }),
    maintenanceWorkMemKb: Type.Integer({
      minimum: 0,
      default: 0,
      description: 'Memory for each index build on the destination; 0: automatic.',
    }),
    parallelMaintenanceWorkers: Type.Integer({
      minimum: -1,
      default: -1,
      description: 'Parallel workers of each index build on the destination; -1: the setting of the server.',
    }),
    owner: flag(true, 'Copy owners.'),
    acl: flag(true, 'Copy grants.'),
    comments: flag(true, 'Copy comments.'),
    tablespaces: flag(true, 'Keep the tablespaces of objects.'),
    publications: flag(true, 'Create publications.'),
    securityLabels: flag(true, 'Copy security labels.'),
    analyze: flag(true, 'Run ANALYZE on each table when it is complete.'),
    skipExtensions: Type.Array(Type.String(), { default: [], description: 'Extensions not to create.' }),
    failFast: flag(false, 'Stop at the first failure.'),
    dryRun: flag(false, 'Create the plan and stop: nothing is written.'),
    verify: flag(false, 'Compare the rows of both databases at the end.'),
    skipPreflight: flag(false, 'Skip the preflight checks.'),
    resume: flag(false, 'Continue the last incomplete run between these databases.'),
  },
  { additionalProperties: false },
)
export type MigrationOptions = Static<typeof MigrationOptions>

export const MigrationRequest = Type.Object(
  {
    source: Connection,
    destination: Connection,
    selection: Selection,
    tables: Type.Array(TableRule, { default: [] }),
    hooks: Type.Array(Hook, { default: [] }),
    options: MigrationOptions,
  },
  { additionalProperties: false },
)
export type MigrationRequest = Static<typeof MigrationRequest>
