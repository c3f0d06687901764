// The name of a table in its different forms.
import { type Static, Type } from '@sinclair/typebox'

export const TableName = Type.Object({ schema: Type.String(), name: Type.String() })
export type TableName = Static<typeof TableName>

/** `schema.name` for users; never used in SQL. */
export function showName(object: { schema?: string | undefined; name: string }): string {
  return object.schema ? `${object.schema}.${object.name}` : object.name
}

/** The same string for the same table, whatever characters its name contains: for maps and sets. */
export function tableKey({ schema, name }: TableName): string {
  return JSON.stringify([schema, name])
}

/** Only the name, of an object with more properties. */
export function nameOf({ schema, name }: TableName): TableName {
  return { schema, name }
}
