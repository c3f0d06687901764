// Which steps of a plan an earlier run has done.

import { stepKey } from '../../store/run-memory.ts'
import type { Step } from './step.ts'

/** What is computed from rows: from those that are copied now it comes out another way. */
const ofRows: ReadonlySet<string> = new Set(['MATERIALIZED VIEW DATA', 'ANALYZE'])

/**
 * Of a run that tried everything only what failed or was skipped is planned again, and what that needs. The rest is not
 * shown; it is made again all the same where somebody has dropped it meanwhile.
 */
export function markDone(steps: readonly Step[], left: ReadonlySet<string>): void {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const wanted = new Set(
    steps.filter(({ work, info }) => work.kind.startsWith('copy') || left.has(stepKey(info))),
  )
  // A set grows while it is walked, and the walk goes on over what was added.
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
