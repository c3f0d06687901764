// The differences between two schemas as changes of the destination, in an order in which they can be made.
import { createHash } from 'node:crypto'
import type { SchemaChange, SchemaResult } from '../../shared/comparison-api.ts'
import { qualifiedNames } from '../schema/lexer.ts'
import { withPlainNames } from '../schema/plain-names.ts'
import {
  type Pairing,
  type ReadSchemas,
  readSchemas,
  type SchemaComparisonRequest,
  withoutSecrets,
} from './schema.ts'
import { syncSql } from './sync-sql.ts'

export async function compareForSync(request: SchemaComparisonRequest): Promise<SchemaResult> {
  const read = await readSchemas(request)
  return { ...read.comparison, differences: changesOf(read) }
}

/** First what only the destination has, in reverse order of its creation; then the others in the order of the source. */
export function changesOf({ pairings, destination }: Omit<ReadSchemas, 'comparison'>): SchemaChange[] {
  const partitions = new Set(
    destination.flatMap(({ kind, statements: [statement = ''] }) =>
      kind === 'TABLE ATTACH' ? qualifiedNames(statement).slice(1, 2) : [],
    ),
  )
  const changes = pairings.map((pairing) => changeOf(pairing, partitions))
  const isExtra = ({ status }: SchemaChange) => status === 'extra'
  return [...changes.filter(isExtra).reverse(), ...changes.filter((change) => !isExtra(change))]
}

function changeOf(
  { difference, ours, theirs, texts }: Pairing,
  partitions: ReadonlySet<string>,
): SchemaChange {
  const { by_hand, sql, destroys } = statementsOf({ difference, ours, theirs, texts }, partitions)
  const { kind, schema, name, status } = difference
  const id = createHash('sha256')
    .update(JSON.stringify([kind, schema, name, status, sql]))
    .digest('hex')
  return {
    ...difference,
    id: id.slice(0, 32),
    source: ours ? shown(ours.text) : null,
    destination: theirs ? shown(theirs.text) : null,
    sql,
    destroys,
    ...(by_hand && { by_hand }),
  }
}

function statementsOf(
  { ours, theirs, texts }: Pairing,
  partitions: ReadonlySet<string>,
): Pick<SchemaChange, 'sql' | 'destroys' | 'by_hand'> {
  const [subject = ''] = qualifiedNames(theirs?.entry?.statements[0] ?? '')
  const { sql, destroys, byHand } = syncSql({
    source: ours?.entry,
    destination: theirs?.entry,
    texts: { source: texts[0], destination: texts[1] },
    isPartition: partitions.has(subject),
  })
  // A statement that is not shown completely cannot be confirmed.
  if (sql.some((statement) => withoutSecrets(statement) !== statement))
    return { sql: [], destroys: [], by_hand: 'secrets' }
  return { sql, destroys, ...(byHand && { by_hand: byHand }) }
}

function shown(text: string): string {
  return withoutSecrets(withPlainNames(text))
}
