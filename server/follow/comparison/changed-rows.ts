// Compares rows again that changed after their table was compared, or while it is.

import { say } from '../../../shared/say.ts'
import { hasTransaction, type TwoSnapshots } from '../../compare/two-snapshots.ts'
import type { TableTouches } from '../../replication/apply/touched.ts'
import type { ComparisonContext } from './context.ts'
import type { Group } from './groups.ts'

export class ChangedRows {
  /** How long the last round took. */
  roundSeconds = 0

  constructor(readonly context: ComparisonContext) {}

  async round(signal: AbortSignal) {
    const { context } = this
    const { touched, status } = context.options
    const groups = context.groups.all.filter(({ state }) => state === 'checked' || state === 'checking')
    if (groups.length === 0) return
    const startedAt = performance.now()
    await using both = await context.open(signal)
    const cut = touched.cut((xid) => hasTransaction(both.moment, xid))
    context.updateGroups(both)
    const signatures = await context.signatures(both, groups)
    const changes = touched.touches(cut)
    for (const group of groups) {
      try {
        await this.#compareAgain(both, group, { cut, changes, signature: signatures.get(group) })
      } catch (error) {
        if (signal.aborted) throw error
        context.failed(group, error)
      }
    }
    this.roundSeconds = (performance.now() - startedAt) / 1000
    status.onChange('soon')
  }

  async #compareAgain(
    both: TwoSnapshots,
    group: Group,
    { cut, changes, signature }: { cut: number; changes: TableTouches[]; signature: string | undefined },
  ) {
    const { context } = this
    const { groups, comparer, options } = context
    if (group.state === 'checked' && group.signature !== signature) {
      group.state = 'waiting'
      return
    }
    const parts = groups.partsOf(group, changes, 'settled')
    const later = groups.partsOf(group, changes, 'later')
    if (parts === 'whole') {
      if (group.state === 'checked') group.state = 'waiting'
      return
    }
    if (parts.length === 0) return
    if (later === 'whole' || later.some(({ rows }) => rows.ranges.length > 0)) return
    const same = await comparer.parts(both, group, parts, later)
    if (same === true) {
      for (const { table } of parts) options.touched.settle(table, cut)
      if (group.state === 'checked') {
        group.mismatches = 0
        context.position = both.moment.lsn
        context.reportEqual(group)
      }
    } else if (same !== undefined && ++group.mismatches > 1)
      context.reportDifferent(group, say`${same} (of rows that changed)`)
  }
}
