// Another command does not drop anything of a move that is running, or that has stopped and can be continued.

import { Database } from 'bun:sqlite'
import { afterEach, expect, test } from 'bun:test'
import { eventually } from '../../tools/eventually.ts'
import { published } from '../../tools/moves/follow-view.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Faulty, faultyHome, hold, waitsForLock } from '../faults/running.ts'

const logical = { settings: { wal_level: 'logical' } }
const homes: Faulty[] = []

afterEach(() => {
  for (const home of homes.splice(0)) home[Symbol.dispose]()
})

interface Ends {
  from: Cluster
  to: Cluster
  source: TestDatabase
  destination: TestDatabase
  home: Faulty
  clone: (state: string, ...more: string[]) => string[]
  flags: (state: string) => string[]
}

async function ends(): Promise<Ends> {
  const home = faultyHome()
  homes.push(home)
  const from = await cluster(14, logical)
  const to = await cluster(17, logical)
  const source = await from.createDatabase()
  const destination = await to.createDatabase()
  for (const side of [source, destination]) await side.sql('create table item (id int primary key)')
  await source.sql('insert into item select generate_series(1, 100)')
  const flags = (state: string) => [
    ...['--source', source.url, '--dest', destination.url],
    ...['--state-dir', `${home.directory}/${state}`],
  ]
  const clone = (state: string, ...more: string[]) => ['clone', '--follow', '--yes', ...flags(state), ...more]
  return { from, to, source, destination, home, clone, flags }
}

/** The objects of moves on both servers. */
async function traces({ source, destination }: Ends): Promise<string[]> {
  const both = [source, destination].map((side) =>
    side.sql<{ name: string }>(`
      select 'slot ' || slot_name as name from pg_replication_slots where database = current_database()
      union all select 'publication ' || pubname from pg_publication
      union all select 'subscription ' || subname from pg_subscription
                 where subdbid = (select oid from pg_database where datname = current_database())
      union all select 'table ' || oid::regclass from pg_class where relnamespace::regnamespace::text = 'pgtrek'
      order by 1`),
  )
  return (await Promise.all(both)).flat().map(({ name }) => name)
}

async function arrives({ source, destination }: Ends, id: number) {
  await source.sql(`insert into item values (${id})`)
  await eventually(
    `row ${id} on the destination`,
    () => destination.sql(`select from item where id = ${id}`),
    ({ length }) => length === 1,
  )
}

test('a second move neither drops a move that copies, follows or has stopped, nor reports it as failed', async () => {
  const all = await ends()
  const { to, home, clone, flags, destination } = all
  const lock = await hold(destination, 'lock table item in share mode')
  const first = home.watch(clone('first'))
  await first.reaches(waitsForLock(to, destination))
  const made = await traces(all)
  expect(made).toHaveLength(2)

  const busy =
    /the move \w+ is running in another process: "pgtrek: move .* pid \d+ since [^"]+" \(server process \d+/
  for (const command of [clone('second'), ['cleanup', ...flags('second')]]) {
    const { code, said } = await home.run(command)
    expect([code, said]).toEqual([expect.any(Number), expect.stringMatching(busy)])
    expect(code).not.toBe(0)
  }
  expect(await traces(all)).toEqual(made)

  await lock.letGo()
  const isStreaming = ({ stage }: { stage: string }) => stage === 'streaming'
  await published(`${home.directory}/first`, 'streaming', isStreaming)
  await arrives(all, 1001)
  const copying = await home.run(['copy', '--yes', ...flags('second')])
  expect(copying.said).toMatch(/another run of pgtrek is working on public\.item/)
  await first.kill()

  const stopped = await traces(all)
  const other = await home.run(clone('second'))
  expect(other.code).not.toBe(0)
  expect(other.said).toMatch(
    /an earlier move \(begun by .*\) left behind replication slot pgtrek_\w+ on .*Nothing was changed/s,
  )
  const same = await home.run(clone('first'))
  expect(same.said).toContain('these databases are followed already')
  expect(await traces(all)).toEqual(stopped)
  const view = await published(`${home.directory}/first`, 'the state of the first', () => true)
  expect([view.stage, view.state]).toEqual(['streaming', 'lost'])

  const again = home.watch(['follow', ...flags('first')])
  await arrives(all, 1002)
  again.signal('SIGINT')
  await again.finished
  const cleaned = await home.run(['cleanup', ...flags('second')])
  expect([cleaned.code, cleaned.said]).toEqual([0, expect.stringContaining('dropped replication slot')])
  expect(await traces(all)).toEqual([])
})

test('objects of a later move are not mistaken for those of a killed copy', async () => {
  const all = await ends()
  const { to, home, clone, flags, destination } = all
  const lock = await hold(destination, 'lock table item in share mode')
  const first = home.watch(clone('first'))
  await first.reaches(waitsForLock(to, destination))
  await first.kill()
  await lock.letGo()
  expect((await home.run(['cleanup', ...flags('second')])).code).toBe(0)
  expect(await traces(all)).toEqual([])

  const second = home.watch(clone('second'))
  await published(`${home.directory}/second`, 'streaming', ({ stage }) => stage === 'streaming')
  second.signal('SIGINT')
  await second.finished
  const made = await traces(all)
  const { said } = await home.run(clone('first'))
  expect(said).toMatch(/an earlier move \(begun by/)
  expect(await traces(all)).toEqual(made)

  const third = home.watch(['follow', ...flags('third')])
  await arrives(all, 2001)
  third.signal('SIGINT')
  await third.finished
  expect((await home.run(['cleanup', ...flags('third')])).code).toBe(0)
})

test('the next copy with the same state directory drops what a killed copy has left', async () => {
  const all = await ends()
  const { to, home, clone, flags, destination } = all
  const lock = await hold(destination, 'lock table item in share mode')
  const first = home.watch(clone('first'))
  await first.reaches(waitsForLock(to, destination))
  await first.kill()
  await lock.letGo()
  const next = home.watch(clone('first'))
  await published(`${home.directory}/first`, 'streaming', ({ stage }) => stage === 'streaming')
  await arrives(all, 3001)
  next.signal('SIGINT')
  await next.finished
  using database = new Database(`${home.directory}/first/pgtrek.sqlite`, { readonly: true })
  expect(database.query('select count(*) as moves from follow').get()).toEqual({ moves: 1 })
  expect((await home.run(['cleanup', ...flags('first')])).code).toBe(0)
  expect(await traces(all)).toEqual([])
})
