// The objects of the source as a tree of check boxes: schemas, kinds, objects, partitions.
import type { Browse, BrowsedSchema } from '../../shared/browse-api.ts'
import { type ObjectKind, objectKinds } from '../../shared/constants.ts'

export interface Need {
  kind: string
  schema: string
  name: string
}

export interface Leaf {
  key: string
  schema: string
  kind: ObjectKind
  name: string
  /** Of a trigger. */
  table?: string
  /** Of a table. */
  facts?: { kind: string; rows: number; bytes: number; readable: boolean; primaryKey: boolean }
  /** The partitioned table that it belongs to. */
  parent?: Leaf
  partitions: Leaf[]
  needs: Need[]
}

export interface KindNode {
  key: string
  schema: string
  kind: ObjectKind
  /** All of them, partitions too. */
  leaves: Leaf[]
}

export interface SchemaNode {
  key: string
  name: string
  kinds: KindNode[]
  rows: number
  bytes: number
}

export interface Tree {
  schemas: SchemaNode[]
  leaves: Leaf[]
  byKey: ReadonlyMap<string, Leaf>
  /** The triggers of each table, by schema and name. */
  triggers: ReadonlyMap<string, Leaf[]>
}

export type SelectedKeys = ReadonlySet<string>
export type CheckState = 'all' | 'some' | 'none'

export function buildTree(browse: Browse): Tree {
  const schemas = browse.schemas.map(schemaNode)
  const leaves = schemas.flatMap(({ kinds }) => kinds.flatMap((kind) => kind.leaves))
  const byKey = new Map(leaves.map((leaf) => [leaf.key, leaf]))
  linkPartitions(browse, byKey)
  const triggers = new Map<string, Leaf[]>()
  for (const leaf of leaves) {
    if (leaf.kind !== 'triggers') continue
    const list = triggers.get(tableOf(leaf))
    if (list) list.push(leaf)
    else triggers.set(tableOf(leaf), [leaf])
  }
  return { schemas, leaves, byKey, triggers }
}

/** Everything that can be selected: objects, and schemas without objects. */
export function everyKey({ schemas, leaves }: Tree): SelectedKeys {
  const empty = schemas.filter(({ kinds }) => kinds.length === 0)
  return new Set([...leaves, ...empty].map(({ key }) => key))
}

/** The keys that selecting this node includes. A table includes its partitions and triggers. */
export function keysOf(node: SchemaNode | KindNode | Leaf, tree: Tree): string[] {
  if ('kinds' in node) {
    const keys = node.kinds.flatMap(({ leaves }) => leaves.map(({ key }) => key))
    return keys.length > 0 ? keys : [node.key]
  }
  const leaves = 'leaves' in node ? node.leaves : [node]
  if (node.kind !== 'tables') return leaves.map(({ key }) => key)
  // A partition is among the leaves of its schema, and also below its table.
  const tables = [...new Set(leaves.flatMap(withPartitions))]
  const triggers = tables.flatMap((table) => tree.triggers.get(tableOf(table)) ?? [])
  return [...tables, ...triggers].map(({ key }) => key)
}

export function withKeys(selected: SelectedKeys, keys: Iterable<string>, on: boolean): SelectedKeys {
  const next = new Set(selected)
  for (const key of keys) {
    if (on) next.add(key)
    else next.delete(key)
  }
  return next
}

/** The keys of all nodes with children. */
export function countSelected(
  { schemas }: Tree,
  selected: SelectedKeys,
): Map<string, { selected: number; total: number }> {
  const counts = new Map<string, { selected: number; total: number }>()
  const count = (leaves: readonly Leaf[]) => ({
    selected: leaves.reduce((sum, { key }) => sum + (selected.has(key) ? 1 : 0), 0),
    total: leaves.length,
  })
  for (const schema of schemas) {
    const all = { selected: 0, total: 0 }
    for (const kind of schema.kinds) {
      const one = count(kind.leaves)
      counts.set(kind.key, one)
      all.selected += one.selected
      all.total += one.total
      for (const leaf of kind.leaves) {
        if (leaf.partitions.length > 0) counts.set(leaf.key, count(withPartitions(leaf)))
      }
    }
    if (all.total === 0) counts.set(schema.key, { selected: selected.has(schema.key) ? 1 : 0, total: 1 })
    else counts.set(schema.key, all)
  }
  return counts
}

export function checkState({ selected, total }: { selected: number; total: number }): CheckState {
  return selected === 0 ? 'none' : selected === total ? 'all' : 'some'
}

/** Rows and bytes of the selected tables. Partitioned tables count by their partitions. */
export function selectedSize(
  tree: Tree,
  selected: SelectedKeys,
): { tables: number; rows: number; bytes: number } {
  const size = { tables: 0, rows: 0, bytes: 0 }
  for (const { key, facts } of tree.leaves) {
    if (!facts || !selected.has(key)) continue
    size.tables++
    if (facts.kind === 'partitioned') continue
    size.rows += Math.max(0, facts.rows)
    size.bytes += facts.bytes
  }
  return size
}

function schemaNode(schema: BrowsedSchema): SchemaNode {
  const kinds = objectKinds
    .map((kind) => ({
      key: `kind\0${schema.name}\0${kind}`,
      schema: schema.name,
      kind,
      leaves: schema[kind].map((object) => leafOf(schema.name, kind, object)),
    }))
    .filter(({ leaves }) => leaves.length > 0)
  const whole = schema.tables.filter(({ kind }) => kind !== 'partitioned')
  return {
    key: `schema\0${schema.name}`,
    name: schema.name,
    kinds,
    rows: rowsOf(whole),
    bytes: whole.reduce((sum, table) => sum + table.bytes, 0),
  }
}

/** The sum of the known ones; unknown when none is known. */
function rowsOf(tables: readonly { estimated_rows: number }[]): number {
  const known = tables.reduce((sum, { estimated_rows }) => sum + Math.max(0, estimated_rows), 0)
  return known === 0 ? Math.min(0, ...tables.map(({ estimated_rows }) => estimated_rows)) : known
}

type Browsed = BrowsedSchema['tables'][number] | BrowsedSchema['views'][number]

function leafOf(schema: string, kind: ObjectKind, object: Browsed): Leaf {
  const table = 'table' in object ? object.table : undefined
  return {
    key: leafKey(schema, kind, object.name, table),
    schema,
    kind,
    name: object.name,
    ...(table !== undefined && { table }),
    ...('bytes' in object && {
      facts: {
        kind: object.kind as string,
        rows: object.estimated_rows,
        bytes: object.bytes,
        readable: object.readable,
        primaryKey: object.primary_key,
      },
    }),
    partitions: [],
    needs: object.needs,
  }
}

export function leafKey(schema: string, kind: ObjectKind, name: string, table = ''): string {
  return [kind, schema, name, table].join('\0')
}

function linkPartitions({ schemas }: Browse, byKey: ReadonlyMap<string, Leaf>) {
  for (const schema of schemas) {
    for (const { name, parent: above } of schema.tables) {
      const leaf = byKey.get(leafKey(schema.name, 'tables', name))
      const parent = above && byKey.get(leafKey(above.schema, 'tables', above.name))
      if (!leaf || !parent) continue
      leaf.parent = parent
      parent.partitions.push(leaf)
    }
  }
}

/** Of a trigger, or of the table itself. */
function tableOf({ schema, table, name }: Leaf): string {
  return `${schema}\0${table ?? name}`
}

export function withPartitions(leaf: Leaf): Leaf[] {
  return [leaf, ...leaf.partitions.flatMap(withPartitions)]
}
