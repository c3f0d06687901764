// The text of a plan, also for losses and rules that are rare.
import { describe, expect, test } from 'bun:test'
import { describePlan, destructionLines } from '../../server/cli/render/plan.ts'
import { planAsJson } from '../../server/cli/render/plan-json.ts'
import type { Step, Work } from '../../server/migrate/plan/step.ts'
import type { Destroyed, Plan, PlannedRows } from '../../server/migrate/plan/types.ts'

const sizes = {
  copyWorkers: 1,
  indexWorkers: 1,
  splitBytes: 1,
  maintenanceWorkMemKb: 1,
  parallelMaintenanceWorkers: 0,
}

function step(id: number, kind: string, name: string, work: Work, rest: Partial<Step> = {}): Step {
  return {
    id,
    info: { id, phase: 'others', kind, schema: 'app', name },
    work,
    needs: [],
    after: [],
    pool: 'ddl',
    weight: 0,
    locks: {},
    ...rest,
  }
}

const sql = (...statements: string[]): Work => ({ kind: 'sql', statements, extras: [], mayExist: true })

const steps = [
  step(1, 'TABLE', 'orders', sql('CREATE TABLE app.orders (id integer)')),
  step(2, 'TABLE', 'users', sql('CREATE TABLE app.users (id integer)')),
  step(3, 'BARRIER', 'all', { kind: 'barrier' }),
  step(4, 'RELATED ROWS', '2 tables', {
    kind: 'copy together',
    bytes: 1,
    tables: [{ schema: 'app', name: 'a"b' }],
    into: [{ schema: 'app', name: 'a"b' }],
    replaces: { tables: [], byDelete: [] },
    parts: [
      {
        kind: 'rows',
        format: 'text',
        empties: { statements: ['truncate only "app"."a""b"'] },
        copyOut: 'copy b to stdout',
        copyIn: 'copy b from stdin',
      },
    ],
  }),
  step(5, 'ROWS', 'orders', {
    kind: 'copy',
    bytes: 1,
    fills: true,
    exactlyOnce: false,
    parts: [{ kind: 'rows', format: 'text', copyOut: 'copy a to stdout', copyIn: 'copy a from stdin' }],
  }),
  step(6, 'INDEX', 'orders_pkey', sql('CREATE UNIQUE INDEX orders_pkey ON app.orders (id)')),
  step(
    7,
    'CONSTRAINT',
    'orders orders_pkey',
    sql('ALTER TABLE app.orders ADD PRIMARY KEY USING INDEX orders_pkey'),
    {
      needs: [6],
    },
  ),
  step(8, 'INDEX', 'by_at', sql('CREATE INDEX by_at ON app.orders (at)')),
  step(9, 'POLICY', 'p', sql('CREATE POLICY p ON app.orders')),
  step(10, 'POLICY', 'q', sql('CREATE POLICY q ON app.orders')),
  step(11, 'FK CONSTRAINT', 'fk', sql('ALTER TABLE ...')),
  step(12, 'ANALYZE', 'orders', sql('analyze app.orders')),
  step(13, 'SEQUENCE SET', 's', { kind: 'refuse', reason: 'it may not be read' }),
  step(14, 'OWNER', 'boss', { kind: 'barrier' }, { skip: 'role "boss" does not exist' }),
  step(
    15,
    'SUBSCRIPTION',
    'sub',
    sql("CREATE SUBSCRIPTION sub CONNECTION 'host=x password=sEcret' PUBLICATION p"),
  ),
  step(
    16,
    'USER MAPPING',
    'um',
    sql(`CREATE USER MAPPING FOR me SERVER s OPTIONS ("password" 'sEc''ret', "user" 'me')`),
  ),
]

const tables: PlannedRows[] = [
  { schema: 'app', name: 'orders', rows: 1234567, bytes: 5 * 1024 ** 3, mode: 'fill' },
  {
    schema: 'app',
    name: 'ev\x1b[2Jil',
    rows: -1,
    bytes: 100,
    mode: 'append',
    where: 'id > 5',
    mapping: ['b -> a', 'c = null', 'd = x + 1', 'without e'],
  },
]

const destroyed: Destroyed[] = [
  { action: 'truncate', schema: 'app', name: 'orders' },
  { action: 'drop', kind: 'view', name: 'app.v', because: 'it needs app.t' },
  { action: 'drop', kind: 'table', name: 'app.t' },
]

const plan = { steps, sizes, destroyed, tables, warnings: ['mind the gap'] } as unknown as Plan

test('shows what is created, destroyed, copied and impossible', () => {
  expect(describePlan(plan, { verbose: false })).toEqual([
    'Created, unless they exist on the destination:',
    '  2 tables, 1 constraint, 1 index, 2 policies, 1 foreign key, 1 subscription, 1 user mapping',
    '',
    'These objects of the destination will be dropped:',
    '  view app.v (it needs app.t)',
    '  table app.t',
    'The rows of these tables of the destination will be deleted:',
    '  app.orders',
    '',
    'Copied: 2 tables, about 1,234,567 rows and those of 1 table without an estimate, 5.0 GB',
    '  app.orders       1,234,567     5.0 GB',
    '  app.ev\\x1b[2Jil          ?  100 bytes  append; where id > 5; b -> a; c = null; d = x + 1; without e',
    '',
    'Other steps:',
    '  analyze 1',
    '',
    'Cannot be done:',
    '  sequence set app.s: it may not be read',
    '  owner app.boss: role "boss" does not exist',
    '',
    '1 warning:',
    '  mind the gap',
    '',
    'Dry run: nothing was written.',
  ])
})

test('with --verbose it names the objects and has the SQL of each step in order', () => {
  const lines = describePlan(plan, { verbose: true })
  expect(lines.slice(0, 5)).toEqual([
    'Created, unless they exist on the destination:',
    '  2 tables',
    '    app.orders',
    '    app.users',
    '  1 constraint',
  ])
  const first = lines.findIndex((line) => line.startsWith('Steps in order'))
  expect(lines.slice(first + 1, first + 12)).toEqual([
    '  1. table app.orders',
    '     CREATE TABLE app.orders (id integer);',
    '  2. table app.users',
    '     CREATE TABLE app.users (id integer);',
    '  4. rows of app.2 tables related by foreign keys',
    '     truncate only "app"."a""b";',
    '     copy b to stdout;',
    '     copy b from stdin;',
    '  5. rows of app.orders',
    '     copy a to stdout;',
    '     copy a from stdin;',
  ])
})

test('definitions do not reveal passwords', () => {
  const shown = [
    ...describePlan(plan, { verbose: true }),
    JSON.stringify(planAsJson(plan, { verbose: true })),
  ].join()
  expect(shown).toContain("CONNECTION '...'")
  expect(shown).not.toMatch(/sEc/)
})

test('the JSON has the same content', () => {
  const {
    status,
    created,
    destroyed: lost,
    tables: copied,
    cannot,
    warnings,
    steps: order,
  } = planAsJson(plan, {
    verbose: false,
  })
  expect(status).toBe('planned')
  expect(created).toHaveLength(9)
  expect(created[0]).toEqual({ kind: 'TABLE', schema: 'app', name: 'orders' })
  expect(lost).toEqual([
    { action: 'truncate', kind: 'TABLE', schema: 'app', name: 'orders' },
    { action: 'drop', kind: 'view', name: 'app.v', because: 'it needs app.t' },
    { action: 'drop', kind: 'table', name: 'app.t' },
  ])
  expect(copied[1]).toMatchObject({
    rows: null,
    mode: 'append',
    where: 'id > 5',
    mapping: ['b -> a', 'c = null', 'd = x + 1', 'without e'],
  })
  expect(cannot).toHaveLength(2)
  expect(warnings).toEqual(['mind the gap'])
  expect(order).toHaveLength(15)
  expect(order[0]).not.toHaveProperty('sql')
})

describe('the question before a loss', () => {
  test('names no more than fit on a screen, and the number of the others', () => {
    const many: Destroyed[] = Array.from({ length: 25 }, (_, n) => ({
      action: 'truncate',
      schema: 's',
      name: `t${n}`,
    }))
    const lines = destructionLines(many, 20)
    expect(lines).toHaveLength(22)
    expect(lines.at(-1)).toBe('  and 5 more')
  })
  test('is empty if nothing is destroyed', () => {
    expect(destructionLines([])).toEqual([])
  })
})
