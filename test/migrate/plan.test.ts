// Plans from inventories, without a server: dependencies, skipped steps, refusals.
import { describe, expect, test } from 'bun:test'
import type { ServerFacts } from '../../server/catalog/server.ts'
import type { TableFacts } from '../../server/catalog/tables.ts'
import { noRoutes } from '../../server/migrate/inventory/partition-routes.ts'
import type { Inventory } from '../../server/migrate/inventory/types.ts'
import { makePlan } from '../../server/migrate/plan/plan.ts'
import type { Step } from '../../server/migrate/plan/step.ts'
import type { Plan } from '../../server/migrate/plan/types.ts'
import type { Entry } from '../../server/schema/entries.ts'
import { defaultOptions } from '../../shared/defaults.ts'
import type { Hook, MigrationOptions } from '../../shared/request.ts'
import { RuleBook } from '../../shared/rule-book.ts'

const server: ServerFacts = {
  ...{ version: 170000, major: 17, database: 'shop', user: 'me', superuser: true, mayReplicate: true },
  ...{ encoding: 'UTF8', inRecovery: false, databaseOwner: 'me', ownsDatabase: true },
  ...{ freeConnections: 50, freeWithin: { server: 50, database: null, role: null } },
  ...{ sharedBuffersKb: 131_072, maintenanceWorkMemKb: 65_536, maxParallelMaintenanceWorkers: 2 },
}
const catalog = { table: 1259, constraint: 2606 }
const customers = 100
const orders = 200
const index = 301
const foreignKey = 302

function entry(id: number, kind: string, name: string, statement: string, rest: Partial<Entry> = {}): Entry {
  return {
    ...{ id, kind, name, classOid: 0, oid: 0, dependencies: [], schema: 'public', owner: undefined },
    ...{ statements: [statement], ownerStatement: undefined, tablespace: "''", accessMethod: 'heap' },
    ...rest,
  }
}

function table(oid: number, name: string): TableFacts {
  return {
    ...{ oid, schema: 'public', name, columns: [{ name: 'id', type: 23, generated: false }] },
    ...{ estimatedRows: 10, bytes: 8192, pages: 1, heap: true, unlogged: false, mayRead: true },
    ...{ extensionCondition: null, extension: null, root: null, keyRange: null },
  }
}

/** Two tables, of which orders refers to customers and has an index; an extension, a grant, an event trigger. */
function shop(changes: Partial<Inventory> = {}): Inventory {
  const entries = [
    entry(1, 'EXTENSION', 'citext', 'CREATE EXTENSION citext'),
    entry(2, 'TABLE', 'customers', 'CREATE TABLE "public"."customers" ("id" integer)', {
      ...{ classOid: catalog.table, oid: customers },
    }),
    entry(3, 'TABLE', 'orders', 'CREATE TABLE "public"."orders" ("id" integer)', {
      ...{ classOid: catalog.table, oid: orders },
    }),
    entry(4, 'INDEX', 'orders_id', 'CREATE INDEX "orders_id" ON "public"."orders" ("id")', {
      ...{ classOid: catalog.table, oid: index },
    }),
    entry(
      5,
      'FK CONSTRAINT',
      'orders orders_fkey',
      'ALTER TABLE ONLY "public"."orders" ADD CONSTRAINT "orders_fkey" FOREIGN KEY ("id") REFERENCES "public"."customers"("id")',
      { classOid: catalog.constraint, oid: foreignKey },
    ),
    entry(6, 'ACL', 'TABLE orders', 'GRANT SELECT ON TABLE "public"."orders" TO "reader"'),
    entry(
      7,
      'EVENT TRIGGER',
      'watch',
      'CREATE EVENT TRIGGER "watch" ON ddl_command_end EXECUTE FUNCTION f()',
    ),
  ]
  return {
    source: server,
    destination: server,
    lacks: {
      ...{ roles: new Map([['reader', true]]), tablespaces: new Set(), extensions: new Set(['citext']) },
      ...{ installedExtensions: new Set(), hasIcu: true, collations: new Set(), largeObjects: new Set() },
      ...{ closedSchemas: new Set(), mayCreateSchemas: true },
    },
    handmadeLanguages: new Map(),
    entries,
    needs: new Map([
      [4, [3]],
      [5, [2, 3]],
      [6, [3]],
    ]),
    tables: [table(customers, 'customers'), table(orders, 'orders')],
    partitioning: {
      ...{
        parents: new Map(),
        roots: new Map(),
        names: new Map(),
        hashedByEnum: new Set(),
        hashed: new Set(),
      },
    },
    reorderedChildren: new Map(),
    oddNotNullNames: new Map(),
    types: new Map(),
    dependents: {
      indexes: new Map([[index, { oid: index, table: orders, bytes: 8192 }]]),
      constraints: new Map([
        [
          foreignKey,
          {
            ...{
              oid: foreignKey,
              kind: 'f',
              temporal: false,
              table: orders,
              tablePartitioned: false,
              referenced: customers,
            },
            ...{ referencedPartitioned: false, validated: true, indexDefinition: null, indexBytes: 0 },
          },
        ],
      ]),
      others: new Map(),
    },
    ...{ sequences: [], largeObjects: [], usedRoles: [], collations: [], existing: new Map() },
    ...{ columnTypes: new Map(), foreignKeys: [], trees: [], drops: { targets: [], dependants: [] } },
    ...{ blocked: new Map(), routes: noRoutes, notes: [] },
    ...changes,
  }
}

function planOf(
  options: Partial<MigrationOptions> = {},
  { inventory = shop(), hooks = [] as Hook[] } = {},
): Plan {
  return makePlan(inventory, { options: { ...defaultOptions, ...options }, rules: new RuleBook([]), hooks })
}

function find(plan: Plan, kind: string, name: string): Step {
  const found = plan.steps.find(({ info }) => info.kind === kind && info.name === name)
  if (!found) throw new Error(`no ${kind} ${name} among ${names(plan).join(', ')}`)
  return found
}

const names = ({ steps }: Plan) => steps.map(({ info }) => `${info.kind} ${info.name}`)

/** Whether one step can only start when the other is over. */
function waits({ steps }: Plan, one: Step, other: Step): boolean {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const reached = new Set([one])
  for (const step of reached) {
    for (const id of [...step.needs, ...step.after]) {
      const needed = byId.get(id)
      if (needed) reached.add(needed)
    }
  }
  return one !== other && reached.has(other)
}

describe('dependencies', () => {
  const plan = planOf({ verify: true })
  const rows = { customers: find(plan, 'ROWS', 'customers'), orders: find(plan, 'ROWS', 'orders') }

  test('rows wait for their table', () => {
    expect(waits(plan, rows.orders, find(plan, 'TABLE', 'orders'))).toBe(true)
  })

  test('an index waits only for the rows of its own table', () => {
    const built = find(plan, 'INDEX', 'orders_id')
    expect(waits(plan, built, rows.orders)).toBe(true)
    expect(waits(plan, built, rows.customers)).toBe(false)
  })

  test('a foreign key waits for the rows of both tables, and is validated afterwards', () => {
    const key = find(plan, 'FK CONSTRAINT', 'orders orders_fkey')
    expect([waits(plan, key, rows.orders), waits(plan, key, rows.customers)]).toEqual([true, true])
    expect(waits(plan, find(plan, 'VALIDATE', 'orders orders_fkey'), key)).toBe(true)
  })

  test('grants wait for all objects and rows; an event trigger for everything else', () => {
    const grant = find(plan, 'ACL', 'TABLE orders')
    expect(waits(plan, grant, find(plan, 'VALIDATE', 'orders orders_fkey'))).toBe(true)
    const last = find(plan, 'EVENT TRIGGER', 'watch')
    expect(waits(plan, last, grant)).toBe(true)
    expect(waits(plan, last, rows.customers)).toBe(true)
  })

  test('the comparison waits for every other step', () => {
    const verify = find(plan, 'VERIFY', 'rows on both servers')
    expect(plan.steps.filter((step) => step !== verify && !waits(plan, verify, step))).toEqual([])
  })

  test('every step waits only for steps planned before it', () => {
    const ids = plan.steps.map(({ id }) => id)
    expect(
      plan.steps.filter(({ id, needs, after }) => [...needs, ...after].some((one) => one >= id)),
    ).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('parts of a plan', () => {
  test('the schema alone has no rows, and no statistics of them', () => {
    const plan = planOf({ schemaOnly: true })
    expect(names(plan).filter((name) => /^(ROWS|ANALYZE)/.test(name))).toEqual([])
    expect(names(plan)).toContain('INDEX orders_id')
  })

  test('rows alone create no object, and are refused where the destination has no such table', () => {
    expect(() => planOf({ dataOnly: true })).toThrow(/orders/)
  })

  test('an extension that the destination lacks is skipped, and named in advance', () => {
    const inventory = shop()
    const plan = planOf({}, { inventory: shop({ lacks: { ...inventory.lacks, extensions: new Set() } }) })
    expect(find(plan, 'EXTENSION', 'citext').skip).toBe(
      'extension "citext" is not available on the destination',
    )
    expect(plan.warnings.join('\n')).toContain('extension "citext"')
  })
})

describe('hooks', () => {
  const hook = (when: Hook['when'], phase: Hook['phase']): Hook => ({
    ...{ when, phase, name: `${when} ${phase}` },
    run: { command: 'true' },
  })
  const all = (['run', 'schema', 'data', 'indexes'] as const).flatMap((phase) => [
    hook('before', phase),
    hook('after', phase),
  ])
  const plan = planOf({}, { hooks: all })
  const of = (place: string) => find(plan, 'HOOK', `${place}, command: ${place}`)

  test.each([
    ['before run', 'TABLE', 'customers', 'after run'],
    ['before schema', 'TABLE', 'orders', 'after schema'],
    ['before data', 'ROWS', 'orders', 'after data'],
    ['before indexes', 'INDEX', 'orders_id', 'after indexes'],
  ])('%s comes ahead of %s %s, and %s behind it', (before, kind, name, after) => {
    const step = find(plan, kind, name)
    expect(waits(plan, step, of(before))).toBe(true)
    expect(waits(plan, of(after), step)).toBe(true)
  })

  test('they run in one order', () => {
    const order = ['before run', 'before schema', 'after schema', 'before data', 'after data']
    const places = [...order, 'before indexes', 'after indexes', 'after run']
    for (const [index, place] of places.entries()) {
      const next = places[index + 1]
      if (next) expect({ next, waits: waits(plan, of(next), of(place)) }).toEqual({ next, waits: true })
    }
  })
})

test('the same inventory gives the same plan, and is not changed', () => {
  const inventory = shop()
  const before = structuredClone(inventory)
  const [one, other] = [planOf({ verify: true }, { inventory }), planOf({ verify: true }, { inventory })]
  expect(other.steps).toEqual(one.steps)
  expect(inventory).toEqual(before)
})
