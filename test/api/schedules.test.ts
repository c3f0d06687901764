// Schedules through the API, with real servers: what is refused, what a run does, and what is shown of it.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { ScheduleDetails } from '../../shared/schedule-api.ts'
import { eventually } from '../../tools/eventually.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

let api: Api
let server: Cluster
let strict: Cluster
let source: TestDatabase
let destination: TestDatabase

beforeAll(async () => {
  ;[api, server, strict] = await Promise.all([
    startApi(),
    cluster(17),
    cluster(15, { hba: 'host all all 127.0.0.1/32 scram-sha-256\n' }),
  ])
  ;[source, destination] = await Promise.all([server.createDatabase(), server.createDatabase()])
  await source.sql('create table t (id int primary key); insert into t select generate_series(1, 100)')
  await destination.sql('create table t (id int primary key); insert into t values (-1)')
  await api.send('PUT', '/api/profiles/refresh', { request: request() })
})

afterAll(() => api.server.close())

const request = (options: object = {}) => ({
  source: { url: server.url(source.name) },
  destination: { url: server.url(destination.name) },
  options: { dataOnly: true, existingDataMode: 'truncate', ...options },
})
const nightly = { profile: 'refresh', timing: { cron: '0 3 * * *' }, zone: 'Europe/Berlin' }
const put = (name: string, body: object) =>
  api.send('PUT', `/api/schedules/${encodeURIComponent(name)}`, body)
const details = async (name: string) => (await api.get(`/api/schedules/${name}`)).json as ScheduleDetails

async function runNow(name: string) {
  const { status, json } = await api.post(`/api/schedules/${name}/run`)
  expect(status).toBe(200)
  return await eventually(
    'the end of the run',
    async () => (await details(name)).entries.find(({ id }) => id === json.entry),
    (entry) => entry !== undefined && entry.finished_at !== null,
  )
}

test('due times are previewed, and what is not valid is refused with the reason', async () => {
  const { json } = await api.post('/api/schedules/preview', {
    timing: { cron: '0 3 * * *' },
    zone: 'Asia/Tokyo',
  })
  expect(json.next).toHaveLength(5)
  expect(json.next[0]).toEndWith('T18:00:00.000Z')
  for (const [body, words] of [
    [{ timing: { cron: '61 * * * *' }, zone: 'UTC' }, 'is not a cron expression'],
    [{ timing: { cron: '0 * * * *' }, zone: 'Mars' }, 'is not a time zone'],
    [{ timing: { every_minutes: 0 }, zone: 'UTC' }, 'every_minutes'],
  ] as const) {
    const answer = await api.post('/api/schedules/preview', body)
    expect([answer.status, answer.json.message]).toEqual([400, expect.stringContaining(words)])
  }
  expect((await put('x', { ...nightly, profile: 'none' })).json.message).toContain(
    'no profile is named "none"',
  )
})

test('a profile that copies nothing is refused, also when it was changed later', async () => {
  await api.send('PUT', '/api/profiles/dry', { request: request({ dryRun: true }) })
  const refused = await put('dry', { ...nightly, profile: 'dry' })
  expect([refused.status, refused.json.message]).toEqual([400, expect.stringContaining('is a dry run')])
  await api.send('PUT', '/api/profiles/dry', { request: request() })
  expect((await put('dry', { ...nightly, profile: 'dry' })).status).toBe(200)
  await api.send('PUT', '/api/profiles/dry', { request: request({ dryRun: true }) })
  const entry = await runNow('dry')
  expect([entry?.state, entry?.message]).toEqual(['failed', expect.stringContaining('is a dry run')])
  expect((await api.send('DELETE', '/api/schedules/dry')).status).toBe(200)
})

test('without a password that works, a schedule is refused with what to do', async () => {
  const database = await strict.createDatabase()
  await database.sql(`create role keeper login superuser password 'sEcr3t'`)
  const conn = { url: strict.url(database.name, 'keeper', 'sEcr3t') }
  await api.send('PUT', '/api/profiles/forgetful', { request: { ...request(), source: conn } })
  const refused = await put('forgetful', { ...nightly, profile: 'forgetful' })
  expect([refused.status, refused.json.message]).toEqual([
    400,
    expect.stringContaining('Save the profile with its passwords'),
  ])
  await api.send('PUT', '/api/profiles/forgetful', {
    request: { ...request(), source: conn },
    passwords: true,
  })
  expect((await put('forgetful', { ...nightly, profile: 'forgetful' })).status).toBe(200)
  await api.send('DELETE', '/api/schedules/forgetful')
})

test('a run that empties tables is refused without the confirmation, and done with it', async () => {
  const saved = await put('nightly', { ...nightly, notify: { url: 'http://127.0.0.1:9/sEcr3t', on: [] } })
  expect(saved.json).toMatchObject({
    profile_state: 'same',
    confirmation: null,
    notify: { host: '127.0.0.1:9' },
  })
  expect(saved.text).not.toContain('sEcr3t')
  expect(await runNow('nightly')).toMatchObject({
    state: 'refused',
    reason: 'plan_refused',
    trigger: 'by_hand',
  })
  expect(await destination.sql('select id from t')).toEqual([{ id: -1 }])

  const confirmed = await put('nightly', { ...nightly, confirmed: true, notify: { on: [] } })
  expect(confirmed.json.confirmation.destination).toContain(destination.name)
  const entry = await runNow('nightly')
  expect(entry).toMatchObject({ state: 'succeeded' })
  expect(await destination.sql('select count(*)::int as n from t')).toEqual([{ n: 100 }])
  const [run = ''] = entry?.runs ?? []
  expect((await api.get(`/api/migrations/${run}`)).json).toMatchObject({
    schedule: 'nightly',
    status: 'completed',
  })
  expect((await api.get('/api/schedules')).json[0]).toMatchObject({
    name: 'nightly',
    last: { state: 'succeeded' },
  })
})

test('a change of the profile voids the confirmation, another destination stops the schedule', async () => {
  await api.send('PUT', '/api/profiles/refresh', { request: request({ workers: 1 }) })
  expect(await details('nightly')).toMatchObject({ profile_state: 'changed', confirmation_void: true })
  expect(await runNow('nightly')).toMatchObject({ state: 'refused', reason: 'plan_refused' })
  await api.send('PUT', '/api/profiles/refresh', {
    request: { ...request(), destination: { url: server.url('postgres') } },
  })
  expect(await runNow('nightly')).toMatchObject({ state: 'refused', reason: 'ends_changed' })
  await api.send('DELETE', '/api/profiles/refresh')
  expect(await details('nightly')).toMatchObject({ profile_state: 'deleted', destination: null })
})

test('a schedule is disabled, enabled and removed; its migrations stay', async () => {
  expect((await api.post('/api/schedules/nightly/disable')).json).toMatchObject({
    enabled: false,
    next_at: null,
  })
  expect((await api.post('/api/schedules/nightly/enable')).json).toMatchObject({ enabled: true })
  expect((await api.send('DELETE', '/api/schedules/nightly')).json).toEqual({ ok: true })
  for (const path of ['', '/run', '/enable']) {
    const method = path === '' ? 'GET' : 'POST'
    expect((await api.send(method, `/api/schedules/nightly${path}`)).status).toBe(404)
  }
  const list = (await api.get('/api/migrations')).json as { schedule: string | null }[]
  expect(list.some(({ schedule }) => schedule === 'nightly')).toBe(true)
})
