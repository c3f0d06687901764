// What is written on the source while it is followed is on the destination in the end, to the last bit.
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Follower } from '../../server/replication/follow.ts'
import type { FollowEvent } from '../../shared/follow.ts'
import { cluster, type Major } from '../support/clusters.ts'
import { compareRows } from '../support/compare.ts'
import { endOf, link, type Pair } from '../support/following.ts'
import { startWorkload, workloadTables, workloadTypes } from '../support/workload.ts'

// Servers have to start.
setDefaultTimeout(120_000)

const seed = Number(process.env.WORKLOAD_SEED ?? 1)
const seconds = Number(process.env.WORKLOAD_SECONDS ?? 4)

/** Transactions are sent before they are committed as soon as they are no longer tiny. */
const eager = (major: Major) => ({ settings: { ...(major >= 13 && { logical_decoding_work_mem: '64kB' }) } })

async function pairOf(from: Major, to: Major, exotic: boolean): Promise<Pair> {
  const source = await (await cluster(from, eager(from))).createDatabase()
  const destination = await (await cluster(to, eager(to))).createDatabase()
  for (const [side, database] of [
    ['source', source],
    ['destination', destination],
  ] as const) {
    if (exotic) await database.sql(workloadTypes)
    await database.sql(workloadTables(side, exotic))
  }
  return { source, destination }
}

describe('a workload of many kinds', () => {
  for (const [from, to] of [
    [12, 18],
    [14, 17],
    [18, 18],
    [18, 14],
  ] as const) {
    for (const exotic of [false, true]) {
      const form = !exotic && from >= 14 ? 'binary' : 'text'
      test(`from ${from} to ${to}, values as ${form}${exotic ? ', types of the database' : ''}`, async () => {
        const pair = await pairOf(from, to, exotic)
        const events: FollowEvent[] = []
        const options = await link(pair, { viaRoot: exotic && from >= 13 })
        const follower = await Follower.start({ ...options, onEvent: (event) => events.push(event) })
        const workload = startWorkload(pair.source, { seed, exotic })
        await Bun.sleep(seconds * 1000)
        await workload.stop()
        const end = await endOf(pair.source)
        await Promise.race([
          follower.stopAt(end),
          new Promise((_, reject) =>
            setInterval(
              () => follower.status.conflict && reject(new Error(follower.status.conflict.message)),
              100,
            ),
          ),
        ])
        expect(await compareRows(pair.source, pair.destination)).toEqual([])
        expect(workload.committed).toBeGreaterThan(50)
        const connected = events.filter((event) => event.type === 'follow_connected')
        expect(connected.map(({ binary }) => binary)).toEqual([form === 'binary'])
      })
    }
  }
})
