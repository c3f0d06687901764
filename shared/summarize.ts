// The last progress of a run as its summary.
import type { Progress } from './progress.ts'
import type { Summary } from './summary.ts'

/** `error` is why the run as a whole failed, when it did. */
export function summarize(progress: Progress, error?: string): Summary {
  return {
    // A run without an end was broken off: its events stopped before it could say so.
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
