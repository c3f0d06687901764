// Tables that are renamed during a move: nothing is lost, and the move is not ready while names differ.
import { expect, test } from 'bun:test'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually } from '../../tools/eventually.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }
const tables = `
  create table t (id int primary key, v text); insert into t values (1, 'one'), (2, 'two');
  create table p (id int, region int, v text, primary key (id, region)) partition by list (region);
  create table p_1 partition of p for values in (1); create table p_2 partition of p for values in (2);
  insert into p values (1, 1, 'one')`

test('a temporary name changes nothing; with swapped names the move is not ready', async () => {
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  await source.sql(tables)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  const once = "alter table t rename to tmp; update tmp set v = v || '!'; alter table tmp rename to t"
  await source.sql(once)
  await moving.restart()
  await source.sql(`${once}; create table p_3 partition of p for values in (3)`)
  await source.sql("alter table p_3 rename to p_three; insert into p values (3, 3, 'three')")
  await moving.until('a new partition to stop it', ({ state }) => state === 'conflict')
  await destination.sql('create table p_three partition of p for values in (3)')
  await moving.run.act({ type: 'retry' })
  await eventually(
    'the row',
    () => destination.sql('select from p where id = 3'),
    (rows) => rows.length === 1,
  )
  await source.sql("alter table p_three rename to p_3; update p set v = 'now'")
  // The names of the partition differ until it is renamed on the destination too.
  const isNotReady = (words: string) =>
    moving.until(words, ({ ready }) => ready.reasons.join().includes(words))
  await isNotReady('public.p_three of the destination is now named public.p_3 on the source')
  await destination.sql('alter table p_three rename to p_3; alter index p_three_pkey rename to p_3_pkey')
  await moving.until('the light', ({ ready }) => ready.green)
  await moving.run.act({ type: 'pause' })
  await moving.until('a pause', ({ state }) => state === 'paused')
  await source.sql(`${once}; create table p_4 partition of p for values in (4)`)
  // Without the state directory the servers show which tables are meant.
  moving.store.forget(moving.run.name)
  await moving.restart()
  await isNotReady('public.p_4 is a partition of public.p, but the destination does not have it')
  await destination.sql('create table p_4 partition of p for values in (4)')
  await source.sql('create table t_new (like t including all); insert into t_new select * from t')
  await source.sql('begin; alter table t rename to t_old; alter table t_new rename to t; commit')
  await source.sql("insert into t values (3, 'into the new one')")
  await isNotReady('public.t of the destination is now named public.t_old on the source')
  await source.sql(
    'begin; alter table t rename to t_new; alter table t_old rename to t; drop table t_new; commit',
  )
  await moving.until('the light', ({ ready }) => ready.green)
  expect((await moving.switchover()).error).toBeUndefined()
  expect(await compareRows(source, destination)).toEqual([])
})

test("a user's publication for all tables by the root: changes of partitions come under their root", async () => {
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  await source.sql(`${tables}; create publication mine for all tables with (publish_via_partition_root)`)
  await using moving = move({ source, destination }, { publication: 'mine' })
  await moving.untilStreaming()
  await source.sql(
    "alter table p rename to tmp; insert into tmp values (2, 2, 'two'); alter table tmp rename to p",
  )
  await source.sql('create table fresh (id int primary key); insert into fresh values (1)')
  const { streams } = await moving.until('the conflict', ({ state }) => state === 'conflict')
  expect(streams[0]?.status.conflict?.table).toEqual({ schema: 'public', name: 'fresh' })
  await destination.sql('create table fresh (id int primary key)')
  await moving.run.act({ type: 'retry' })
  await moving.until('the light', ({ ready }) => ready.green)
  await source.sql('insert into fresh values (2)')
  expect((await moving.switchover()).error).toBeUndefined()
  expect(await compareRows(source, destination)).toEqual([])
})
