// The plan by objects, the statements of each, and the sample for a time estimate.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { PlanAnswer, PlannedObject } from '../../shared/plan-api.ts'
import type { PlanSql, Sample } from '../../shared/plan-sql-api.ts'
import { estimateTime } from '../../shared/time-estimate.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

const rows = 20_000
let api: Api
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  const [started, from, other] = await Promise.all([startApi(), cluster(14), cluster(17)])
  ;[api, to] = [started, other]
  source = await from.createDatabase()
  await source.sql(`
    create table big (id int primary key, v text);
    insert into big select n, repeat('v', 200) from generate_series(1, ${rows}) n;
    create index big_v on big (v);
    create table small (id int primary key, big int references big);
    insert into small select n, n from generate_series(1, 10) n;
    create table days (day date, n int) partition by range (day);
    create table days_2024 partition of days for values from ('2024-01-01') to ('2025-01-01');
    insert into days values ('2024-03-01', 1);
    create view seen as select * from small;
    comment on view seen is 'what was seen';
    create function twice(n int) returns int language sql as 'select 2 * n';
    analyze`)
})

afterAll(() => api.server.close())

function ends(destination: TestDatabase, options: object = {}) {
  return { source: { url: source.url }, destination: { url: destination.url }, options }
}

async function planFor(body: object): Promise<PlanAnswer & { objects: PlannedObject[]; digest: string }> {
  const { status, json } = await api.post('/api/plan?objects=true', body)
  expect([status, json.message]).toEqual([200, undefined])
  return json
}

async function sqlFor(body: object, digest: string, object?: number): Promise<PlanSql> {
  const { status, json } = await api.post('/api/plan/sql', {
    ...body,
    digest,
    ...(object !== undefined && { object }),
  })
  expect([status, json.message]).toEqual([200, undefined])
  return json
}

const find = (objects: PlannedObject[], name: string) => {
  const place = objects.findIndex((one) => one.name === name)
  return { place, one: objects[place] as PlannedObject }
}

test('each object has one line, with all its steps and what happens to it', async () => {
  const body = ends(await to.createDatabase())
  const { objects, steps, destroyed } = await planFor(body)
  expect(steps).toEqual([])
  expect(destroyed).toEqual([])
  expect(objects.filter(({ name }) => name === 'big' || name === 'small' || name === 'seen')).toEqual([
    expect.objectContaining({ kind: 'TABLE', name: 'big', action: 'create', rows }),
    expect.objectContaining({ kind: 'TABLE', name: 'small', action: 'create', rows: 10 }),
    expect.objectContaining({ kind: 'VIEW', name: 'seen', action: 'ensure' }),
  ])
  // The table, its rows, its key, its index, its statistics.
  expect(find(objects, 'big').one.steps).toBeGreaterThanOrEqual(4)
  expect(objects.some(({ kind }) => kind === 'INDEX' || kind === 'ROWS')).toBe(false)
  expect(find(objects, 'days').one).toMatchObject({ action: 'create' })
  expect(find(objects, 'days_2024').one).toMatchObject({ action: 'create', rows: 1 })
})

test('what the destination has is kept, emptied, added to, or dropped, with the rows that it has now', async () => {
  const destination = await to.createDatabase()
  await destination.sql(`
    create table small (id int primary key, big int); insert into small select n from generate_series(101, 107) n;
    create table big (id int primary key, v text);
    create table locked_big (x int); insert into locked_big values (1); analyze`)
  const emptied = await planFor(ends(destination))
  expect(find(emptied.objects, 'small').one).toMatchObject({
    action: 'empty',
    there: { rows: 7, exact: true },
  })
  expect(find(emptied.objects, 'big').one).toMatchObject({ action: 'empty', there: { rows: 0, exact: true } })
  expect(emptied.destroyed.find(({ name }) => name === 'small')).toEqual({
    ...{ action: 'truncate', schema: 'public', name: 'small' },
    there: { rows: 7, exact: true },
  })
  const appended = await planFor(ends(destination, { existingDataMode: 'append' }))
  expect(find(appended.objects, 'small').one).toMatchObject({ action: 'append', there: { rows: 7 } })
  expect(appended.destroyed).toEqual([])
  const merged = ends(destination, { existingDataMode: 'upsert' })
  const upserted = await planFor(merged)
  const sql = await sqlFor(merged, upserted.digest, find(upserted.objects, 'small').place)
  expect(sql.steps.flatMap((step) => step.sql).join('\n')).toContain(
    'on conflict on constraint "small_pkey" do update',
  )
  const schemaOnly = await planFor(ends(destination, { schemaOnly: true }))
  expect(find(schemaOnly.objects, 'small').one).toMatchObject({ action: 'keep' })
  const dropped = await planFor(ends(destination, { existingTableMode: 'drop' }))
  const small = find(dropped.objects, 'small')
  expect(small.one).toMatchObject({ action: 'recreate', there: { rows: 7, exact: true } })
  expect(dropped.objects.filter(({ action }) => action === 'drop')).toEqual([])
  const drop = await sqlFor(ends(destination, { existingTableMode: 'drop' }), dropped.digest, small.place)
  expect(drop.steps[0]?.sql).toEqual(['drop table if exists public.small cascade'])
  // Nothing was done.
  expect(await destination.sql('select count(*)::int as n from small')).toEqual([{ n: 7 }])
})

test('a large table is not counted: it has an estimate', async () => {
  const destination = await to.createDatabase()
  await destination.sql(`create table big (id int primary key, v text);
    insert into big select n, repeat('w', 2000) from generate_series(1, 12000) n; analyze big`)
  const { objects } = await planFor(ends(destination))
  const { there } = find(objects, 'big').one
  expect(there?.exact).toBe(false)
  expect(there?.rows).toBeGreaterThan(11_000)
})

test('rows that cannot be copied are a line with the reason', async () => {
  const destination = await to.createDatabase()
  await destination.sql('create table small (id int primary key)')
  const { objects } = await planFor(ends(destination))
  expect(find(objects, 'small').one).toMatchObject({ action: 'skip', skip: expect.stringContaining('big') })
})

test('the statements of one object are in the order in which they run, and all of them can be saved', async () => {
  const body = ends(await to.createDatabase())
  const plan = await planFor(body)
  const { steps } = await sqlFor(body, plan.digest, find(plan.objects, 'big').place)
  const text = steps.flatMap(({ sql }) => sql).join('\n')
  const places = ['CREATE TABLE public.big', 'copy ', 'CREATE INDEX big_v'].map((part) => text.indexOf(part))
  expect(places.every((place) => place >= 0)).toBe(true)
  expect(places.toSorted((one, other) => one - other)).toEqual(places)
  expect(text).not.toContain('small')
  const all = await sqlFor(body, plan.digest)
  expect(all.steps.length).toBeGreaterThan(steps.length)
  expect(all.steps.flatMap(({ sql }) => sql).join('\n')).toContain('CREATE FUNCTION public.twice')
  const outside = await api.post('/api/plan/sql', {
    ...body,
    digest: plan.digest,
    object: plan.objects.length,
  })
  expect([outside.status, outside.json.path]).toEqual([400, '/object'])
})

test('the statements of another plan than the one that was shown are refused', async () => {
  const destination = await to.createDatabase()
  const body = ends(destination)
  const { digest, objects } = await planFor(body)
  const { place } = find(objects, 'small')
  // Another process does not have the plan: it makes it again.
  await using second = await startApi()
  const same = await second.post('/api/plan/sql', { ...body, digest, object: place })
  expect(same.status).toBe(200)
  expect(same.json).toEqual(await sqlFor(body, digest, place))
  await using third = await startApi()
  await destination.sql('create table small (id int primary key, big int)')
  const refused = await third.post('/api/plan/sql', { ...body, digest, object: place })
  expect([refused.status, refused.json.error, refused.json.path]).toEqual([409, 'not_now', '/digest'])
})

test('a sample reads a table for a moment, and gives a range that is never one number', async () => {
  const destination = await to.createDatabase()
  const body = {
    source: { url: source.url },
    destination: { url: destination.url },
    schema: 'public',
    table: 'big',
  }
  const { status, json } = await api.post('/api/plan/sample', body)
  expect(status).toBe(200)
  const sample = json as Sample
  expect(sample).toMatchObject({ complete: true, share: 1, rows, schema: 'public', table: 'big' })
  expect(sample.bytes).toBeGreaterThan(rows * 200)
  expect(sample.round_trip_ms).toBeGreaterThan(0)
  const work = { bytes: 10e9, workers: 4, steps: 50, maxBytesPerSecond: 0 }
  const range = estimateTime(sample, work)
  expect(range && range.least < range.most).toBe(true)
  const slow = estimateTime(sample, { ...work, maxBytesPerSecond: 1e6 })
  expect(slow?.least).toBeGreaterThan(10_000)
  expect(estimateTime({ ...sample, share: null }, work)).toBeUndefined()
  const none = await api.post('/api/plan/sample', { ...body, table: 'no such' })
  expect([none.status, none.json.message]).toEqual([400, expect.stringContaining('no such')])
})

test('a sample of a large table is cancelled: its session ends, and nothing was written', async () => {
  const large = await (await cluster(14)).createDatabase()
  // COPY evaluates nothing in advance: a wide table is sent for longer than the limit of bytes.
  await large.sql(`create table wide (v text); alter table wide alter v set storage external;
    insert into wide select repeat(md5(n::text), 4000) from generate_series(1, 800) n; analyze`)
  const destination = await to.createDatabase()
  const { status, json } = await api.post('/api/plan/sample', {
    ...{ source: { url: large.url }, destination: { url: destination.url }, schema: 'public', table: 'wide' },
  })
  expect([status, json.complete]).toEqual([200, false])
  expect(json.share).toBeGreaterThan(0)
  expect(json.share).toBeLessThan(1)
  expect(
    await large.sql(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and query ilike 'copy%' and state = 'active'`,
    ),
  ).toEqual([{ n: 0 }])
})

test.each([12, 18] as const)(
  'rows of a destination with PostgreSQL %d are counted, also of partitions',
  async (major) => {
    const destination = await (await cluster(major)).createDatabase()
    await destination.sql(`
    create table days (day date, n int) partition by range (day);
    create table days_2024 partition of days for values from ('2024-01-01') to ('2025-01-01');
    insert into days values ('2024-05-01', 1), ('2024-05-02', 2)`)
    const { objects, destroyed } = await planFor(ends(destination))
    expect(find(objects, 'days_2024').one).toMatchObject({ action: 'empty', there: { rows: 2, exact: true } })
    expect(find(objects, 'days').one).toMatchObject({ action: 'keep' })
    expect(destroyed.map(({ name, there }) => [name, there])).toEqual([
      ['days_2024', { rows: 2, exact: true }],
    ])
  },
)

test.each([
  ['a condition that closes its parentheses', { table: 'big', where: 'true) or (true' }],
  ['a parameter', { table: 'big', where: 'id = $1' }],
  [
    'an expression that closes its parentheses',
    { table: 'big', columns: { v: { expression: `'x'), (id` } } },
  ],
])('%s is refused before anything is planned', async (_, rule) => {
  const destination = await to.createDatabase()
  const body = { ...ends(destination), tables: [rule] }
  for (const path of ['/api/plan', '/api/migrate']) {
    const { status, json } = await api.post(path, body)
    if (path === '/api/plan') {
      expect([status, json.message]).toEqual([400, expect.stringContaining('has to be one SQL expression')])
      continue
    }
    using watched = await api.watch()
    const ended = await watched.until((progress) => progress.id === json.id && !progress.running)
    expect(ended.status).toBe('failed')
    expect(ended.summary?.error).toContain('has to be one SQL expression')
  }
  expect(await destination.sql(`select to_regclass('big') as t`)).toEqual([{ t: null }])
})
