// Reads expressions over a few rows of one side, found by their keys.
import type { DifferingRow } from '../../shared/comparison.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { fromClause, type Scan } from './fingerprint.ts'
import type { Unit } from './units.ts'

/** The answers by `nameOfKey`; rows that are not there have none. Every expression must be of type text. */
export async function readByKey(
  scan: Scan,
  unit: Unit,
  session: Session,
  rows: readonly DifferingRow[],
  expressions: readonly string[],
): Promise<Map<string, (string | null)[]>> {
  const { side } = scan
  const key = unit.key ?? []
  const keyText = `pg_catalog.json_build_array(${key.map((column) => `pg_catalog.concat(${column[side]})`).join(', ')})::text`
  // Compared with the type of the column, so that an index can be used.
  const wanted = rows
    .map((row) => {
      const equalities = key.map((column, at) => `${column[side]} = ${quoteLiteral(row.key[at] ?? '')}`)
      return `(${equalities.join(' and ')})`
    })
    .join(' or ')
  const found = new Map<string, (string | null)[]>()
  for (const relation of unit[side] ?? []) {
    const answers = await session.query<{ key: string; found: string }>(`
      select ${keyText} as key, pg_catalog.to_json(array[${expressions.join(', ')}]::pg_catalog.text[])::text as found
        ${fromClause(scan, unit, relation, wanted)}`)
    for (const answer of answers) found.set(JSON.stringify(JSON.parse(answer.key)), JSON.parse(answer.found))
  }
  return found
}

export function nameOfKey({ key }: DifferingRow): string {
  return JSON.stringify(key)
}
