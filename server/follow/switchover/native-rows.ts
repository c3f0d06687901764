// What remains to be done after a subscription has copied the rows.

import type { TableName } from '../../../shared/table-name.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'

export async function analyzeTables(destination: Session, tables: readonly TableName[]): Promise<void> {
  for (const { schema, name } of tables) {
    await destination.execute(`analyze ${quoteQualified(schema, name)}`)
  }
}

/** Materialized views were created without rows. */
export async function fillMaterializedViews(source: Session, destination: Session): Promise<void> {
  const names =
    'select schemaname as schema, matviewname as name from pg_catalog.pg_matviews where ispopulated'
  const filled = await source.query<{ schema: string; name: string }>(names)
  const there = new Set(
    (await destination.query<{ schema: string; name: string }>(names)).map((one) =>
      quoteQualified(one.schema, one.name),
    ),
  )
  let open = filled.map(({ schema, name }) => quoteQualified(schema, name)).filter((name) => !there.has(name))
  // A view may read another one, so the rest is tried again while there is progress.
  for (let before = open.length + 1; open.length > 0 && open.length < before; ) {
    before = open.length
    const left: string[] = []
    for (const name of open) {
      try {
        await destination.execute(`refresh materialized view ${name}`)
      } catch (error) {
        left.push(name)
        if (left.length === before) throw error
      }
    }
    open = left
  }
}
