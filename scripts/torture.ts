// `bun scripts/torture.ts --kills 100`: servers, sessions and our own process are killed while a workload is
// followed, in rounds with seeds of their own; after each round both sides must be equal.
import { Command } from 'commander'
import { type Major, stopAllClusters } from '../test/support/clusters.ts'
import { type Kill, kinds, torture } from '../test/support/torture.ts'

const flags = new Command('torture')
  .description('kill what can be killed while changes are followed')
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
let total = 0
let failed = 0
try {
  for (let round = 0; total < flags.kills; round++) {
    const [from, to] = pairs[round % pairs.length] ?? [18, 18]
    const seed = flags.seed + round
    const kills = Math.min(flags.perRound, flags.kills - total)
    const position = round % 3 === 2 ? 'table' : 'origin'
    const only = flags.only ? { only: flags.only } : {}
    const result = await torture({ seed, from, to, kills, position, ...only })
    total += kills
    const good = result.differences.length === 0 && result.problems.length === 0
    if (!good) failed++
    const counts = Object.entries(result.kills).map(([kind, count]) => `${kind} ${count}`)
    console.log(
      `seed ${seed}, ${from} to ${to}, position in ${position}: ${good ? 'equal' : 'DIFFERENT'} after ` +
        `${kills} kills (${counts.join(', ')}), ${result.committed} transactions`,
    )
    for (const line of [...result.problems, ...result.differences]) console.log(`  ${line}`)
  }
  console.log(`${total} kills, ${failed} rounds failed`)
} finally {
  await stopAllClusters()
}
process.exit(failed > 0 ? 1 : 0)
