// After faults around a switchover, the servers are in the state that the commands report.
// The long version is `bun tools/torture/main.ts --cutovers 100`.
import { expect, test } from 'bun:test'
import { casesOf } from '../../tools/long.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'
import { cutoverRound } from '../../tools/torture/cutovers/round.ts'

const logical = { settings: { wal_level: 'logical', max_prepared_transactions: '4' } }

for (const [seed, from, to] of casesOf<[number, Major, Major]>(
  [
    [1, 14, 17],
    [2, 18, 15],
  ],
  Array.from({ length: 12 }, (_, index) => [3 + index, index % 2 ? 12 : 18, index % 3 ? 18 : 14]),
)) {
  test(`a switchover from ${from} to ${to} with faults around it, seed ${seed}`, async () => {
    const source = await cluster(from, logical)
    const { happened, falseClaims } = await cutoverRound({
      seed,
      source,
      destination: await cluster(to, logical),
    })
    expect({ happened, falseClaims }).toEqual({ happened, falseClaims: [] })
  })
}
