// The typed client, made from the type of the API: valid requests work, and invalid ones do not compile.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { treaty } from '@elysiajs/eden'
import type { App } from '../../server/api/app.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

let api: Api
const client = () => treaty<App>(api.server.url).api

beforeAll(async () => {
  api = await startApi()
})

afterAll(() => api.server.close())

test('answers and errors are typed', async () => {
  const server = await cluster(17)
  const { data } = await client()['test-connection'].post({ conn: { url: server.url('postgres') } })
  const major: number | undefined = data?.major
  expect(major).toBe(17)
  const { error } = await client()['test-connection'].post({ conn: { host: '127.0.0.1', port: 1 } })
  if (error?.status !== 400) throw new Error('this must be refused')
  const kind: string = error.value.error
  expect(kind).toBe('refused')
  const { data: list } = await client().migrations.get({ query: { limit: 5 } })
  expect(list?.map(({ status }) => status === 'interrupted')).toEqual([])
})

test('a whole request is checked at compile time', async () => {
  const ends = {
    source: { url: 'postgres://a@127.0.0.1:1/a' },
    destination: { url: 'postgres://a@127.0.0.1:1/b' },
  }
  const { error } = await client().plan.post(
    {
      ...ends,
      selection: { schemas: [{ name: 'public', tables: ['orders'] }] },
      options: { existingDataMode: 'upsert', batchSize: 500 },
    },
    { query: { sql: true } },
  )
  expect(error?.value).toMatchObject({ error: 'refused' })
})

/** Compiled, never run: each line must be an error of the compiler, or the type check fails. */
export async function mistakes() {
  const source = { url: 'postgres://a@h/d' }
  // @ts-expect-error a field that is not there
  await client().migrate.post({ source, destination: source, optoins: {} })
  // @ts-expect-error a mode that is none
  await client().migrate.post({ source, destination: source, options: { existingDataMode: 'replace' } })
  // @ts-expect-error a number is needed
  await client().migrate.post({ source, destination: source, options: { workers: '4' } })
  // @ts-expect-error the destination is missing
  await client().migrate.post({ source })
  // @ts-expect-error a side is one of two
  await client()['test-connection'].post({ conn: { profile: 'p', side: 'middle' } })
  // @ts-expect-error there is no such route
  await client().migrates.post({})
  const { data } = await client().migrate.status.get()
  // @ts-expect-error progress has no such field
  return data?.percent
}
