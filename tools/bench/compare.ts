// `bun tools/bench/compare.ts`: what comparing the rows of two databases costs, next to a hash that psql computes on
// both servers. docs/performance.md has the results.
import { join } from 'node:path'
import { Command } from 'commander'
import type { Cluster } from '../servers/clusters.ts'
import { describeCost, median, tableRow } from './figures.ts'
import { runMetered } from './metered.ts'
import { clientDirectory, pgtrekCommand } from './programs.ts'
import { majorFlag, withServers } from './setup.ts'
import { mixed, pgbench } from './workloads.ts'

interface Flags {
  major: string
  scale: number
  mixedRows: number
  rounds: number
  workers: string
}

const flags = new Command('bench-compare')
  .description('measure pgtrek compare data against psql')
  .addOption(majorFlag())
  .option('--scale <number>', 'pgbench scale: 100,000 accounts each', Number, 50)
  .option('--mixed-rows <count>', 'rows of the mixed table', Number, 500_000)
  .option('--rounds <count>', 'how often everything is measured', Number, 3)
  .option('--workers <count>', 'sessions of pgtrek on each server', '0')
  .parse()
  .opts<Flags>()

await withServers(flags.major, { shared_buffers: '1GB', max_wal_size: '16GB' }, bench)

async function bench(...servers: Cluster[]) {
  const psql = join(clientDirectory(Number(flags.major)) ?? '', 'psql')
  for (const workload of [pgbench(flags.scale), mixed(flags.mixedRows)]) {
    const urls: string[] = []
    for (const server of servers) {
      const database = await server.createDatabase(workload.name)
      await database.sql(workload.fill)
      await database.sql('vacuum analyze')
      urls.push(database.url)
    }
    const [source = '', destination = ''] = urls
    const query = `select count(*), sum(hashtextextended(t::text, 0)) from ${workload.bigTable} t`
    // Both at the same time, since that is what pgtrek does.
    const both = '"$0" -Xqc "$1" "$2" & "$0" -Xqc "$1" "$3" && wait $!'
    const compare = ['compare', 'data', '--source', source, '--dest', destination, '--json', '--quiet']
    const table = ['--include', workload.bigTable ?? '', '--workers', flags.workers]
    const contenders: Record<string, string[]> = {
      psql: ['sh', '-c', both, psql, query, source, destination],
      'psql, no parallel query': [
        ...['env', 'PGOPTIONS=-c max_parallel_workers_per_gather=0'],
        ...['sh', '-c', both, psql, query, source, destination],
      ],
      pgtrek: [...pgtrekCommand(), ...compare, ...table],
      'pgtrek --fast': [...pgtrekCommand(), ...compare, ...table, '--fast'],
    }
    await measure(workload.name, contenders)
    await servers[1]?.sql(workload.name, `delete from ${workload.bigTable} where ctid = '(3,3)'`)
    // Exit code 1 means that the rows differ.
    const drill = [...pgtrekCommand(), ...compare, ...table, '--drill']
    await measure(`${workload.name}, one row missing`, {
      'pgtrek --drill': ['sh', '-c', '"$@" || test $? = 1', '-', ...drill],
    })
    for (const server of servers) await server.database(workload.name).drop()
  }
}

async function measure(workload: string, contenders: Record<string, string[]>) {
  const times = new Map<string, number[]>()
  for (let round = 0; round <= flags.rounds; round++) {
    for (const [name, command] of Object.entries(contenders)) {
      const cost = await runMetered(command)
      console.error(`round ${round}, ${workload}, ${name}: ${describeCost(cost)}`)
      // Round 0 fills the servers' caches.
      if (round > 0) times.set(name, [...(times.get(name) ?? []), cost.seconds])
    }
  }
  for (const [name, seconds] of times) {
    console.log(tableRow([workload, name, `${median(seconds).toFixed(2)} s`]))
  }
}
