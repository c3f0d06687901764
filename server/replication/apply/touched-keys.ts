// Keys of changed rows, by table: single keys up to a limit, then ranges of an integer key, then a mark that the
// whole table counts as changed. Each has the number of the last transaction that has changed it.
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type { OldRow } from '../stream/event.ts'
import type { Tuple } from '../stream/tuple.ts'
import { integerTypes, isInteger, keyText } from './key-text.ts'
import type { TargetTable } from './target.ts'

/** The limits for one table, and for all tables together. */
const mostKeys = { table: 50_000, all: 400_000 } as const
const mostRanges = 200
export type Range = readonly [low: bigint, high: bigint]

export class TouchedTable {
  columns: readonly string[] | undefined
  isInteger = false
  /** Key as text (several columns as JSON) -> number of the last transaction that has changed it. */
  keys = new Map<string, number>()
  ranges: Range[] = []
  rangesAt = 0
  /** The last transaction for which the whole table counts as changed; 0 for none. */
  wholeAt = 0

  constructor(readonly id: TableName) {}

  get isEmpty(): boolean {
    return this.keys.size === 0 && this.ranges.length === 0 && this.wholeAt === 0
  }
}

/** The same for all rows of a table. */
interface Shape {
  columns: readonly string[]
  indexes: readonly number[]
  types: readonly number[]
  isInteger: boolean
}

const shapes = new WeakMap<TargetTable, { shape: Shape | undefined }>()

/** The rows of one transaction, or of all. */
export class TouchedTables {
  readonly all = new Map<string, TouchedTable>()
  count = 0
  #last: { target: TargetTable; table: TouchedTable; shape: Shape | undefined } | undefined

  note(target: TargetTable, row: Tuple, old: OldRow, oldRow: Tuple, at: number) {
    const { table, shape } = this.#of(target, at)
    if (!shape) {
      table.wholeAt = at
      return
    }
    this.#key(table, shape, row, at)
    if (old !== undefined && oldRow !== row) this.#key(table, shape, oldRow, at)
  }

  empty(target: TargetTable, at: number) {
    this.#of(target, at).table.wholeAt = at
  }

  merge({ all }: TouchedTables, at: number) {
    for (const [key, from] of all) {
      const table = this.#table(key, from.id)
      if (this.#haveOtherColumns(table, from.columns)) table.wholeAt = at
      if (from.columns) {
        table.columns = from.columns
        table.isInteger = from.isInteger
      }
      if (from.wholeAt > 0) table.wholeAt = at
      if (from.ranges.length > 0) {
        table.ranges = joined([...table.ranges, ...from.ranges])
        table.rangesAt = at
      }
      for (const name of from.keys.keys()) this.#add(table, name, at)
    }
  }

  forget(table: TouchedTable) {
    this.count -= table.keys.size
    table.keys = new Map()
    table.ranges = []
  }

  #key(table: TouchedTable, { indexes, types }: Shape, row: Tuple, at: number) {
    const [first = 0] = indexes
    const single = indexes.length === 1
    const texts = single
      ? keyText(row, first, types[0] as number)
      : indexes.map((index, place) => keyText(row, index, types[place] as number))
    if (texts === undefined || (Array.isArray(texts) && texts.includes(undefined))) table.wholeAt = at
    else this.#add(table, typeof texts === 'string' ? texts : JSON.stringify(texts), at)
  }

  #add(table: TouchedTable, name: string, at: number) {
    // The whole table counts as changed by this transaction already.
    if (table.wholeAt === at) return
    const before = table.keys.size
    table.keys.set(name, at)
    if (table.keys.size === before) return
    this.count++
    if (table.keys.size > mostKeys.table) this.#coarsen(table)
    else if (this.count > mostKeys.all) {
      const largest = [...this.all.values()].reduce((a, b) => (b.keys.size > a.keys.size ? b : a))
      this.#coarsen(largest)
    }
  }

  #coarsen(table: TouchedTable) {
    const last = table.keys.values().reduce((one, other) => Math.max(one, other), 0)
    const names = [...table.keys.keys()]
    if (table.isInteger && names.every(isInteger)) {
      const ranges = names.map(BigInt).map((key): Range => [key, key])
      table.ranges = joined([...table.ranges, ...ranges])
      table.rangesAt = Math.max(table.rangesAt, last)
    } else table.wholeAt = Math.max(table.wholeAt, last)
    this.count -= table.keys.size
    table.keys = new Map()
  }

  #of(target: TargetTable, at: number) {
    if (this.#last?.target === target && this.all.get(tableKey(target.relation)) === this.#last.table) {
      return this.#last
    }
    const { schema, name } = target.relation
    const table = this.#table(tableKey(target.relation), { schema, name })
    const shape = shapeOf(target)
    if (shape) {
      if (this.#haveOtherColumns(table, shape.columns)) {
        this.forget(table)
        table.wholeAt = at
      }
      table.columns = shape.columns
      table.isInteger = shape.isInteger
    }
    this.#last = { target, table, shape }
    return this.#last
  }

  #haveOtherColumns({ columns }: TouchedTable, wanted: readonly string[] | undefined): boolean {
    return columns !== undefined && wanted !== undefined && columns.join('\0') !== wanted.join('\0')
  }

  #table(key: string, id: TableName): TouchedTable {
    const known = this.all.get(key)
    if (known) return known
    const table = new TouchedTable(id)
    this.all.set(key, table)
    return table
  }
}

/** As few ranges as possible: those with the smallest gaps between them are joined. */
function joined(ranges: readonly Range[]): Range[] {
  const sorted = ranges.toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
  const separate: [bigint, bigint][] = []
  for (const [low, high] of sorted) {
    const last = separate.at(-1)
    if (!last || low > last[1] + 1n) separate.push([low, high])
    else if (high > last[1]) last[1] = high
  }
  if (separate.length <= mostRanges) return separate
  const gaps = separate.slice(1).map(([low], index) => ({ index, gap: low - (separate[index] as Range)[1] }))
  const kept = new Set(
    gaps
      .toSorted((one, other) => (one.gap > other.gap ? -1 : 1))
      .slice(0, mostRanges - 1)
      .map(({ index }) => index),
  )
  const few: [bigint, bigint][] = []
  for (const [index, range] of separate.entries()) {
    const last = few.at(-1)
    if (last && !kept.has(index - 1)) last[1] = range[1]
    else few.push(range)
  }
  return few
}

/** The columns of the replica identity or, if that is the whole row, of a unique key of the destination. */
function shapeOf(target: TargetTable): Shape | undefined {
  const known = shapes.get(target)
  if (known) return known.shape
  const shape = readShape(target)
  shapes.set(target, { shape })
  return shape
}

function readShape({ relation, table, columns }: TargetTable): Shape | undefined {
  const byName = new Map(columns.map((column) => [column.name, column]))
  const candidates =
    relation.identity === 'f' ? table.unique : [columns.filter(({ key }) => key).map(({ name }) => name)]
  for (const names of candidates) {
    const found = names.map((name) => (name === null ? undefined : byName.get(name)))
    if (found.length === 0 || found.some((column) => column === undefined)) continue
    const list = found as typeof columns
    const flagged = relation.columns.filter(({ key }) => key).length
    if (relation.identity !== 'f' && flagged !== list.length) continue
    if (!list.every(({ typeSchema }) => typeSchema === 'pg_catalog')) continue
    return {
      columns: list.map(({ name }) => name),
      indexes: list.map(({ index }) => index),
      types: list.map(({ typeId }) => typeId),
      isInteger: list.length === 1 && integerTypes.has(list[0]?.typeId ?? 0),
    }
  }
  return undefined
}
