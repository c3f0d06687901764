// A kept transaction is replayed unchanged, without its aborted subtransactions.
import { expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Spill, SpillFailed } from '../../server/replication/stream/spill.ts'

async function contentOf(spill: Spill, xid: number): Promise<string[]> {
  const found: string[] = []
  await spill.transaction(xid).replay(
    (type, bytes, start, end) => found.push(`${type}:${bytes.toString('utf8', start, end)}`),
    () => undefined,
  )
  return found
}

/** Savepoints are nested: rolling back one rolls back those within it. */
const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant('write' as const), length: fc.integer({ min: 0, max: 200 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('savepoint' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('rollback' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
  ),
  { maxLength: 80 },
)

test('any messages and rollbacks, in memory or in a file', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 16, max: 2000 }), async (script, memory) => {
      using spill = new Spill(memory)
      let expected: string[] = []
      const open: { xid: number; length: number; released: number[] }[] = []
      let next = 100
      for (const [index, step] of script.entries()) {
        const current = open.at(-1)?.xid ?? 7
        if (step.do === 'write') {
          const text = `${index}`.padEnd(step.length, 'x')
          const bytes = Buffer.from(`..${text}..`)
          spill.transaction(7).add(current, 73, bytes, 2, bytes.length - 2)
          expected.push(`73:${text}`)
        } else if (step.do === 'savepoint') open.push({ xid: next++, length: expected.length, released: [] })
        else if (step.do === 'release') {
          const released = open.pop()
          if (released) open.at(-1)?.released.push(released.xid, ...released.released)
        } else {
          const aborted = open.pop()
          if (!aborted) continue
          // The server also names those that were released within it.
          for (const xid of [...aborted.released, aborted.xid]) spill.transaction(7).abort(xid)
          expected = expected.slice(0, aborted.length)
        }
      }
      expect(await contentOf(spill, 7)).toEqual(expected)
    }),
  )
})

test('a message that is larger than the memory limit', async () => {
  using spill = new Spill(64)
  const large = Buffer.alloc(100_000, 'a')
  const small = Buffer.from('b')
  spill.transaction(1).add(1, 73, small, 0, 1)
  spill.transaction(1).add(1, 73, large, 0, large.length)
  spill.transaction(1).add(1, 73, small, 0, 1)
  expect((await contentOf(spill, 1)).map((text) => text.length)).toEqual([4, 100_003, 4])
})

test('a directory without space is named, with advice', () => {
  const directory = join(tmpdir(), `no-room-${crypto.randomUUID()}`)
  using spill = new Spill(16, directory)
  const bytes = Buffer.alloc(1000)
  const fill = () => {
    for (let count = 0; count < 3; count++) spill.transaction(1).add(1, 73, bytes, 0, bytes.length)
  }
  expect(fill).toThrow(SpillFailed)
  expect(fill).toThrow(`${directory} has no space for the large transactions`)
})

test('no file is left', () => {
  const directory = mkdtempSync(join(tmpdir(), 'spill-test-'))
  {
    using spill = new Spill(16, directory)
    const bytes = Buffer.alloc(1000)
    for (let count = 0; count < 10; count++) spill.transaction(1).add(1, 73, bytes, 0, bytes.length)
    expect(spill.bytes).toBeGreaterThan(10_000)
  }
  expect(readdirSync(directory)).toEqual([])
  rmSync(directory, { recursive: true })
})
