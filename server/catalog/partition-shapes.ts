// How the tables of one server are partitioned, in words that can be compared with those of another server.
import type { Session } from '../postgres/session.ts'
import { tableKey } from './tables.ts'

export interface PartitionShape {
  oid: number
  schema: string
  name: string
  /** r: has rows of its own; p: is partitioned; f: is on another server. */
  kind: string
  /** Right above it; null for the topmost table. */
  parent: number | null
  bound: string | null
  /** `RANGE (at)`; null where it is not partitioned. */
  divided: string | null
}

/** Every partitioned table and every partition, by OID. */
export async function readPartitionShapes(session: Session): Promise<Map<number, PartitionShape>> {
  const { zone, style } = await session.one<{ zone: string; style: string }>(
    "select current_setting('timezone') as zone, current_setting('datestyle') as style",
  )
  const set =
    "select pg_catalog.set_config('timezone', $1, false), pg_catalog.set_config('datestyle', $2, false)"
  // Bounds are written as the session writes its values.
  await session.query(set, ['UTC', 'ISO, YMD'])
  const rows = await session.query<PartitionShape>(`
    select c.oid,
           n.nspname                                     as schema,
           c.relname                                     as name,
           c.relkind                                     as kind,
           case when c.relispartition then i.inhparent end as parent,
           pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound,
           case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as divided
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_inherits i on i.inhrelid = c.oid and c.relispartition
     where c.relkind in ('r', 'p', 'f')
       and (c.relkind = 'p' or c.relispartition)
       and n.nspname !~ '^pg_'
     order by c.oid`)
  await session.query(set, [zone, style])
  return new Map(rows.map((row) => [row.oid, row]))
}

/** The table itself and all that is below it. */
export function treeBelow(shapes: ReadonlyMap<number, PartitionShape>, top: number): PartitionShape[] {
  const found: PartitionShape[] = []
  const inTree = new Set<number>()
  const isBelow = ({ oid, parent }: PartitionShape): boolean => {
    if (oid === top || inTree.has(oid)) return true
    const above = parent === null ? undefined : shapes.get(parent)
    return above !== undefined && isBelow(above)
  }
  for (const shape of shapes.values()) {
    if (!isBelow(shape)) continue
    inTree.add(shape.oid)
    found.push(shape)
  }
  return found
}

/** Whether all that the one tree has is in the other, in the same place and with the same bounds. */
export function isPartOfTree(one: readonly PartitionShape[], other: readonly PartitionShape[]): boolean {
  const described = new Set(describeTree(other))
  return describeTree(one).every((line) => described.has(line))
}

function describeTree(shapes: readonly PartitionShape[]): string[] {
  const byOid = new Map(shapes.map((shape) => [shape.oid, shape]))
  return shapes.map((shape) => {
    const parent = byOid.get(shape.parent ?? 0)
    return JSON.stringify([
      tableKey(shape),
      shape.kind,
      // Above the top it does not matter.
      parent ? tableKey(parent) : null,
      parent ? shape.bound : null,
      shape.divided,
    ])
  })
}
