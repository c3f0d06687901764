import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cluster, majors } from './clusters.ts'
import { compareEverything } from './compare.ts'
import { createKitchenSink, createKitchenSinkRoles } from './kitchen-sink.ts'

// Servers have to start.
setDefaultTimeout(120_000)

const minute = 60_000

describe.each([...majors])('on PostgreSQL %d', (major) => {
  test(
    'two databases made by the same files do not differ',
    async () => {
      const server = await cluster(major)
      await createKitchenSinkRoles(server)
      const [one, other] = await Promise.all([server.createDatabase(), server.createDatabase()])
      for (const database of [one, other]) await createKitchenSink(database, major)
      expect(await compareEverything(one, other)).toEqual([])
      const [row] = await one.sql<{ n: string }>('select count(*) as n from ks.measurements')
      expect(Number(row?.n)).toBe(27399)
      for (const database of [one, other]) await database.drop()
    },
    minute,
  )
})
