// Tables and rows that the destination has before the run.
import { beforeAll, describe, expect, test } from 'bun:test'
import type { Plan } from '../../server/migrate/plan/types.ts'
import { casesOf } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { pair } from './pair.ts'

const people = `
  create table people (id int primary key, email text unique, name text);
  insert into people values (1, 'a@x', 'Ann'), (2, 'b@x', 'Bob'), (3, 'c@x', 'Cid');`

async function rows(database: TestDatabase, query = 'select * from people order by id') {
  return await database.sql(query)
}

describe('existing rows', () => {
  test('append adds the others, and names those that collide in any key', async () => {
    const { source, destination } = await pair(
      people,
      `create table people (id int primary key, email text unique, name text);
       insert into people values (1, 'old@x', 'Old'), (9, 'c@x', 'Other');`,
    )
    const { events, summary, result } = await clone(source, destination, {
      options: { dataOnly: true, existingDataMode: 'append' },
    })
    expect(result.status).toBe('completed')
    expect(await rows(destination)).toEqual([
      { id: 1, email: 'old@x', name: 'Old' },
      { id: 2, email: 'b@x', name: 'Bob' },
      { id: 9, email: 'c@x', name: 'Other' },
    ])
    const collided = events.flatMap((event) => (event.type === 'collided' ? [event] : []))
    expect(collided.flatMap(({ values }) => values).sort()).toEqual([['1'], ['3']])
    expect(summary.tables[0]).toMatchObject({ name: 'people', status: 'completed', collided: 2 })
  })

  test('upsert merges by the primary key, or by the named constraint', async () => {
    const there = `create table people (id int primary key, email text constraint by_email unique, name text);
                   insert into people values (1, 'a@x', 'Old'), (7, 'b@x', 'Older');`
    const clients = (sql: string) => sql.replaceAll('people', 'clients').replace('by_email', 'by_address')
    const { source, destination } = await pair(
      people.replace("'b@x'", "'z@x'") + clients(people),
      there + clients(there),
    )
    const { failures } = await clone(source, destination, {
      options: { dataOnly: true, existingDataMode: 'upsert' },
      tables: [{ table: 'clients', key: 'by_address' }],
    })
    expect(failures).toEqual([])
    expect(await rows(destination, 'select id, name from people order by id')).toEqual([
      { id: 1, name: 'Ann' },
      { id: 2, name: 'Bob' },
      { id: 3, name: 'Cid' },
      { id: 7, name: 'Older' },
    ])
    expect(await rows(destination, 'select id, name from clients order by id')).toEqual([
      { id: 1, name: 'Ann' },
      { id: 2, name: 'Bob' },
      { id: 3, name: 'Cid' },
    ])
  })

  test('upsert without a key is refused before anything is changed', async () => {
    const { source, destination } = await pair(
      'create table t (id int, v int); insert into t values (1, 1)',
      'create table t (id int, v int); create unique index part on t (id) where v > 0; insert into t values (5, 5)',
    )
    const { result } = await clone(source, destination, {
      options: { dataOnly: true, existingDataMode: 'upsert' },
    })
    expect(String(result.error)).toContain('upsert needs a primary key')
    expect(await rows(destination, 'select * from t')).toEqual([{ id: 5, v: 5 }])
  })

  test('sequences only advance from their value on the destination', async () => {
    const { source, destination } = await pair(
      `create table t (id serial primary key); insert into t select generate_series(1, 10);
       select setval('t_id_seq', 10); create sequence ahead; select setval('ahead', 50);`,
      `create table t (id serial primary key); insert into t values (100); select setval('t_id_seq', 100);
       create sequence ahead;`,
    )
    const { failures } = await clone(source, destination, {
      options: { dataOnly: true, existingDataMode: 'append' },
    })
    expect(failures).toEqual([])
    expect(await destination.sql(`select nextval('t_id_seq')::int as t, nextval('ahead')::int as a`)).toEqual(
      [{ t: 101, a: 51 }],
    )
  })

  test('identity, generated and partitioned tables accept appended and upserted rows', async () => {
    const schema = `
      create table t (id int generated always as identity primary key, n int, double int generated always as (n * 2) stored);
      create table parts (at date, id int, v text, primary key (at, id)) partition by range (at);
      create table parts_1 partition of parts for values from ('2024-01-01') to ('2024-07-01');
      create table parts_2 partition of parts for values from ('2024-07-01') to ('2025-01-01');
      create table n (k text primary key, id int generated always as identity, v int);`
    const { source, destination } = await pair(
      `${schema} insert into t (n) values (1), (2);
       insert into parts values ('2024-02-02', 1, 'new'), ('2024-08-08', 2, 'new');
       insert into n (k, v) values ('a', 1), ('b', 2);`,
      `${schema} insert into t (n) values (7); insert into parts values ('2024-02-02', 1, 'old');
       insert into n (k, v) values ('b', 0);`,
    )
    const { failures } = await clone(source, destination, {
      options: { dataOnly: true, existingDataMode: 'upsert' },
    })
    expect(failures).toEqual([])
    expect(await destination.sql('select id, n, double from t order by id')).toEqual([
      { id: 1, n: 1, double: 2 },
      { id: 2, n: 2, double: 4 },
    ])
    expect(await destination.sql('select k, id, v from n order by k')).toEqual([
      { k: 'a', id: 1, v: 1 },
      { k: 'b', id: 1, v: 2 },
    ])
    expect(await destination.sql('select id, v from parts order by id')).toEqual([
      { id: 1, v: 'new' },
      { id: 2, v: 'new' },
    ])
  })
})

describe('existing tables', () => {
  test('that lack a column, or have another type, fail alone with the reason', async () => {
    const { source, destination } = await pair(
      `create table a (id int, note text); create table b (at timestamptz); create table c (n int);
       insert into a values (1, 'x'); insert into b values (now()); insert into c values (1);`,
      'create table a (id int); create table b (at timestamp); create table c (n bigint, extra text default 5);',
    )
    const { failures, summary } = await clone(source, destination)
    expect(failures.sort()).toEqual([
      'ROWS public.a: the destination\'s table has no column "note" (leave it out, or map it to another). The table is empty.',
      'ROWS public.b: column "at" is timestamp without time zone on the destination, timestamp with time zone on the source (map it with an expression). The table is empty.',
    ])
    expect(summary.warnings.filter((warning) => warning.includes('will not be copied'))).toHaveLength(2)
    expect(await destination.sql('select n::int, extra from c')).toEqual([{ n: 1, extra: '5' }])
  })

  test('that do not match stop a data-only copy before anything is changed', async () => {
    const { source, destination } = await pair(
      'create table a (id int, note text); create table b (id int); insert into b values (1)',
      'create table a (id int); insert into a values (9)',
    )
    const { result } = await clone(source, destination, { options: { dataOnly: true }, confirm: true })
    expect(result.status).toBe('failed')
    expect(String(result.error)).toContain('public.a: the destination\'s table has no column "note"')
    expect(String(result.error)).toContain('public.b: the destination has no such table')
    expect(await destination.sql('select id from a')).toEqual([{ id: 9 }])
  })

  test('are dropped and created again with drop, and dependent objects are named first', async () => {
    const { source, destination } = await pair(
      `create table a (id int primary key, v text); insert into a values (1, 'new');
       create view own as select id from a; create function f() returns int language sql as 'select 1';`,
      `create table a (id int primary key, gone int); insert into a values (9, 9);
       create view own as select gone from a; create view foreign_view as select id from a;
       create table child (a int references a); insert into child values (9);
       create table stays (id int); insert into stays values (1);
       create function f() returns text language sql as 'select ''x''::text';`,
    )
    let plan: Plan | undefined
    const refused = await clone(source, destination, {
      options: { existingTableMode: 'drop' },
      onPlan: (made) => {
        plan = made
      },
    })
    expect(String(refused.result.error)).toContain('would be dropped')
    const named = plan?.destroyed.map(({ action, kind, name, because }) => [
      action,
      kind,
      name,
      because !== undefined,
    ])
    expect(named).toEqual([
      ['drop', 'function', 'public.f()', false],
      ['drop', 'table', 'public.a', false],
      ['drop', 'view', 'public.own', false],
      ['drop', 'table constraint', 'child_a_fkey on public.child', true],
      ['drop', 'view', 'public.foreign_view', true],
    ])
    expect(await destination.sql('select gone from a')).toEqual([{ gone: 9 }])

    const { failures, result } = await clone(source, destination, {
      options: { existingTableMode: 'drop' },
      confirm: true,
    })
    expect(failures).toEqual([])
    expect(result.status).toBe('completed')
    expect(await destination.sql('select * from a')).toEqual([{ id: 1, v: 'new' }])
    expect(await destination.sql('select id, f() from own')).toEqual([{ id: 1, f: 1 }])
    expect(await destination.sql('select * from stays, child')).toEqual([{ id: 1, a: 9 }])
  })

  test('accept columns under another name, constants and expressions', async () => {
    const { source, destination } = await pair(
      `create table people (id int primary key, first text, last text, secret text);
       insert into people values (1, 'Ann', 'Lee', 's'), (2, 'Bob', null, 's');`,
      `create table people (id int primary key, given_name text, full_name text, tenant text not null, "at" date);`,
    )
    const { failures, summary } = await clone(source, destination, {
      options: { dataOnly: true },
      tables: [
        {
          table: 'public.people',
          where: "last is null or last <> 'nobody'",
          leaveOut: ['secret', 'last'],
          columns: {
            given_name: { from: 'first' },
            full_name: { expression: "concat_ws(' ', first, last)" },
            tenant: { value: "o'x\\" },
            at: { value: '2024-02-03' },
          },
        },
      ],
    })
    expect(failures).toEqual([])
    expect(summary.status).toBe('completed')
    expect(
      await destination.sql('select id, given_name, full_name, tenant, "at"::text from people order by id'),
    ).toEqual([
      { id: 1, given_name: 'Ann', full_name: 'Ann Lee', tenant: "o'x\\", at: '2024-02-03' },
      { id: 2, given_name: 'Bob', full_name: 'Bob', tenant: "o'x\\", at: '2024-02-03' },
    ])
  })
})

describe('a condition', () => {
  let source: TestDatabase
  let destination: TestDatabase

  beforeAll(async () => {
    ;({ source, destination } = await pair(people, ''))
  })

  const wrong: [string, RegExp][] = casesOf(
    [
      ['no_such_column > 1', /no_such_column/],
      ['id >', /syntax error/],
      [
        'true)) to stdout; drop table people; copy (select 1 where (true',
        /has to be one SQL expression. Nothing was changed/,
      ],
    ],
    [
      ['true); drop table people; select (true', /has to be one SQL expression/],
      ['1/* ', /has to be one SQL expression/],
    ],
  )
  test.each(wrong)(
    'that the server does not understand stops the run before it begins: %s',
    async (where, said) => {
      const { result } = await clone(source, destination, { tables: [{ table: 'people', where }] })
      expect(result.status).toBe('failed')
      expect(String(result.error)).toMatch(said)
      expect(await source.sql('select count(*)::int as n from people')).toEqual([{ n: 3 }])
      expect(
        await destination.sql(`select count(*)::int as n from pg_class where relname = 'people'`),
      ).toEqual([{ n: 0 }])
    },
  )

  test('for a table that does not exist is refused', async () => {
    const { result } = await clone(source, destination, { tables: [{ table: 'poeple', where: 'true' }] })
    expect(String(result.error)).toContain('"poeple" matches no table')
  })

  test('copies only the rows that fulfil it', async () => {
    const { failures } = await clone(source, destination, { tables: [{ table: 'people', where: 'id > 1' }] })
    expect(failures).toEqual([])
    expect(await rows(destination, 'select id from people order by id')).toEqual([{ id: 2 }, { id: 3 }])
  })
})

test('more tables than the destination can lock at once are dropped and created again', async () => {
  await using small = await startCluster({
    major: 17,
    settings: { max_locks_per_transaction: '10', max_connections: '20', autovacuum: 'off' },
  })
  const source = await (await cluster(17)).createDatabase()
  const destination = await small.createDatabase()
  for (const [database, rows] of [
    [source, 3],
    [destination, 2],
  ] as const) {
    await database.sql('create table parent (id int, v text) partition by range (id)')
    // Creating all of them at once would take too many locks too.
    await database.sql(`
      do $$ begin
        for g in 1..400 loop
          execute format('create table part_%1$s partition of parent for values from (%1$s) to (%2$s)', g, g + 1);
          execute format('create table t%s (id int primary key, v text)', g);
          execute format('insert into t%s select generate_series(1, ${rows})', g);
          commit;
        end loop;
      end $$`)
  }
  await destination.sql('create view seen as select * from t1 union all select * from t400')
  const refused = await clone(source, destination, { options: { existingTableMode: 'drop' } })
  expect(String(refused.result.error)).toContain('would be dropped')
  expect(String(refused.result.error)).toContain('view public.seen')
  const { failures } = await clone(source, destination, {
    options: { existingTableMode: 'drop' },
    confirm: true,
  })
  expect(failures).toEqual([])
  const count =
    'select sum(n)::int as n from (select count(*) as n from t1 union all select count(*) from t400) x'
  expect(await destination.sql(count)).toEqual([{ n: 6 }])
  const parts = "select count(*)::int as n from pg_inherits where inhparent = 'parent'::regclass"
  expect(await destination.sql(parts)).toEqual([{ n: 400 }])
})
