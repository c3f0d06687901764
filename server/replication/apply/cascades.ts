// What foreign keys of the destination do by themselves when a referenced row is deleted or its key changes. The
// source sends the same changes as well. A session without replica role therefore finds them done already.
import type { Session } from '../../postgres/session.ts'
import type { OldRow } from '../stream/event.ts'
import { columnKind, hasSameValue, type Tuple } from '../stream/tuple.ts'
import { type Referenced, readReferenced } from '../tables/referenced.ts'
import type { TargetTable } from './target.ts'

/** The tables are the roots of their partition trees. */
interface ForeignKey {
  child: number
  parent: number
  columns: string[]
  referenced: string[]
  /** Columns that are set when the referenced row is deleted. */
  cleared: string[]
  onDelete: 'remove' | 'clear' | 'nothing'
  alters: boolean
}

export interface Cascades {
  /** By the referenced table. */
  foreignKeys: ReadonlyMap<number, readonly ForeignKey[]>
  /** The root of the partition tree, for each partition. */
  tops: ReadonlyMap<number, number>
  primaryKeys: ReadonlyMap<number, readonly string[]>
  /** By the root of the partition tree. */
  referenced: ReadonlyMap<number, Referenced>
  moves: RowMoves
}

/**
 * A row that moves to another partition is sent as a delete and an insert. For foreign keys the server treats the
 * move as an update of the key from 15 on, and as a delete before. Both sides must do the same.
 */
export type RowMoves = 'as_update' | 'unless_referenced' | 'as_they_come'

const updatesSince = 15

function movesBetween(source: number, destination: number): RowMoves {
  if (source < updatesSince) return 'as_they_come'
  return destination < updatesSince ? 'unless_referenced' : 'as_update'
}

export async function readCascades(session: Session, sourceMajor: number): Promise<Cascades> {
  const names = (table: string, numbers: string) => `
    (select pg_catalog.json_agg(a.attname)
       from pg_catalog.pg_attribute a
      where a.attrelid = ${table} and a.attnum = any (${numbers}))`
  const cleared =
    session.major >= 15
      ? 'case when f.confdelsetcols is null then f.conkey else f.confdelsetcols end'
      : 'f.conkey'
  const keys = await session.query<ForeignKey>(`
    select coalesce(pg_catalog.pg_partition_root(f.conrelid), f.conrelid)::oid   as child,
           coalesce(pg_catalog.pg_partition_root(f.confrelid), f.confrelid)::oid as parent,
           ${names('f.conrelid', 'f.conkey')}   as columns,
           ${names('f.confrelid', 'f.confkey')} as referenced,
           ${names('f.conrelid', cleared)}      as cleared,
           case f.confdeltype when 'c' then 'remove' when 'n' then 'clear' when 'd' then 'clear'
                              else 'nothing' end as "onDelete",
           f.confupdtype in ('c', 'n', 'd')      as alters
      from pg_catalog.pg_constraint f
     where f.contype = 'f'
       and (f.confdeltype in ('c', 'n', 'd') or f.confupdtype in ('c', 'n', 'd'))`)
  const foreignKeys = new Map<number, ForeignKey[]>()
  for (const key of keys) {
    const known = foreignKeys.get(key.parent)
    if (known) known.push(key)
    else foreignKeys.set(key.parent, [key])
  }
  const parts = await session.query<{ oid: number; top: number }>(`
    select oid, pg_catalog.pg_partition_root(oid)::oid as top from pg_catalog.pg_class where relispartition`)
  const primary = await session.query<{ oid: number; columns: string[] }>(`
    select i.indrelid as oid, ${names('i.indrelid', 'i.indkey')} as columns
      from pg_catalog.pg_index i where i.indisprimary`)
  return {
    foreignKeys,
    tops: new Map(parts.map(({ oid, top }) => [oid, top])),
    primaryKeys: new Map(primary.map(({ oid, columns }) => [oid, columns])),
    referenced: await readReferenced(session),
    moves: movesBetween(sourceMajor, session.major),
  }
}

const none: ReadonlySet<string> = new Set()

/** The foreign key actions that the changes of one source transaction may have triggered so far. */
export class TriggeredActions {
  readonly #removed = new Set<number>()
  readonly #deleted = new Set<number>()
  readonly #altered = new Map<number, Set<string>>()

  constructor(readonly cascades: Cascades) {}

  begin() {
    this.#removed.clear()
    this.#deleted.clear()
    this.#altered.clear()
  }

  noteDelete({ table }: TargetTable) {
    const top = this.#topOf(table.oid)
    if (this.#deleted.has(top)) return
    this.#deleted.add(top)
    this.#follow(top)
  }

  noteUpdate(target: TargetTable, old: OldRow, oldRow: Tuple, row: Tuple) {
    for (const key of this.#referringTo(this.#topOf(target.table.oid))) {
      if (key.alters && mayDiffer(target, key.referenced, old, oldRow, row))
        this.#alter(key.child, key.columns)
    }
  }

  /** Whether rows of the table may have been deleted. */
  mayHaveRemoved({ table }: TargetTable): boolean {
    return this.#removed.has(this.#topOf(table.oid))
  }

  /** The columns of the table that may have been set. */
  alteredOf({ table }: TargetTable): ReadonlySet<string> {
    return this.#altered.get(this.#topOf(table.oid)) ?? none
  }

  primaryKeyOf({ table }: TargetTable): readonly string[] | undefined {
    return this.cascades.primaryKeys.get(table.oid)
  }

  /** Whether rows of other tables refer to the table, and which. */
  referencedOf({ table }: TargetTable): Referenced | undefined {
    return this.cascades.referenced.get(this.#topOf(table.oid))
  }

  /** Whether a deleted row of the table may be inserted into another partition next. */
  mayMove(target: TargetTable): boolean {
    const { table } = target
    return (
      this.cascades.moves !== 'as_they_come' &&
      (table.partitioned || this.cascades.tops.has(table.oid)) &&
      this.referencedOf(target) !== undefined
    )
  }

  /** Whether the keys agree, apart from the columns that decide about the partition, as far as they were sent. */
  isMove(from: TargetTable, oldRow: Tuple, to: TargetTable, row: Tuple): boolean {
    if (this.#topOf(from.table.oid) !== this.#topOf(to.table.oid)) return false
    const { divides = [] } = this.referencedOf(to) ?? {}
    const key = (this.primaryKeyOf(from) ?? []).filter((name) => !divides.includes(name))
    return key.every((name) => {
      const [old, now] = [from, to].map(({ columns }) => columns.find((column) => column.name === name))
      if (!old || !now || oldRow.kinds[old.index] === columnKind.null) return true
      return oldRow.show(old.index) === row.show(now.index)
    })
  }

  noteMove({ table }: TargetTable) {
    for (const key of this.#referringTo(this.#topOf(table.oid))) {
      if (key.alters) this.#alter(key.child, key.columns)
    }
  }

  #topOf(oid: number): number {
    return this.cascades.tops.get(oid) ?? oid
  }

  #referringTo(top: number): readonly ForeignKey[] {
    return this.cascades.foreignKeys.get(top) ?? []
  }

  #remove(top: number) {
    if (this.#removed.has(top)) return
    this.#removed.add(top)
    this.#follow(top)
  }

  #follow(top: number) {
    for (const key of this.#referringTo(top)) {
      if (key.onDelete === 'remove') this.#remove(key.child)
      else if (key.onDelete === 'clear') this.#alter(key.child, key.cleared)
    }
  }

  #alter(top: number, columns: readonly string[]) {
    const known = this.#altered.get(top) ?? new Set()
    this.#altered.set(top, known)
    const added = columns.filter((name) => !known.has(name))
    for (const name of added) known.add(name)
    for (const key of this.#referringTo(top)) {
      if (key.alters && key.referenced.some((name) => added.includes(name)))
        this.#alter(key.child, key.columns)
    }
  }
}

/** A value of the old row that was not sent may have been different. */
function mayDiffer(
  { columns }: TargetTable,
  names: readonly string[],
  old: OldRow,
  oldRow: Tuple,
  row: Tuple,
): boolean {
  return columns
    .filter(({ name }) => names.includes(name))
    .some(({ key, index }) => {
      if (row.kinds[index] === columnKind.unchanged) return false
      if (old === 'full' || (old !== undefined && key)) return !hasSameValue(oldRow, row, index)
      return !key
    })
}
