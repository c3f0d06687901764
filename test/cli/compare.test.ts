// `pgtrek compare` as a process: its output, JSON, exit codes and signals.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ComparisonFailure, DataComparison, SchemaComparison } from '../../shared/comparison.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { CannotHappen, eventually } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

let home: Home
let from: Cluster
let to: Cluster
let source: TestDatabase
let destination: TestDatabase

const fill = `
  create table orders (id int primary key, price numeric);
  insert into orders select i, i from generate_series(1, 1000) i;
  create table "odd ""name, with=all" (a int);
  create sequence numbers;`

beforeAll(async () => {
  home = makeHome()
  from = await cluster(17)
  to = await cluster(18)
  source = await from.createDatabase()
  destination = await to.createDatabase()
  await source.sql(fill)
  await destination.sql(fill)
})

afterAll(() => home[Symbol.dispose]())

function start(args: string[], environment: Record<string, string> = {}) {
  return home.start(['compare', ...args], environment)
}

function run(args: string[], other = destination) {
  return start([...args, '--source', source.url, '--dest', other.url]).finished
}

/** A destination with its own changes. */
async function changed(changes: string): Promise<TestDatabase> {
  const database = await to.createDatabase()
  await database.sql(fill + changes)
  return database
}

function parsed<Schema extends TSchema>(schema: Schema, output: string) {
  // Exactly one object that matches the schema.
  const value: unknown = JSON.parse(output)
  expect([...Value.Errors(schema, value)]).toEqual([])
  return value as Record<string, unknown>
}

describe('data', () => {
  test('that is equal: code 0, also from the environment', async () => {
    const { finished } = start(['data'], { PGTREK_SOURCE: source.url, PGTREK_DEST: destination.url })
    const { code, output, said } = await finished
    expect(said).toContain('public.orders: 1,000 rows')
    expect(output).toMatch(
      /^Same: 2 tables, 1 sequence, 0 large objects; 1,000 rows on the source, in \d+\.\d s\.\n$/,
    )
    expect(code).toBe(0)
  })

  test('that differs: code 1 and the differences', async () => {
    const other = await changed(`
      update orders set price = 0 where id = 7; delete from orders where id = 8; select nextval('numbers')`)
    const { code, output } = await run(['data', '--drill'], other)
    expect(code).toBe(1)
    expect(output.split('\n').slice(0, -2)).toEqual([
      'different: public.orders',
      '  1,000 rows on the source, 999 on the destination',
      '  1 row missing on the destination, 1 row different:',
      ...(output.indexOf('id=7') < output.indexOf('id=8')
        ? ['    different id=7: price', '    missing id=8']
        : ['    missing id=8', '    different id=7: price']),
      'different: sequence public.numbers: 1 (not yet used) on the source, 1 on the destination',
    ])
    expect(output).toContain('Different: 1 of 2 tables, 1 of 1 sequence, 0 large objects; 1,000 rows')
  })

  test('as one JSON object, also if it cannot be compared', async () => {
    const other = await changed('delete from orders where id < 10')
    const { code, output } = await run(['data', '--json', '--drill', '--drill-limit', '2'], other)
    expect(code).toBe(1)
    expect(parsed(DataComparison, output).status).toBe('different')
    const failed = await start([
      'data',
      '--json',
      '--source',
      source.url,
      '--dest',
      `${destination.url}_not_there`,
    ]).finished
    expect(failed.code).toBe(3)
    expect(failed.said).toContain('does not exist')
    expect(parsed(ComparisonFailure, failed.output).status).toBe('failed')
  })

  test('counted only, filtered, or in part', async () => {
    const other = await changed('update orders set price = 0 where id > 500; create table more (a int)')
    expect((await run(['data', '--fast', '--exclude', 'more'], other)).code).toBe(0)
    expect((await run(['data', '--fast'], other)).code).toBe(1)
    const part = ['data', '--include', 'orders,"odd ""name, with=all"', '--where', 'public.orders=id <= 500']
    expect((await run(part, other)).code).toBe(0)
    const odd = ['data', '--include', '"odd ""name, with=all"', '--where', '"odd ""name, with=all"=a = 1']
    expect((await run(odd, other)).code).toBe(0)
  })

  const mistakes = casesOf<[string[], string]>(
    [
      [['data', '--fast', '--drill'], '--fast and --drill exclude each other'],
      [['data', '--include', 'order'], '"order" matches nothing in either database: did you mean "orders"?'],
      [['rows'], "unknown command 'rows'"],
    ],
    [
      [['data', '--where', 'orders'], '--where must be schema.table=condition'],
      [['data', '--workers', 'many'], 'It must be a whole number'],
      [['schema', '--include-schema', 'publik'], 'did you mean "public"?'],
    ],
  )
  test.each(mistakes)('an error on the command line: code 2 (%p)', async (args, words) => {
    const { code, said, output } = await run(args)
    expect(said).toContain(words)
    expect(code).toBe(2)
    expect(output).toBe('')
  })

  test('a condition that the servers reject makes its table unknown: code 1', async () => {
    const { code, output } = await run(['data', '--where', 'orders=nothing > 1'])
    expect(output).toContain('unknown: public.orders\n  on the source: column "nothing" does not exist')
    expect(code).toBe(1)
  })

  test('Ctrl-C stops it cleanly: code 130, and no session stays', async () => {
    const slow = start([
      'data',
      '--json',
      '--where',
      'orders=pg_sleep(1) is not null',
      '--source',
      source.url,
      '--dest',
      destination.url,
    ])
    const sessions = (server: Cluster, database: TestDatabase) =>
      server.sql(
        'postgres',
        "select from pg_stat_activity where datname = $1 and application_name = 'pgtrek'",
        [database.name],
      )
    const active =
      "select from pg_stat_activity where state = 'active' and query like '%pg_sleep(1)%' and pid <> pg_backend_pid()"
    await eventually('the rows to be read', async () => {
      if (slow.child.exitCode !== null) throw new CannotHappen((await slow.finished).said)
      return (await from.sql('postgres', active)).length
    })
    slow.child.kill('SIGINT')
    const { code, output, said } = await slow.finished
    expect(said).toContain('stopping')
    expect(code).toBe(130)
    expect(parsed(ComparisonFailure, output).status).toBe('cancelled')
    await eventually(
      'the end of its sessions',
      async () => [...(await sessions(from, source)), ...(await sessions(to, destination))],
      ({ length }) => length === 0,
    )
  })
})

describe('schema', () => {
  test('that is equal: code 0', async () => {
    const { code, output } = await run(['schema'])
    expect(output).toMatch(/^Same: \d+ objects in /)
    expect(code).toBe(0)
  })

  test('that differs: code 1 and the lines that differ', async () => {
    const other = await changed(
      'alter table orders alter price type int; create index by_price on orders (price)',
    )
    const { code, output } = await run(['schema', '--no-owner'], other)
    expect(code).toBe(1)
    expect(output).toContain('different: TABLE public.orders')
    expect(output).toContain('\n  -    price numeric\n  +    price integer\n')
    expect(output).toContain('only on the destination: INDEX public.by_price')
    const json = await run(['schema', '--json'], other)
    expect(parsed(SchemaComparison, json.output).status).toBe('different')
  })
})

test('uses a file as for a copy: mapped columns are compared as they were copied', async () => {
  const other = await to.createDatabase()
  await other.sql('create table orders (number int primary key, price numeric, shop text default $$x$$);')
  await other.sql('insert into orders select i, i from generate_series(1, 500) i')
  const file = join(home.directory, 'compare.toml')
  await Bun.write(
    file,
    `source = "${source.url}"
     dest = "${other.url}"
     include = ["orders"]
     [[tables]]
     table = "orders"
     where = "id <= 500"
     leave_out = ["price"]
     [tables.columns]
     number = { from = "id" }
     shop = { value = "x" }
     price = { expression = "price" }`,
  )
  const { code, output, said } = await start(['data', '--config', file, '--where', 'orders=true']).finished
  // Rules of the command line replace those of the file.
  expect({ code, said }).toMatchObject({ code: 1 })
  expect(output).toContain('orders')
  const again = await start(['data', '--config', file, '--filter', 'source']).finished
  expect(again.code).toBe(0)
  expect(again.output).toContain('500 rows on the source')
})
