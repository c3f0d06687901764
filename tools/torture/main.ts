// `bun tools/torture/main.ts --kills 100`: servers, sessions and the process itself are killed while a workload is
// followed, in rounds with a seed each; after each round both sides must be equal.
// `bun tools/torture/main.ts --cutovers 100`: users and programs act at random around a switchover; everything that
// the commands claim must be true on the servers.
import { Command } from 'commander'
import { type Major, startCluster, stopAllClusters } from '../servers/clusters.ts'
import { events } from './cutovers/events.ts'
import { cutoverRound } from './cutovers/round.ts'
import { type Kill, kinds, torture } from './torture.ts'

const flags = new Command('torture')
  .description('break what can be broken while changes are followed')
  .option('--kills <count>', 'in all', Number, 100)
  .option('--per-round <count>', 'in each round', Number, 10)
  .option('--cutovers <count>', 'instead: so many switchovers', Number)
  .option('--seed <number>', 'of the first round; each round has the next', Number, 1)
  .option('--only <kinds>', `some of ${kinds.join(', ')}; or of the events around a switchover`, (text) =>
    text.split(','),
  )
  .parse()
  .opts<{ kills: number; perRound: number; cutovers?: number; seed: number; only?: string[] }>()

const pairs: [Major, Major][] = [
  [12, 18],
  [14, 17],
  [18, 18],
  [18, 14],
]
const counted = new Map<string, number>()
let failed = 0
try {
  if (flags.cutovers !== undefined) await cutovers(flags.cutovers)
  else await kill(flags.kills)
} finally {
  await stopAllClusters()
}
process.exit(failed > 0 ? 1 : 0)

async function kill(all: number) {
  let total = 0
  for (let seed = flags.seed; total < all; seed++) {
    const kills = Math.min(flags.perRound, all - total)
    if (!(await round(seed, kills))) failed++
    total += kills
  }
  console.log(`${total} kills (${shown(counted)}), ${failed} rounds failed`)
}

/** The servers of each pair of versions are shared: a round has its own databases. */
async function cutovers(count: number) {
  const unknown = flags.only?.filter((name) => !(name in events)) ?? []
  if (unknown.length > 0) throw new Error(`there is no event ${unknown.join(', ')}`)
  const settings = { wal_level: 'logical', max_prepared_transactions: '4' }
  const majors = [...new Set(pairs.slice(0, count).flat())]
  const made = await Promise.all(majors.map((major) => startCluster({ major, settings })))
  const servers = new Map(made.map((server) => [server.major, server]))
  for (let seed = flags.seed; seed < flags.seed + count; seed++) {
    const [from, to] = pairs[(seed - 1) % pairs.length] ?? [18, 18]
    const [source, destination] = [servers.get(from), servers.get(to)]
    if (!source || !destination) throw new Error(`no server ${from} or ${to}`)
    const only = flags.only ? { only: flags.only } : {}
    const { happened, outcome, said, reported, falseClaims } = await cutoverRound({
      ...{ seed, source, destination },
      ...only,
    })
    counted.set(outcome, (counted.get(outcome) ?? 0) + 1)
    if (reported.length > 0) counted.set('with a report', (counted.get('with a report') ?? 0) + 1)
    console.log(
      `seed ${seed}, ${from} to ${to}: ${outcome}${falseClaims.length > 0 ? ', FALSE CLAIMS' : ''}; ${happened.join(', ')}`,
    )
    if (outcome !== 'switched over') console.log(`  ${said}`)
    for (const line of reported) console.log(`  reported: ${line}`)
    for (const line of falseClaims) console.log(`  FALSE: ${line}`)
    if (falseClaims.length > 0) failed++
  }
  console.log(`${count} switchovers (${shown(counted)}), ${failed} with false claims`)
}

/** Whether both sides are equal afterwards. The seed decides everything. */
async function round(seed: number, kills: number): Promise<boolean> {
  const [from, to] = pairs[(seed - 1) % pairs.length] ?? [18, 18]
  const position = seed % 3 === 0 ? 'table' : 'origin'
  const what = `seed ${seed}, ${from} to ${to}, position in ${position}`
  try {
    const only = flags.only ? { only: flags.only as Kill[] } : {}
    const result = await torture({ seed, from, to, kills, position, ...only })
    const struck = Object.entries(result.kills).filter(([, count]) => count > 0)
    for (const [kind, count] of struck) counted.set(kind, (counted.get(kind) ?? 0) + count)
    const good = result.differences.length === 0 && result.problems.length === 0
    console.log(
      `${what}: ${good ? 'equal' : 'DIFFERENT'} after ${kills} kills (${shown(struck)}), ` +
        `${result.committed} transactions`,
    )
    for (const line of [...result.problems, ...result.differences]) console.log(`  ${line}`)
    return good
  } catch (error) {
    console.log(`${what}: FAILED: ${(error as Error).stack}`)
    return false
  }
}

function shown(counts: Iterable<[string, number]>): string {
  return [...counts].map(([kind, count]) => `${kind} ${count}`).join(', ')
}
