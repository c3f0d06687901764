// The result of a run in one object: the output of `--json`.

import { type Static, Type } from '@sinclair/typebox'
import { TableComparison } from './comparison.ts'
import { RunStatus } from './event.ts'
import { FailedStep } from './failure.ts'
import type { Progress } from './progress.ts'
import { PhaseProgress, SkippedObject, TableStatus } from './progress.ts'

export const Summary = Type.Object({
  status: RunStatus,
  /** For a dry run: what a run would copy, by the source's estimates. Nothing was written. */
  planned: Type.Optional(Type.Object({ tables: Type.Number(), rows: Type.Number(), bytes: Type.Number() })),
  elapsed_seconds: Type.Number(),
  tables: Type.Array(
    Type.Object({
      schema: Type.String(),
      name: Type.String(),
      status: TableStatus,
      rows: Type.Number(),
      /** Rows that append left out because their keys exist on the destination. */
      collided: Type.Number(),
      bytes: Type.Number(),
      /** Time to copy the rows; `index_seconds` is the time to build its indexes and constraints. */
      seconds: Type.Number(),
      index_seconds: Type.Number(),
    }),
  ),
  failed: Type.Array(FailedStep),
  skipped: Type.Array(SkippedObject),
  warnings: Type.Array(Type.String()),
  phases: Type.Array(PhaseProgress),
  /** The result of --verify: the number of compared tables, and those that differ. */
  verification: Type.Optional(
    Type.Object({ compared: Type.Number(), different: Type.Array(TableComparison) }),
  ),
  error: Type.Optional(Type.String()),
})
export type Summary = Static<typeof Summary>

/** `error`: why the run as a whole failed. */
export function summarize(progress: Progress, error?: string): Summary {
  return {
    // A run without an end was interrupted: its events stopped.
    status: progress.status === 'running' ? 'failed' : progress.status,
    ...(progress.dry_run && { planned: plannedIn(progress) }),
    elapsed_seconds: progress.elapsed_seconds,
    tables: progress.tables.map((table) => ({
      schema: table.schema,
      name: table.name,
      status: table.status,
      rows: table.migrated_rows,
      collided: table.collided,
      bytes: table.migrated_bytes,
      seconds: table.copy_seconds,
      index_seconds: table.index_seconds,
    })),
    failed: progress.failed,
    skipped: progress.skipped,
    warnings: progress.warnings,
    phases: progress.phases,
    ...(progress.verification && { verification: progress.verification }),
    ...(error === undefined ? {} : { error }),
  }
}

function plannedIn({ tables }: Progress): NonNullable<Summary['planned']> {
  const sum = (field: 'total_rows' | 'total_bytes') =>
    tables.reduce((total, table) => total + table[field], 0)
  return { tables: tables.length, rows: sum('total_rows'), bytes: sum('total_bytes') }
}
