// The selection: what a click includes, what is shown, and how the server's selector reads the request.
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { ruleName } from '../../client/state/conditions.ts'
import { missingNeeds, selectionOf, withNeeds } from '../../client/state/selection.ts'
import {
  buildTree,
  checkState,
  countSelected,
  everyKey,
  keysOf,
  type Leaf,
  leafKey,
  type SelectedKeys,
  selectedSize,
  type Tree,
  withKeys,
} from '../../client/state/tree.ts'
import { found, keysAbove, keysOfAll, treeRows, typedTo } from '../../client/state/tree-rows.ts'
import type { Browse, BrowsedSchema } from '../../shared/browse-api.ts'
import { everything } from '../../shared/defaults.ts'
import { Pattern } from '../../shared/pattern.ts'
import { Selector } from '../../shared/selector.ts'

const nothing = { views: [], materializedViews: [], functions: [], sequences: [], triggers: [], types: [] }
const named = (name: string) => ({ name, needs: [] })

function table(name: string, bytes: number, more: Partial<BrowsedSchema['tables'][number]> = {}) {
  return {
    name,
    kind: 'table' as const,
    estimated_rows: bytes / 10,
    bytes,
    readable: true,
    primary_key: true,
    needs: [],
    ...more,
  }
}

function schema(name: string, more: Partial<BrowsedSchema>): BrowsedSchema {
  return { name, owner: 'me', tables: [], ...nothing, ...more }
}

const browse: Browse = {
  database: 'shop',
  version: '17.0',
  size_bytes: 1,
  extensions: [],
  schemas: [
    schema('public', {
      tables: [
        table('orders', 3000),
        table('odd*name?', 10),
        table('"quoted"', 20),
        table('visits', 500, { kind: 'partitioned' }),
        table('visits_1', 500, { kind: 'partition', parent: { schema: 'public', name: 'visits' } }),
      ],
      views: [{ name: 'big', needs: [{ kind: 'tables', schema: 'public', name: 'orders' }] }],
      functions: [named('greet(text)')],
      triggers: [{ name: 'stamp', table: 'orders', needs: [] }],
      types: [named('mood')],
    }),
    schema('audit', { tables: [table('log', 9000)] }),
    schema('empty', {}),
  ],
}
const tree = buildTree(browse)
const all = everyKey(tree)
const key = (kind: Parameters<typeof leafKey>[1], name: string, of?: string) =>
  leafKey('public', kind, name, of)
const leaf = (kind: Parameters<typeof leafKey>[1], name: string) => {
  const found = tree.byKey.get(key(kind, name))
  if (!found) throw new Error(`no ${name}`)
  return found
}

describe('selecting', () => {
  test('a table includes its triggers and partitions', () => {
    expect(keysOf(leaf('tables', 'orders'), tree)).toEqual([
      key('tables', 'orders'),
      key('triggers', 'stamp', 'orders'),
    ])
    expect(keysOf(leaf('tables', 'visits'), tree)).toHaveLength(2)
  })

  test('the tables of a schema includes them all, with their triggers, once', () => {
    const tables = tree.schemas[0]?.kinds[0]
    if (!tables) throw new Error('no tables')
    expect(keysOf(tables, tree)).toHaveLength(6)
    expect(new Set(keysOf(tables, tree)).size).toBe(6)
  })

  test('a schema includes all of it, and an empty schema itself', () => {
    const [publicSchema, , empty] = tree.schemas
    if (!publicSchema || !empty) throw new Error('no schemas')
    expect(keysOf(publicSchema, tree)).toHaveLength(9)
    expect(keysOf(empty, tree)).toEqual([empty.key])
  })
})

test('check boxes have three states', () => {
  const counts = countSelected(tree, withKeys(all, [key('tables', 'orders')], false))
  const state = (name: string) => checkState(counts.get(name) ?? { selected: 0, total: 0 })
  expect(state('schema\0public')).toBe('some')
  expect(state('schema\0audit')).toBe('all')
  expect(state('kind\0public\0tables')).toBe('some')
  expect(state('kind\0public\0views')).toBe('all')
})

test('a partitioned table is counted once', () => {
  expect(selectedSize(tree, all)).toEqual({ tables: 6, rows: 1253, bytes: 12530 })
})

describe('the selection in the request', () => {
  test('is everything when all is selected', () => {
    expect(selectionOf(tree, all, 'add')).toEqual({ schemas: [], needed: 'add' })
  })

  test('has a whole schema by its name, a whole kind by a star', () => {
    const selected = withKeys(all, [key('types', 'mood'), 'schema\0empty'], false)
    expect(selectionOf(tree, selected, 'report').schemas).toEqual([
      {
        name: 'public',
        ...{ tables: ['*'], views: ['*'], functions: ['*'], triggers: ['*'] },
      },
      { name: 'audit' },
    ])
  })

  test('is read by the server as exactly what is selected', () => {
    const keys = [...all]
    fc.assert(
      fc.property(fc.subarray(keys), (some) => {
        const selected = new Set(some)
        const selector = new Selector({ ...everything, ...selectionOf(tree, selected, 'add') })
        // An empty selection is not sent: the page does not continue.
        if (selected.size === 0) return
        expect(selectedBy(selector, tree)).toEqual(new Set(some.filter((one) => tree.byKey.has(one))))
      }),
    )
  })
})

function selectedBy(selector: Selector, { leaves }: Tree): SelectedKeys {
  const found = leaves.filter(({ kind, schema, name, table: of }) =>
    selector.isSelected({
      kind,
      schema,
      name: kind === 'functions' ? name.slice(0, name.indexOf('(')) : name,
      ...(of !== undefined && { relation: of, alsoNamed: [`${of}.${name}`] }),
      ...(kind === 'functions' && { alsoNamed: [name] }),
    }),
  )
  return new Set(found.map((one) => one.key))
}

describe('a required object', () => {
  const without = withKeys(all, [key('tables', 'orders')], false)

  test('that is not selected is listed, with what requires it', () => {
    const [missing, ...others] = missingNeeds(tree, without)
    expect(others).toEqual([])
    expect(missing?.needed.name).toBe('orders')
    expect(missing?.by.map(({ name }) => name)).toEqual(['big'])
  })

  test('is not listed when what requires it is not selected', () => {
    expect(missingNeeds(tree, withKeys(without, [key('views', 'big')], false))).toEqual([])
  })

  test('is selected with everything that it requires', () => {
    expect(withNeeds(tree, [key('views', 'big')])).toContain(key('tables', 'orders'))
  })
})

describe('visible lines', () => {
  const view = { open: new Set<string>(), search: '', sort: 'name' as const }
  const names = (rows: ReturnType<typeof treeRows>) =>
    rows.map(({ node }) => ('name' in node ? node.name : node.kind))

  test('are the schemas until one is expanded', () => {
    expect(names(treeRows(tree, view))).toEqual(['audit', 'empty', 'public'])
    const open = new Set(['schema\0public', 'kind\0public\0tables'])
    const rows = treeRows(tree, { ...view, open })
    expect(rows.map(({ level }) => level)).toEqual([1, 1, 1, 2, 3, 3, 3, 3, 2, 2, 2, 2])
  })

  test('include every match of a search', () => {
    expect(names(treeRows(tree, { ...view, search: 'VISITS_1' }))).toEqual([
      'public',
      'tables',
      'visits',
      'visits_1',
    ])
  })

  test('start with the largest when sorted by size', () => {
    const rows = treeRows(tree, {
      ...view,
      sort: 'size',
      open: new Set(['schema\0public', 'kind\0public\0tables']),
    })
    expect(names(rows).slice(0, 4)).toEqual(['audit', 'public', 'tables', 'orders'])
  })
})

describe('a filter', () => {
  const open = new Set<string>()
  const large = ({ facts }: Leaf) => (facts?.bytes ?? 0) > 1000
  const names = (rows: ReturnType<typeof treeRows>) =>
    rows.map(({ node }) => ('name' in node ? node.name : node.kind))

  test('shows what it keeps, with what is above it, and no empty schema', () => {
    const rows = treeRows(tree, { open, search: '', keeps: large, sort: 'name' })
    expect(names(rows)).toEqual(['audit', 'tables', 'log', 'public', 'tables', 'orders'])
  })

  test('and a search apply both', () => {
    const narrowing = { search: 'public', keeps: large }
    expect(found(tree, narrowing)?.map(({ name }) => name)).toEqual(['orders'])
    expect(found(tree, { search: '', keeps: undefined })).toBeUndefined()
    expect(keysOfAll(tree, found(tree, narrowing) ?? [])).toEqual(
      new Set([key('tables', 'orders'), key('triggers', 'stamp', 'orders')]),
    )
  })
})

test('what is above a partition is expanded to show it', () => {
  expect(new Set(keysAbove(leaf('tables', 'visits_1')))).toEqual(
    new Set(['schema\0public', 'kind\0public\0tables', key('tables', 'visits')]),
  )
})

test.each([
  // From, typed, to.
  [0, 'o', 1],
  [1, 'o', 2],
  [2, 'o', 1],
  [2, 'oo', 1],
  [1, 'or', 1],
  [1, 'ord', 1],
  [1, 'oth', 2],
  [2, 'A', 0],
  [0, 'x', undefined],
])('typing, from line %d: %s', (from, text, to) => {
  const rows = ['audit', 'orders', 'others', 'payments'].map((name) => ({ name }))
  expect(typedTo(rows, from, text)).toBe(to as number)
})

test('a rule names exactly one table, whatever its name', () => {
  for (const name of ['orders', 'odd*name?', '"quoted"', 'with.dot', 'a b']) {
    const pattern = new Pattern(ruleName({ schema: 'public', name }))
    expect(pattern.matches(name, 'public')).toBe(true)
    expect(pattern.matches('oddXnameY', 'public')).toBe(false)
  }
  expect(ruleName({ schema: 'public', name: 'orders' })).toBe('public.orders')
})
