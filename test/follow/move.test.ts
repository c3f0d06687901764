// A database under load is copied, followed and switched over, and nothing is missing.

import { expect, test } from 'bun:test'
import { readMove } from '../../server/follow/move-state.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'
import { startWorkload, type Workload, workloadTables, workloadTypes } from '../../tools/torture/workload.ts'

const logical = { settings: { wal_level: 'logical' } }

/** Switchovers and subscriptions are tested between the other majors in `npm test`. */
const pairs = casesOf<[Major, Major]>(
  [[12, 18]],
  [
    [14, 17],
    [18, 18],
    [18, 14],
  ],
)

for (const [from, to] of pairs) {
  test(`from ${from} to ${to}: through copy, catch-up and switchover, back again, and cleaned up`, async () => {
    const source = await (await cluster(from, logical)).createDatabase()
    const destination = await (await cluster(to, logical)).createDatabase()
    await source.sql(workloadTypes)
    await source.sql(workloadTables('source', true))
    const load = { sessions: 2, exotic: true, truncates: false }
    await using workload = startWorkload(source, { seed: from * 100 + to, ...load })
    await moreCommits(workload)
    await using moving = move({ source, destination })
    await moving.until('changes to flow', ({ stage }) => stage === 'catchup' || stage === 'streaming')
    await moreCommits(workload)
    await moving.restart()
    await moreCommits(workload)
    // Until then it writes more than can be applied.
    await workload.stop()
    await moving.untilStreaming()
    const there = await moving.switchover({ keep_reverse: true })
    expect(there.error).toBeUndefined()
    expect(there.report?.sentinel.proof).toBe(from >= 14 ? 'message' : 'position')
    expect(there.report?.tables.every(({ equal }) => equal)).toBe(true)
    expect(await differences(source, destination)).toEqual([])

    await using backload = startWorkload(destination, { seed: from + to, ...load })
    await moreCommits(backload)
    await backload.stop()
    const back = await moving.switchover({ back: true })
    expect(back.error).toBeUndefined()
    expect(await differences(destination, source)).toEqual([])
    expect((await within('the end of following', moving.run.done)).status).toBe('switched_over')

    expect((await moving.cleanUp()).length).toBeGreaterThan(0)
    for (const side of [source, destination]) {
      expect(
        await side.sql(`
          select slot_name as name from pg_replication_slots where database = current_database()
          union all select pubname from pg_publication
          union all select nspname from pg_namespace where nspname = 'pgtrek'`),
      ).toEqual([])
    }
  })
}

/** Enough for every kind of statement. */
async function moreCommits(workload: Workload, count = 100) {
  const before = workload.committed
  await eventually(
    `${count} transactions more`,
    () => workload.committed - before,
    (more) => more >= count,
  )
}

async function differences(...[one, other]: Parameters<typeof compareRows>): Promise<string[]> {
  return await compareRows(one, other)
}

test('a new column of the source is a conflict, and following continues after the schema change is applied', async () => {
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  await source.sql(
    "create table item (id int primary key, v text); insert into item values (1, 'a'), (2, 'b')",
  )
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  await source.sql(
    "alter table item add column more text not null default 'none'; insert into item values (3, 'c', 'much')",
  )
  const stopped = await moving.until('the conflict', ({ state }) => state === 'conflict')
  expect(stopped.streams[0]?.status.conflict).toMatchObject({ table: { schema: 'public', name: 'item' } })
  expect(stopped.ready.green).toBe(false)
  expect(await moving.run.act({ type: 'apply_schema' })).toMatchObject({ ok: true })
  await moving.until('the row', ({ streams }) => streams[0]?.status.rows === 1)
  await source.sql('create table newcomer (id int primary key)')
  await moving.until('the warning', ({ warnings }) => warnings.join('\n').includes('newcomer'))
  await source.sql('drop table newcomer')
  expect((await moving.switchover()).error).toBeUndefined()
  expect(await compareRows(source, destination)).toEqual([])
})

test('columns added and dropped on the source without a changed row are reported, and can be applied', async () => {
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  await source.sql(`
    create table wider (id int primary key);
    create table narrower (id int primary key, old int);
    insert into wider select generate_series(1, 100);
    insert into narrower values (1, 1)`)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  await source.sql(`
    alter table wider add column more int not null default 7;
    alter table narrower drop column old`)
  const { ready } = await moving.until('both tables', ({ ready }) => {
    const reasons = ready.reasons.join()
    return reasons.includes('apply-schema') && reasons.includes('column old was dropped')
  })
  const reasons = ready.reasons.join('; ')
  expect(reasons).toMatch(
    /table public\.wider is not the same .*"pgtrek apply-schema" runs alter table .*add column "more"/,
  )
  expect(reasons).toMatch(
    /public\.narrower is not the same .*: column old was dropped or renamed on the source/,
  )
  expect(await moving.run.act({ type: 'apply_schema' })).toMatchObject({ ok: true })
  await source.sql('insert into wider values (101, 8)')
  await moving.until('the row', ({ streams }) => (streams[0]?.status.rows ?? 0) > 0)
  expect(await destination.sql('select more, count(*)::int from wider group by 1 order by 1')).toEqual([
    { more: 7, count: 100 },
    { more: 8, count: 1 },
  ])
  await destination.sql('alter table narrower drop column old')
  await moving.until('green', ({ ready }) => ready.green)
  expect((await moving.switchover()).error).toBeUndefined()
})

test('both directions at once: each change is applied to the other side once', async () => {
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  await source.sql(
    'create table item (id int primary key, n int not null); alter table item replica identity full; insert into item values (1, 0), (2, 0)',
  )
  await using moving = move({ source, destination }, { bidirectional: true })
  await moving.untilStreaming()
  expect((await readMove(moving.run.ends)).state).toBe('both_ways')
  const rounds = 25
  const sessions = [source.connect(), destination.connect()] as const
  for (let round = 0; round < rounds; round++) {
    for (const [side, session] of sessions.entries()) {
      await session.unsafe(
        `update item set n = n + 1 where id = ${1 + side}; insert into item values (${1000 * (side + 1) + round}, 0)`,
      )
    }
  }
  for (const session of sessions) await session.end()
  const rows = ({ streams }: FollowView) => streams.map(({ status }) => status.rows)
  await moving.until('all changes on both sides', (view) => rows(view).every((each) => each >= 2 * rounds))
  // An echo of an applied change would come before this row in the other log.
  for (const side of [source, destination]) {
    await side.sql(`insert into item values (${side === source ? 1999 : 2999}, 0)`)
  }
  await eventually('the last row on both sides', async () => {
    const there = await destination.sql('select from item where id = 1999')
    const back = await source.sql('select from item where id = 2999')
    return there.length + back.length === 2
  })
  const view = await moving.until('the last row in the numbers', (view) =>
    rows(view).every((each) => each > 2 * rounds),
  )
  expect(rows(view)).toEqual([2 * rounds + 1, 2 * rounds + 1])
  expect(view.streams.map(({ direction }) => direction).sort()).toEqual(['back', 'forward'])
  expect(await compareRows(source, destination)).toEqual([])
  expect(await source.sql('select n from item where id < 3 order by id')).toEqual([
    { n: rounds },
    { n: rounds },
  ])
})
