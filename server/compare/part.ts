// Counts and hashes some rows of a table by their keys: those that have changed since the table was compared.
import type { Fingerprint } from '../../shared/comparison.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import { fromClause, type Scan } from './fingerprint.ts'
import { rowHash } from './hash.ts'
import type { Relation } from './relations.ts'
import type { Unit } from './units.ts'

export interface SomeRows {
  columns: readonly string[]
  keys: readonly (readonly string[])[]
  ranges: readonly (readonly [low: bigint, high: bigint])[]
}

const keysPerQuery = 1000

/** Sums of count and hash; the sums of disjoint parts add up to those of the whole. */
export interface Sum {
  rows: number
  hash: bigint
}

export const nothing: Sum = { rows: 0, hash: 0n }

export function plus(one: Sum, other: Sum): Sum {
  return { rows: one.rows + other.rows, hash: one.hash + other.hash }
}

export function minus(one: Sum, other: Sum): Sum {
  return { rows: one.rows - other.rows, hash: one.hash - other.hash }
}

export function isSameSum(one: Sum, other: Sum): boolean {
  return one.rows === other.rows && one.hash === other.hash
}

export function sumOf({ rows, hash }: Fingerprint): Sum {
  return { rows, hash: BigInt(hash ?? 0) }
}

/** Needs short transactions of the reading end: the setting here ends with the transaction. */
export async function sumRows(scan: Scan, unit: Unit, some: SomeRows): Promise<Sum> {
  let sum = nothing
  for (const relation of unit[scan.side] ?? []) {
    for (const condition of conditionsFor(relation, some)) {
      const hash = rowHash(unit.columns.compared, scan.side, scan.hash)
      const from = fromClause(scan, unit, relation, condition)
      const found = await scan.end.read(async (session) => {
        // Statistics of a changing table are often outdated, and a sequential scan for each key would take very long.
        await session.execute('set local enable_seqscan = off')
        return await session.one<{ rows: string; hash: string }>(
          `select count(*)::text as rows, coalesce(sum(${hash}), 0)::text as hash ${from}`,
        )
      })
      sum = plus(sum, { rows: Number(found.rows), hash: BigInt(found.hash) })
    }
  }
  return sum
}

/** Compares each column with its own type, so that an index of the key can be used. */
function conditionsFor(relation: Relation, { columns, keys, ranges }: SomeRows): string[] {
  const types = columns.map((name) => {
    const column = relation.columns.find((one) => one.name === name)
    if (!column) throw new Error(`${relation.schema}.${relation.name} has no column ${name} any more`)
    return column.typeName
  })
  const names = columns.map(quoteIdentifier)
  const conditions: string[] = []
  for (let first = 0; first < keys.length; first += keysPerQuery) {
    const page = keys.slice(first, first + keysPerQuery)
    const arrays = types.map((type, at) => {
      const values = page.map((key) => `"${(key[at] ?? '').replace(/["\\]/g, '\\$&')}"`)
      return `${quoteLiteral(`{${values.join(',')}}`)}::${type}[]`
    })
    conditions.push(
      names.length === 1
        ? `${names[0]} = any (${arrays[0]})`
        : `(${names.join(', ')}) in (select * from unnest(${arrays.join(', ')}))`,
    )
  }
  for (const [low, high] of ranges) conditions.push(`${names[0]} between '${low}' and '${high}'`)
  return conditions
}
