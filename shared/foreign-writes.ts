// Writes of other sessions to followed tables of the destination.

import { type Static, Type } from '@sinclair/typebox'
import { formatCount, shortList } from './format.ts'
import { say } from './say.ts'
import { showName, TableName } from './table-name.ts'

export const ForeignTable = Type.Intersect([
  TableName,
  /** The table's OID on the destination: its name may change. */
  Type.Object({ oid: Type.Number(), rows: Type.Number() }),
])
export type ForeignTable = Static<typeof ForeignTable>

export const ForeignWrites = Type.Object({
  /** Not compared as equal, nor copied again, since. The server counts rows that were rolled back too. */
  tables: Type.Array(ForeignTable),
  /** Other sessions that were connected at the last detection, the likeliest first. */
  sessions: Type.Array(Type.String()),
})
export type ForeignWrites = Static<typeof ForeignWrites>

/** Why the move is not ready, and what to do. */
export function describeForeignWrites({ tables, sessions }: ForeignWrites): string {
  const named = shortList(tables.map((table) => `${showName(table)} (${formatCount(table.rows, 'row')})`))
  return sessions.length > 0
    ? say`other sessions or triggers have written to the destination: ${named}. Other connected sessions: ${shortList(sessions)}. Stop them. These tables are compared by checksum, at the switchover at the latest; where they differ, "pgtrek recopy TABLE" copies them again`
    : say`other sessions or triggers have written to the destination: ${named}. Stop them. These tables are compared by checksum, at the switchover at the latest; where they differ, "pgtrek recopy TABLE" copies them again`
}
