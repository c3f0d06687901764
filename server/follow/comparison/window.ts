// The comparison of a switchover, when nothing is written any more and everything is applied. Tables that were compared
// beforehand need only the rows compared that have changed since.

import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type { TwoSnapshots } from '../../compare/two-snapshots.ts'
import type { TableTouches } from '../../replication/apply/touched.ts'
import type { Comparer } from './comparer.ts'
import type { Group, Groups } from './groups.ts'

export const windowWorkers = 4

export interface Proven extends TableName {
  rows: number
  lsn: string
  /** Keys and ranges compared again in the switchover. */
  again: number
}

export interface InWindow {
  proven: Proven[]
  /** Tables not compared before, or changed as a whole since. */
  whole: TableName[]
  /** Tables that differed: their row counts are no proof. */
  suspect: TableName[]
  /** How many groups of tables were compared before, and others may have written to them since. */
  doubtful: number
}

export interface WindowWork {
  both: TwoSnapshots
  groups: Groups
  comparer: Comparer
  tables: readonly TableName[]
  changes: readonly TableTouches[]
  signatures: ReadonlyMap<Group, string>
  /** False when results are from an earlier stream, and not valid any more. */
  isEpochCurrent: boolean
  /** Whether others can have written to its tables on the destination since they were compared. */
  mayHaveChanged: (group: Group) => boolean
  signal: AbortSignal
}

export async function compareInWindow(work: WindowWork): Promise<InWindow> {
  const { both, groups, comparer, tables, changes, signatures, isEpochCurrent, mayHaveChanged, signal } = work
  const proven: Proven[] = []
  const unproven = new Set<string>()
  const suspect = new Set<string>()
  let doubtful = 0
  const compare = async (group: Group) => {
    const isCurrent = isEpochCurrent && group.signature === signatures.get(group)
    const isChecked = isCurrent && group.state === 'checked'
    const isGood = isChecked && !mayHaveChanged(group)
    if (isChecked && !isGood) doubtful++
    const parts = isGood ? groups.partsOf(group, changes, 'settled') : 'whole'
    // A failure leads to a comparison as a whole.
    const same = parts !== 'whole' && (await comparer.parts(both, group, parts, []).catch(() => undefined))
    signal.throwIfAborted()
    if (same !== true) {
      const isSuspect = parts !== 'whole' || group.state === 'different'
      return void (isSuspect ? suspect : unproven).add(tableKey(group.id))
    }
    const again = parts.reduce((sum, { rows }) => sum + rows.keys.length + rows.ranges.length, 0)
    for (const { table, rows } of group.rows ?? []) {
      proven.push({ ...table, rows, lsn: group.lsn ?? '', again })
    }
  }
  const waiting = groups.all
  await Promise.all(
    Array.from({ length: windowWorkers }, async () => {
      for (let group = waiting.pop(); group; group = waiting.pop()) await compare(group)
    }),
  )
  const whole = tables.filter((table) => {
    const group = groups.keyOf(table)
    return group === undefined || unproven.has(group)
  })
  const differing = tables.filter((table) => suspect.has(groups.keyOf(table) ?? ''))
  return { proven, whole, suspect: differing, doubtful }
}
