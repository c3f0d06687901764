// What others than the move have written to tables of the destination while they are followed.
import { type Static, Type } from '@sinclair/typebox'
import { formatCount, shortList } from './format.ts'
import { showName, TableName } from './table-name.ts'

export const ForeignTable = Type.Intersect([
  TableName,
  /** Its OID there: the name may change. */
  Type.Object({ oid: Type.Number(), rows: Type.Number() }),
])
export type ForeignTable = Static<typeof ForeignTable>

export const ForeignWrites = Type.Object({
  /** Not found equal, nor copied anew, since. As the server counts: also rows that were rolled back. */
  tables: Type.Array(ForeignTable),
  /** Others that were connected when it was noticed last, the likeliest first. */
  sessions: Type.Array(Type.String()),
})
export type ForeignWrites = Static<typeof ForeignWrites>

/** Why it is not ready, and how one gets on. */
export function describeForeignWrites({ tables, sessions }: ForeignWrites): string {
  const named = shortList(tables.map((table) => `${showName(table)} (${formatCount(table.rows, 'row')})`))
  const who = sessions.length > 0 ? ` Other connected sessions: ${shortList(sessions)}.` : ''
  return (
    `other sessions or triggers have written to the destination: ${named}.${who} ` +
    'Stop them. These tables are compared by checksum, at the switchover at the latest; where they differ, "pgtrek recopy TABLE" copies them again'
  )
}
