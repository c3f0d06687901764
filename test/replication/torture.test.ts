// Whatever is killed, and whenever: afterwards no change is missing and none is there twice.
// The long version is scripts/torture.ts.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { torture } from '../support/torture.ts'

// Servers have to start, and to recover.
setDefaultTimeout(300_000)

const seed = Number(process.env.TORTURE_SEED ?? 1)
const kills = Number(process.env.TORTURE_KILLS ?? 5)

for (const [from, to, position] of [
  [14, 17, 'origin'],
  [18, 18, 'table'],
] as const) {
  test(`from ${from} to ${to}, position in ${position}: ${kills} kills, seed ${seed}`, async () => {
    const result = await torture({ seed, from, to, kills, position })
    expect(result.problems).toEqual([])
    expect(result.differences).toEqual([])
    expect(result.committed).toBeGreaterThan(0)
  })
}
