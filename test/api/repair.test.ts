// Failed migrations: their causes, what is offered for each, and the retry after a repair.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { RunLock } from '../../server/coordination/run-lock.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import type { JobProgress, PastMigrationDetails } from '../../shared/api.ts'
import type { RepairCause, RepairKind, Repairs } from '../../shared/repair-api.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

let api: Api
let from: Cluster
let to: Cluster

beforeAll(async () => {
  ;[api, from, to] = await Promise.all([startApi(), cluster(14), cluster(17)])
})

afterAll(() => api.server.close())

async function finished(id: string): Promise<JobProgress> {
  using watched = await api.watch()
  return await watched.until((progress) => progress.id === id && !progress.running)
}

async function failing(sourceSql: string, destinationSql: string) {
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(sourceSql)
  await destination.sql(destinationSql)
  const ends = { source: { url: source.url }, destination: { url: destination.url } }
  const { json } = await api.post('/api/migrate', {
    ...ends,
    confirmed: true,
    options: { existingDataMode: 'truncate' },
  })
  const run = await finished(json.id)
  expect(run.status).toBe('completed_with_failures')
  return { source, destination, ends, run, id: json.id as string }
}

type Failing = Awaited<ReturnType<typeof failing>>

async function causesOf({ id, ends }: Pick<Failing, 'id' | 'ends'>): Promise<RepairCause[]> {
  const { status, json } = await api.post(`/api/migrations/${id}/repairs`, ends)
  expect([status, json.message]).toEqual([200, undefined])
  return (json as Repairs).causes
}

function choice(causes: readonly RepairCause[], kind: RepairKind) {
  const cause = causes.find(({ choices }) => choices.some((one) => one.kind === kind)) as RepairCause
  const { sql } = cause.choices.find((one) => one.kind === kind) as RepairCause['choices'][number]
  return { cause: cause.key, kind, sql }
}

async function repair({ id, ends }: Pick<Failing, 'id' | 'ends'>, repairs: ReturnType<typeof choice>[]) {
  return await api.post(`/api/migrations/${id}/repair`, { ...ends, repairs, confirmed: true })
}

async function count(database: TestDatabase, table: string) {
  const [row] = await database.sql(`select count(*)::int as n from ${table}`)
  return row?.n
}

test('a column that is too short is widened to the type of the source, and only its table is copied again', async () => {
  const known = await failing(
    `create table notes (id int primary key, "the note" text);
     insert into notes select n, repeat('x', n) from generate_series(1, 30) n;
     create table fine (id int); insert into fine values (1)`,
    'create table notes (id int primary key, "the note" varchar(10))',
  )
  const [failed] = known.run.failed
  expect(failed?.cause).toMatchObject({ sqlstate: '22001', column: 'the note', row: 11 })
  const causes = await causesOf(known)
  expect(causes.map(({ count, choices }) => [count, choices.map(({ kind }) => kind)])).toEqual([
    [1, ['widen column', 'retry', 'leave out']],
  ])
  const widen = choice(causes, 'widen column')
  expect(widen.sql).toEqual(['ALTER TABLE "public"."notes" ALTER COLUMN "the note" TYPE text'])
  const { status, json } = await repair(known, [widen])
  expect([status, json.message]).toEqual([200, undefined])
  const run = await finished(json.id)
  expect([run.status, run.failed]).toEqual(['completed', []])
  expect(await count(known.destination, 'notes')).toBe(30)
  const past = (await api.get(`/api/migrations/${json.id}`)).json as PastMigrationDetails
  expect(past.request).toMatchObject({ retry_of: known.id, repairs: { sql: widen.sql } })
  const { lines } = (await api.get(`/api/migrations/${json.id}/log`)).json
  expect(lines.map(({ message }: { message: string }) => message)).toContain(
    `run on the destination before this run, as confirmed: ${widen.sql[0]}`,
  )
})

test('statements that were not shown, or are not offered any more, are refused', async () => {
  const known = await failing(
    'create table t (id int); insert into t values (1)',
    'create table t (id int constraint small check (id < 1))',
  )
  const drop = choice(await causesOf(known), 'drop constraint')
  const other = { ...drop, sql: ['DROP TABLE "public"."t"'] }
  const refused = await repair(known, [other])
  expect([refused.status, refused.json.error]).toEqual([409, 'not_now'])
  await known.destination.sql('alter table t drop constraint small')
  const late = await repair(known, [drop])
  expect([late.status, late.json.path]).toEqual([409, '/repairs/0'])
  expect(await known.destination.sql("select to_regclass('t') is not null as there")).toEqual([
    { there: true },
  ])
})

test('a repair that the destination refuses changes nothing, and starts nothing', async () => {
  const known = await failing(
    'create table t (a text, b text); insert into t values (repeat($$x$$, 20), $$b$$)',
    'create table t (a varchar(5), b text); create view v as select a from t',
  )
  const refused = await repair(known, [choice(await causesOf(known), 'widen column')])
  expect([refused.status, refused.json.error]).toEqual([400, 'server'])
  expect(refused.json.message).toContain('Nothing was changed')
  expect((await api.get('/api/migrate/status')).json).toMatchObject({ running: false, id: known.id })
})

test('a constraint of the destination is dropped, with the statement that adds it again', async () => {
  const known = await failing(
    'create table t (id int, other int); insert into t values (1, null), (2, 2)',
    `create table t (id int constraint "it's small" check (id < 1), other int)`,
  )
  const [cause] = await causesOf(known)
  const drop = cause?.choices.find(({ kind }) => kind === 'drop constraint')
  expect(drop).toEqual({
    kind: 'drop constraint',
    sql: [`ALTER TABLE "public"."t" DROP CONSTRAINT "it's small"`],
    afterwards: [`ALTER TABLE "public"."t" ADD CONSTRAINT "it's small" CHECK ((id < 1)) NOT VALID`],
  })
  const { json } = await repair(known, [choice([cause as RepairCause], 'drop constraint')])
  expect((await finished(json.id)).status).toBe('completed')
  await known.destination.sql(drop?.afterwards?.[0] ?? '')
  expect(await count(known.destination, 't')).toBe(2)
})

test('a table that is left out keeps what the destination has, and the run does not count as completed', async () => {
  const known = await failing(
    'create table t (id int); insert into t values (1); create table u (id int); insert into u values (1)',
    'create table t (id int not null, more int not null)',
  )
  const leave = choice(await causesOf(known), 'leave out')
  expect(leave.sql).toEqual([])
  const { json } = await repair(known, [leave])
  const run = await finished(json.id)
  expect(run.status).toBe('completed_with_failures')
  expect(run.failed).toEqual([])
  expect(run.skipped).toContainEqual({
    schema: 'public',
    name: 't',
    kind: 'ROWS',
    reason: 'left out as requested',
  })
  expect(await count(known.destination, 't')).toBe(0)
})

test('the retry with chosen repairs is planned before it is confirmed, and a table that is left out keeps its rows', async () => {
  const known = await failing(
    'create table t (id int); insert into t values (1); create table u (id int); insert into u values (1)',
    `create table t (id int check (id > 1)); insert into t values (2);
     create table u (id int check (id > 1)); insert into u values (2)`,
  )
  const causes = await causesOf(known)
  const drop = choice(
    causes.filter(({ error }) => error.constraint === 't_id_check'),
    'drop constraint',
  )
  const leave = choice(
    causes.filter(({ error }) => error.constraint === 'u_id_check'),
    'leave out',
  )
  const chosen = [drop, leave].map(({ cause, kind }) => ({ cause, kind }))
  const { json } = await api.post(`/api/migrations/${known.id}/repairs`, { ...known.ends, chosen })
  const planned = json as Repairs
  // The first run was confirmed to empty both tables; nothing else is.
  expect(planned.destroyed).toEqual([])
  const body = { ...known.ends, repairs: [drop, leave], confirmed: planned.confirmation }
  const started = await api.post(`/api/migrations/${known.id}/repair`, body)
  expect([started.status, started.json.message]).toEqual([200, undefined])
  await finished(started.json.id)
  expect(await known.destination.sql('select id from t')).toEqual([{ id: 1 }])
  expect(await known.destination.sql('select id from u')).toEqual([{ id: 2 }])
})

test('a repair is refused while another run works on the table, and changes nothing', async () => {
  const known = await failing(
    'create table t (id int); insert into t values (1)',
    'create table t (id int constraint small check (id < 1))',
  )
  const drop = choice(await causesOf(known), 'drop constraint')
  const ofOther = { what: 'another run', onLost: () => {}, say: () => {} }
  {
    await using other = await RunLock.open(resolveSettings({ url: known.destination.url }), ofOther)
    await other.take([{ schema: 'public', name: 't' }])
    const refused = await repair(known, [drop])
    expect(refused.status).toBe(400)
    expect(refused.json.message).toContain('another run of pgtrek is working on')
  }
  expect(await known.destination.sql("select from pg_constraint where conname = 'small'")).toHaveLength(1)
  const { status, json } = await repair(known, [drop])
  expect([status, json.message]).toEqual([200, undefined])
  expect((await finished(json.id)).status).toBe('completed')
})
