// `bun tools/bench/lag.ts`: how far pgtrek and the server's own subscription are behind a source that is
// written to at a steady rate, in turn, rate by rate. docs/performance.md has the results.
import { join } from 'node:path'
import { Command } from 'commander'
import { showLsn } from '../../server/replication/stream/lsn.ts'
import { compareRows } from '../comparison/compare.ts'
import { eventually } from '../eventually.ts'
import { endOf } from '../moves/following.ts'
import type { Cluster, TestDatabase } from '../servers/clusters.ts'
import { median, tableHead, tableRow } from './figures.ts'
import { connectionStringOf, followSettings, pgbenchTables, pgbenchTransaction } from './following.ts'
import { majorFlag, numbersOf, withServers } from './setup.ts'

interface Flags {
  major: string
  seconds: number
  rates: number[]
}

const flags = new Command('bench-lag')
  .description('the lag behind a steady load: pgtrek against CREATE SUBSCRIPTION')
  .addOption(majorFlag())
  .option('--seconds <seconds>', 'how long each rate is held', Number, 10)
  .option('--rates <rates>', 'transactions per second', numbersOf, [2000, 4000, 6000, 8000, 10000])
  .parse()
  .opts<Flags>()

/** Long enough to apply the changes of a whole round. */
const longestWaitMs = 600_000
const lookEveryMs = 100

const tables = `${pgbenchTables}
  create table mark (id int primary key, at timestamptz);
  insert into mark values (1, now());`

/** Runs the transactions that are due in each hundredth of a second, as far as the server can. */
const writer = `
  create procedure write_steadily(rate int, seconds numeric, inout written int) language plpgsql as $$
    declare started timestamptz := clock_timestamp(); due int; n int := 0;
    begin
      while clock_timestamp() < started + make_interval(secs => seconds) loop
        due := (extract(epoch from clock_timestamp() - started) * rate)::int;
        while n < due and clock_timestamp() < started + make_interval(secs => seconds) loop
          n := n + 1;
          ${pgbenchTransaction}
          commit;
        end loop;
        update mark set at = clock_timestamp();
        commit;
        perform pg_sleep(0.01);
      end loop;
      written := n;
    end $$`

interface Lag {
  written: number
  usual: number
  most: number
}

type Follow = (source: TestDatabase, destination: TestDatabase) => Promise<() => Promise<void>>

await withServers(flags.major, followSettings, bench)

async function bench(there: Cluster, here: Cluster) {
  console.log(tableHead(['requested, transactions/s', 'by', 'written/s', 'lag, median s', 'lag, most s']))
  for (const rate of flags.rates) {
    for (const [name, follow] of [
      ['pgtrek', byUs],
      ['subscription', bySubscription],
    ] as const) {
      const source = await there.createDatabase()
      const destination = await here.createDatabase()
      const { written, usual, most } = await lagOf(source, destination, rate, follow)
      await destination.drop()
      await source.sql('select pg_drop_replication_slot(slot_name) from pg_replication_slots')
      await source.drop()
      const perSecond = Math.round(written / flags.seconds)
      console.log(tableRow([rate, name, perSecond, usual.toFixed(2), most.toFixed(2)]))
    }
  }
}

/** The age of the newest mark on the destination, while the source is written to. */
async function lagOf(
  source: TestDatabase,
  destination: TestDatabase,
  rate: number,
  follow: Follow,
): Promise<Lag> {
  for (const side of [source, destination]) {
    await side.sql(tables)
    await side.sql('vacuum analyze')
  }
  await source.sql('create publication backlog for all tables')
  await source.sql(writer)
  const stop = await follow(source, destination)
  const client = source.connect({ max: 1 })
  await client.unsafe('set synchronous_commit = off')
  const ages: number[] = []
  let isOver = false
  const watching = (async () => {
    const watcher = destination.connect({ max: 1 })
    // The first second is not measured: the apply loop is still starting.
    await Bun.sleep(1000)
    while (!isOver) {
      const [row] = await watcher<{ age: number }[]>`
        select extract(epoch from clock_timestamp() - at)::float8 as age from mark`
      ages.push(row?.age ?? Number.NaN)
      await Bun.sleep(lookEveryMs)
    }
    await watcher.end()
  })()
  const [row] = await client.unsafe(`call write_steadily(${rate}, ${flags.seconds}, 0)`)
  isOver = true
  await watching
  await client.end()
  await stop()
  const differences = await compareRows(source, destination)
  if (differences.length > 0) throw new Error(`not the same: ${differences.join('; ')}`)
  return {
    written: Number(row?.written),
    usual: median(ages),
    most: Math.max(...ages),
  }
}

/** In a separate process, as in a real move. */
async function byUs(source: TestDatabase, destination: TestDatabase) {
  await source.sql("select pg_create_logical_replication_slot('backlog', 'pgoutput')")
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'apply-backlog.ts'), source.url, destination.url],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  )
  await until(source, "select active as done from pg_replication_slots where slot_name = 'backlog'")
  return async () => {
    child.stdin.write(showLsn(await endOf(source)))
    await child.stdin.end()
    if ((await child.exited) !== 0) throw new Error('pgtrek did not follow to the end')
  }
}

async function bySubscription(source: TestDatabase, destination: TestDatabase) {
  await source.sql("select pg_create_logical_replication_slot('backlog', 'pgoutput')")
  await destination.sql(
    `create subscription backlog connection '${connectionStringOf(source)}'
       publication backlog with (copy_data = false, create_slot = false, slot_name = 'backlog')`,
  )
  await until(source, "select active as done from pg_replication_slots where slot_name = 'backlog'")
  return async () => {
    const end = showLsn(await endOf(source))
    await until(
      source,
      `select confirmed_flush_lsn >= '${end}'::pg_lsn as done from pg_replication_slots where slot_name = 'backlog'`,
    )
    await destination.sql('alter subscription backlog disable')
    await destination.sql('alter subscription backlog set (slot_name = none)')
    await destination.sql('drop subscription backlog')
    await until(source, "select not active as done from pg_replication_slots where slot_name = 'backlog'")
  }
}

async function until(database: TestDatabase, question: string) {
  await eventually(
    question,
    () => database.sql<{ done: boolean }>(question),
    ([row]) => row?.done ?? false,
    { withinMs: longestWaitMs },
  )
}
