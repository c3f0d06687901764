// ANALYZE for each table, after all objects that depend on its rows.
import type { TableName } from '../../../shared/table-name.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import type { PlanBuilder } from './builder.ts'
import type { Step } from './step.ts'
import type { RowSteps } from './types.ts'

const none: string[] = []

interface Target {
  rows: Step
  after: number[]
  bytes: number
  locks: number[]
}

/** Partitions are analyzed with the topmost table, which needs statistics of all of them. */
export function planAnalyze(
  builder: PlanBuilder,
  rows: RowSteps,
  builtOn: ReadonlyMap<number, readonly Step[]>,
  names: ReadonlyMap<number, TableName>,
) {
  const idsOf = (table: number) => builtOn.get(table)?.map((step) => step.id) ?? []
  const targets = new Map<number, Target>()
  for (const table of rows.tables.filter((one) => one.extension === null)) {
    const oid = table.root ?? table.oid
    const filled = table.root === null ? rows.byTable.get(oid) : rows.byRoot.get(oid)
    if (!filled) continue
    const target = targets.get(oid) ?? { rows: filled, after: idsOf(oid), bytes: 0, locks: [oid] }
    if (table.root !== null) {
      target.after.push(...idsOf(table.oid))
      target.locks.push(table.oid)
    }
    target.bytes += table.bytes
    targets.set(oid, target)
  }
  for (const [oid, { rows: filled, after, bytes, locks }] of targets) {
    const table = names.get(oid)
    if (!table) continue
    builder.add(
      { phase: 'statistics', kind: 'ANALYZE', ...table, table },
      {
        kind: 'sql',
        statements: [`analyze ${quoteQualified(table.schema, table.name)}`],
        extras: none,
        mayExist: false,
      },
      { pool: 'build', needs: [filled.id], after, locks: { exclusive: locks }, weight: bytes },
    )
  }
}
