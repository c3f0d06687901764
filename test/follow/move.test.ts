// A database that is written to all the time is copied, followed and handed over, and nothing is missing.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { cluster, type Major } from '../support/clusters.ts'
import { compareRows } from '../support/compare.ts'
import { isStreaming, move } from '../support/follow-run.ts'
import { startWorkload, workloadTables, workloadTypes } from '../support/workload.ts'

// Servers have to start.
setDefaultTimeout(120_000)

const logical = { settings: { wal_level: 'logical' } }

const pairs: [Major, Major][] = [
  [12, 18],
  [14, 17],
  [18, 18],
  [18, 14],
]

for (const [from, to] of pairs) {
  test(`from ${from} to ${to}: through copy, catch-up and switchover, back again, and cleaned up`, async () => {
    const source = await (await cluster(from, logical)).createDatabase()
    const destination = await (await cluster(to, logical)).createDatabase()
    await source.sql(workloadTypes)
    await source.sql(workloadTables('source', true))
    const workload = startWorkload(source, { seed: from * 100 + to, exotic: true, truncates: false })
    await Bun.sleep(500)
    await using moving = move({ source, destination })
    await moving.until(({ stage }) => stage === 'catchup' || stage === 'streaming')
    await Bun.sleep(500)
    await moving.restart()
    await Bun.sleep(500)
    // Until then it writes more than anybody could apply.
    await workload.stop()
    await moving.until(isStreaming)
    const there = await moving.switchover({ keep_reverse: true })
    expect(there.error).toBeUndefined()
    expect(there.report?.sentinel.proof).toBe(from >= 14 ? 'message' : 'position')
    expect(there.report?.tables.every(({ equal }) => equal)).toBe(true)
    expect(await differences(source, destination)).toEqual([])

    const backload = startWorkload(destination, { seed: from + to, exotic: true, truncates: false })
    await Bun.sleep(500)
    await backload.stop()
    const back = await moving.switchover({ back: true })
    expect(back.error).toBeUndefined()
    expect(await differences(destination, source)).toEqual([])
    expect((await moving.run.done).status).toBe('switched_over')

    expect((await moving.cleanUp()).length).toBeGreaterThan(0)
    for (const side of [source, destination]) {
      expect(
        await side.sql(`
          select slot_name as name from pg_replication_slots where database = current_database()
          union all select pubname from pg_publication
          union all select nspname from pg_namespace where nspname = 'pgtrek'`),
      ).toEqual([])
    }
  })
}

async function differences(...[one, other]: Parameters<typeof compareRows>): Promise<string[]> {
  return await compareRows(one, other)
}
