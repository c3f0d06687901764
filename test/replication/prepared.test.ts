// Two-phase commit on the source: a transaction is applied when it is committed, not before, also after crashes in
// between.
import { beforeAll, expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import { casesOf } from '../../tools/long.ts'
import { arrival, compareFollowed, link, reaches } from '../../tools/moves/following.ts'
import { type Major, type OwnCluster, startCluster } from '../../tools/servers/clusters.ts'

let to: OwnCluster
beforeAll(async () => {
  to = await startCluster({ major: 18 })
})

// 12 sends no transaction in pieces; 14 does, and 15 speaks another version of the protocol.
for (const major of casesOf<Major>([12, 14, 15], [17, 18])) {
  test(`PostgreSQL ${major}: prepared, crashed, committed or rolled back`, async () => {
    const settings = major >= 13 ? { logical_decoding_work_mem: '64kB' } : {}
    const from = await startCluster({ major, settings })
    const pair = { source: await from.createDatabase(), destination: await to.createDatabase() }
    const table = 'create table t (id int primary key, v text)'
    for (const database of [pair.source, pair.destination]) await database.sql(table)
    const follower = await Follower.start(await link(pair))
    const prepare = (name: string, first: number) =>
      // Large enough to be sent in pieces where the server can.
      pair.source.sql(`
        begin;
        insert into t select g, repeat(md5(g::text), 4) from generate_series(${first}, ${first + 1999}) g;
        savepoint s; delete from t where id > ${first + 1500}; rollback to s;
        update t set v = 'changed' where id = ${first};
        prepare transaction '${name}'`)
    await prepare('kept', 0)
    await prepare('dropped', 10_000)
    await prepare('kept later', 20_000)
    await pair.source.sql("insert into t values (-1, 'meanwhile')")
    await reaches(follower, 'what was committed meanwhile', ({ transactions }) => transactions === 1)
    expect(await pair.destination.sql('select id from t')).toEqual([{ id: -1 }])
    await pair.source.sql("commit prepared 'kept later'")
    await from.restart('immediate')
    await to.restart('immediate')
    await pair.source.sql("commit prepared 'kept'")
    await pair.source.sql("rollback prepared 'dropped'")
    await pair.source.sql("insert into t values (-2, 'behind')")
    await arrival(follower, pair.source)
    expect(await compareFollowed(pair)).toEqual([])
    expect(await pair.destination.sql('select count(*)::int as count from t')).toEqual([{ count: 4002 }])
  })
}
