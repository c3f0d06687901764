// Following between databases that divide a table into different partitions.
import { expect, test } from 'bun:test'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }
const divided = (...bounds: number[]) => `
  create table t (id int primary key, v text) partition by range (id);
  ${bounds.map((bound, place) => `create table t_${bound} partition of t for values from (${bounds[place - 1] ?? 0}) to (${bound});`).join('')}`
const rows = "insert into t select i, 'v' || i from generate_series(1, 90) i;"

test('following is refused before anything is created when the destination lacks partitions of the source', async () => {
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  await source.sql(divided(50, 100) + rows)
  await destination.sql(`${divided(20, 200)} insert into t values (7, 'old')`)
  await using moving = move({ source, destination })
  const { error } = await moving.run.done
  expect(String(error)).toMatch(/public\.t_50 \(into public\.t\).*could not be followed/)
  expect(await destination.sql('select v from t')).toEqual([{ v: 'old' }])
  expect(
    await source.sql('select 1 from pg_publication union all select 1 from pg_replication_slots'),
  ).toEqual([])
})

test('following is possible when only the destination has partitions, which get their changes', async () => {
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  await source.sql(`create table t (id int primary key, v text); ${rows}`)
  await destination.sql(`${divided(50, 100)} insert into t values (7, 'old'), (99, 'old')`)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  await source.sql(
    "update t set v = 'new' where id = 7; update t set id = id + 45 where id = 47; delete from t where id = 80",
  )
  expect((await moving.switchover()).error).toBeUndefined()
  const all = 'select id, v from t order by id'
  expect(await destination.sql(all)).toEqual(await source.sql(all))
})
