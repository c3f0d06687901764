// Migrations through the API: the plan, the job, its progress over the WebSocket, its end, its history.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { JobProgress, type LogLine } from '../../shared/api.ts'
import type { PlanAnswer } from '../../shared/plan-api.ts'
import type { TableProgress } from '../../shared/progress.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { type Api, startApi } from '../support/api.ts'

const rows = 20_000
let api: Api
let from: Cluster
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  ;[api, from, to] = await Promise.all([startApi(), cluster(14), cluster(17)])
  source = await from.createDatabase()
  await source.sql(`
    create table big (id int primary key, v text);
    insert into big select n, repeat('v', 200) from generate_series(1, ${rows}) n;
    create table small (id int primary key, big int references big);
    insert into small select n, n from generate_series(1, 10) n;
    create view seen as select * from small;
    create index on big (v);
    analyze`)
})

afterAll(() => api.server.close())

async function ends(destination: TestDatabase) {
  return { source: { url: source.url }, destination: { url: destination.url } }
}

async function finished(id: string): Promise<JobProgress> {
  using watched = await api.watch()
  return await watched.until((progress) => progress.id === id && !progress.running)
}

async function migrate(body: object): Promise<JobProgress> {
  const { status, json } = await api.post('/api/migrate', body)
  expect([status, json]).toEqual([200, { ok: true, id: expect.any(String) }])
  return await finished(json.id)
}

describe('the plan', () => {
  test('shows what would be done, and writes nothing', async () => {
    const destination = await to.createDatabase()
    const { status, json } = await api.post('/api/plan', await ends(destination))
    expect(status).toBe(200)
    const plan = json as PlanAnswer
    expect(plan.tables.map(({ name, mode }) => [name, mode])).toEqual(
      expect.arrayContaining([
        ['big', 'fill'],
        ['small', 'fill'],
      ]),
    )
    expect(plan.destroyed).toEqual([])
    expect(plan.counts).toMatchObject({ data: 2, views: 1 })
    expect(plan.steps.every((step) => step.sql === undefined)).toBe(true)
    expect(plan.steps.map(({ kind, name }) => `${kind} ${name}`)).toContain('VIEW seen')
    expect(plan.rows).toBe(rows + 10)
    expect(plan.workers).toBeGreaterThan(0)
    expect(await destination.sql(`select to_regclass('big') as t`)).toEqual([{ t: null }])
    expect((await api.get('/api/migrations')).json).toEqual([])
  })

  test('has its SQL on request', async () => {
    const { json } = await api.post('/api/plan?sql=true', await ends(await to.createDatabase()))
    const sql = (json as PlanAnswer).steps.flatMap((step) => step.sql ?? [])
    expect(sql.join('\n')).toContain('CREATE TABLE public.big')
    expect(sql.join('\n')).toContain('copy')
  })

  test('shows what is destroyed', async () => {
    const destination = await to.createDatabase()
    await destination.sql('create table small (id int, big int); insert into small values (7)')
    const emptied = (await api.post('/api/plan', await ends(destination))).json as PlanAnswer
    expect(emptied.destroyed).toEqual([
      { action: 'truncate', schema: 'public', name: 'small', there: { rows: 1, exact: true } },
    ])
    const body = { ...(await ends(destination)), options: { existingTableMode: 'drop' } }
    const dropped = (await api.post('/api/plan', body)).json as PlanAnswer
    expect(dropped.destroyed).toMatchObject([{ action: 'drop', kind: 'table' }])
    expect(dropped.confirmation).not.toBe(emptied.confirmation)
  })

  test('is refused for the same database, for names that do not exist, and for unreachable servers', async () => {
    const destination = await to.createDatabase()
    const same = await api.post('/api/plan', {
      source: { url: source.url },
      destination: { url: source.url },
    })
    expect([same.status, same.json.error, same.json.message]).toEqual([
      400,
      'usage',
      expect.stringContaining('same database'),
    ])
    const mistyped = await api.post('/api/plan', {
      ...(await ends(destination)),
      selection: { include: ['smal'] },
    })
    expect([mistyped.status, mistyped.json.message]).toEqual([400, expect.stringContaining('small')])
    const quote = await api.post('/api/plan', {
      ...(await ends(destination)),
      selection: { include: ['"smal'] },
    })
    expect([quote.status, quote.json.error]).toEqual([400, 'usage'])
    const away = await api.post('/api/plan', {
      ...(await ends(destination)),
      source: { url: 'postgres://x@127.0.0.1:1/d' },
    })
    expect([away.status, away.json.error]).toEqual([400, 'refused'])
    const hostile = { table: 'big', where: 'true); drop table big; --' }
    const refused = await api.post('/api/plan', { ...(await ends(destination)), tables: [hostile] })
    expect([refused.status, refused.json.error]).toEqual([400, 'usage'])
    expect(await source.sql('select count(*)::int as n from big')).toEqual([{ n: rows }])
  })
})

test('by default messages are complete', async () => {
  const destination = await to.createDatabase()
  using watched = await api.watch({}, 'complete')
  const { json } = await api.post('/api/migrate', await ends(destination))
  const last = await watched.until((progress) => progress.id === json.id && !progress.running)
  const ours = watched.messages.filter(({ id }) => id === json.id)
  const planned = ours.slice(ours.findIndex(({ tables }) => tables.length > 0))
  for (const { partial, tables, table_count } of planned) {
    expect([partial, tables.length]).toEqual([undefined, table_count])
  }
  const stored = (await api.get(`/api/migrations/${json.id}/log?limit=1000`)).json.lines as LogLine[]
  expect(last.log.map(({ message }) => message)).toEqual(stored.map(({ message }) => message))
})

test('a migration is reported from start to end: everything once, then changes, then the end', async () => {
  const destination = await to.createDatabase()
  using watched = await api.watch()
  const first = await watched.until(() => true)
  expect(first.partial).toBeUndefined()
  const { json } = await api.post('/api/migrate', await ends(destination))
  const last = await watched.until((progress) => progress.id === json.id && !progress.running)

  const ours = watched.messages.filter(({ id }) => id === json.id)
  for (const message of watched.messages) expect(Value.Errors(JobProgress, message).First()).toBeUndefined()
  expect(ours[0]).toMatchObject({ running: true, status: 'running' })
  expect(ours[0]?.partial).toBeUndefined()
  expect(ours[0]?.request).toMatchObject({ options: { batchSize: 1000 } })
  expect(ours.slice(1, -1).every(({ partial }) => partial)).toBe(true)
  // The sum of all messages equals the last complete one.
  const kept = new Map<string, TableProgress>()
  for (const { tables } of ours.slice(0, -1)) for (const table of tables) kept.set(table.name, table)
  expect([...kept.keys()].sort()).toEqual(['big', 'small'])
  expect(last).toMatchObject({ status: 'completed', overall_percent: 100, table_count: 2, failedTables: [] })
  expect(last.partial).toBeUndefined()
  expect(last.tables.map(({ name, status, migrated_rows }) => [name, status, migrated_rows]).sort()).toEqual([
    ['big', 'completed', rows],
    ['small', 'completed', 10],
  ])
  expect(last.summary).toMatchObject({ status: 'completed', failed: [] })
  // Every line of the log was sent once, in order.
  const lines = ours.flatMap(({ log }) => log.map(({ message }) => message))
  const stored = (await api.get(`/api/migrations/${json.id}/log?limit=1000`)).json.lines as LogLine[]
  expect(lines).toEqual(stored.map(({ message }) => message))
  expect(lines.join('\n')).toContain('public.small: 10 rows')
  expect(await destination.sql('select count(*)::int as n from seen')).toEqual([{ n: 10 }])

  using later = await api.watch()
  expect(await later.until(() => true)).toMatchObject({ id: json.id, running: false, status: 'completed' })
  expect((await api.get('/api/migrate/status')).json).toMatchObject({ id: json.id, running: false })
})

describe('one job at a time', () => {
  test('another is refused while one runs; a cancelled one leaves no incomplete table', async () => {
    const destination = await to.createDatabase()
    const slow = { ...(await ends(destination)), options: { maxBytesPerSecond: 100_000 } }
    using watched = await api.watch()
    const { json } = await api.post('/api/migrate', slow)
    await watched.until(({ id, tables }) => id === json.id && tables.some((table) => table.migrated_rows > 0))
    const second = await api.post('/api/migrate', slow)
    expect([second.status, second.json.error]).toEqual([409, 'busy'])
    expect(second.json.message).toContain(json.id)
    expect((await api.get('/api/migrate/status')).json).toMatchObject({ running: true, id: json.id })
    expect((await api.get(`/api/migrations/${json.id}`)).json).toMatchObject({
      status: 'running',
      finished_at: null,
    })
    expect((await api.post('/api/migrate/cancel')).json).toEqual({ ok: true })
    const last = await watched.until((progress) => progress.id === json.id && !progress.running)
    expect(last.status).toBe('cancelled')
    expect(last.tables.find(({ name }) => name === 'big')).toMatchObject({
      status: 'cancelled',
      migrated_rows: 0,
    })
    expect(await destination.sql('select count(*)::int as n from big')).toEqual([{ n: 0 }])
    expect((await api.get(`/api/migrations/${json.id}`)).json.status).toBe('cancelled')
    expect((await api.post('/api/migrate/cancel')).json).toEqual({ ok: false })

    const again = await api.post(`/api/migrations/${json.id}/retry`, slow)
    expect([again.status, again.json.error]).toEqual([400, 'usage'])
    const retry = await api.post(`/api/migrations/${json.id}/retry`, await ends(destination))
    expect(retry.status).toBe(200)
    expect(retry.json.id).not.toBe(json.id)
    await api.post('/api/migrate/cancel')
    await finished(retry.json.id)
  })

  test('a message is sent when the state changes; numbers wait until the next one is due', async () => {
    await using rare = await startApi({ betweenMessagesMs: 3_600_000 })
    using watched = await rare.watch()
    const { json } = await rare.post('/api/migrate', await ends(await to.createDatabase()))
    await watched.until((progress) => progress.id === json.id && !progress.running)
    const ours = watched.messages.filter(({ id }) => id === json.id)
    expect(ours.map(({ running, table_count }) => [running, table_count])).toEqual([
      [true, 0],
      [true, 2],
      [false, 2],
    ])
  })
})

describe('destroying', () => {
  test('needs the confirmation of the plan that was shown', async () => {
    const destination = await to.createDatabase()
    await destination.sql('create table small (id int primary key, big int); insert into small values (7)')
    const body = await ends(destination)
    const refused = await migrate(body)
    expect(refused.status).toBe('failed')
    expect(refused.summary?.error).toContain('public.small')
    expect(refused.summary?.error).toContain('Nothing was changed')
    const { confirmation } = (await api.post('/api/plan', body)).json as PlanAnswer
    await destination.sql('create table big (id int primary key, v text); insert into big values (1)')
    const changed = await migrate({ ...body, confirmed: confirmation })
    expect(changed.status).toBe('failed')
    expect(changed.summary?.error).toContain('has changed since')
    expect(await destination.sql('select id from small')).toEqual([{ id: 7 }])
    const shown = (await api.post('/api/plan', body)).json as PlanAnswer
    expect((await migrate({ ...body, confirmed: shown.confirmation })).status).toBe('completed')
    expect((await migrate({ ...body, confirmed: true })).status).toBe('completed')
    expect(await destination.sql('select count(*)::int as n from small')).toEqual([{ n: 10 }])
  })
})

test('a dry run has the plan as its result', async () => {
  const destination = await to.createDatabase()
  const last = await migrate({ ...(await ends(destination)), options: { dryRun: true } })
  expect(last.status).toBe('completed')
  expect(last.plan?.tables).toHaveLength(2)
  expect(last).toMatchObject({ dry_run: true, overall_percent: 0, summary: { planned: { tables: 2 } } })
  expect(last.tables.map(({ status }) => status)).toEqual(['pending', 'pending'])
  const [listed] = (await api.get('/api/migrations?limit=1')).json
  expect(listed).toMatchObject({ id: last.id, status: 'completed', dry_run: true })
  const past = (await api.get(`/api/migrations/${last.id}`)).json
  expect(past.plan).toEqual({ ...last.plan, steps: [] })
  expect(past.summary.planned.rows).toBe(rows + 10)
  const again = await api.post(`/api/migrations/${last.id}/retry`, await ends(destination))
  expect([again.status, again.json.message]).toEqual([400, expect.stringContaining('was a dry run')])
  expect(await destination.sql(`select to_regclass('big') as t`)).toEqual([{ t: null }])
})

test('the history has what each run achieved, and the run before of the same kind between the same databases', async () => {
  const destination = await to.createDatabase()
  const request = { ...(await ends(destination)), options: { existingDataMode: 'truncate' }, confirmed: true }
  const first = await migrate(request)
  const dry = await migrate({ ...request, options: { dryRun: true } })
  await source.sql('insert into small select 11')
  const second = await migrate(request)
  await source.sql('delete from small where id = 11')
  const [last, planned, before] = (await api.get('/api/migrations?limit=3')).json
  expect(before).toMatchObject({
    id: first.id,
    size: { tables: 2, complete: 2, rows: rows + 10 },
    before: null,
  })
  expect(planned).toMatchObject({ id: dry.id, size: { tables: 2, complete: 0 }, before: null })
  expect(last).toMatchObject({
    id: second.id,
    size: { rows: rows + 11, failed: 0, skipped: 0 },
    before: { id: first.id, size: before.size, seconds: before.seconds },
  })
  expect((await api.get(`/api/migrations/${second.id}`)).json.before).toEqual(last.before)
})

test('a failed table is reported with the error of the server, and copied again without the others', async () => {
  const destination = await to.createDatabase()
  await destination.sql('create table small (id int primary key, big int check (big > 5))')
  const body = { ...(await ends(destination)), confirmed: true }
  const first = await migrate(body)
  expect(first.status).toBe('completed_with_failures')
  expect(first.failedTables).toEqual([
    { schema: 'public', name: 'small', error: expect.stringContaining('violates check constraint') },
  ])
  const { id } = first
  const errors = (await api.get(`/api/migrations/${id}/log?level=error`)).json
  expect(errors.lines.every(({ level }: LogLine) => level === 'error')).toBe(true)
  expect(errors.total).toBe(errors.lines.length)
  const ofTable = (await api.get(`/api/migrations/${id}/log?table=public.small&limit=1`)).json
  expect(ofTable.lines).toMatchObject([{ table: 'public.small' }])
  expect(ofTable.total).toBeGreaterThan(1)
  const next = (await api.get(`/api/migrations/${id}/log?table=public.small&limit=1&after=${ofTable.next}`))
    .json
  expect(next.lines[0]).not.toEqual(ofTable.lines[0])

  const other = await api.post(`/api/migrations/${id}/retry`, {
    ...body,
    destination: { url: to.url('postgres') },
  })
  expect([other.status, other.json.path]).toEqual([400, '/destination'])
  await destination.sql('alter table small drop constraint small_big_check')
  await source.sql('begin; insert into big values (0, $$new$$); commit')
  // Only what failed is planned again, with its dependencies.
  const again = await api.post('/api/plan', { ...(await ends(destination)), options: { resume: true } })
  const { tables, steps, rows: planned } = again.json as PlanAnswer
  expect([tables.map(({ name }) => name), planned]).toEqual([['small'], 10])
  const named = steps.filter(({ kind }) => ['TABLE', 'VIEW', 'INDEX', 'ROWS', 'CONSTRAINT'].includes(kind))
  // Its foreign key was skipped, because it needs the other table's key.
  expect(named.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    ...['CONSTRAINT big big_pkey', 'INDEX big_pkey', 'ROWS small', 'TABLE big', 'TABLE small'],
  ])
  // An object that was dropped in the meantime is created again and reported.
  await destination.sql('drop view seen')
  const retry = await api.post(`/api/migrations/${id}/retry`, await ends(destination))
  expect(retry.status).toBe(200)
  const second = await finished(retry.json.id)
  const aboutObjects = second.warnings.filter((warning) =>
    warning.includes('no longer existed on the destination'),
  )
  expect(aboutObjects).toEqual([
    'view public.seen no longer existed on the destination and was created again',
  ])
  expect(await destination.sql("select to_regclass('seen') is not null as there")).toEqual([{ there: true }])
  await source.sql('delete from big where id = 0')
  expect(second.failedTables).toEqual([])
  expect(await destination.sql('select count(*)::int as n from small')).toEqual([{ n: 10 }])
  // The big table was complete, and was not copied again.
  expect(await destination.sql('select count(*)::int as n from big')).toEqual([{ n: rows }])
  const done = await api.post(`/api/migrations/${retry.json.id}/retry`, await ends(destination))
  expect([done.status, done.json.message]).toEqual([400, expect.stringContaining('nothing is left to do')])
})

test('only the selection is migrated', async () => {
  const destination = await to.createDatabase()
  const selection = { schemas: [{ name: 'public', tables: ['small'], views: ['seen'] }] }
  const last = await migrate({ ...(await ends(destination)), selection })
  expect(last.tables.map(({ name }) => name)).toEqual(['small'])
})

test('the history has the request and the result, without passwords', async () => {
  const destination = await to.createDatabase()
  const secret = 'sEcr3t-of-the-test'
  const url = new URL(destination.url)
  url.password = secret
  const last = await migrate({
    source: { host: '127.0.0.1', port: from.port, user: 'postgres', database: source.name, password: secret },
    destination: { url: `${url.href}?connect_timeout=7` },
    options: { schemaOnly: true },
  })
  expect(last.status).toBe('completed')
  const list = await api.get('/api/migrations?limit=1')
  expect(list.json).toMatchObject([{ id: last.id, status: 'completed' }])
  expect(list.json[0].started_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const past = await api.get(`/api/migrations/${last.id}`)
  expect(past.json.request).toMatchObject({
    source: { host: '127.0.0.1', port: from.port, user: 'postgres', database: source.name },
    options: { schemaOnly: true, workers: 0 },
  })
  expect(past.json.request.destination.url).toContain('connect_timeout=7')
  expect(past.json.summary).toMatchObject({ status: 'completed' })
  const log = await api.get(`/api/migrations/${last.id}/log`)
  const status = await api.get('/api/migrate/status')
  const file = await Bun.file(join(api.stateDirectory, 'pgtrek.sqlite')).bytes()
  for (const text of [list.text, past.text, log.text, status.text, Buffer.from(file).toString('latin1')]) {
    expect(text).not.toContain(secret)
  }
})

describe('hooks', () => {
  test('of SQL run, commands only if the operator allows them', async () => {
    const file = join(scratchDirectory(), 'touched-by-a-hook')
    const hooks = [
      { when: 'after', phase: 'run', run: { on: 'destination', sql: 'create table hooked ()' } },
      { when: 'after', phase: 'run', run: { command: `touch '${file}'` } },
    ]
    const destination = await to.createDatabase()
    const body = { ...(await ends(destination)), hooks, options: { schemaOnly: true } }
    for (const path of ['/api/migrate', '/api/plan']) {
      const refused = await api.post(path, body)
      expect([refused.status, refused.json.path]).toEqual([403, '/hooks/1/run/command'])
    }
    expect(existsSync(file)).toBe(false)
    await using allowing = await startApi({ allowCommands: true })
    const { json } = await allowing.post('/api/migrate', body)
    using watched = await allowing.watch()
    const last = await watched.until((progress) => progress.id === json.id && !progress.running)
    expect(last.failed).toEqual([])
    expect(existsSync(file)).toBe(true)
    expect(await destination.sql(`select to_regclass('hooked')::text as t`)).toEqual([{ t: 'hooked' }])
  })
})

test('names with SQL in them are only names', async () => {
  const destination = await to.createDatabase()
  const name = `x"; drop table big; --`
  await source.sql(
    `create schema "${name.replaceAll('"', '""')}"; create table "${name.replaceAll('"', '""')}"."t'; select 1" (id int)`,
  )
  try {
    const last = await migrate({
      ...(await ends(destination)),
      selection: { schemas: [{ name: `"${name.replaceAll('"', '""')}"`, tables: [`"t'; select 1"`] }] },
    })
    expect(last.tables).toMatchObject([{ schema: name, name: "t'; select 1", status: 'completed' }])
    expect(await source.sql('select count(*)::int as n from big')).toEqual([{ n: rows }])
  } finally {
    await source.sql(`drop schema "${name.replaceAll('"', '""')}" cascade`)
  }
})
