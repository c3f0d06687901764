// The phases a user sees, in the order they are shown; work of several phases may run at the same time.
import { type Static, Type } from '@sinclair/typebox'
import { oneOf } from './one-of.ts'

export const phases = [
  'reading',
  'schemas',
  'types',
  'functions',
  'tables',
  'sequences',
  'views',
  'data',
  'large objects',
  'indexes',
  'constraints',
  'triggers',
  'statistics',
  'others',
  'verification',
] as const

export const Phase = oneOf(phases)
export type Phase = (typeof phases)[number]

export const TableName = Type.Object({ schema: Type.String(), name: Type.String() })
export type TableName = Static<typeof TableName>

/** `schema.name` as shown to people; never used in SQL. */
export function showName(object: { schema?: string | undefined; name: string }): string {
  return object.schema ? `${object.schema}.${object.name}` : object.name
}
