// What a user asks for: two databases and how to move one to the other.
import { type Static, Type } from '@sinclair/typebox'
import { Connection } from './connection.ts'

const flag = (byDefault: boolean, description: string) => Type.Boolean({ default: byDefault, description })

export const MigrationOptions = Type.Object(
  {
    schemaOnly: flag(false, 'Create the objects, copy no rows, sequence values or large objects.'),
    dataOnly: flag(false, 'Copy rows, sequence values and large objects into tables that are there.'),
    workers: Type.Integer({ minimum: 0, default: 0, description: 'Copy workers; 0 chooses.' }),
    indexWorkers: Type.Integer({ minimum: 0, default: 0, description: 'Index builds at once; 0 chooses.' }),
    splitBytes: Type.Integer({
      minimum: 0,
      default: 0,
      description: 'Tables above this size are copied in parts; 0 chooses.',
    }),
    maintenanceWorkMemKb: Type.Integer({
      minimum: 0,
      default: 0,
      description: 'Memory for each index build on the destination; 0 chooses.',
    }),
    parallelMaintenanceWorkers: Type.Integer({
      minimum: -1,
      default: -1,
      description: 'Helpers of each index build on the destination; -1 chooses.',
    }),
    owner: flag(true, 'Give objects the owners they have.'),
    acl: flag(true, 'Grant what is granted.'),
    comments: flag(true, 'Carry comments.'),
    tablespaces: flag(true, 'Put objects into the tablespaces they are in.'),
    publications: flag(true, 'Create publications.'),
    securityLabels: flag(true, 'Carry security labels.'),
    analyze: flag(true, 'Gather statistics for each table when it is complete.'),
    skipExtensions: Type.Array(Type.String(), { default: [], description: 'Extensions not to create.' }),
  },
  { additionalProperties: false },
)
export type MigrationOptions = Static<typeof MigrationOptions>

export const defaultOptions: MigrationOptions = {
  schemaOnly: false,
  dataOnly: false,
  workers: 0,
  indexWorkers: 0,
  splitBytes: 0,
  maintenanceWorkMemKb: 0,
  parallelMaintenanceWorkers: -1,
  owner: true,
  acl: true,
  comments: true,
  tablespaces: true,
  publications: true,
  securityLabels: true,
  analyze: true,
  skipExtensions: [],
}

export const MigrationRequest = Type.Object({
  source: Connection,
  destination: Connection,
  options: MigrationOptions,
})
export type MigrationRequest = Static<typeof MigrationRequest>
