// The name of a table, in the forms that it is needed in.
import { type Static, Type } from '@sinclair/typebox'

export const TableName = Type.Object({ schema: Type.String(), name: Type.String() })
export type TableName = Static<typeof TableName>

/** `schema.name` as shown to people; never used in SQL. */
export function showName(object: { schema?: string | undefined; name: string }): string {
  return object.schema ? `${object.schema}.${object.name}` : object.name
}

/** The same for the same table, whatever stands in its names: for maps and sets. */
export function tableKey({ schema, name }: TableName): string {
  return JSON.stringify([schema, name])
}

/** Its name alone, of something that has more. */
export function nameOf({ schema, name }: TableName): TableName {
  return { schema, name }
}
