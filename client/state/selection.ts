// The selection as the server's request has it, and what selected objects require.
import type { SchemaSelection, Selection } from '../../shared/request.ts'
import type { KindNode, Leaf, Need, SchemaNode, SelectedKeys, Tree } from './tree.ts'

/** Everything, whole schemas, or names. */
export function selectionOf(
  tree: Tree,
  selected: SelectedKeys,
  needed: Selection['needed'],
): Partial<Selection> & { schemas: SchemaSelection[] } {
  const schemas = tree.schemas
    .map((schema) => schemaSelection(schema, selected))
    .filter((one) => one !== undefined)
  const isAll = schemas.length === tree.schemas.length && schemas.every(isWhole)
  return { schemas: isAll ? [] : schemas, needed }
}

export function isNothing(tree: Tree, selected: SelectedKeys): boolean {
  return !tree.schemas.some((schema) => schemaSelection(schema, selected) !== undefined)
}

export interface Missing {
  /** Required, and not selected. */
  needed: Leaf
  /** Selected, and require it. */
  by: Leaf[]
}

/** What selected objects require of the source and is not selected. */
export function missingNeeds(tree: Tree, selected: SelectedKeys): Missing[] {
  const index = needIndex(tree)
  const found = new Map<string, Missing>()
  for (const leaf of tree.leaves) {
    if (!selected.has(leaf.key)) continue
    for (const need of leaf.needs) {
      const needed = index.get(needKey(need))
      if (!needed || needed === leaf || selected.has(needed.key)) continue
      const known = found.get(needed.key)
      if (!known) found.set(needed.key, { needed, by: [leaf] })
      else if (!known.by.includes(leaf)) known.by.push(leaf)
    }
  }
  return [...found.values()]
}

/** Everything that these require, directly or indirectly. */
export function withNeeds(tree: Tree, keys: Iterable<string>): Set<string> {
  const index = needIndex(tree)
  const all = new Set(keys)
  // Iterating over a set includes what is added meanwhile.
  for (const key of all) {
    for (const need of tree.byKey.get(key)?.needs ?? []) {
      const needed = index.get(needKey(need))
      if (needed) all.add(needed.key)
    }
  }
  return all
}

const indexes = new WeakMap<Tree, Map<string, Leaf>>()

function needIndex(tree: Tree): Map<string, Leaf> {
  const known = indexes.get(tree)
  if (known) return known
  const made = new Map(tree.leaves.map((leaf) => [needKey(leaf), leaf]))
  indexes.set(tree, made)
  return made
}

/** Tables, views and sequences share a namespace; functions and types have their own. */
function needKey({ kind, schema, name }: Need): string {
  const word = kind.toLowerCase()
  const space = /func|proc|aggregate/.test(word)
    ? 'function'
    : /trigger/.test(word)
      ? 'trigger'
      : /type|domain|enum/.test(word)
        ? 'type'
        : 'relation'
  return [space, schema, name].join('\0')
}

function schemaSelection(schema: SchemaNode, selected: SelectedKeys): SchemaSelection | undefined {
  if (schema.kinds.length === 0)
    return selected.has(schema.key) ? { name: quoteName(schema.name) } : undefined
  const lists = schema.kinds
    .map((kind) => ({ kind, names: kind.leaves.filter(({ key }) => selected.has(key)).map(listName) }))
    .filter(({ names }) => names.length > 0)
  if (lists.length === 0) return undefined
  const whole = lists.length === schema.kinds.length && lists.every(isComplete)
  if (whole) return { name: quoteName(schema.name) }
  return {
    name: quoteName(schema.name),
    ...Object.fromEntries(lists.map((list) => [list.kind.kind, isComplete(list) ? ['*'] : list.names])),
  }
}

function isComplete({ kind, names }: { kind: KindNode; names: string[] }): boolean {
  return names.length === kind.leaves.length
}

function isWhole(schema: SchemaSelection): boolean {
  return Object.keys(schema).length === 1
}

function listName({ name, table, kind }: Leaf): string {
  return quoteName(kind === 'triggers' && table !== undefined ? `${table}.${name}` : name)
}

/** `*` and `?` are wildcards in patterns unless quoted. */
export function quoteName(name: string): string {
  return /[*?]|^"/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}
