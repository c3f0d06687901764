// The state directory, with several processes at it.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { within } from './support/eventually.ts'
import { casesOf } from './support/long.ts'
import { scratchDirectory } from './support/scratch.ts'

const open = `
  const { RunStore } = await import(${JSON.stringify(join(import.meta.dir, '../server/store/runs.ts'))})
  new RunStore(process.argv.at(-1))[Symbol.dispose]()`

test('processes that make the same state directory at the same time do not stand in each other’s way', async () => {
  for (const round of casesOf([1], [2, 3])) {
    const directory = join(scratchDirectory(), `made-at-once-${round}`)
    const children = Array.from({ length: 8 }, () =>
      Bun.spawn([process.execPath, '-e', open, directory], { stdout: 'pipe', stderr: 'pipe' }),
    )
    const ends = await Promise.all(
      children.map(async (child) => [
        await within('the end of a process', child.exited),
        await new Response(child.stderr).text(),
      ]),
    )
    expect(ends).toEqual(children.map(() => [0, '']))
  }
})
