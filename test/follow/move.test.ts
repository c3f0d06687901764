// A database that is written to all the time is copied, followed and handed over, and nothing is missing.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { cluster, type Major } from '../support/clusters.ts'
import { compareRows } from '../support/compare.ts'
import { isStreaming, move } from '../support/follow-run.ts'
import { startWorkload, workloadTables, workloadTypes } from '../support/workload.ts'

// Servers have to start.
setDefaultTimeout(120_000)

const logical = { settings: { wal_level: 'logical' } }

const pairs: [Major, Major][] = [
  [12, 18],
  [14, 17],
  [18, 18],
  [18, 14],
]

for (const [from, to] of pairs) {
  test(`from ${from} to ${to}: through copy, catch-up and switchover, back again, and cleaned up`, async () => {
    const source = await (await cluster(from, logical)).createDatabase()
    const destination = await (await cluster(to, logical)).createDatabase()
    await source.sql(workloadTypes)
    await source.sql(workloadTables('source', true))
    const workload = startWorkload(source, { seed: from * 100 + to, exotic: true, truncates: false })
    await Bun.sleep(500)
    await using moving = move({ source, destination })
    await moving.until(({ stage }) => stage === 'catchup' || stage === 'streaming')
    await Bun.sleep(500)
    await moving.restart()
    await Bun.sleep(500)
    // Until then it writes more than anybody could apply.
    await workload.stop()
    await moving.until(isStreaming)
    const there = await moving.switchover({ keep_reverse: true })
    expect(there.error).toBeUndefined()
    expect(there.report?.sentinel.proof).toBe(from >= 14 ? 'message' : 'position')
    expect(there.report?.tables.every(({ equal }) => equal)).toBe(true)
    expect(await differences(source, destination)).toEqual([])

    const backload = startWorkload(destination, { seed: from + to, exotic: true, truncates: false })
    await Bun.sleep(500)
    await backload.stop()
    const back = await moving.switchover({ back: true })
    expect(back.error).toBeUndefined()
    expect(await differences(destination, source)).toEqual([])
    expect((await moving.run.done).status).toBe('switched_over')

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

async function differences(...[one, other]: Parameters<typeof compareRows>): Promise<string[]> {
  return await compareRows(one, other)
}

test('a column that the source gets is a conflict, and applying the change of the schema goes on', async () => {
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  await source.sql(
    "create table item (id int primary key, v text); insert into item values (1, 'a'), (2, 'b')",
  )
  await using moving = move({ source, destination })
  await moving.until(isStreaming)
  await source.sql(
    "alter table item add column more text not null default 'none'; insert into item values (3, 'c', 'much')",
  )
  const stopped = await moving.until(({ state }) => state === 'conflict')
  expect(stopped.streams[0]?.status.conflict).toMatchObject({ table: { schema: 'public', name: 'item' } })
  expect(stopped.ready.green).toBe(false)
  expect(await moving.run.act({ type: 'apply_schema' })).toMatchObject({ ok: true })
  await moving.until(({ streams }) => streams[0]?.status.rows === 1)
  await source.sql('create table newcomer (id int primary key)')
  await moving.until(({ warnings }) => warnings.join('\n').includes('newcomer'))
  await source.sql('drop table newcomer')
  expect((await moving.switchover()).error).toBeUndefined()
  expect(await compareRows(source, destination)).toEqual([])
})

test('both ways at once: what one side writes comes to the other, once', async () => {
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  await source.sql(
    'create table item (id int primary key, n int not null); insert into item values (1, 0), (2, 0)',
  )
  await using moving = move({ source, destination }, { bidirectional: true })
  await moving.until(isStreaming)
  for (let round = 0; round < 50; round++) {
    await source.sql(`update item set n = n + 1 where id = 1; insert into item values (${1000 + round}, 0)`)
    await destination.sql(
      `update item set n = n + 1 where id = 2; insert into item values (${2000 + round}, 0)`,
    )
  }
  const view = await moving.until(({ streams }) => streams.every(({ status }) => status.rows >= 100))
  // An echo would be a change more.
  await Bun.sleep(500)
  expect(moving.run.view().streams.map(({ status }) => status.rows)).toEqual([100, 100])
  expect(view.streams.map(({ direction }) => direction).sort()).toEqual(['back', 'forward'])
  expect(await compareRows(source, destination)).toEqual([])
  expect(await source.sql('select n from item where id < 3 order by id')).toEqual([{ n: 50 }, { n: 50 }])
})
