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
