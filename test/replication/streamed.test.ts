// Large transactions that are sent before they are committed: rolled-back savepoints are not applied, also when
// tables were described within them.
import { expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Follower } from '../../server/replication/apply/follower.ts'
import type { FollowStatus } from '../../shared/follow.ts'
import { eventually } from '../../tools/eventually.ts'
import { casesOf, isLong } from '../../tools/long.ts'
import { arrival, compareFollowed, link, reaches } from '../../tools/moves/following.ts'
import { type Random, seeded } from '../../tools/random.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

const seed = Number(process.env.STREAMED_SEED ?? 1)
const transactions = Number(process.env.STREAMED_TRANSACTIONS ?? (isLong ? 12 : 8))

const tables = `
  create table a (id int primary key, v text); create table b (id int primary key, v text); alter table b replica identity full;
  create table c (id bigint generated always as identity primary key, big text); alter table c alter big set storage external;
  create table d (id int primary key, v text); create table e (id int primary key, v text)`

async function pairOf(major: Major) {
  const settings = { logical_decoding_work_mem: '64kB' }
  const source = await (await cluster(major, { settings })).createDatabase()
  const destination = await (await cluster(major, { settings })).createDatabase()
  for (const database of [source, destination]) await database.sql(tables)
  return { source, destination }
}

/** Statements of one transaction with nested savepoints. Each writer uses separate keys. */
function script(random: Random, writer: number): string {
  const lines = ['begin']
  const open: string[] = []
  const key = () => writer * 100_000 + random.below(3000)
  const steps = 30 + random.below(60)
  for (let step = 0; step < steps; step++) {
    const chance = random.number()
    if (chance < 0.2) {
      open.push(`s${step}`)
      lines.push(`savepoint s${step}`)
    } else if (chance < 0.3 && open.length > 0) {
      // Also an outer one, with all savepoints within it.
      const at = random.below(open.length)
      lines.push(`rollback to ${open[at]}`)
      open.length = at + 1
    } else if (chance < 0.36 && open.length > 0) {
      const at = random.below(open.length)
      lines.push(`release ${open[at]}`)
      open.length = at
    } else lines.push(change(random, key))
  }
  lines.push(random.chance(0.15) ? 'rollback' : 'commit')
  return lines.join(';\n')
}

function change(random: Random, key: () => number): string {
  const first = key()
  const table = random.chance(0.5) ? 'a' : 'b'
  switch (random.below(6)) {
    case 0:
      return `insert into c (big) select repeat(md5(g::text), 200) from generate_series(1, ${1 + random.below(12)}) g`
    case 1:
      return `update ${table} set v = v || '!' where id between ${first} and ${first + 50}`
    case 2:
      return `delete from ${table} where id between ${first} and ${first + 30}`
    case 3:
      // A subtransaction for every row; half of them are rolled back.
      return `do $$ begin for i in 1..70 loop begin
                insert into a values (${first} + i * 7, 'sub'); if i % 2 = 0 then raise 'undone'; end if;
              exception when others then null; end; end loop; end $$`
    default:
      return `insert into ${table} select g, repeat(md5(g::text), ${1 + random.below(20)})
                from generate_series(${first}, ${first + random.below(300)}) g on conflict do nothing`
  }
}

async function write(database: TestDatabase, writer: number) {
  const random = seeded(seed * 100 + writer)
  const client = database.connect()
  try {
    for (let count = 0; count < transactions; count++) await client.unsafe(script(random, writer))
  } finally {
    await client.end()
  }
}

for (const major of casesOf<Major>([14, 18], [15, 17])) {
  test(`PostgreSQL ${major}: any savepoints, several writers at once, seed ${seed}`, async () => {
    const pair = await pairOf(major)
    const options = await link(pair)
    const follower = await Follower.start(options)
    await Promise.all([1, 2, 3].map((writer) => write(pair.source, writer)))
    await arrival(follower, pair.source)
    expect(await compareFollowed(pair)).toEqual([])
    // The walsender reports them when it ends.
    const counts = async () =>
      await pair.source.sql(
        'select stream_txns::int as transactions, stream_count::int as pieces from pg_stat_replication_slots where slot_name = $1',
        [options.slot],
      )
    await eventually(
      'transactions that were sent in many pieces',
      counts,
      ([slot]) => Number(slot?.transactions) > 0 && Number(slot?.pieces) > 20,
    )
  })
}

for (const major of casesOf<Major>([14, 17], [15, 18])) {
  test(`PostgreSQL ${major}: a table that is only described in a rolled-back subtransaction`, async () => {
    const pair = await pairOf(major)
    const follower = await Follower.start(await link(pair))
    const many = (table: string, first: number) =>
      `insert into ${table} select g, repeat(md5(g::text), 20) from generate_series(${first}, ${first + 999}) g`
    const client = pair.source.connect()
    // The source reports a rollback only of what it has sent before.
    const sent = async (bytes: number) => {
      await reaches(follower, `${bytes} bytes of it`, ({ spilledBytes }) => spilledBytes >= bytes)
    }
    await client.unsafe(`begin; ${many('a', 0)}`)
    await sent(300_000)
    await client.unsafe(`savepoint s; ${many('d', 0)}; ${many('e', 0)}`)
    await sent(1_500_000)
    await client.unsafe(`rollback to s; ${many('d', 0)}; commit`)
    await client.unsafe(many('e', 5000))
    const isOver = ({ transactions, spilledBytes }: FollowStatus) => transactions === 2 && spilledBytes === 0
    await reaches(follower, 'the end of both transactions', isOver)
    await client.unsafe(`begin; savepoint s; ${many('b', 0)}`)
    await sent(300_000)
    await client.unsafe(`rollback to s; insert into b values (1, 'one'); commit`)
    await client.unsafe("insert into b values (2, 'two')")
    await client.end()
    await arrival(follower, pair.source)
    expect(await compareFollowed(pair)).toEqual([])
  })
}

for (const major of casesOf<Major>([15, 18], [14, 17])) {
  test(`PostgreSQL ${major}: one that is rolled back, one whose session is killed, and one that is open when we end`, async () => {
    const pair = await pairOf(major)
    const options = await link(pair)
    const follower = await Follower.start(options)
    const many = 'insert into a select g, repeat(md5(g::text), 20) from generate_series(1, 2000) g'
    await pair.source.sql(`begin; ${many}; rollback`)
    const lost = pair.source.connect()
    const [{ pid } = { pid: 0 }] = await lost
      .unsafe(`begin; ${many}; select pg_backend_pid() as pid`)
      .then((all) => all.at(-1) as unknown as { pid: number }[])
    await pair.source.sql('select pg_terminate_backend($1)', [pid])
    await lost.end()
    const open = pair.source.connect()
    await open.unsafe(`begin; ${many.replaceAll('into a', 'into d')}`)
    await pair.source.sql("insert into b values (1, 'one')")
    await reaches(follower, 'what was committed meanwhile', ({ transactions }) => transactions === 1)
    await follower.stop()
    const again = await Follower.start(options)
    await open.unsafe('commit')
    await open.end()
    await arrival(again, pair.source)
    expect(await compareFollowed(pair)).toEqual([])
    expect(again.status.spilledBytes).toBe(0)
  })
}

test('without disk space following waits, names the full directory, and continues when there is room', async () => {
  const pair = await pairOf(17)
  const directory = join(scratchDirectory(), `full-${crypto.randomUUID()}`)
  const follower = await Follower.start({ ...(await link(pair)), spillDirectory: directory })
  const insert = 'insert into a select g, repeat(md5(g::text), 20) from generate_series(1, 4000) g'
  await pair.source.sql(insert)
  const { lastError } = await reaches(follower, 'waiting for room', ({ phase }) => phase === 'waiting')
  expect(lastError?.message).toContain(`${directory} has no space for the large transactions`)
  mkdirSync(directory)
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
})
