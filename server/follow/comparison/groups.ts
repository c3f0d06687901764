// Followed tables in groups that are compared together: a partitioned table with its partitions, any other table alone.
// Each group has the result of its comparison.

import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type { Relation } from '../../compare/relations.ts'
import type { Unit } from '../../compare/units.ts'
import type { TableTouches, TouchedRows } from '../../replication/apply/touched.ts'
import type { Seen } from './unseen-writes.ts'

export interface Group {
  /** The table, or the root of its partition tree on the source. */
  id: TableName
  tables: TableName[]
  state: 'waiting' | 'checking' | 'checked' | 'different' | 'failed'
  bytes: number
  lsn?: string
  /** The row counts of its tables. */
  rows?: { table: TableName; rows: number }[]
  signature?: string
  /** The counts of its tables on the destination before it was compared, by OID there. */
  seen?: ReadonlyMap<number, Seen>
  /** The time of the next comparison. */
  dueAt: number
  /** How long the comparison took. */
  seconds?: number
  /** The reason, when the comparison failed. */
  why?: string
  /** Consecutive rounds in which changed rows were different. */
  mismatches: number
}

/** Rows of a table that have changed. */
export interface Part {
  table: TableName
  rows: TouchedRows
}

export class Groups {
  readonly #groups = new Map<string, Group>()
  /** Table of the source -> its group; also of tables that do not exist any more. */
  readonly #groupOf = new Map<string, string>()

  constructor(
    /** A group does not exist any more: its table was renamed, or belongs to another tree. */
    readonly onGone: (id: TableName) => void,
  ) {}

  get all(): Group[] {
    return [...this.#groups.values()]
  }

  /** The `tableKey` of its group's `id`; also of a group that does not exist any more. */
  keyOf(table: TableName): string | undefined {
    return this.#groupOf.get(tableKey(table))
  }

  of(table: TableName): Group | undefined {
    return this.#groups.get(this.keyOf(table) ?? '')
  }

  partsOf(group: Group, changes: readonly TableTouches[], which: 'settled' | 'later'): Part[] | 'whole' {
    const parts: Part[] = []
    for (const change of changes) {
      if (this.keyOf(change.table) !== tableKey(group.id)) continue
      const rows = change[which]
      if (rows === 'whole') return 'whole'
      if (rows) parts.push({ table: change.table, rows })
    }
    return parts
  }

  touchedOf(group: Group, changes: readonly TableTouches[]): TableName[] {
    return changes.filter(({ table }) => this.keyOf(table) === tableKey(group.id)).map(({ table }) => table)
  }

  /** Updates the groups to the current relations of the source. */
  update(relations: readonly Relation[], followed: readonly TableName[]): Group[] {
    const byOid = new Map(relations.map((relation) => [relation.oid, relation]))
    const byKey = new Map(relations.map((relation) => [tableKey(relation), relation]))
    const rootOf = (relation: Relation): Relation => {
      const parent = relation.parent === null ? undefined : byOid.get(relation.parent)
      return parent ? rootOf(parent) : relation
    }
    const bytes = new Map<string, number>()
    for (const relation of relations) {
      const root = tableKey(rootOf(relation))
      this.#groupOf.set(tableKey(relation), root)
      bytes.set(root, (bytes.get(root) ?? 0) + relation.bytes)
    }
    const tables = new Map<string, TableName[]>()
    for (const { schema, name } of followed) {
      const relation = byKey.get(tableKey({ schema, name }))
      const root = relation ? tableKey(rootOf(relation)) : tableKey({ schema, name })
      this.#groupOf.set(tableKey({ schema, name }), root)
      tables.set(root, [...(tables.get(root) ?? []), { schema, name }])
    }
    for (const [key, members] of tables) {
      const found = this.#groups.get(key)
      const [first] = members
      const { schema, name } = byKey.get(key) ?? (first as TableName)
      const group: Group = found ?? {
        ...{ id: { schema, name }, tables: members, state: 'waiting', bytes: 0, dueAt: 0, mismatches: 0 },
      }
      if (found && found.tables.map(tableKey).join() !== members.map(tableKey).join()) found.state = 'waiting'
      group.tables = members
      group.bytes = bytes.get(key) ?? 0
      this.#groups.set(key, group)
    }
    for (const [key, { id }] of this.#groups) {
      if (tables.has(key)) continue
      this.#groups.delete(key)
      this.onGone(id)
    }
    return this.all
  }
}

/** Changes of this table, and of tables that are not among the units: their rows may be in any of these. */
export function rowsFor(unit: Unit, units: readonly Unit[], parts: readonly Part[]): TouchedRows[] {
  const own = new Set(units.map(tableKey))
  return parts
    .filter(({ table }) => tableKey(table) === tableKey(unit) || !own.has(tableKey(table)))
    .map(({ rows }) => rows)
}
