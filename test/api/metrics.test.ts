// The metrics: their format, and whether their values are right.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { FollowStore } from '../../server/store/follows.ts'
import { StateDatabase } from '../../server/store/state-database.ts'
import { followStates } from '../../shared/follow-view.ts'
import { followView } from '../../tools/moves/follow-view.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'
import { ReadMetrics } from './prometheus.ts'

let api: Api
let store: FollowStore

beforeAll(async () => {
  api = await startApi()
  store = new FollowStore(new StateDatabase(api.stateDirectory))
})

afterAll(() => api.server.close())

async function scrape(): Promise<ReadMetrics> {
  const { status, headers, text } = await api.get('/metrics')
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return new ReadMetrics(text)
}

test('without a migration or move, there is only the version', async () => {
  const metrics = await scrape()
  expect(metrics.all('pgtrek_build_info')).toMatchObject([{ value: 1, labels: { version: '0.1.0' } }])
  expect(metrics.samples).toHaveLength(1)
})

test('a migration: rows, bytes, tables by status, the phase', async () => {
  const [from, to] = await Promise.all([cluster(14), cluster(17)])
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(`
    create table good (id int primary key); insert into good select generate_series(1, 1000);
    create table bad (id int primary key); insert into bad values (1)`)
  await destination.sql('create table bad (id int primary key check (id > 1))')
  using watched = await api.watch()
  const body = { source: { url: source.url }, destination: { url: destination.url }, confirmed: true }
  const { json } = await api.post('/api/migrate', body)
  await watched.until((progress) => progress.id === json.id && !progress.running)
  const metrics = await scrape()
  const run = { run: json.id }
  expect(metrics.value('pgtrek_copy_running', run)).toBe(0)
  expect(metrics.value('pgtrek_copy_rows', run)).toBe(1000)
  expect(metrics.value('pgtrek_copy_bytes', run)).toBeGreaterThan(1000)
  expect(metrics.value('pgtrek_copy_status', { ...run, status: 'completed_with_failures' })).toBe(1)
  expect(metrics.all('pgtrek_copy_status', run).filter(({ value }) => value === 1)).toHaveLength(1)
  expect(metrics.value('pgtrek_copy_tables', { ...run, status: 'completed' })).toBe(1)
  expect(metrics.value('pgtrek_copy_tables', { ...run, status: 'failed' })).toBe(1)
  expect(metrics.value('pgtrek_copy_tables', { ...run, status: 'pending' })).toBe(0)
  expect(metrics.value('pgtrek_copy_elapsed_seconds', run)).toBeGreaterThan(0)
  expect(metrics.value('pgtrek_copy_remaining_seconds', run)).toBeUndefined()
})

test('a move of another process, with names that must be escaped', async () => {
  const table = 'a "quoted"\\\nname'
  const view = followView('shop', { table })
  store.take('shop')
  store.publish(view)
  const metrics = await scrape()
  const of = { follow: 'shop' }
  const forward = { ...of, direction: 'forward' }
  expect(metrics.value('pgtrek_follow_info', of)).toBe(1)
  expect(metrics.value('pgtrek_follow_stage', { ...of, stage: 'streaming' })).toBe(1)
  expect(metrics.value('pgtrek_follow_stage', { ...of, stage: 'copy' })).toBe(0)
  expect(metrics.all('pgtrek_follow_state', of)).toHaveLength(followStates.length)
  expect(metrics.value('pgtrek_follow_ready', of)).toBe(1)
  expect(metrics.value('pgtrek_follow_lag_bytes', forward)).toBe(2048)
  expect(metrics.value('pgtrek_follow_lag_seconds', forward)).toBe(0.25)
  expect(metrics.value('pgtrek_follow_rows_total', forward)).toBe(60)
  expect(metrics.types.get('pgtrek_follow_rows_total')).toBe('counter')
  const changes = metrics.all('pgtrek_follow_table_changes_total', { ...forward, table })
  expect(changes.map(({ labels, value }) => [labels.operation, value])).toEqual([
    ['insert', 30],
    ['update', 20],
    ['delete', 10],
    ['truncate', 0],
  ])
  expect(metrics.value('pgtrek_follow_slot_retained_bytes', { ...forward, slot: 'pgtrek_shop' })).toBe(4096)
  expect(metrics.value('pgtrek_follow_slot_lost', forward)).toBe(0)
  expect(metrics.value('pgtrek_switchover_state', { ...of, state: 'none' })).toBe(1)
})

test('a move without a process has no lag and is not ready', async () => {
  const gone = Bun.spawnSync(['true']).pid
  store.publish(followView('shop'))
  store.database.query('update follow set process = ? where name = ?').run(gone, 'shop')
  const metrics = await scrape()
  const of = { follow: 'shop' }
  expect(metrics.value('pgtrek_follow_state', { ...of, state: 'lost' })).toBe(1)
  expect(metrics.value('pgtrek_follow_working', of)).toBe(0)
  expect(metrics.value('pgtrek_follow_ready', of)).toBe(0)
  expect(metrics.all('pgtrek_follow_lag_bytes', of)).toEqual([])
  expect(metrics.all('pgtrek_follow_slot_retained_bytes', of)).toEqual([])
  const { json } = await api.get('/api/follow/shop')
  expect(json.ready).toMatchObject({ green: false, reasons: [expect.stringContaining('has ended')] })
})

test('need the token as a bearer, if there is one', async () => {
  await using guarded = await startApi({ token: 'a token of the tests' })
  expect((await guarded.get('/metrics')).status).toBe(401)
  const { status } = await guarded.get('/metrics', { authorization: 'Bearer a' })
  expect(status).toBe(401)
  await using open = await startApi({ token: 'token-of-the-tests' })
  const answer = await open.get('/metrics', { authorization: 'Bearer token-of-the-tests' })
  expect(answer.status).toBe(200)
  const foreign = await open.raw({
    path: '/metrics',
    headers: { host: 'evil.example', authorization: 'Bearer token-of-the-tests' },
  })
  expect(foreign.status).toBe(403)
})
