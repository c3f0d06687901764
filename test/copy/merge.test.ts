// Rows are merged with existing rows: added, left out and reported, or overwritten.
import { describe, expect, test } from 'bun:test'
import { casesOf } from '../../tools/long.ts'
import { byRest, copying, failureOf, rowsOf } from '../../tools/moves/copying.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'

async function pair(schema: string, majors: [Major, Major] = [15, 15]) {
  const source = await (await cluster(majors[0])).createDatabase()
  const destination = await (await cluster(majors[1])).createDatabase()
  await Promise.all([source.sql(schema), destination.sql(schema)])
  return { source, destination }
}

async function count(database: TestDatabase, table = 't', condition = 'true'): Promise<number> {
  const [row] = await database.sql<{ n: number }>(
    `select count(*)::int as n from ${table} where ${condition}`,
  )
  return row?.n ?? -1
}

/** Workers that have rows with the same key wait for each other; then one of them copies everything. */
const soonAlone = { sharedLockTimeoutMs: 100 }
const keyed = 'create table public.t (id int primary key, v text)'
const t = { table: 'public.t', columns: ['id', 'v'] }

describe('append', () => {
  type Way = ['binary' | 'text', batchSize: number, workers: number]
  const pairs: [Major, Major][] = [
    [12, 18],
    [17, 14],
    [15, 15],
    [18, 18],
    [12, 12],
  ]
  const ways: Way[] = [
    ['binary', 1000, 1],
    ['text', 7, 1],
    ['binary', 7, 4],
    ['text', 1_000_000, 4],
    ['binary', 1, 2],
    ['text', 1, 1],
  ]
  const all = ways.flatMap((way, row) =>
    pairs.map((pair, column) => ({
      isUsual: row % pairs.length === column,
      case: [...pair, ...way] as const,
    })),
  )
  /** Each pair of major versions and each mode once. */
  const usual = all.filter(({ isUsual }) => isUsual)
  const others = all.filter(({ isUsual }) => !isUsual)
  test.each(casesOf(usual, others).map((one) => one.case))(
    'from %d to %d as %s in batches of %d by %d workers adds rows and names existing ones',
    async (from, to, format, batchSize, workers) => {
      const rows = Math.min(5000, batchSize * 300)
      const { source, destination } = await pair(keyed, [from, to])
      await source.sql(`insert into t select i, 'new ' || i from generate_series(1, ${rows}) i`)
      await destination.sql(
        `insert into t select i, 'old' from generate_series(1, ${rows}) i where i % 10 = 3`,
      )
      await destination.sql(`insert into t values (-1, 'other')`)
      await using work = await copying(source, destination, workers)
      const copied = await work.run(
        rowsOf({ ...t, format, merge: { batchSize }, conditions: byRest('id', workers) }),
      )
      expect(copied).toMatchObject({ rows: rows * 0.9, collided: rows / 10, key: ['id'] })
      const named = copied.collisions.map(([id]) => Number(id)).sort((a, b) => a - b)
      expect(named).toEqual(Array.from({ length: rows / 10 }, (_, index) => index * 10 + 3))
      expect(await count(destination)).toBe(rows + 1)
      expect(await count(destination, 't', "v = 'old'")).toBe(rows / 10)
      expect(await count(destination, 't', "v = 'new ' || id")).toBe(rows * 0.9)
    },
  )

  test('reports once for each batch that had collisions', async () => {
    const { source, destination } = await pair(keyed)
    await source.sql(`insert into t select i from generate_series(1, 1000) i`)
    await destination.sql(`insert into t values (5), (6), (950)`)
    await using work = await copying(source, destination, 1)
    const copied = await work.run(rowsOf({ ...t, merge: { batchSize: 100 } }))
    expect(copied).toMatchObject({ rows: 997, collided: 3, reports: 2 })
  })

  test.each([0, 1, 1000, 2000])('of %d rows that all exist adds none', async (rows) => {
    const { source, destination } = await pair(
      `${keyed}; insert into t select i, 'x' from generate_series(1, ${rows}) i`,
    )
    await using work = await copying(source, destination, 2)
    for (const format of ['binary', 'text'] as const) {
      const copied = await work.run(rowsOf({ ...t, format, merge: { batchSize: 1000 } }))
      expect(copied).toMatchObject({ rows: 0, collided: rows })
      expect(copied.collisions).toHaveLength(rows)
      expect(await count(destination)).toBe(rows)
    }
  })

  test('respects unique keys, partial ones, expressions, nulls and exclusion constraints', async () => {
    const { source, destination } = await pair(`
      create table t (id int, mail text, active bool, a int, b int, span int4range,
                      unique (a, b), exclude using gist (span with &&));
      create unique index on t (lower(mail));
      create unique index on t (id) where active;`)
    await destination.sql(
      `insert into t values (1, 'A@x', true, 1, null, '[1,5)'), (2, 'b@x', false, 2, 2, '[5,9)')`,
    )
    await source.sql(`insert into t values
      (1, 'other', false, 1, null, null),
      (1, 'one', true, 3, 3, null),
      (2, 'two', true, 4, 4, null),
      (3, 'a@X', false, 5, 5, null),
      (4, 'four', true, 2, 2, null),
      (5, 'five', true, 6, 6, '[4,6)'),
      (null, null, null, null, null, null),
      (null, null, null, null, null, null)`)
    await using work = await copying(source, destination, 1)
    const columns = ['id', 'mail', 'active', 'a', 'b', 'span']
    const copied = await work.run(rowsOf({ table: 'public.t', columns, merge: { key: ['id', 'mail'] } }))
    expect(copied).toMatchObject({ rows: 4, collided: 4, key: ['id', 'mail'] })
    expect(copied.collisions.sort()).toEqual([
      ['1', 'one'],
      ['3', 'a@X'],
      ['4', 'four'],
      ['5', 'five'],
    ])
  })

  test('identifies rows by all columns where there is no key, with or without an equality operator', async () => {
    const { source, destination } = await pair(`
      create table t (j json, x xml, p point, n text); create unique index on t ((j->>'k'));`)
    await destination.sql(`insert into t values ('{"k": 1}')`)
    await source.sql(
      `insert into t values ('{"k":1}', '<a/>', '(1,2)', null), ('{"k":2}', '<a/>', '(1,2)', null)`,
    )
    await using work = await copying(source, destination, 1)
    const columns = ['j', 'x', 'p', 'n']
    const copied = await work.run(rowsOf({ table: 'public.t', columns, format: 'text', merge: { key: [] } }))
    expect(copied).toMatchObject({ rows: 1, collided: 1, key: columns })
    expect(copied.collisions).toEqual([['{"k":1}', '<a/>', '(1,2)', null]])
  })

  test('copies one of several rows of the source that have the same key', async () => {
    const { source, destination } = await pair('create table t (id int, v text)')
    await destination.sql('alter table t add primary key (id)')
    await source.sql(`insert into t select 1, 'v' || i from generate_series(1, 30) i`)
    await using work = await copying(source, destination, 1)
    const copied = await work.run(rowsOf({ ...t, merge: { batchSize: 7, key: ['id', 'v'] } }))
    expect(copied).toMatchObject({ rows: 1, collided: 29 })
    expect(copied.collisions).toHaveLength(29)
  })

  test('is not blocked by workers that have rows with the same key', async () => {
    const { source, destination } = await pair('create table t (id int, v text)')
    await destination.sql('alter table t add primary key (id)')
    await source.sql(`insert into t select i / 4, i::text from generate_series(0, 3999) i`)
    await using work = await copying(source, destination, 4, soonAlone)
    const copied = await work.run(rowsOf({ ...t, merge: {}, conditions: byRest('v::int', 4) }))
    expect(copied).toMatchObject({ rows: 1000, collided: 3000 })
    expect(await count(destination)).toBe(1000)
  })

  test('supports hostile names, identities, generated columns and partitions', async () => {
    const name = `public."we""ird \\ $1 %s é; drop"`
    const { source, destination } = await pair(`
      create table ${name} ("I d""" int generated always as identity primary key, "v'\\" text,
                            g int generated always as ("I d""" * 2) stored);
      create table parted (id int primary key, v text) partition by range (id);
      create table leaf partition of parted for values from (0) to (100);
      create table rest partition of parted default;`)
    await source.sql(`insert into ${name} ("v'\\") select 'x' from generate_series(1, 10);
                      insert into parted select i, 'new' from generate_series(0, 199) i`)
    await destination.sql(`insert into ${name} ("v'\\") values ('old');
                           insert into parted values (1, 'old'), (150, 'old')`)
    await using work = await copying(source, destination, 2)
    const odd = await work.run(rowsOf({ table: name, columns: ['I d"', "v'\\"], merge: {} }))
    expect(odd).toMatchObject({ rows: 9, collided: 1, key: ['I d"'], collisions: [['1']] })
    const leaf = await work.run(rowsOf({ table: 'public.leaf', columns: ['id', 'v'], merge: {} }))
    expect(leaf).toMatchObject({ rows: 99, collisions: [['1']] })
    const root = await work.run(rowsOf({ table: 'public.parted', columns: ['id', 'v'], merge: {} }))
    expect(root).toMatchObject({ rows: 99, collided: 101 })
    expect(await count(destination, 'parted')).toBe(200)
  })

  test('copies rows of 50 MB, a few at a time', async () => {
    const { source, destination } = await pair('create table t (id int primary key, v bytea)')
    await source.sql(`insert into t select i, decode(repeat(md5(i::text), 50 * 65536 / 2), 'hex') from generate_series(1, 3) i;
                      insert into t select i, 'x' from generate_series(5, 20) i`)
    await destination.sql(`insert into t values (2, 'x'), (7, 'x')`)
    await using work = await copying(source, destination, 1)
    const copied = await work.run(rowsOf({ ...t, merge: {} }))
    expect(copied).toMatchObject({ rows: 17, collided: 2, collisions: [['2'], ['7']] })
    const [row] = await destination.sql<{ bytes: string }>('select sum(length(v)) as bytes from t')
    expect(Number(row?.bytes)).toBe(2 * 50 * 16 * 32768 + 17)
  })

  test('reads names and values in the encoding of the source', async () => {
    const options = { encoding: 'LATIN1', locale: 'C' }
    const source = await (await cluster(15)).createDatabase(undefined, options)
    const destination = await (await cluster(15)).createDatabase()
    const schema = 'create table public."größe" ("schlüssel" text primary key)'
    await Promise.all([source.sql(schema), destination.sql(schema)])
    await source.sql(`insert into "größe" values ('süß'), ('é')`)
    await destination.sql(`insert into "größe" values ('süß')`)
    await using work = await copying(source, destination, 1, { clientEncoding: 'LATIN1' })
    const copied = await work.run(
      rowsOf({ table: 'public."größe"', columns: ['schlüssel'], format: 'text', merge: {} }),
    )
    expect(copied).toMatchObject({ rows: 1, key: ['schlüssel'], collisions: [['süß']] })
  })

  test('reports that a row failed, and leaves none of the others', async () => {
    const { source, destination } = await pair(keyed)
    await destination.sql('alter table t add check (id <> 4500)')
    await source.sql(`insert into t select i, 'x' from generate_series(1, 5000) i`)
    await using work = await copying(source, destination, 2)
    const failing = work.run(rowsOf({ ...t, merge: { batchSize: 100 }, conditions: byRest('id', 2) }))
    expect(await failureOf(failing)).toMatchObject({ info: { sqlstate: '23514' } })
    expect(await count(destination)).toBe(0)
    const again = await work.run(
      rowsOf({ ...t, merge: { batchSize: 100 }, conditions: ['id < 4500', 'id > 4500'] }),
    )
    expect(again.rows).toBe(4999)
  })

  test('refuses a deferrable key that would not be checked', async () => {
    const { source, destination } = await pair('create table t (id int, v text)')
    await destination.sql('alter table t add primary key (id) deferrable initially deferred')
    const rows = `insert into t values (1, 'x')`
    await Promise.all([source.sql(rows), destination.sql(rows)])
    const refused = /"t_pkey" is deferrable/
    const append = rowsOf({ ...t, merge: {} })
    await destination.sql('create unique index on t (v)')
    const conflict = { kind: 'update', on: '("v")', set: [] } as const
    const upsert = rowsOf({ ...t, merge: { conflict } })
    {
      await using work = await copying(source, destination, 1)
      expect(String(await failureOf(work.run(append)))).toMatch(refused)
      expect(String(await failureOf(work.run(upsert)))).toMatch(refused)
    }
    await using work = await copying(source, destination, 1, { replica: false })
    expect(String(await failureOf(work.run(append)))).toMatch(refused)
    await source.sql(`update t set v = 'y'`)
    await using later = await copying(source, destination, 1, { replica: false })
    expect(await failureOf(later.run(upsert))).toMatchObject({ info: { sqlstate: '23505' } })
    expect(await count(destination)).toBe(1)
  })
})

describe('upsert', () => {
  const update = { kind: 'update', on: '("id")', set: ['v'] } as const

  test.each([
    [12, 'binary', 1000, 1],
    [15, 'text', 7, 2],
    [18, 'binary', 1_000_000, 4],
    [15, 'binary', 1, 1],
  ] as const)('on %d as %s in batches of %d by %d workers', async (major, format, batchSize, workers) => {
    const rows = batchSize === 1 ? 200 : 4000
    const { source, destination } = await pair(keyed, [major, major])
    await source.sql(`insert into t select i, 'new ' || i from generate_series(1, ${rows}) i`)
    await destination.sql(`insert into t select i, 'old' from generate_series(-9, ${rows / 2}) i`)
    await using work = await copying(source, destination, workers)
    const copied = await work.run(
      rowsOf({ ...t, format, merge: { batchSize, conflict: update }, conditions: byRest('id', workers) }),
    )
    expect(copied).toMatchObject({ rows, collided: 0, collisions: [] })
    expect(await count(destination)).toBe(rows + 10)
    expect(await count(destination, 't', "v = 'new ' || id")).toBe(rows)
  })

  test('merges by any unique constraint, named or by columns, also in partitions', async () => {
    const { source, destination } = await pair(`
      create table t (id int primary key, code text not null, v text, constraint "by code" unique (code));
      create table parted (id int primary key, v text) partition by hash (id);
      create table p0 partition of parted for values with (modulus 2, remainder 0);
      create table p1 partition of parted for values with (modulus 2, remainder 1);`)
    await source.sql(`insert into t values (1, 'a', 'new'), (2, 'b', 'new');
                      insert into parted select i, 'new' from generate_series(1, 100) i`)
    await destination.sql(`insert into t values (10, 'a', 'old');
                           insert into parted select i, 'old' from generate_series(1, 50) i`)
    await using work = await copying(source, destination, 1)
    const columns = ['id', 'code', 'v']
    const conflict = { kind: 'update', on: 'on constraint "by code"', set: ['v'] } as const
    await work.run(rowsOf({ table: 'public.t', columns, merge: { conflict } }))
    expect(await destination.sql('select * from t order by 1')).toEqual([
      { id: 2, code: 'b', v: 'new' },
      { id: 10, code: 'a', v: 'new' },
    ])
    await work.run(rowsOf({ table: 'public.parted', columns: ['id', 'v'], merge: { conflict: update } }))
    expect(await count(destination, 'parted', "v = 'new'")).toBe(100)
  })

  test('overwrites nothing where the key has all columns', async () => {
    const { source, destination } = await pair(keyed)
    const rows = `insert into t select i from generate_series(1, 10) i`
    await Promise.all([source.sql(rows), destination.sql(`${rows} where i > 5`)])
    await using work = await copying(source, destination, 1)
    const conflict = { ...update, set: [] }
    const copied = await work.run(rowsOf({ table: 'public.t', columns: ['id'], merge: { conflict } }))
    expect(copied).toMatchObject({ rows: 10, collided: 0 })
    expect(await count(destination)).toBe(10)
  })

  test('fails with a clear message where another unique key is violated', async () => {
    const { source, destination } = await pair('create table t (id int primary key, v text unique)')
    await source.sql(`insert into t values (1, 'a')`)
    await destination.sql(`insert into t values (2, 'a')`)
    await using work = await copying(source, destination, 1)
    const failing = work.run(rowsOf({ ...t, merge: { conflict: update } }))
    expect(await failureOf(failing)).toMatchObject({
      info: {
        sqlstate: '23505',
        message: expect.stringContaining('t_v_key'),
        detail: 'Key (v)=(a) already exists.',
      },
    })
  })

  test.each([
    ['one batch', 1000, 1],
    ['several batches', 2, 1],
    ['several workers', 1000, 3],
  ])('explains a key that the source has twice, in %s', async (_, batchSize, workers) => {
    const { source, destination } = await pair('create table t (id int, v text)')
    await destination.sql('alter table t add primary key (id)')
    await destination.sql(`insert into t values (1, 'old')`)
    await source.sql(`insert into t select i % 50, i::text from generate_series(1, 99) i`)
    await using work = await copying(source, destination, workers, soonAlone)
    const failing = work.run(
      rowsOf({ ...t, merge: { batchSize, conflict: update }, conditions: byRest('v::int', workers) }),
    )
    expect(await failureOf(failing)).toMatchObject({
      info: {
        sqlstate: '21000',
        message: expect.stringContaining('several rows for one row of the destination'),
        hint: expect.stringContaining('another key'),
      },
    })
    expect(await destination.sql('select * from t')).toEqual([{ id: 1, v: 'old' }])
  })
})

describe('the transactions of a table', () => {
  test.each([1, 3])('are reported before they are committed, by %d workers', async (workers) => {
    const { source, destination } = await pair(keyed)
    await source.sql(`insert into t select i, 'x' from generate_series(1, 3000) i`)
    await using work = await copying(source, destination, workers)
    const reported: string[][] = []
    await work.run(rowsOf({ ...t, merge: {}, conditions: byRest('id', workers) }), {
      async onBeforeCommit(transactions) {
        reported.push(transactions)
        expect(await count(destination)).toBe(0)
      },
    })
    expect(reported).toHaveLength(1)
    expect(reported[0]?.length).toBeGreaterThanOrEqual(1)
    const found = await destination.sql<{ status: string }>(
      `select distinct txid_status(id) as status from unnest($1::bigint[]) id`,
      [reported[0]?.map(Number)],
    )
    expect(found).toEqual([{ status: 'committed' }])
    expect(await count(destination)).toBe(3000)
  })

  test('are rolled back when the caller cannot store them', async () => {
    const { source, destination } = await pair(keyed)
    await source.sql(`insert into t select i, 'x' from generate_series(1, 100) i`)
    await using work = await copying(source, destination, 2)
    const failing = work.run(rowsOf({ ...t, merge: {}, conditions: byRest('id', 2) }), {
      onBeforeCommit() {
        throw new Error('the disk is full')
      },
    })
    expect(String(await failureOf(failing))).toMatch('the disk is full')
    expect(await count(destination)).toBe(0)
    expect((await work.run(rowsOf({ ...t, merge: {} }))).rows).toBe(100)
  })
})
