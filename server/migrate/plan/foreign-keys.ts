// The foreign keys and triggers that the destination's tables have before the run: enforced, disabled for
// the run's sessions, or suspended and restored.

import type { ExistingTable, TriggersOf } from '../../catalog/existing.ts'
import type { ExistingForeignKey } from '../../catalog/existing-foreign-keys.ts'
import { quoteIdentifier, quoteQualified } from '../../postgres/quote.ts'

export function disableTriggers({ schema, name, triggers }: TriggersOf): string {
  const changes = triggers.map((trigger) => `disable trigger ${quoteIdentifier(trigger.name)}`)
  return `alter table only ${quoteQualified(schema, name)} ${changes.join(', ')}`
}

const howItFired: Record<string, string> = { O: 'enable', R: 'enable replica', A: 'enable always' }

export function enableTriggers({ schema, name, triggers }: TriggersOf): string {
  const changes = triggers.map(
    (trigger) => `${howItFired[trigger.enabled] ?? 'enable'} trigger ${quoteIdentifier(trigger.name)}`,
  )
  return `alter table only ${quoteQualified(schema, name)} ${changes.join(', ')}`
}

type Named = Pick<ExistingForeignKey, 'table' | 'name'>

export function dropForeignKey({ table, name }: Named): string {
  return `alter table ${quoteQualified(table.schema, table.name)} drop constraint if exists ${quoteIdentifier(name)}`
}

/** The triggers that would fire for copied rows: all that are not disabled by session_replication_role = replica. */
export function firingTriggers(tables: readonly ExistingTable[], asReplica: boolean): TriggersOf[] {
  return tables
    .map(({ schema, name, triggers }) => ({
      schema,
      name,
      triggers: triggers.filter(({ enabled }) => (asReplica ? enabled !== 'O' : enabled !== 'R')),
    }))
    .filter(({ triggers }) => triggers.length > 0)
}

/** Counts rows without a referenced row, as the server does when it validates the key. */
export function orphansQuery(key: ExistingForeignKey): string {
  const rows = (table: ExistingForeignKey['table'], isPartitioned: boolean) =>
    `${isPartitioned ? '' : 'only '}${quoteQualified(table.schema, table.name)}`
  const child = rows(key.table, key.tablePartitioned)
  const parent = rows(key.referenced, key.referencedPartitioned)
  const columns = key.columns.map((name) => `c.${quoteIdentifier(name)}`)
  const pairs = columns.map((column, index) => {
    return `p.${quoteIdentifier(key.referencedColumns[index] ?? '')} ${key.operators[index]} ${column}`
  })
  const isNull = columns.map((column) => `${column} is null`)
  const isComplete = columns.map((column) => `${column} is not null`).join(' and ')
  const isHalf = `(${isNull.join(' or ')}) and not (${isNull.join(' and ')})`
  const isOrphan = `${isComplete} and not exists (select from ${parent} p where ${pairs.join(' and ')})`
  const condition = key.matchFull ? `(${isHalf}) or (${isOrphan})` : isOrphan
  return `select count(*)::float8 as orphans from ${child} c where ${condition}`
}
