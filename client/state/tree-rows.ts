// The visible lines of the tree, after expanding, searching and sorting.
import { type KindNode, keysOf, type Leaf, type SchemaNode, type Tree } from './tree.ts'

export type Sort = 'name' | 'size' | 'rows'

export interface TreeRow {
  key: string
  level: number
  node: SchemaNode | KindNode | Leaf
  /** Undefined where there is nothing to expand. */
  open: boolean | undefined
  position: number
  siblings: number
}

export interface Narrowing {
  search: string
  /** A filter. */
  keeps?: ((leaf: Leaf) => boolean) | undefined
}

export interface View extends Narrowing {
  open: ReadonlySet<string>
  sort: Sort
}

/** What a search and a filter find: the objects, and schemas without objects. Undefined without either. */
export function found(tree: Tree, { search, keeps }: Narrowing): (Leaf | SchemaNode)[] | undefined {
  const matches = matcher({ search, keeps })
  if (!matches) return undefined
  const words = wordsOf(search)
  const empty = tree.schemas.filter(
    ({ name, kinds }) => !keeps && kinds.length === 0 && isMatch(words, name.toLowerCase()),
  )
  return [...tree.leaves.filter(matches), ...empty]
}

/** The keys that selecting all of these includes. */
export function keysOfAll(tree: Tree, nodes: readonly (Leaf | SchemaNode)[]): Set<string> {
  return new Set(nodes.flatMap((node) => keysOf(node, tree)))
}

export function treeRows(tree: Tree, view: View): TreeRow[] {
  const matches = matcher(view)
  const words = wordsOf(view.search)
  const rows: TreeRow[] = []

  const keep = (leaf: Leaf): boolean => !matches || matches(leaf) || leaf.partitions.some(keep)
  const isOpen = (key: string) => matches !== undefined || view.open.has(key)

  function addLeaves(leaves: readonly Leaf[], level: number) {
    const kept = leaves.filter(keep).sort(order(view.sort))
    kept.forEach((leaf, index) => {
      const below = leaf.partitions.filter(keep)
      const open = below.length > 0 ? isOpen(leaf.key) : undefined
      rows.push({ key: leaf.key, level, node: leaf, open, position: index + 1, siblings: kept.length })
      if (open) addLeaves(below, level + 1)
    })
  }

  const schemas = tree.schemas.filter(
    ({ name, kinds }) =>
      !matches ||
      kinds.some(({ leaves }) => leaves.some(matches)) ||
      (!view.keeps && isMatch(words, name.toLowerCase())),
  )
  schemas.sort(schemaOrder(view.sort)).forEach((schema, index) => {
    const kinds = schema.kinds.filter(({ leaves }) => !matches || leaves.some(matches))
    const open = kinds.length > 0 ? isOpen(schema.key) : undefined
    rows.push({
      key: schema.key,
      level: 1,
      node: schema,
      open,
      position: index + 1,
      siblings: schemas.length,
    })
    if (!open) return
    kinds.forEach((kind, place) => {
      const kindOpen = isOpen(kind.key)
      rows.push({
        key: kind.key,
        level: 2,
        node: kind,
        open: kindOpen,
        position: place + 1,
        siblings: kinds.length,
      })
      if (kindOpen) addLeaves(topLeaves(kind), 3)
    })
  })
  return rows
}

/** Undefined: everything is shown. */
function matcher({ search, keeps }: Narrowing): ((leaf: Leaf) => boolean) | undefined {
  const words = wordsOf(search)
  if (words.length === 0) return keeps
  return (leaf) => (!keeps || keeps(leaf)) && isMatch(words, searchable(leaf))
}

/** The keys of the nodes above an object: expanding them shows it. */
export function keysAbove({ schema, kind, parent }: Leaf): string[] {
  const above = parent && parent.schema === schema ? [parent.key, ...keysAbove(parent)] : []
  return [...above, `schema\0${schema}`, `kind\0${schema}\0${kind}`]
}

/**
 * Typing moves to the next line whose name starts with the text. A first letter starts below the present line, further
 * ones narrow it. https://www.w3.org/WAI/ARIA/apg/patterns/treeview/
 */
export function typedTo(rows: readonly { name: string }[], from: number, text: string): number | undefined {
  const wanted = text.toLowerCase()
  const isOneLetter = [...wanted].every((letter) => letter === wanted[0])
  const start = isOneLetter ? from + 1 : from
  const prefix = isOneLetter ? (wanted[0] ?? '') : wanted
  for (let step = 0; step < rows.length; step++) {
    const index = (start + step) % rows.length
    if (rows[index]?.name.toLowerCase().startsWith(prefix)) return index
  }
  return undefined
}

/** The parent of this row. */
export function rowAbove(rows: readonly TreeRow[], index: number): number {
  const level = rows[index]?.level ?? 1
  for (let above = index - 1; above >= 0; above--) {
    if ((rows[above]?.level ?? 0) < level) return above
  }
  return index
}

/** Partitions are below their table, unless it is in another schema. */
function topLeaves({ leaves, schema }: KindNode): Leaf[] {
  return leaves.filter(({ parent }) => parent === undefined || parent.schema !== schema)
}

function wordsOf(search: string): string[] {
  return search.toLowerCase().split(/\s+/).filter(Boolean)
}

function isMatch(words: readonly string[], text: string): boolean {
  return words.every((word) => text.includes(word))
}

function searchable({ schema, table, name }: Leaf): string {
  return `${schema}.${table ? `${table}.` : ''}${name}`.toLowerCase()
}

const names = new Intl.Collator('en', { numeric: true })

function order(sort: Sort): (one: Leaf, other: Leaf) => number {
  const byName = (one: Leaf, other: Leaf) =>
    names.compare(one.table ?? '', other.table ?? '') || names.compare(one.name, other.name)
  if (sort === 'name') return byName
  const amount = ({ facts }: Leaf) => (sort === 'size' ? (facts?.bytes ?? 0) : (facts?.rows ?? 0))
  return (one, other) => amount(other) - amount(one) || byName(one, other)
}

function schemaOrder(sort: Sort): (one: SchemaNode, other: SchemaNode) => number {
  const amount = ({ rows, bytes }: SchemaNode) => (sort === 'size' ? bytes : sort === 'rows' ? rows : 0)
  return (one, other) => amount(other) - amount(one) || names.compare(one.name, other.name)
}
