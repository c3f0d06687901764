// A subscription of the server copies and applies, with the same result as pgtrek's stream, which is used where it cannot.
import { expect, test } from 'bun:test'
import { defaultOptions } from '../../shared/defaults.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { within } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'
import { startWorkload, workloadTables } from '../../tools/torture/workload.ts'

const logical = { settings: { wal_level: 'logical' } }

for (const [from, to] of casesOf<[Major, Major]>([[14, 18]], [[12, 15]])) {
  test(`from ${from} to ${to} by a subscription: copied, paused, restarted, switched over and returned`, async () => {
    const source = await (await cluster(from, logical)).createDatabase()
    const [destination, streamed] = [
      await (await cluster(to, logical)).createDatabase(),
      await (await cluster(to, logical)).createDatabase(),
    ]
    await source.sql(workloadTables('source', false))
    await source.sql(`
      -- The server takes 1.0 and 1.00 for each other where a row has no key.
      alter table loose alter c type text;
      create unlogged table passing (id int primary key); insert into passing values (1), (2);
      create table slices (id int primary key) partition by range (id);
      create table slice_1 partition of slices for values from (0) to (100);
      create table slice_2 partition of slices for values from (100) to (200);
      insert into slices select generate_series(0, 199);
      create materialized view summed as select count(*)::int as parts from slices`)
    await using workload = startWorkload(source, { seed: from * 100 + to, sessions: 1, truncates: false })
    await using native = move({ source, destination }, { engine: 'native' })
    await using own = move({ source, destination: streamed }, { name: 'own' })
    await native.until('the copied rows', ({ stage }) => stage === 'catchup' || stage === 'streaming')
    expect(
      await destination.sql('select subname from pg_stat_subscription where pid is not null'),
    ).toHaveLength(1)
    expect(await native.run.act({ type: 'pause' })).toMatchObject({ ok: true })
    await native.until('the pause', ({ state }) => state === 'paused')
    await source.sql('delete from slices where id = 7; insert into slices values (7)')
    expect(await native.run.act({ type: 'resume' })).toMatchObject({ ok: true })
    await native.restart()
    await workload.stop()
    await native.untilStreaming()
    await own.untilStreaming()
    const { error, report } = await native.switchover({ keep_reverse: true })
    expect(error).toBeUndefined()
    expect(report?.sentinel.proof).toBe('position')
    expect(report?.tables.every(({ equal }) => equal)).toBe(true)
    expect((await own.switchover()).error).toBeUndefined()
    await within('the end of its own following', own.run.done)
    // Later the other move applies changes to its source, which would be late writes here.
    await own.cleanUp()
    expect(await compareRows(source, destination)).toEqual([])
    expect(await compareRows(streamed, destination)).toEqual([])
    expect(await destination.sql('select parts from summed')).toEqual([{ parts: 200 }])
    expect(await destination.sql('select count(*)::int as n from passing')).toEqual([{ n: 2 }])

    await destination.sql('delete from slices where id > 190')
    expect((await native.switchover({ back: true })).error).toBeUndefined()
    expect(await compareRows(destination, source)).toEqual([])
    await native.cleanUp()
    for (const side of [source, destination]) {
      expect(
        await side.sql(`
          select slot_name as name from pg_replication_slots where database = current_database()
          union all select pubname from pg_publication
          union all select subname from pg_subscription
           where subdbid = (select oid from pg_database where datname = current_database())
          union all select nspname from pg_namespace where nspname = 'pgtrek'`),
      ).toEqual([])
    }
  })
}

test("a destination that cannot connect to the source, or may not subscribe, gets pgtrek's own stream, which is reported", async () => {
  const to = await cluster(18, logical)
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await to.createDatabase()
  await source.sql('create table item (id int primary key); insert into item values (1), (2)')
  await to.sql('postgres', 'create role mover login')
  await to.sql('postgres', `grant all on database "${destination.name}" to mover`)
  await destination.sql('alter schema public owner to mover')
  const url = new URL(destination.url)
  url.username = 'mover'
  await using moving = move(
    { source, destination: { url: url.href } },
    { engine: 'native' },
    { options: { ...defaultOptions, owner: false } },
  )
  const view = await moving.untilStreaming()
  expect(view.warnings.join('\n')).toMatch(/cannot subscribe to the source: the role may not.*own stream/)
  await source.sql('insert into item values (3)')
  expect((await moving.switchover()).error).toBeUndefined()
  await moving.cleanUp()
  expect(await compareRows(source, destination)).toEqual([])
})
