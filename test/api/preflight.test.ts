// `POST /api/preflight`: the report of `pgtrek doctor` over HTTP.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { type PreflightItem, PreflightReport } from '../../shared/preflight.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

let api: Api
let source: TestDatabase
let destination: TestDatabase
beforeAll(async () => {
  api = await startApi()
  source = await (await cluster(15)).createDatabase()
  destination = await (await cluster(18)).createDatabase()
  await source.sql('create table keyless (x int); create table t (x int primary key)')
})
afterAll(() => api.server.close())

async function ask(more: object = {}) {
  const ends = { source: { url: source.url }, destination: { url: destination.url } }
  const { status, json } = await api.post('/api/preflight', { ...ends, ...more })
  return { status, json, item: (id: string) => json.items.find((one: PreflightItem) => one.id === id) }
}

test('the report has the findings with their fixes', async () => {
  const calm = await ask()
  expect(calm.status).toBe(200)
  expect(Value.Check(PreflightReport, calm.json)).toBe(true)
  expect(calm.json).toMatchObject({ status: 'ok', follow: false, scope: { everything: true, tables: 2 } })
  const follow = await ask({ follow: true })
  expect(follow.status).toBe(200)
  expect(follow.item('replica-identity')).toMatchObject({
    status: 'blocker',
    objects: ['public.keyless'],
    sql: [
      '-- on the source, as the owner of the table or a superuser\nalter table public.keyless replica identity full',
    ],
  })
})

test('the selection and the options are checked', async () => {
  const chosen = await ask({ follow: {}, selection: { include: ['public.t'] } })
  expect(chosen.json).toMatchObject({ status: 'ok', follow: true, scope: { tables: 1, of: 2 } })
  const forgiven = await ask({ follow: { insertsOnly: ['keyless'] } })
  expect(forgiven.item('replica-identity').status).toBe('ok')
  const merged = await ask({ options: { existingDataMode: 'upsert' } })
  expect(merged.item('tables-without-key').objects).toEqual(['public.keyless'])
})

test('an invalid request is reported with its place', async () => {
  expect(await ask({ folow: true })).toMatchObject({ status: 400, json: { path: '/folow' } })
  expect(await ask({ follow: { bidirectional: 'yes' } })).toMatchObject({
    status: 400,
    json: { path: '/follow/bidirectional' },
  })
  expect(await ask({ hooks: [] })).toMatchObject({ status: 400, json: { path: '/hooks' } })
  const unreachable = await ask({ destination: { url: 'postgres://x:s3cret@127.0.0.1:1/x' } })
  expect(unreachable).toMatchObject({ status: 400, json: { error: 'refused' } })
  expect(JSON.stringify(unreachable.json)).not.toContain('s3cret')
})
