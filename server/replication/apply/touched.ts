// Which rows a stream has changed, so that a comparison during the move has to compare only these again. Keys are
// kept up to a limit, then ranges of an integer key, then a mark that the whole table counts as changed. Every change
// carries the number of its transaction, in the order in which this process applies them. The xid of a transaction
// decides whether it is in a snapshot of the source (see `cut`).

import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type { OldRow } from '../stream/event.ts'
import type { Tuple } from '../stream/tuple.ts'
import type { TargetTable } from './target.ts'
import { type Range, type TouchedTable, TouchedTables } from './touched-keys.ts'

/** How many transactions may be kept that were in no snapshot of the source yet. */
const mostUnseen = 400_000

/** Receives the changes of an applier. */
export interface TouchSink {
  begin(xid: number): void
  /** `old` is the old version of the row as it was sent, if it was. */
  note(target: TargetTable, row: Tuple, old: OldRow, oldRow: Tuple): void
  empty(target: TargetTable): void
  /** To be called before the COMMIT on the destination. */
  commit(): void
}

/** Rows of one table, by key. */
export interface TouchedRows {
  columns: readonly string[]
  keys: readonly (readonly string[])[]
  /** For a key of one integer column. */
  ranges: readonly Range[]
}

export interface TableTouches {
  table: TableName
  /** To be compared under a snapshot that has all of these changes. */
  settled: TouchedRows | 'whole' | undefined
  /** Not in the snapshot, or not certainly in it. */
  later: TouchedRows | 'whole' | undefined
}

export class Touched implements TouchSink {
  /** Increases when earlier comparisons have become invalid. */
  epoch = 1
  readonly #tables = new TouchedTables()
  /** xid -> number, until the transaction is in a snapshot of the source. */
  readonly #unseen = new Map<number, number>()
  readonly #voided = new Map<string, number>()
  #number = 0
  #xid = 0
  #isNumbered = true

  begin(xid: number) {
    this.#xid = xid
    this.#isNumbered = false
  }

  note(target: TargetTable, row: Tuple, old: OldRow, oldRow: Tuple) {
    this.#tables.note(target, row, old, oldRow, this.#at())
  }

  empty(target: TargetTable) {
    this.#tables.empty(target, this.#at())
  }

  commit() {}

  /** For a session that applies a large transaction before its commit. Its changes count from the commit on. */
  stage(): TouchSink {
    let staged = new TouchedTables()
    let xid = 0
    return {
      begin: (id) => {
        staged = new TouchedTables()
        xid = id
      },
      note: (target, row, old, oldRow) => staged.note(target, row, old, oldRow, 1),
      empty: (target) => staged.empty(target, 1),
      commit: () => {
        if (staged.all.size === 0) return
        this.begin(xid)
        this.#tables.merge(staged, this.#at())
        staged = new TouchedTables()
      },
    }
  }

  /** Earlier comparisons are invalid: changes were skipped, or too many transactions were in no snapshot. */
  voidAll() {
    this.epoch++
    this.#unseen.clear()
  }

  /** The table's columns changed. */
  voidTable(table: TableName) {
    this.#voided.set(tableKey(table), (this.#voided.get(tableKey(table)) ?? 0) + 1)
  }

  voidsOf(table: TableName): number {
    return this.#voided.get(tableKey(table)) ?? 0
  }

  /**
   * Changes with a lower number are in the snapshot that `has` knows. The others may not be: they were committed
   * after it, or were in the log already but not visible yet.
   */
  cut(has: (xid: number) => boolean): number {
    let cut = this.#number + 1
    for (const [xid, number] of this.#unseen) {
      if (has(xid)) this.#unseen.delete(xid)
      else cut = Math.min(cut, number)
    }
    return cut
  }

  touches(cut: number): TableTouches[] {
    return [...this.#tables.all.values()]
      .filter((table) => !table.isEmpty)
      .map((table) => ({
        table: table.id,
        settled: rowsOf(table, (at) => at < cut),
        later: rowsOf(table, (at) => at >= cut),
      }))
  }

  /** The number of keys and ranges per table; `whole` when the whole table counts as changed. */
  counts(): { table: TableName; rows: number | 'whole' }[] {
    return [...this.#tables.all.values()]
      .filter((table) => !table.isEmpty)
      .map((table) => ({
        table: table.id,
        rows: table.wholeAt > 0 ? 'whole' : table.keys.size + table.ranges.length,
      }))
  }

  /** The rows were compared. Those that have not changed since need no further comparison. */
  settle(table: TableName, cut: number) {
    const found = this.#tables.all.get(tableKey(table))
    if (!found) return
    for (const [name, at] of found.keys) {
      if (at >= cut) continue
      found.keys.delete(name)
      this.#tables.count--
    }
    if (found.rangesAt < cut) found.ranges = []
    if (found.wholeAt < cut) found.wholeAt = 0
  }

  #at(): number {
    if (this.#isNumbered) return this.#number
    this.#isNumbered = true
    this.#unseen.set(this.#xid, ++this.#number)
    if (this.#unseen.size > mostUnseen) this.voidAll()
    return this.#number
  }
}

function rowsOf(table: TouchedTable, wants: (at: number) => boolean): TouchedRows | 'whole' | undefined {
  if (table.wholeAt > 0 && wants(table.wholeAt)) return 'whole'
  const { columns } = table
  if (!columns) return undefined
  const keys: string[][] = []
  for (const [name, at] of table.keys) {
    if (wants(at)) keys.push(columns.length === 1 ? [name] : JSON.parse(name))
  }
  const ranges = table.ranges.length > 0 && wants(table.rangesAt) ? table.ranges.slice() : []
  return keys.length + ranges.length === 0 ? undefined : { columns, keys, ranges }
}
