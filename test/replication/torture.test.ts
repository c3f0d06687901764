// After any kill at any moment no change is missing and none is applied twice. tools/torture/main.ts is the long
// version.
import { expect, test } from 'bun:test'
import type { PositionKind } from '../../server/replication/apply/position.ts'
import { casesOf, isLong } from '../../tools/long.ts'
import type { Major } from '../../tools/servers/clusters.ts'
import { kinds, torture } from '../../tools/torture/torture.ts'

const seed = Number(process.env.TORTURE_SEED ?? 1)
/** One kill of each kind, and more in a long run. */
const kills = Number(process.env.TORTURE_KILLS ?? kinds.length + (isLong ? 3 : 0))

for (const [from, to, position] of casesOf<[Major, Major, PositionKind]>(
  [[14, 17, 'origin']],
  [
    [18, 18, 'table'],
    [12, 18, 'origin'],
  ],
)) {
  test(`from ${from} to ${to}, position in ${position}: ${kills} kills, seed ${seed}`, async () => {
    const result = await torture({ seed, from, to, kills, position })
    expect(result.problems).toEqual([])
    expect(result.differences).toEqual([])
    expect(result.committed).toBeGreaterThan(0)
  })
}
