// Which steps of a plan an earlier run has completed.

import { stepKey } from '../../store/run-memory.ts'
import type { Step } from './step.ts'

/** Computed from rows: with the rows that are copied now the result is different. */
const ofRows: ReadonlySet<string> = new Set(['MATERIALIZED VIEW DATA', 'ANALYZE'])

/**
 * After a run that tried everything, only steps that failed or were skipped are planned again, with the steps that they
 * need. The others are not shown; an object that was dropped meanwhile is created again.
 */
export function markDone(steps: readonly Step[], left: ReadonlySet<string>): void {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const wanted = new Set(
    steps.filter(({ work, info }) => work.kind.startsWith('copy') || left.has(stepKey(info))),
  )
  // The set grows while it is read, and the loop includes what was added.
  for (const { needs } of wanted) {
    for (const id of needs) {
      const needed = byId.get(id)
      if (needed) wanted.add(needed)
    }
  }
  for (const step of steps) {
    const isMade = step.work.kind === 'sql' && !ofRows.has(step.info.kind)
    if (isMade && !wanted.has(step)) step.isAgain = true
  }
}
