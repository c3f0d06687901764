// Updates wait until the end of a batch, and only the last of each row is done. The result must be the same.
import { expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import { eventually } from '../../tools/eventually.ts'
import { arrival, compareFollowed, conflictOf, followToEnd, link } from '../../tools/moves/following.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

const tables = `
  create table account (id int primary key, balance int not null, note text);
  create table twin (a int, b text, v int, primary key (a, b));
  create table tagged (id int primary key, tag int unique, v int);
  create table history (id int primary key, account int, v text);
  insert into account select g, 0, 'n' from generate_series(1, 20) g;
  insert into twin select g % 5, (g / 5)::text, 0 from generate_series(0, 24) g;
  insert into tagged select g, g, 0 from generate_series(1, 3) g;`

async function pairOf(from: 14 | 18, to: 17 | 18) {
  const pair = {
    source: await (await cluster(from)).createDatabase(),
    destination: await (await cluster(to)).createDatabase(),
  }
  for (const side of [pair.source, pair.destination]) await side.sql(tables)
  return pair
}

/** Each is a transaction. Following starts after the last one, so that they are applied in large batches. */
async function backlog(source: TestDatabase, transactions: string[]) {
  const client = source.connect()
  await client.unsafe(transactions.map((text) => `begin; ${text}; commit`).join(';\n'))
  await client.end()
}

test('many updates of few rows, between inserts, deletes and other keys', async () => {
  const pair = await pairOf(14, 17)
  const options = await link(pair)
  const transactions = Array.from({ length: 400 }, (_, n) =>
    [
      `update account set balance = balance + ${n} where id = ${1 + (n % 19)}`,
      `insert into history values (${n}, ${n % 20}, '${n}')`,
      `update twin set v = v + 1 where a = ${n % 5} and b = '${n % 4}'`,
      n % 37 === 0 ? `delete from account where id = ${1 + (n % 19)}` : '',
      n % 37 === 0 ? `insert into account values (${1 + (n % 19)}, -${n}, repeat('x', 9000))` : '',
      n % 41 === 0 ? `update twin set b = b || 'y' where a = 1 and b like '3%'` : '',
      n % 29 === 0 ? `update account set note = repeat(md5('${n}'), 300) where id = ${1 + (n % 7)}` : '',
      n % 97 === 0 ? 'truncate history' : '',
    ]
      .filter(Boolean)
      .join('; '),
  )
  await backlog(pair.source, transactions)
  const follower = await followToEnd(options, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  expect(follower.status.tables.find(({ name }) => name === 'account')?.updates).toBeGreaterThan(400)
})

test('unique values that pass from row to row are applied in order', async () => {
  const pair = await pairOf(18, 18)
  const options = await link(pair)
  await backlog(
    pair.source,
    Array.from({ length: 30 }, () => [
      'update tagged set tag = 100 where id = 1',
      'update tagged set tag = 1 where id = 2',
      'update tagged set tag = 2 where id = 1',
      'update tagged set tag = 100 where id = 2',
      'update tagged set tag = 1 where id = 1',
      'update tagged set tag = 2 where id = 2',
    ]).flat(),
  )
  const warned: string[] = []
  const follower = await Follower.start({ ...options, onEvent: ({ type }) => warned.push(type) })
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  // No batch had to be repeated in careful mode.
  expect(warned.filter((type) => type === 'follow_connected')).toHaveLength(1)
})

test('a missing row is a conflict of the first transaction that changed it', async () => {
  const pair = await pairOf(14, 17)
  const options = await link(pair)
  await pair.destination.sql('delete from account where id = 7')
  await backlog(pair.source, [
    'update account set balance = 1 where id = 6',
    "update account set note = 'first' where id = 7",
    "update account set note = 'second' where id = 7",
    'update account set balance = 1 where id = 8',
  ])
  const follower = await Follower.start(options)
  const first = await conflictOf(follower)
  expect(first).toMatchObject({ key: { id: '7' } })
  expect(await pair.destination.sql('select id from account where balance = 1')).toEqual([{ id: 6 }])
  follower.skip()
  await eventually(
    'a conflict of the next transaction that changed it',
    () => follower.status.conflict?.lsn,
    (lsn) => lsn !== undefined && lsn !== first.lsn,
  )
  await pair.destination.sql("insert into account values (7, 0, 'fixed')")
  follower.retry()
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
})

test('with triggers that fire for replicas every update is done', async () => {
  const pair = await pairOf(14, 17)
  await pair.destination.sql(`
    create table seen (n int generated always as identity, balance int);
    create function see() returns trigger language plpgsql as $$
      begin insert into public.seen (balance) values (new.balance); return new; end $$;
    create trigger see before update on account for each row execute function see();
    alter table account enable always trigger see`)
  const options = await link(pair)
  await backlog(
    pair.source,
    Array.from({ length: 9 }, (_, n) => `update account set balance = ${n} where id = 1`),
  )
  await followToEnd(options, pair.source)
  expect(await pair.destination.sql('select count(*)::int as n, max(balance) as last from seen')).toEqual([
    { n: 9, last: 8 },
  ])
})

test('many rows in one statement: values of every type are stored unchanged, for any names of columns', async () => {
  const columns = `
    pgtrek_1 int, "pgtrek__" text, "c 1" char(3), v varchar(4), n numeric(6, 2), b bit(3), vb bit varying(5), "char" "char",
    i interval second(0), t time(0), ts timestamptz(3), d price, e mood, a varchar(2)[], ch char(2)[], j jsonb, big bytea, r int4range,
    always int generated always as identity, primary key (pgtrek_1, "c 1")`
  const pair = {
    source: await (await cluster(18)).createDatabase(),
    destination: await (await cluster(14)).createDatabase(),
  }
  for (const side of [pair.source, pair.destination]) {
    await side.sql(`
      create domain price as numeric(8, 2) check (value >= 0); create type mood as enum ('sad', 'so "so"');
      create table kinds (${columns}); create table bare (id int primary key)`)
  }
  await pair.source.sql(`
    insert into kinds (pgtrek_1, "c 1") select g, 'a' from generate_series(1, 300) g;
    insert into bare select g from generate_series(1, 300) g`)
  const options = await link(pair)
  await pair.destination.sql(`
    insert into kinds (pgtrek_1, "c 1", always) overriding system value select g, 'a', g from generate_series(1, 300) g;
    insert into bare select g from generate_series(1, 300) g`)
  await backlog(
    pair.source,
    Array.from(
      { length: 40 },
      (_, n) => `
        update kinds set pgtrek__ = 'x' || ${n}, v = 'ab', n = ${n} + 0.5, b = b'101', vb = b'01', "char" = 'z',
               i = '1 day 2 seconds', t = '12:34:56', ts = now(), d = ${n}.25, e = 'so "so"', a = '{ab,NULL,"c\\""}',
               ch = '{a,bc}', j = '{"a": [1, null]}', big = '\\x00ff', r = '[1,${n + 2})' where pgtrek_1 % 7 = ${n % 7};
        update kinds set n = null, e = null, a = '{}' where pgtrek_1 between ${n} and ${n + 3};
        update bare set id = id where id between ${n} and ${n + 100}`,
    ),
  )
  await followToEnd(options, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
})

test('a value that is too long for its column on the destination is a conflict, and is not truncated', async () => {
  const pair = await pairOf(18, 18)
  await pair.source.sql(
    'create table named (id int primary key, name varchar(10)); insert into named select g from generate_series(1, 100) g',
  )
  await pair.destination.sql(
    'create table named (id int primary key, name varchar(3)); insert into named select g from generate_series(1, 100) g',
  )
  const options = await link(pair)
  await backlog(pair.source, [
    "update named set name = 'abc'",
    "update named set name = 'abcd' where id > 50",
  ])
  const follower = await Follower.start(options)
  expect((await conflictOf(follower)).message).toContain('too long')
  await pair.destination.sql('alter table named alter name type varchar(10)')
  follower.retry()
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
})
