// A followed table of the destination, with its prepared statements and the number of its changes.
import { PipelineWriter } from '../../postgres/pipeline-writer.ts'
import type { OldRow, Relation } from '../stream/event.ts'
import { columnKind, hasSameValue, type Tuple } from '../stream/tuple.ts'
import type { DestinationTable } from '../tables/destination-tables.ts'
import type { Referenced } from '../tables/referenced.ts'
import type { Written } from './own-writes.ts'
import { nullsOf, type TargetColumn } from './row-conditions.ts'
import {
  copyStatement,
  deleteOrGoneStatement,
  deleteStatement,
  insertStatement,
  moveStatement,
  replaceStatement,
  targetColumns,
  updateOrDoneStatement,
  updateRowsStatement,
  updateStatement,
  type Written as WrittenStatement,
} from './statements.ts'

export interface Prepared {
  name: string
  sql: string
  /** The part of Bind before the parameters. */
  head: Buffer
  parameters: Int32Array
}

export interface ChangeCounts {
  inserts: number
  updates: number
  deletes: number
  truncates: number
}

/** With more variants than this, statements for full old rows do not distinguish which columns are null. */
const maxVariants = 64

export class TargetTable {
  readonly columns: TargetColumn[]
  /** Changes in transactions that are not committed yet. */
  pending: ChangeCounts = noChanges()
  /** The rows that all streams of the move have written to it. */
  written: Written | undefined
  /** The length of the last run of inserts, which decides whether the next one uses COPY from its first row on. */
  lastRun = 0
  /** The columns that identify a row. */
  readonly keyColumns: number[]
  /**
   * Whether updates of different rows may be reordered and intermediate states skipped: only the key is unique, and
   * the whole key is known here.
   */
  readonly mayHold: boolean
  readonly #numbered: TargetColumn[]
  #insert: Prepared | undefined
  #copy: Prepared | undefined
  readonly #updates = new Map<number, Prepared>()
  #rowParameters: Int32Array | undefined
  #keyDelete: Prepared | undefined
  readonly #variants = new Map<string, Prepared>()
  readonly #moves = new Map<TargetTable, Map<OldRow, Prepared>>()

  constructor(
    readonly relation: Relation,
    readonly table: DestinationTable,
    readonly binary: boolean,
    /** Has the server parse the statement, and returns its name. */
    readonly prepare: (sql: string) => string,
    /** Both sides are in use: a row may only be changed while it is as the source saw it. */
    readonly exact = false,
  ) {
    this.columns = targetColumns(relation, table)
    const keys = this.columns.filter(({ key }) => key)
    this.keyColumns = keys.map(({ index }) => index)
    const names = new Set(keys.map(({ name }) => name))
    this.mayHold =
      !table.partitioned &&
      keys.length > 0 &&
      keys.length === relation.columns.filter(({ key }) => key).length &&
      table.unique.every((columns) => columns.every((name) => name !== null && names.has(name)))
    this.#numbered = this.columns.filter(({ identity }) => identity === 'a')
  }

  get mayCopy(): boolean {
    return this.columns.length > 0
  }

  insert(): Prepared {
    this.#insert ??= this.#prepared(insertStatement(this.table, this.columns))
    return this.#insert
  }

  copy(): Prepared {
    this.#copy ??= this.#prepared({
      sql: copyStatement(this.table, this.columns, this.binary),
      parameters: [],
    })
    return this.#copy
  }

  /** With `referenced`, a row that has to be replaced must not be referred to by other rows. */
  update(old: OldRow, oldRow: Tuple, row: Tuple, referenced?: Referenced): Prepared {
    if (old === undefined && !row.hasUnchanged) return this.updateRows(1)
    const unchanged = Array.from({ length: row.count }, (_, column) => isUnchanged(row, column))
    const nulls = old === 'full' ? nullsOf(oldRow) : undefined
    if (old !== undefined && this.isRenumbered(oldRow, row)) {
      return this.#variant(`r${old}${bits(unchanged)}`, nulls, (known) =>
        this.#prepared(
          replaceStatement(this.table, this.columns, unchanged, {
            kind: old,
            nulls: known,
            only: referenced?.isFree(this.table.quoted),
            exact: this.exact,
          }),
        ),
      )
    }
    const key = `u${old ?? ''}${bits(unchanged)}`
    return this.#variant(key, nulls, (known) => this.#updateVariant(old, unchanged, known))
  }

  /** For this many rows with unchanged keys. The parameters of each row are `rowParameters`. */
  updateRows(rows: number): Prepared {
    let prepared = this.#updates.get(rows)
    if (!prepared) {
      const { table, columns } = this
      prepared = this.#prepared(rows === 1 ? this.#plainUpdate : updateRowsStatement(table, columns, rows))
      this.#updates.set(rows, prepared)
    }
    return prepared
  }

  get rowParameters(): Int32Array {
    this.#rowParameters ??= Int32Array.from(this.#plainUpdate.parameters)
    return this.#rowParameters
  }

  delete(old: OldRow, oldRow: Tuple): Prepared {
    if (old !== 'full') {
      this.#keyDelete ??= this.#prepared(
        deleteStatement(this.table, this.columns, { kind: old, nulls: undefined }),
      )
      return this.#keyDelete
    }
    return this.#variant('d', nullsOf(oldRow), (nulls) =>
      this.#prepared(deleteStatement(this.table, this.columns, { kind: 'full', nulls, exact: this.exact })),
    )
  }

  /**
   * For a row that a foreign key of the destination may have deleted already. Undefined where such a row cannot be
   * distinguished from one that was changed here.
   */
  deleteOrGone(
    old: OldRow,
    oldRow: Tuple,
    primaryKey: readonly string[] | undefined,
    altered: ReadonlySet<string>,
  ): Prepared | undefined {
    const key = this.#identifying(old, primaryKey)
    if (key.length === 0) return undefined
    const identifying = key.filter(({ name }) => !altered.has(name))
    const shape = `g${old}${identifying.map(({ index }) => index).join()}`
    return this.#variant(shape, old === 'full' ? nullsOf(oldRow) : undefined, (nulls) =>
      this.#prepared(
        deleteOrGoneStatement(this.table, this.columns, { kind: old, nulls, exact: this.exact }, identifying),
      ),
    )
  }

  /** For a row that a foreign key of the destination may have updated already. */
  updateOrDone(
    old: OldRow,
    oldRow: Tuple,
    row: Tuple,
    primaryKey: readonly string[] | undefined,
  ): Prepared | undefined {
    if (old === undefined || this.isRenumbered(oldRow, row)) return undefined
    const unchanged = Array.from({ length: row.count }, (_, column) => isUnchanged(row, column))
    const identifying = this.#identifying(old, primaryKey)
    if (identifying.length === 0 || identifying.some(({ index }) => unchanged[index])) return undefined
    return this.#variant(`w${old}${bits(unchanged)}`, old === 'full' ? nullsOf(oldRow) : undefined, (nulls) =>
      this.#prepared(
        updateOrDoneStatement(
          this.table,
          this.columns,
          unchanged,
          { kind: old, nulls, exact: this.exact },
          identifying,
        ),
      ),
    )
  }

  /** Deletes nothing when other rows refer to it. */
  deleteIfFree(old: OldRow, oldRow: Tuple, { isFree }: Referenced): Prepared {
    return this.#variant(`f${old}`, old === 'full' ? nullsOf(oldRow) : undefined, (nulls) =>
      this.#prepared(
        deleteStatement(this.table, this.columns, {
          ...{ kind: old, nulls, exact: this.exact, only: isFree(this.table.quoted) },
        }),
      ),
    )
  }

  /** For a row that moves from another partition of the same tree. */
  moveFrom(from: TargetTable, old: OldRow, { top, numbered }: Referenced): Prepared {
    const known = this.#moves.get(from) ?? new Map<OldRow, Prepared>()
    this.#moves.set(from, known)
    let prepared = known.get(old)
    if (!prepared) {
      const { table, columns, exact } = from
      const version = { kind: old, nulls: undefined, exact }
      prepared = this.#prepared(moveStatement(top, { table, columns, old: version }, this.columns, numbered))
      known.set(old, prepared)
    }
    return prepared
  }

  /** Whether rows are identified by columns that are sent. */
  get hasKey(): boolean {
    return this.columns.some(({ key }) => key)
  }

  /** The row by its key, or by all columns without a key, for messages. */
  describeRow(row: Tuple): Record<string, string | null> {
    const keys = this.columns.filter(({ key }) => key)
    const shown = keys.length > 0 ? keys : this.columns
    return Object.fromEntries(shown.map(({ name, index }) => [name, row.show(index)]))
  }

  takePending(): ChangeCounts {
    const taken = this.pending
    this.pending = noChanges()
    return taken
  }

  /** For a full row the primary key, which cannot change unnoticed. Empty when it is not all sent. */
  #identifying(old: OldRow, primaryKey: readonly string[] = []): TargetColumn[] {
    if (old !== 'full') return this.columns.filter(({ key }) => key)
    const columns = this.columns.filter(({ name }) => primaryKey.includes(name))
    return columns.length === primaryKey.length ? columns : []
  }

  /** Whether a GENERATED ALWAYS identity column has another value than in the old row, as far as that was sent. */
  isRenumbered(oldRow: Tuple, row: Tuple): boolean {
    return this.#numbered.some(
      ({ index }) => oldRow.kinds[index] !== columnKind.null && !hasSameValue(oldRow, row, index),
    )
  }

  get #plainUpdate(): WrittenStatement {
    return updateStatement(this.table, this.columns, [], { kind: undefined, nulls: undefined })
  }

  #updateVariant(old: OldRow, unchanged: boolean[], nulls: readonly boolean[] | undefined) {
    return this.#prepared(
      updateStatement(this.table, this.columns, unchanged, { kind: old, nulls, exact: this.exact }),
    )
  }

  #variant(
    shape: string,
    nulls: boolean[] | undefined,
    make: (nulls: boolean[] | undefined) => Prepared,
  ): Prepared {
    const exact = nulls ? `${shape}n${bits(nulls)}` : shape
    const known = this.#variants.get(exact)
    if (known) return known
    const general = nulls !== undefined && this.#variants.size >= maxVariants
    const key = general ? `${shape}*` : exact
    let made = this.#variants.get(key)
    if (!made) {
      made = make(general ? undefined : nulls)
      this.#variants.set(key, made)
    }
    return made
  }

  #prepared({ sql, parameters }: WrittenStatement): Prepared {
    const name = this.prepare(sql)
    const head = PipelineWriter.bindHead(name, this.binary && parameters.length > 0, parameters.length)
    return { name, sql, head, parameters: Int32Array.from(parameters) }
  }
}

export function noChanges(): ChangeCounts {
  return { inserts: 0, updates: 0, deletes: 0, truncates: 0 }
}

function isUnchanged(row: Tuple, column: number): boolean {
  return row.kinds[column] === columnKind.unchanged
}

function bits(flags: readonly boolean[]): string {
  return flags.map((flag) => (flag ? '1' : '0')).join('')
}
