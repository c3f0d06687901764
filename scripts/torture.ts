// `bun scripts/torture.ts --kills 100`: servers, sessions and our own process are killed while a workload is
// followed, in rounds with seeds of their own; after each round both sides must be equal.
import { Command } from 'commander'
import { type Major, stopAllClusters } from '../test/support/clusters.ts'
import { type Kill, kinds, torture } from '../test/support/torture.ts'

const flags = new Command('torture')
  .description('break what can be broken while changes are followed')
  .option('--kills <count>', 'in all', Number, 100)
  .option('--per-round <count>', 'in each round', Number, 10)
  .option('--seed <number>', 'of the first round; each round has the next', Number, 1)
  .option('--only <kinds>', `some of ${kinds.join(', ')}`, (text: string) => text.split(',') as Kill[])
  .parse()
  .opts<{ kills: number; perRound: number; seed: number; only?: Kill[] }>()

const pairs: [Major, Major][] = [
  [12, 18],
  [14, 17],
  [18, 18],
  [18, 14],
]
const counted = new Map<string, number>()
let total = 0
let failed = 0
try {
  for (let seed = flags.seed; total < flags.kills; seed++) {
    const kills = Math.min(flags.perRound, flags.kills - total)
    if (!(await round(seed, kills))) failed++
    total += kills
  }
  console.log(`${total} kills (${shown(counted)}), ${failed} rounds failed`)
} finally {
  await stopAllClusters()
}
process.exit(failed > 0 ? 1 : 0)

/** Whether both sides are equal afterwards. All there is to choose is in the seed. */
async function round(seed: number, kills: number): Promise<boolean> {
  const [from, to] = pairs[(seed - 1) % pairs.length] ?? [18, 18]
  const position = seed % 3 === 0 ? 'table' : 'origin'
  const what = `seed ${seed}, ${from} to ${to}, position in ${position}`
  try {
    const only = flags.only ? { only: flags.only } : {}
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
