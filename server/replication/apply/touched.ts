// Which rows were changed by a stream, so that a comparison made while changes flow has to look at these again
// and at no others. Keys are kept up to a bound; past it ranges of an integer key, or the word that the whole
// table counts as changed.
//
// Every change carries the number of its transaction, in the order in which this process applies them. Whether a
// snapshot of the source has a transaction is decided by its xid (see `cut`).

import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type { OldRow } from '../stream/event.ts'
import type { Tuple } from '../stream/tuple.ts'
import type { TargetTable } from './target.ts'
import { type Range, type TouchedTable, TouchedTables } from './touched-keys.ts'

/** Transactions of which no snapshot of the source has said yet that it has them. */
const mostUnseen = 400_000

/** What an applier notes. */
export interface TouchSink {
  begin(xid: number): void
  /** `old` is the old version of the row as it was sent, if it was. */
  note(target: TargetTable, row: Tuple, old: OldRow, oldRow: Tuple): void
  empty(target: TargetTable): void
  /** Ahead of the destination's COMMIT. */
  commit(): void
}

/** Rows of one table, by their key. */
export interface TouchedRows {
  columns: readonly string[]
  keys: readonly (readonly string[])[]
  /** Of a key of one integer column. */
  ranges: readonly Range[]
}

export interface TableTouches {
  table: TableName
  /** To be looked at: by a snapshot that has all of these changes. */
  settled: TouchedRows | 'whole' | undefined
  /** Not in the snapshot, or not certain to be. */
  later: TouchedRows | 'whole' | undefined
}

export class Touched implements TouchSink {
  /** Goes up when what was compared before says nothing any more. */
  epoch = 1
  readonly #tables = new TouchedTables()
  /** xid -> number, until a snapshot of the source has it. */
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

  /** For a session that applies a large transaction ahead of its commit: what it did counts when it commits. */
  stage(): TouchSink {
    let staged = new TouchedTables()
    let xid = 0
    return {
      begin: (begun) => {
        staged = new TouchedTables()
        xid = begun
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

  /** Nothing that was compared before can be relied on: changes were left out, or too many were not seen. */
  voidAll() {
    this.epoch++
    this.#unseen.clear()
  }

  /** Its columns changed. */
  voidTable(table: TableName) {
    this.#voided.set(tableKey(table), (this.#voided.get(tableKey(table)) ?? 0) + 1)
  }

  voidsOf(table: TableName): number {
    return this.#voided.get(tableKey(table)) ?? 0
  }

  /**
   * All changes with a lower number are in the snapshot that `has` knows. The others are not, or may not be:
   * they were committed after it, or stood in the log already and could not be seen yet.
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

  /** How many keys and ranges there are, per table; `whole` when the table counts as changed as such. */
  counts(): { table: TableName; rows: number | 'whole' }[] {
    return [...this.#tables.all.values()]
      .filter((table) => !table.isEmpty)
      .map((table) => ({
        table: table.id,
        rows: table.wholeAt > 0 ? 'whole' : table.keys.size + table.ranges.length,
      }))
  }

  /** They were compared: what has not been changed since need not be looked at again. */
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
