import { describe, expect, test } from 'bun:test'
import { cluster, type Major } from './clusters.ts'
import { compareEverything } from './compare.ts'
import { createKitchenSink, createKitchenSinkRoles } from './kitchen-sink.ts'
import { casesOf } from './long.ts'

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
