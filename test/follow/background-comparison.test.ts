// The comparison while following: what a switchover need not compare again, and differences that it must find.
import { describe, expect, test } from 'bun:test'
import { type Moving, move } from '../../tools/moves/follow-run.ts'
import type { Major } from '../../tools/servers/binaries.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { startWorkload, workloadTables } from '../../tools/torture/workload.ts'

const logical = { settings: { wal_level: 'logical' } }

async function pair(from: Major, to: Major, sql: string) {
  const source = await (await cluster(from, logical)).createDatabase()
  const destination = await (await cluster(to, logical)).createDatabase()
  await source.sql(sql)
  return { source, destination }
}

function checked(moving: Moving) {
  return moving.until(
    'all tables compared',
    ({ verification }) => verification !== undefined && verification.checked === verification.tables,
  )
}

describe('tables that were compared while following', () => {
  test('are compared again only where they changed, under load and with every kind of table', async () => {
    const { source, destination } = await pair(15, 17, workloadTables('source', false))
    await source.sql(`
      insert into item (id, name) select g, 'name ' || g from generate_series(100000, 120000) g;
      insert into doc (title, body) select 'title', repeat('body', 1000) from generate_series(1, 200)`)
    await using moving = move({ source, destination })
    await moving.untilStreaming()
    await using workload = startWorkload(source, { seed: 11, sessions: 2, truncates: true })
    await moving.until('tables compared', ({ verification }) => (verification?.checked ?? 0) > 1)
    await workload.commits(300)
    await workload.stop()
    await checked(moving)
    await source.sql('update item set name = $$changed$$ where id between 100010 and 100019')
    const { report, error } = await moving.switchover()
    expect(error).toBeUndefined()
    expect(report?.tables.filter(({ equal }) => !equal)).toEqual([])
    const item = report?.tables.find(({ name }) => name === 'item')
    expect(item?.before?.again).toBeGreaterThanOrEqual(0)
    expect(item?.source_rows).toBeGreaterThan(20_000)
    expect(report?.tables.every(({ before }) => before !== undefined)).toBe(true)
  })
})

describe('a row that is different on the destination', () => {
  const tables = `
    create table book (id int primary key, title text, body text);
    alter table book alter body set storage external;
    insert into book select g, 'title ' || g, repeat('body ', 1000) from generate_series(1, 300) g;
    create table plain (id uuid primary key, tag numeric(8, 2), v text);
    insert into plain select md5(g::text)::uuid, g, 'v' from generate_series(1, 300) g;
    create table tree (id int, region text, v text, primary key (id, region)) partition by list (region);
    create table tree_eu partition of tree for values in ('eu');
    create table tree_us partition of tree for values in ('us');
    insert into tree select g, case g % 2 when 0 then 'eu' else 'us' end, 'v' from generate_series(1, 300) g`

  test('from before the comparison is found while following, and stops the switchover in either mode', async () => {
    const { source, destination } = await pair(17, 14, tables)
    await using moving = move({ source, destination })
    await checked(moving)
    // The table was compared and has not changed, but a new process compares it again.
    await moving.run.act({ type: 'stop' })
    await moving.run.done
    await destination.sql("update tree set v = 'broken' where id = 7")
    await moving.restart()
    const view = await moving.until('a table that differs', ({ verification }) =>
      Boolean(verification?.different.length),
    )
    expect(view.verification?.different).toEqual([{ schema: 'public', name: 'tree' }])
    expect(view.ready.reasons.join()).toContain('public.tree is not the same on both sides')
    expect(view.ready.green).toBe(false)
    await expect(moving.switchover({ verify: false })).rejects.toThrow('tree_us')
  })

  test('among rows that change later is found, and fixing it is noticed', async () => {
    const { source, destination } = await pair(12, 18, tables)
    await using moving = move({ source, destination })
    await checked(moving)
    // The body is not in the stream when only the title changes.
    await destination.sql("update book set body = 'broken' where id = 5")
    await source.sql("update book set title = 'new' where id between 1 and 10")
    await moving.until('the table that differs', ({ ready }) => ready.reasons.join().includes('public.book'))
    await expect(moving.switchover({ verify: false })).rejects.toThrow('public.book')
    await destination.sql("update book set body = repeat('body ', 1000) where id = 5")
    await moving.until('no table that differs', ({ ready }) => !ready.reasons.join().includes('public.book'))
    await checked(moving)
    const done = await moving.switchover({ verify: false })
    expect(done.error).toBeUndefined()
    const book = done.report?.tables.find(({ name }) => name === 'book')
    expect(book).toMatchObject({ source_rows: 300, equal: true })
    expect(book?.before?.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/)
  })

  test('after a change that is not in the stream is found, because the table is compared as a whole', async () => {
    const { source, destination } = await pair(15, 17, tables)
    await using moving = move({ source, destination })
    const before = await checked(moving)
    const [{ names } = { names: '' }] = await source.sql<{ names: string }>(
      "select string_agg(pubname, ',') as names from pg_publication",
    )
    // Changes while the table is not published are in no stream.
    await source.sql(`
      alter publication ${names} drop table plain;
      update plain set v = 'unheard' where tag = 3;
      alter publication ${names} add table plain`)
    const outcome = await moving.switchover()
    expect(outcome.error?.message).toContain('public.plain')
    expect(before.verification?.window_seconds).toBeDefined()
  })
})

test('changed rows are found by keys of every kind', async () => {
  const table = (name: string, columns: string) =>
    `create table ${name} (${columns}, body text); alter table ${name} alter body set storage external;`
  const ends = await pair(
    17,
    18,
    `${table('k1', 'k numeric primary key')}
     ${table('k2', 'k timestamptz, d date, t timestamp, primary key (k, d, t)')}
     ${table('k3', 'k text, "a ""b" char(6), primary key (k, "a ""b")')}
     ${table('k4', 'k bigint, b boolean, u uuid, primary key (k, b, u)')}
     create table k5 (k int, v text); alter table k5 replica identity full; create unique index on k5 (k);
     create table k6 (k int, v text);`,
  )
  const { source, destination } = ends
  await using moving = move(ends, { insertsOnly: ['public.k6'] })
  await checked(moving)
  await source.sql(`
    insert into k1 values (0), (-1.50), (123456789012345678901234567890.000001), (1e20), (0.00001);
    insert into k2 values ('2024-02-29 23:59:59.999999+05', '0044-03-15', '1969-12-31 23:59:59.5'),
                          ('infinity', '2024-01-01', '2024-01-01'), ('0100-01-01 BC', 'infinity', '-infinity');
    insert into k3 values ('quote '' " \\ {,}', 'ab'), ('', ''), ('日本', 'NULL'), (repeat('x', 1500), '');
    insert into k4 values (9223372036854775807, true, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
                          (-9223372036854775808, false, '00000000-0000-0000-0000-000000000000');
    insert into k5 values (1, 'a'), (2, 'b'); update k5 set k = 3 where k = 2; delete from k5 where k = 1;
    insert into k6 values (1, 'a')`)
  const names = ['k1', 'k2', 'k3', 'k4']
  for (const name of names) await source.sql(`update ${name} set body = repeat('body ', 1000)`)
  const { verification } = await checked(moving)
  expect(verification?.different).toEqual([])
  await moving.until('nothing left to compare', ({ verification }) => verification?.changed_rows === 0)
  // Unchanged bodies are not sent with an update, so the difference stays.
  await destination.sql(`
    update k1 set body = 'broken' where k = 0.00001;
    update k2 set body = 'broken' where d = '0044-03-15';
    update k3 set body = 'broken' where k like 'quote%';
    update k4 set body = 'broken' where b`)
  for (const name of names) await source.sql(`update ${name} set k = k`)
  await moving.until('four tables that differ', ({ ready }) =>
    names.every((name) => ready.reasons.join().includes(`public.${name} `)),
  )
  for (const name of names) {
    await destination.sql(`update ${name} set body = repeat('body ', 1000) where body = 'broken'`)
  }
  await moving.until('none that differs', ({ ready }) => !ready.reasons.join().includes('not the same'))
  const { report, error } = await moving.switchover({ keep_reverse: true })
  expect(error).toBeUndefined()
  expect(report?.tables.filter(({ equal }) => equal)).toHaveLength(6)
  // This test has written to the others on the destination.
  const before = report?.tables.filter(({ before }) => before).map(({ name }) => name)
  expect(before).toEqual(expect.arrayContaining(['k5', 'k6']))
  // The way back is compared in the same way.
  await destination.sql('update k4 set b = not b')
  await checked(moving)
  const back = await moving.switchover({ back: true })
  expect(back.error).toBeUndefined()
  expect(back.report?.tables.filter(({ equal, before }) => equal && before)).toHaveLength(6)
})
