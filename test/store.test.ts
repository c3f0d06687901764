// The state directory, with several processes at it.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { scratchDirectory } from './support/scratch.ts'

setDefaultTimeout(60_000)

const open = `
  const { RunStore } = await import(${JSON.stringify(join(import.meta.dir, '../server/store/runs.ts'))})
  new RunStore(process.argv.at(-1))[Symbol.dispose]()`

test('processes that make the same state directory at the same time do not stand in each other’s way', async () => {
  for (let round = 1; round <= 3; round++) {
    const directory = join(scratchDirectory(), `made-at-once-${round}`)
    const children = Array.from({ length: 8 }, () =>
      Bun.spawn([process.execPath, '-e', open, directory], { stdout: 'pipe', stderr: 'pipe' }),
    )
    const ends = await Promise.all(
      children.map(async (child) => [await child.exited, await new Response(child.stderr).text()]),
    )
    expect(ends).toEqual(children.map(() => [0, '']))
  }
})
