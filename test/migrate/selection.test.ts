import { beforeAll, describe, expect, test } from 'bun:test'
import type { Selection } from '../../shared/request.ts'
import { casesOf } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

let from: Cluster
let to: Cluster
let shop: TestDatabase

beforeAll(async () => {
  ;[from, to] = await Promise.all([cluster(14), cluster(17)])
  shop = await from.createDatabase()
  await shop.sql(`
    create schema shop; create schema "Odd.Schema"; create schema logs;
    create type shop.mood as enum ('sad', 'happy');
    create domain shop.email as text check (value like '%@%');
    create function shop.tax(n numeric) returns numeric language sql immutable as 'select n * 0.2';
    create function shop.touch() returns trigger language plpgsql as 'begin return new; end';
    create table shop.customers (id serial primary key, email shop.email not null, mood shop.mood default 'happy');
    create table shop.orders (
      id bigint generated always as identity primary key,
      customer int not null references shop.customers,
      net numeric not null check (net >= 0),
      tax numeric generated always as (shop.tax(net)) stored);
    create index orders_net on shop.orders (net);
    create trigger touched before update on shop.orders for each row execute function shop.touch();
    comment on table shop.orders is 'what was bought';
    comment on trigger touched on shop.orders is 'touches';
    comment on index shop.orders_net is 'by price';
    create view shop.totals as select customer, sum(net) as net from shop.orders group by customer;
    create materialized view shop.best as select * from shop.totals where net > 10;
    create sequence shop.numbers start 5;
    create table logs.events (at timestamptz not null, what text) partition by range (at);
    create table logs.events_2023 partition of logs.events for values from ('2023-01-01') to ('2024-01-01');
    create table logs.events_2024 partition of logs.events for values from ('2024-01-01') to ('2025-01-01');
    create table "Odd.Schema"."Table.With""Quotes" (id int primary key);
    create publication every for table shop.orders, shop.customers;
    insert into shop.customers (email) select 'c' || n || '@example.org' from generate_series(1, 10) n;
    insert into shop.orders (customer, net) select 1 + n % 10, n from generate_series(1, 100) n;
    insert into logs.events values ('2023-05-05', 'a'), ('2024-05-05', 'b'), ('2024-06-06', 'c');
    insert into "Odd.Schema"."Table.With""Quotes" values (1);
    select nextval('shop.numbers');
    refresh materialized view shop.best;`)
})

interface SelectedTest {
  /** What the destination has before. */
  prepare?: string
  /** Where only the existence of objects matters. */
  schemaOnly?: boolean
}

async function selected(
  selection: Partial<Selection>,
  { prepare = '', schemaOnly = false }: SelectedTest = {},
) {
  const destination = await to.createDatabase()
  if (prepare) await destination.sql(prepare)
  const run = await clone(shop, destination, { selection, options: { schemaOnly } })
  const [{ names }] = (await destination.sql(`
    select json_agg(name order by name) as names from (
      select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'v', 'm', 'S', 'i') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      union all
      select n.nspname || '.' || p.proname || '()' from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where p.oid >= 16384
      union all
      select n.nspname || '.' || t.typname || ' type' from pg_type t join pg_namespace n on n.oid = t.typnamespace
       where t.oid >= 16384 and t.typtype in ('e', 'd')
      union all
      select c.relname || '.' || t.tgname || ' trigger' from pg_trigger t join pg_class c on c.oid = t.tgrelid
       where not t.tgisinternal
      union all
      select conrelid::regclass || ' fk ' || conname from pg_constraint where contype = 'f'
    ) x`)) as [{ names: string[] | null }]
  return { ...run, destination, names: names ?? [] }
}

describe('a selection', () => {
  test('of one table includes what belongs to it and what it needs, without foreign keys to others', async () => {
    const { names, result, summary, failures, destination } = await selected({ include: ['shop.orders'] })
    expect(failures).toEqual([])
    expect(result.status).toBe('completed')
    expect(names).toEqual([
      'orders.touched trigger',
      'shop.orders',
      'shop.orders_id_seq',
      'shop.orders_net',
      'shop.orders_pkey',
      'shop.tax()',
      'shop.touch()',
    ])
    expect(summary.warnings.join('\n')).toMatch(
      /orders_customer_fkey.*is not created: table shop.customers is not selected/,
    )
    expect(summary.warnings.join('\n')).toMatch(
      /also migrated, because selected objects need it: .*function shop.tax/,
    )
    expect(await destination.sql('select count(*)::int as n, sum(tax)::int as tax from shop.orders')).toEqual(
      [{ n: 100, tax: 1010 }],
    )
    expect(await destination.sql(`select obj_description('shop.orders_net'::regclass) as c`)).toEqual([
      { c: 'by price' },
    ])
    expect(await destination.sql(`select nextval('shop.orders_id_seq')::int as n`)).toEqual([{ n: 101 }])
  })

  test('of two related tables keeps the foreign key between them', async () => {
    const { names, failures } = await selected({ include: ['orders', 'customers'] }, { schemaOnly: true })
    expect(failures).toEqual([])
    expect(names).toContain('shop.orders fk orders_customer_fkey')
    expect(names).toContain('shop.mood type')
    expect(names).toContain('shop.email type')
    expect(names).toContain('shop.customers_id_seq')
  })

  test('of a table whose foreign key refers to a table of the destination creates the foreign key', async () => {
    const { names, result } = await selected(
      { include: ['shop.orders'] },
      {
        prepare: `create schema shop; create table shop.customers (id int primary key);
                  insert into shop.customers select generate_series(1, 10);`,
      },
    )
    expect(result.status).toBe('completed')
    expect(names).toContain('shop.orders fk orders_customer_fkey')
  })

  test('that adds nothing reports what is missing, once for each object that cannot be created', async () => {
    const { names, summary, failures } = await selected({ include: ['shop.customers'], needed: 'report' })
    expect(failures).toEqual([])
    expect(names).toEqual([])
    expect(summary.skipped.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`)).toContain(
      'TABLE customers: needs schema shop, which is neither selected nor on the destination',
    )
  })

  test('uses what the destination has instead of adding it', async () => {
    const { names, result } = await selected(
      { include: ['shop.customers'], needed: 'report' },
      {
        prepare: `create schema shop; create type shop.mood as enum ('sad', 'happy'); create domain shop.email as text;`,
      },
    )
    expect(result.status).toBe('completed')
    expect(names).toContain('shop.customers')
  })

  test('of a schema includes all of it, and nothing of others', async () => {
    const { names, failures } = await selected({ includeSchemas: ['logs'] }, { schemaOnly: true })
    expect(failures).toEqual([])
    expect(names).toEqual(['logs.events', 'logs.events_2023', 'logs.events_2024'])
  })

  test('without a table skips its views for that reason, and no more', async () => {
    const { names, failures, summary } = await selected({
      exclude: ['shop.orders'],
      excludeSchemas: ['logs'],
    })
    expect(failures).toEqual([])
    expect(names).not.toContain('shop.orders')
    expect(names).not.toContain('shop.totals')
    expect(names).toContain('shop.customers')
    expect(names.some((name) => name.startsWith('logs.'))).toBe(false)
    const reasons = summary.skipped.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`)
    expect(reasons).toContain('VIEW totals: needs table shop.orders, which is excluded')
    expect(reasons).toContain(
      'MATERIALIZED VIEW best: needs view shop.totals: needs table shop.orders, which is excluded',
    )
  })

  test('of a partition includes it attached to its parent; of a parent all partitions but excluded ones', async () => {
    const one = await selected({ include: ['logs.events_2024'] })
    expect(one.names).toEqual(['logs.events', 'logs.events_2024'])
    expect(await one.destination.sql('select count(*)::int as n from logs.events')).toEqual([{ n: 2 }])
    const some = await selected({ include: ['logs.events'], exclude: ['events_2023'] }, { schemaOnly: true })
    expect(some.names).toEqual(['logs.events', 'logs.events_2024'])
    expect(some.failures).toEqual([])
  })

  type OfKinds = [what: string, Partial<Selection>, (names: string[]) => void]
  const ofKinds = casesOf<OfKinds>(
    [
      [
        'functions',
        { only: ['functions'] },
        (names) => expect(names).toEqual(['shop.tax()', 'shop.touch()']),
      ],
      [
        'tables',
        { only: ['tables'], includeSchemas: ['shop'] },
        (names) => {
          expect(names).toContain('shop.orders fk orders_customer_fkey')
          expect(names).not.toContain('orders.touched trigger')
          expect(names).not.toContain('shop.totals')
        },
      ],
      [
        'views',
        { only: ['views'] },
        (names) => {
          expect(names).toContain('shop.totals')
          expect(names).toContain('shop.orders')
        },
      ],
    ],
    [
      ['types', { only: ['types'] }, (names) => expect(names).toEqual(['shop.email type', 'shop.mood type'])],
      [
        'sequences',
        { only: ['sequences'], includeSchemas: ['shop'] },
        (names) => expect(names).toContain('shop.numbers'),
      ],
    ],
  )
  test.each(ofKinds)('of %s includes only those, with what they need', async (_, selection, check) => {
    const { names } = await selected(selection, { schemaOnly: true })
    check(names)
  })

  test('by lists includes what the lists name', async () => {
    const { names, failures } = await selected(
      {
        schemas: [
          { name: 'shop', tables: ['customers'], functions: ['tax(numeric)'], sequences: ['numbers'] },
          { name: 'Odd.Schema' },
        ],
      },
      { schemaOnly: true },
    )
    expect(failures).toEqual([])
    expect(names).toEqual([
      'Odd.Schema.Table.With"Quotes',
      'Odd.Schema.Table.With"Quotes_pkey',
      'shop.customers',
      'shop.customers_id_seq',
      'shop.customers_pkey',
      'shop.email type',
      'shop.mood type',
      'shop.numbers',
      'shop.tax()',
    ])
  })

  test('takes a hostile name literally', async () => {
    const { names } = await selected({ include: ['"Odd.Schema"."Table.With""Quotes"'] })
    expect(names).toEqual(['Odd.Schema.Table.With"Quotes', 'Odd.Schema.Table.With"Quotes_pkey'])
  })

  test('with a name that matches nothing is refused, with the nearest name', async () => {
    const { result, names } = await selected({ include: ['shop.ordres'] })
    expect(result.status).toBe('failed')
    expect(String(result.error)).toContain('nothing matches "shop.ordres": did you mean shop.orders?')
    expect(names).toEqual([])
  })
})
