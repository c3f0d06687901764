// Everything that is written on the source while it is followed is on the destination in the end, bit by bit.
import { describe, expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import type { FollowEvent } from '../../shared/follow.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { casesOf, isLong } from '../../tools/long.ts'
import { arrival, link, type Pair } from '../../tools/moves/following.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'
import { startWorkload, workloadTables, workloadTypes } from '../../tools/torture/workload.ts'

const seed = Number(process.env.WORKLOAD_SEED ?? 1)
/** Statements that are committed while the tables are followed. */
const transactions = Number(process.env.WORKLOAD_TRANSACTIONS ?? (isLong ? 1200 : 400))

/** All but the smallest transactions are sent before they are committed. */
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
  for (const [from, to, exotic] of casesOf<[Major, Major, boolean]>(
    [
      [12, 18, true],
      [14, 17, false],
      [18, 14, true],
    ],
    [
      [12, 18, false],
      [14, 17, true],
      [18, 14, false],
      [18, 18, false],
      [18, 18, true],
    ],
  )) {
    const form = !exotic && from >= 14 ? 'binary' : 'text'
    test(`from ${from} to ${to}, values as ${form}${exotic ? ', types of the database' : ''}`, async () => {
      const pair = await pairOf(from, to, exotic)
      const events: FollowEvent[] = []
      const options = await link(pair, { viaRoot: exotic && from >= 13, flushAtCommit: false })
      const follower = await Follower.start({ ...options, onEvent: (event) => events.push(event) })
      await using workload = startWorkload(pair.source, { seed, exotic })
      await workload.commits(transactions)
      await workload.stop()
      await arrival(follower, pair.source)
      expect(await compareRows(pair.source, pair.destination)).toEqual([])
      const connected = events.filter((event) => event.type === 'follow_connected')
      expect(connected.map(({ binary }) => binary)).toEqual([form === 'binary'])
    })
  }
})
