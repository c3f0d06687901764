// Partitions that only one side has: new ones are made, others are left to people.

import { tableKey } from '../../../shared/table-name.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import type { PartitionShape, TableShape } from './table-shape.ts'

export function partitionChanges(
  there: Pick<TableShape, 'divided' | 'partitions'>,
  here: TableShape,
  /** These are all that the source has. */
  whole = true,
): { statements: string[]; remarks: string[] } {
  const statements: string[] = []
  const remarks: string[] = []
  // Where one side divides its rows in another way, the partitions are its own business.
  if (there.divided === null || there.divided !== here.divided) return { statements, remarks }
  const known = new Set(here.partitions.map(tableKey))
  for (const partition of there.partitions) {
    if (known.has(tableKey(partition))) continue
    const { parent, bound, divided } = partition
    const [name, above] = [quoted(partition), quoted(parent)]
    const by = divided === null ? '' : ` partition by ${divided}`
    statements.push(`create table ${name} partition of ${above} ${bound}${by}`)
    remarks.push(
      `${partition.schema}.${partition.name} is a new partition: rows that were in it before it was attached are not in ` +
        'the stream and have to be copied; rows inserted since are',
    )
  }
  const still = new Set(there.partitions.map(tableKey))
  for (const partition of whole ? here.partitions : []) {
    if (still.has(tableKey(partition))) continue
    remarks.push(
      `${partition.schema}.${partition.name} is no partition on the source any more, its changes are not sent: it stays on ` +
        `the destination. To do the same there: alter table ${quoted(partition.parent)} detach partition ${quoted(partition)}`,
    )
  }
  return { statements, remarks }
}

function quoted({ schema, name }: Pick<PartitionShape, 'schema' | 'name'>): string {
  return quoteQualified(schema, name)
}
