// A complete clone has the same objects and rows as its source.
import { expect, test } from 'bun:test'
import { compareData } from '../../server/compare/data.ts'
import { compareSchema } from '../../server/compare/schema.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { casesOf } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { createKitchenSink, createKitchenSinkRoles } from '../support/kitchen-sink.ts'

function ends(source: TestDatabase, destination: TestDatabase) {
  return {
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    signal: new AbortController().signal,
  }
}

type Case = [from: Major, to: Major, normalised: number]

const usual: Case[] = [
  [12, 18, 4],
  [14, 17, 2],
]
const others: Case[] = [
  [17, 18, 0],
  [18, 18, 0],
]

test.each(casesOf(usual, others))('from %d to %d, and back', async (from, to, normalised) => {
  const [one, other] = [await cluster(from), await cluster(to)]
  await createKitchenSinkRoles(one)
  await createKitchenSinkRoles(other)
  const [source, destination] = [await one.createDatabase(), await other.createDatabase()]
  await createKitchenSink(source, from)
  expect((await clone(source, destination)).failures).toEqual([])

  const forth = await compareSchema(ends(source, destination))
  expect(forth.differences).toEqual([])
  expect(forth.status).toBe('same')
  expect(forth.compared).toBeGreaterThan(300)
  expect(forth.normalised).toHaveLength(normalised)
  const back = await compareSchema(ends(destination, source))
  expect(back.differences).toEqual([])

  const { status, tables, sequences, large_objects: objects } = await compareData(ends(source, destination))
  expect(tables.filter((table) => table.status !== 'same')).toEqual([])
  expect(sequences?.differences).toEqual([])
  expect(objects?.objects).toEqual([])
  expect(status).toBe('same')
})
