import { describe, expect, test } from 'bun:test'
import { compareEverything } from '../../tools/comparison/compare.ts'
import { casesOf } from '../../tools/long.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'
import { createKitchenSink, createKitchenSinkRoles } from '../support/kitchen-sink.ts'

// The newest reads all files, the oldest the fewest.
describe.each(casesOf<Major>([12, 18], [14, 15, 17]))('on PostgreSQL %d', (major) => {
  test('two databases made by the same files do not differ', async () => {
    const server = await cluster(major)
    await createKitchenSinkRoles(server)
    const [one, other] = await Promise.all([server.createDatabase(), server.createDatabase()])
    await Promise.all([one, other].map((database) => createKitchenSink(database, major)))
    expect(await compareEverything(one, other)).toEqual([])
    const [row] = await one.sql<{ n: string }>('select count(*) as n from ks.measurements')
    expect(Number(row?.n)).toBe(27399)
    for (const database of [one, other]) await database.drop()
  })
})
