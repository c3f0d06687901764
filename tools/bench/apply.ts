// `bun tools/bench/apply.ts`: the same backlog of changes is drained by pgtrek and by the server's own
// subscription, in turn, between two servers of this machine. docs/performance.md has the results.
import { join } from 'node:path'
import { Command } from 'commander'
import { compareRows } from '../comparison/compare.ts'
import { eventually } from '../eventually.ts'
import type { Cluster, TestDatabase } from '../servers/clusters.ts'
import { median, tableHead, tableRow } from './figures.ts'
import { connectionStringOf, followSettings, pgbenchTables, pgbenchTransaction } from './following.ts'
import { runMetered } from './metered.ts'
import { serverCpuSeconds } from './server-cpu.ts'
import { listOf, majorFlag, withServers } from './setup.ts'

interface Flags {
  major: string
  rounds: number
  transactions: number
  bigRows: number
  workloads?: string[]
}

const flags = new Command('bench-apply')
  .description('drain a backlog of changes: pgtrek against CREATE SUBSCRIPTION')
  .addOption(majorFlag())
  .option('--rounds <count>', 'how often each is measured', Number, 3)
  .option('--transactions <count>', 'in the backlogs of small transactions', Number, 200_000)
  .option('--big-rows <count>', 'of the one big transaction', Number, 5_000_000)
  .option('--workloads <names>', 'some of pgbench, inserts, big', listOf)
  .parse()
  .opts<Flags>()

interface Backlog {
  name: string
  content: string
  /** Creates the tables, on both sides. */
  tables: string
  /** Writes the changes to follow. */
  write: (source: TestDatabase) => Promise<void>
}

const backlogs: Backlog[] = [
  {
    name: 'pgbench',
    content: `${flags.transactions.toLocaleString('en')} transactions as pgbench has them: three updates and an insert`,
    tables: pgbenchTables,
    write: (source) => eachTransaction(source, pgbenchTransaction),
  },
  {
    name: 'inserts',
    content: `${flags.transactions.toLocaleString('en')} transactions of one insert each`,
    tables: 'create table entry (id int primary key, name text, amount numeric(12, 2), at timestamptz)',
    write: (source) =>
      eachTransaction(source, "insert into entry values (n, 'entry number ' || n, n / 100.0, now());"),
  },
  {
    name: 'big',
    content: `one transaction of ${flags.bigRows.toLocaleString('en')} inserted rows`,
    tables: 'create table entry (id int primary key, name text, amount numeric(12, 2), at timestamptz)',
    write: async (source) => {
      await source.sql(
        `insert into entry select n, 'entry number ' || n, n / 100.0, now() from generate_series(1, ${flags.bigRows}) n`,
      )
    },
  },
]

/** In a procedure, so that a transaction costs no round trip. */
async function eachTransaction(source: TestDatabase, statements: string) {
  await source.sql(`
    create procedure write_backlog() language plpgsql as $$
      begin
        for n in 1 .. ${flags.transactions} loop
          ${statements}
          commit;
        end loop;
      end $$`)
  const client = source.connect()
  try {
    await client.unsafe('set synchronous_commit = off')
    await client.unsafe('call write_backlog()')
  } finally {
    await client.end()
  }
}

interface Measured {
  seconds: number
  cpuSeconds?: number
  /** Of each server during the measurement. */
  sourceCpuSeconds?: number
  destinationCpuSeconds?: number
  peakMegabytes?: number
}

await withServers(flags.major, followSettings, bench)

async function bench(source: Cluster, destination: Cluster) {
  console.log(
    tableHead([
      ...['backlog', 'by', 'seconds', 'of the subscription'],
      ...['source CPU s', 'destination CPU s', 'own CPU s', 'peak MB'],
    ]),
  )
  for (const backlog of backlogs.filter(({ name }) => flags.workloads?.includes(name) ?? true)) {
    console.error(`${backlog.name}: ${backlog.content}`)
    const ours: Measured[] = []
    const theirs: Measured[] = []
    for (let round = 0; round < flags.rounds; round++) {
      const turns = [
        async () => ours.push(await measure(backlog, source, destination, drainByUs)),
        async () => theirs.push(await measure(backlog, source, destination, drainBySubscription)),
      ]
      for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn()
      console.error(
        `round ${round + 1}: pgtrek ${ours.at(-1)?.seconds.toFixed(2)} s, subscription ${theirs.at(-1)?.seconds.toFixed(2)} s`,
      )
    }
    const base = median(theirs.map(({ seconds }) => seconds))
    for (const [name, measured] of [
      ['pgtrek', ours],
      ['subscription', theirs],
    ] as const) {
      const seconds = median(measured.map((one) => one.seconds))
      const cpu =
        measured[0]?.cpuSeconds === undefined
          ? ''
          : median(measured.map((one) => one.cpuSeconds ?? 0)).toFixed(2)
      const peak =
        measured[0]?.peakMegabytes === undefined
          ? ''
          : Math.max(...measured.map((one) => one.peakMegabytes ?? 0)).toFixed(0)
      const there = median(measured.map((one) => one.sourceCpuSeconds ?? 0)).toFixed(2)
      const here = median(measured.map((one) => one.destinationCpuSeconds ?? 0)).toFixed(2)
      const ratio = name === 'pgtrek' ? (seconds / base).toFixed(2) : ''
      console.log(tableRow([backlog.name, name, seconds.toFixed(2), ratio, there, here, cpu, peak]))
    }
  }
}

type DrainBacklog = (
  pair: { source: TestDatabase; destination: TestDatabase; cluster: Cluster },
  end: string,
) => Promise<Measured>

async function measure(
  backlog: Backlog,
  source: Cluster,
  destination: Cluster,
  drain: DrainBacklog,
): Promise<Measured> {
  const pair = {
    source: await source.createDatabase(),
    destination: await destination.createDatabase(),
    cluster: destination,
  }
  try {
    for (const side of ['source', 'destination'] as const) {
      await pair[side].sql(backlog.tables)
      await pair[side].sql('vacuum analyze')
    }
    await pair.source.sql('create publication backlog for all tables')
    await pair.source.sql("select pg_create_logical_replication_slot('backlog', 'pgoutput')")
    await backlog.write(pair.source)
    await pair.source.sql("select pg_logical_emit_message(true, 'end', '')")
    await Promise.all([source, destination].map((server) => server.sql('postgres', 'checkpoint')))
    const [row] = await pair.source.sql<{ end: string }>('select pg_current_wal_flush_lsn()::text as end')
    const cpuOf = () => Promise.all([source, destination].map(serverCpuSeconds))
    const [sourceBefore = 0, destinationBefore = 0] = await cpuOf()
    const drained = await drain(pair, row?.end ?? '')
    const [sourceAfter = 0, destinationAfter = 0] = await cpuOf()
    const result = {
      ...drained,
      sourceCpuSeconds: sourceAfter - sourceBefore,
      destinationCpuSeconds: destinationAfter - destinationBefore,
    }
    const differences = await compareRows(pair.source, pair.destination)
    if (differences.length > 0) throw new Error(`not the same: ${differences.join('; ')}`)
    return result
  } finally {
    await pair.destination.drop()
    await eventually(
      'the slot to be inactive',
      () =>
        pair.source.sql(
          `select pg_terminate_backend(active_pid) from pg_replication_slots
            where slot_name = 'backlog' and active`,
        ),
      (sessions) => sessions.length === 0,
    )
    await pair.source.sql(
      "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'backlog'",
    )
    await pair.source.drop()
  }
}

/** From the start of the apply loop to the last row on the destination's disk; the start of Bun is not counted. */
async function drainByUs(
  { source, destination }: { source: TestDatabase; destination: TestDatabase },
  end: string,
) {
  const program = join(import.meta.dir, 'apply-backlog.ts')
  const { output, cpuSeconds, peakBytes } = await runMetered([
    process.execPath,
    ...(process.env.BENCH_BUN_FLAGS?.split(' ') ?? []),
    program,
    source.url,
    destination.url,
    end,
  ])
  return { seconds: Number(output), cpuSeconds, peakMegabytes: peakBytes / 1024 ** 2 }
}

async function drainBySubscription(
  { source, destination }: { source: TestDatabase; destination: TestDatabase },
  end: string,
): Promise<Measured> {
  const client = source.connect()
  try {
    await destination.sql(
      `create subscription backlog connection '${connectionStringOf(source)}' publication backlog
         with (copy_data = false, create_slot = false, slot_name = 'backlog', enabled = false)`,
    )
    // With copy_data = false the tables are ready immediately.
    const started = performance.now()
    await destination.sql('alter subscription backlog enable')
    for (;;) {
      const [row] = await client<{ done: boolean }[]>`
        select confirmed_flush_lsn >= ${end}::text::pg_lsn as done
          from pg_replication_slots where slot_name = 'backlog'`
      if (row?.done) break
      await Bun.sleep(20)
    }
    return { seconds: (performance.now() - started) / 1000 }
  } finally {
    await client.end()
    await destination.sql('alter subscription backlog disable')
  }
}
