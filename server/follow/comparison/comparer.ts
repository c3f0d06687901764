// Compares one group under a pair of snapshots, as a whole or only changed rows, and estimates how long that takes.

import { say } from '../../../shared/say.ts'
import { showName } from '../../../shared/table-name.ts'
import type { TwoSnapshots } from '../../compare/two-snapshots.ts'
import { bytesOf } from '../../compare/units.ts'
import { type Group, type Part, rowsFor } from './groups.ts'

/** `later`: a table changed as a whole during the comparison. `why`: what is different. */
export type WholeOutcome = 'later' | { rows: NonNullable<Group['rows']>; why: string | undefined }

export class Comparer {
  #bytes = 0
  #seconds = 0
  #keys = 0
  #keySeconds = 0

  async whole(both: TwoSnapshots, group: Group, later: Part[] | 'whole'): Promise<WholeOutcome> {
    if (later === 'whole' || later.some(({ rows }) => rows.ranges.length > 0)) return 'later'
    const startedAt = performance.now()
    const units = both.units(group.tables)
    const rows: NonNullable<Group['rows']> = []
    if (units.length === 0) throw new Error(say`it does not exist`)
    for (const unit of units) {
      const found = await both.compareWhole(unit, rowsFor(unit, units, later))
      if (!found.same && (await both.isRewritten(unit))) return 'later'
      group.seconds = (performance.now() - startedAt) / 1000
      if (!found.same) return { rows, why: `${units.length > 1 ? `${showName(unit)}: ` : ''}${found.why}` }
      rows.push({ table: { schema: unit.schema, name: unit.name }, rows: found.rows })
    }
    group.seconds = (performance.now() - startedAt) / 1000
    this.#bytes += units.reduce((sum, unit) => sum + bytesOf(unit), 0) / 2
    this.#seconds += group.seconds
    return { rows, why: undefined }
  }

  /** True, or what is different; undefined when that cannot be determined now. */
  async parts(
    both: TwoSnapshots,
    group: Group,
    parts: Part[],
    later: Part[],
  ): Promise<true | string | undefined> {
    if (parts.length === 0) return true
    const startedAt = performance.now()
    const units = both.units(group.tables)
    for (const unit of units) {
      const some = rowsFor(unit, units, parts)
      if (some.length === 0) continue
      const found = await both.compareRows(unit, some, rowsFor(unit, units, later))
      if (!found.same) return (await both.isRewritten(unit)) ? undefined : found.why
      this.#keys += some.reduce((sum, { keys }) => sum + keys.length, 0)
    }
    this.#keySeconds += (performance.now() - startedAt) / 1000
    return true
  }

  /** Undefined before the first comparison. */
  estimateSeconds({ bytes, rows }: { bytes: number; rows: number }): number | undefined {
    if (bytes > 0 && this.#bytes === 0) return undefined
    const perKey = this.#keys > 0 ? this.#keySeconds / this.#keys : 0
    return (bytes > 0 ? (bytes / this.#bytes) * this.#seconds : 0) + rows * perKey
  }
}
