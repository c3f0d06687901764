// A skipped transaction is recorded until the tables that it changed are equal again.
import { expect, test } from 'bun:test'
import { isHealthy } from '../../shared/follow-health.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { type Moving, move } from '../../tools/moves/follow-run.ts'
import { cluster } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }
const tables = `
  create table t (id int primary key, v text); insert into t values (1, 'one'), (2, 'two');
  create table u (id int primary key)`

async function databases() {
  const source = await (await cluster(17, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  await source.sql(tables)
  return { source, destination }
}

async function skipOne({ source, destination }: Awaited<ReturnType<typeof databases>>, moving: Moving) {
  await moving.untilStreaming()
  await destination.sql('insert into u values (7)')
  await source.sql(
    "begin; insert into t values (3, 'three'); delete from t where id = 1; insert into u values (7); commit",
  )
  await moving.until('a conflict', ({ state }) => state === 'conflict')
  await moving.run.act({ type: 'skip' })
  await moving.until(
    'the skipped transaction',
    ({ skipped = [], state }) => skipped.length > 0 && state === 'running',
  )
}

test('after a skipped transaction the move is not ready, also after a restart, until a comparison finds its tables equal', async () => {
  const ends = await databases()
  await using moving = move(ends)
  await skipOne(ends, moving)
  // Without a record, the mark on the source has it.
  await moving.run.act({ type: 'stop' })
  await within('the end of following', moving.run.done)
  moving.store.forget(moving.run.name)
  await moving.restart()
  const view = await moving.until(
    'u, which is the same',
    ({ skipped = [] }) => skipped[0]?.tables.length === 1,
  )
  expect(view.skipped).toMatchObject([{ tables: [{ name: 't', inserted: 1, deleted: 1, updated: 0 }] }])
  expect(view.ready.reasons.join()).toContain('public.t (1 inserted, 1 deleted at ')
  expect(isHealthy(view)).toBe(false)
  await ends.destination.sql("delete from t where id = 1; insert into t values (3, 'three')")
  await moving.until('the light', ({ ready, skipped = [] }) => ready.green && skipped.length === 0)
})

test('a switchover refuses a skipped transaction unless differences are accepted, and then reports the table', async () => {
  const ends = await databases()
  await using moving = move(ends, { verifyWhileFollowing: false })
  await skipOne(ends, moving)
  await eventually(
    'a refusal for what was skipped alone',
    () => moving.switchover().then(String, (error: Error) => error.message),
    (message) => message.includes('1 transaction skipped'),
  )
  const { error, report } = await moving.switchover({ accept_differences: true })
  expect(error).toBeUndefined()
  expect(report?.tables.map(({ name, equal }) => [name, equal])).toEqual([
    ['t', false],
    ['u', true],
  ])
  expect(moving.run.view().skipped).toMatchObject([{ tables: [{ name: 't' }] }])
})
