// The outcome of a run, from its numbers: a phase is green only when nothing is missing.
import type { PhaseProgress, TableProgress } from '../../shared/progress.ts'
import type { Summary } from '../../shared/summary.ts'

export type PhaseState = TableProgress['status'] | 'not_reached'

export function phaseState(phase: PhaseProgress, isRunning: boolean): PhaseState {
  const { total, done, failed, skipped, running } = phase
  if (failed > 0) return 'failed'
  if (isRunning && running > 0) return 'in_progress'
  if (done + skipped < total) return isRunning ? 'pending' : 'not_reached'
  return skipped > 0 ? 'skipped' : 'completed'
}

export interface Outcome {
  tables: number
  whole: number
  rows: number
  failed: number
  skipped: number
}

export function outcomeOf({ tables, failed, skipped }: Summary): Outcome {
  const whole = tables.filter(({ status }) => status === 'completed')
  return {
    tables: tables.length,
    whole: whole.length,
    rows: whole.reduce((sum, { rows }) => sum + rows, 0),
    failed: failed.length,
    skipped: skipped.length,
  }
}

/** Over the time in which rows were copied, from numbers that every view of the run has. */
export function averagesOf(
  phases: readonly PhaseProgress[],
  moved: { rows: number; bytes: number },
): { rows: number; bytes: number } | undefined {
  const seconds = phases.find(({ phase }) => phase === 'data')?.wall_seconds ?? 0
  if (seconds <= 0) return undefined
  return { rows: Math.round(moved.rows / seconds), bytes: Math.round(moved.bytes / seconds) }
}

/** Rows of a table list for a run that is over, from its summary. */
export function tablesOf({ tables }: Summary): TableProgress[] {
  return tables.map(({ rows, bytes, seconds, ...table }) => ({
    ...{ schema: table.schema, name: table.name, status: table.status, collided: table.collided },
    ...{ total_rows: rows, migrated_rows: rows, total_bytes: bytes, migrated_bytes: bytes },
    percent: table.status === 'completed' ? 100 : 0,
    copy_seconds: seconds,
    index_seconds: table.index_seconds,
  }))
}
