// `bun tools/bench/switchover.ts`: how long a switchover takes when rows are written until its start, with and without
// the comparison while following. docs/performance.md has the results.
import { Command } from 'commander'
import { move } from '../moves/follow-run.ts'
import type { Cluster } from '../servers/clusters.ts'
import { majorFlag, numbersOf, withServers } from './setup.ts'
import { pgbench } from './workloads.ts'

interface Flags {
  major: string
  scales: number[]
  rate: number
  counts: boolean
}

const flags = new Command('bench-switchover')
  .description('the window of a switchover, by the size of the database')
  .addOption(majorFlag())
  .option('--scales <list>', "pgbench's scales", numbersOf, [7, 70])
  .option('--rate <number>', 'updates per second until the switchover', Number, 200)
  .option('--counts', 'without --verify', false)
  .parse()
  .opts<Flags>()

const settings = { wal_level: 'logical', shared_buffers: '512MB', max_wal_size: '8GB' }

/** A large database on a busy machine takes long; the deadline is for a run that hangs. */
async function reached(holds: () => boolean) {
  const deadline = performance.now() + 1_800_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('half an hour was not enough')
    await Bun.sleep(50)
  }
}

await withServers(flags.major, settings, bench)

async function bench(...servers: Cluster[]) {
  for (const scale of flags.scales) {
    for (const verifyWhileFollowing of [false, true]) {
      const [source, destination] = await Promise.all(
        servers.map((server) => server.createDatabase(`s${scale}_${verifyWhileFollowing}`)),
      )
      if (!source || !destination) throw new Error('two servers were started')
      const workload = pgbench(scale)
      await source.sql(workload.fill)
      await source.sql('vacuum analyze')
      const [{ bytes } = { bytes: '' }] = await source.sql<{ bytes: string }>(
        'select pg_size_pretty(pg_database_size(current_database())) as bytes',
      )
      const ends = { source, destination }
      await using moving = move(ends, { verifyWhileFollowing, insertsOnly: ['public.pgbench_history'] })
      await reached(() => moving.run.view().stage === 'streaming')
      let writing = true
      const written = { rows: 0 }
      const writer = (async () => {
        const client = source.connect()
        while (writing) {
          const aid = 1 + Math.floor(Math.random() * scale * 100_000)
          await client.unsafe(`update pgbench_accounts set abalance = abalance + 1 where aid = ${aid}`)
          written.rows++
          await Bun.sleep(1000 / flags.rate)
        }
        await client.end()
      })()
      const started = performance.now()
      if (verifyWhileFollowing) {
        await reached(() => {
          const { verification } = moving.run.view()
          return verification !== undefined && verification.checked === verification.tables
        })
      }
      const before = (performance.now() - started) / 1000
      await Bun.sleep(10_000)
      const view = moving.run.view().verification
      writing = false
      await writer
      let comparing = 0
      const looking = setInterval(() => {
        if (moving.run.view().switchover?.step === 'compare') comparing ||= performance.now()
      }, 2)
      const { report, error } = await moving.switchover({ read_only_source: true, verify: !flags.counts })
      const compared = (performance.now() - comparing) / 1000
      clearInterval(looking)
      if (!report) throw new Error(error?.message)
      const total = (Date.parse(report.finished_at) - Date.parse(report.started_at)) / 1000
      const again = report.tables.reduce((sum, { before }) => sum + (before?.again ?? 0), 0)
      console.log(
        `${bytes}, ${verifyWhileFollowing ? `compared before in ${before.toFixed(1)} s` : 'not compared before'}, ` +
          `${written.rows} rows written: window ${total.toFixed(2)} s, of it comparing ${compared.toFixed(2)} s, ` +
          `${again} keys again (${view?.window_seconds?.toFixed(2) ?? '-'} s expected)`,
      )
    }
  }
}
