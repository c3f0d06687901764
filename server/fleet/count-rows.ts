// Counts by how many rows both sides of a database differ.

import { showName, type TableName } from '../../shared/table-name.ts'
import { compareData } from '../compare/data.ts'
import type { FollowEnds } from '../follow/request.ts'
import { PgtrekError } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'

/** Rows of the source minus those of the destination. */
export async function countDifference(
  { source, destination }: Pick<FollowEnds, 'source' | 'destination'>,
  signal: AbortSignal,
): Promise<number> {
  const { tables } = await compareData({
    ...{ source, destination, signal },
    fast: true,
    sequences: false,
    largeObjects: false,
  })
  const unknown = tables.find(({ status }) => status === 'unknown')
  if (unknown) throw new PgtrekError(`${showName(unknown)}: ${unknown.error?.message}`)
  const missing = tables.filter(({ status }) => status === 'missing')
  const missingRows = await countRowsOf(source, missing)
  const rows = (side: 'source' | 'destination') =>
    tables.reduce((sum, table) => sum + Number(table[side]?.rows ?? 0), 0)
  return rows('source') + missingRows - rows('destination')
}

/** Of tables that the other side does not have. */
async function countRowsOf(settings: ConnectionSettings, tables: readonly TableName[]): Promise<number> {
  if (tables.length === 0) return 0
  await using session = await Session.open(settings)
  let sum = 0
  for (const { schema, name } of tables) {
    const { rows } = await session.one<{ rows: number }>(
      `select count(*)::float8 as rows from ${quoteQualified(schema, name)}`,
    )
    sum += rows
  }
  return sum
}
