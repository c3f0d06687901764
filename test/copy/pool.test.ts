// The copy workers open while other work continues: requests wait meanwhile, and no session is left.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type postgres from 'postgres'
import { type CopyPart, CopyPool } from '../../server/copy/pool.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { within } from '../../tools/eventually.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { noSessionsAreLeft } from '../support/sessions.ts'

let from: Cluster
let to: Cluster
let source: TestDatabase
let keeper: postgres.Sql
let snapshot: string

beforeAll(async () => {
  from = await cluster(15)
  to = await cluster(17)
  source = await from.createDatabase()
  await source.sql(`
    drop role if exists few;
    create role few login connection limit 2 in role pg_read_all_data;
    create table numbers as select i from generate_series(1, 1000) i;`)
  keeper = source.connect({ max: 1 })
  await keeper.unsafe('begin isolation level repeatable read, read only')
  const [row] = await keeper.unsafe<{ id: string }[]>('select pg_export_snapshot() as id')
  snapshot = row?.id ?? ''
})

afterAll(async () => {
  await keeper.end()
})

async function poolFor({ workers, user = 'postgres' }: { workers: number; user?: string }) {
  const destination = await to.createDatabase()
  await destination.sql('create table numbers (i int)')
  const warnings: string[] = []
  const pool = new CopyPool(
    {
      source: resolveSettings({ url: from.url(source.name, user) }),
      destination: resolveSettings({ url: destination.url }),
      snapshot,
      clientEncoding: 'UTF8',
      replica: true,
    },
    workers,
    (message) => warnings.push(message),
  )
  return { pool, warnings, destination }
}

const numbers: CopyPart = {
  kind: 'rows',
  copyOut: 'copy public.numbers to stdout',
  copyIn: 'copy public.numbers from stdin',
  format: 'text',
}
const task = { bytes: 1, parts: [numbers], onStart() {}, onProgress() {} }

test('tasks that are added while they open are copied when they are open', async () => {
  const { pool, warnings, destination } = await poolFor({ workers: 2 })
  pool.open()
  const asked = Promise.all([pool.copy(task), pool.copy(task), pool.copy(task)])
  const copies = await within('all copies', asked)
  expect(copies.map(({ rows }) => rows)).toEqual([1000, 1000, 1000])
  await pool.close()
  expect(warnings).toEqual([])
  expect(await destination.sql('select count(*)::int as count from numbers')).toEqual([{ count: 3000 }])
})

test('those that can connect copy everything, and a warning reports the others', async () => {
  // A server may refuse more simultaneous sessions than it must, but not all three.
  const { pool, warnings } = await poolFor({ workers: 3, user: 'few' })
  pool.open()
  const { rows } = await within('the copy', pool.copy(task))
  expect(rows).toBe(1000)
  // A session that ends makes room for another one.
  await within('the answer to each worker', pool.opened())
  await pool.close()
  expect(warnings).toEqual([
    expect.stringMatching(
      /^only [12] of 3 copy workers could connect: .*too many connections for role "few"/,
    ),
  ])
})

test('when none can connect, earlier and later tasks fail for that reason', async () => {
  const { pool, warnings } = await poolFor({ workers: 2, user: 'nobody' })
  pool.open()
  for (const when of ['before', 'after']) {
    const failed = pool.copy(task).catch((error: unknown) => error)
    const failure = await within(`the failure of what was asked ${when}`, failed)
    expect(String(failure)).toContain('role "nobody" does not exist')
  }
  await pool.close()
  expect(warnings).toEqual([])
})

test.each(['cancel', 'close'] as const)('%s while they open leaves no session behind', async (way) => {
  const { pool, destination } = await poolFor({ workers: 3 })
  pool.open()
  const copy = pool.copy(task).catch((error: unknown) => error)
  await within(`the end of ${way}()`, pool[way]())
  if (way === 'cancel') expect(await within('the end of the copy', copy)).toMatchObject({ name: 'Cancelled' })
  await noSessionsAreLeft(destination, source)
  expect(await destination.sql('select from numbers')).toEqual([])
})
