// The values of differing rows, for people who have to decide which side is right. Only on request, because values
// leave their servers.
import type { DifferingRow, Drill } from '../../shared/comparison.ts'
import type { Side } from './columns.ts'
import { type Scan, settled } from './fingerprint.ts'
import { nameOfKey, readByKey } from './rows-by-key.ts'
import type { Unit } from './units.ts'

const rowsPerLook = 100
/** Longer values are cut, and end with three dots. */
export const longestValue = 200

/** Adds the values of both sides to the rows that the drill has listed. */
export async function addValues(drill: Drill, scans: Record<Side, Scan>, unit: Unit): Promise<void> {
  if (!unit.key || drill.rows.length === 0) return
  drill.columns = unit.columns.compared.map(({ name }) => name)
  // A key that is not unique on one side has no single row there.
  const single = drill.rows.filter(({ rows }) => !rows)
  for (let first = 0; first < single.length; first += rowsPerLook) {
    const some = single.slice(first, first + rowsPerLook)
    const read = async (side: Side, absent: DifferingRow['change']) => {
      const there = some.filter(({ change }) => change !== absent)
      if (there.length === 0) return new Map<string, (string | null)[]>()
      return await scans[side].end.read((session) =>
        readByKey(scans[side], unit, session, there, valuesOf(unit, side)),
      )
    }
    const [ours, theirs] = await settled([read('source', 'extra'), read('destination', 'missing')])
    for (const row of some) {
      const name = nameOfKey(row)
      row.values = { source: ours?.get(name) ?? null, destination: theirs?.get(name) ?? null }
    }
  }
}

function valuesOf({ columns }: Unit, side: Side): string[] {
  return columns.compared.map((column) => {
    const text = `(${column[side]})::pg_catalog.text`
    return `case when pg_catalog.length(${text}) > ${longestValue} then pg_catalog.left(${text}, ${longestValue}) || '...' else ${text} end`
  })
}
