// How the tables of a server are partitioned, in text that can be compared with that of another server.

import { tableKey } from '../../shared/table-name.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'

export interface PartitionShape {
  oid: number
  schema: string
  name: string
  /** r: ordinary table; p: partitioned table; f: foreign table. */
  kind: string
  /** The direct parent; null for the root. */
  parent: number | null
  bound: string | null
  /** The partition key, as in `RANGE (at)`; null for a table that is not partitioned. */
  divided: string | null
}

/** Every partitioned table and every partition, by OID. */
export async function readPartitionShapes(session: Session): Promise<Map<number, PartitionShape>> {
  // The text form of bounds depends on settings of the session.
  const before = await session.one<{ settings: string }>(`
    select json_object_agg(name, pg_catalog.current_setting(name))::text as settings
      from json_object_keys(${quoteLiteral(JSON.stringify(alike))}) name`)
  await set(session, alike)
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
  await set(session, JSON.parse(before.settings))
  return new Map(rows.map((row) => [row.oid, row]))
}

const alike: Record<string, string> = {
  timezone: 'UTC',
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
}

async function set(session: Session, values: Record<string, string>) {
  const calls = Object.entries(values).map(
    ([name, value]) => `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`,
  )
  await session.query(`select ${calls.join(', ')}`)
}

/** The table itself and all partitions below it. */
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

/** Whether all partitions of one tree are in the other, in the same place and with the same bounds. */
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
      // The parent of the root does not matter.
      parent ? tableKey(parent) : null,
      parent ? shape.bound : null,
      shape.divided,
    ])
  })
}
