// Small tables are copied together, but never so many that a worker has nothing to do.
import { expect, test } from 'bun:test'
import { bundle, takeBundle } from '../../server/copy/bundle.ts'
import { type CopyTask, RunningTask } from '../../server/copy/task.ts'

function task(bytes: number, rest: Partial<CopyTask> = {}): RunningTask {
  return new RunningTask({
    bytes,
    parts: [{ kind: 'rows', copyOut: 'copy t to stdout', copyIn: 'copy t from stdin', format: 'text' }],
    onStart() {},
    onProgress() {},
    ...rest,
  })
}

/** A free worker takes the next. Each byte takes some time, and a bundle a little more. */
function finishTimes(queue: RunningTask[], workers: number): number[] {
  const free = Array.from({ length: workers }, () => 0)
  while (queue.length > 0) {
    const next = free.indexOf(Math.min(...free))
    const work = takeBundle(queue, workers).reduce((sum, one) => sum + one.task.bytes, 100)
    free[next] = (free[next] as number) + work
  }
  return free
}

test.each([1, 2, 4])('%d workers are busy until the end, also beside a large table', (workers) => {
  const queue = [task(5_000_000), ...Array.from({ length: 1000 }, () => task(16_384))]
  const total = queue.reduce((sum, one) => sum + one.task.bytes, 0)
  const times = finishTimes(queue, workers)
  expect(Math.max(...times) - Math.min(...times)).toBeLessThan((total / workers) * 0.02)
})

test('large tables, and those in parts, merged or recorded, are copied alone', () => {
  const [part] = task(1).task.parts
  if (part?.kind !== 'rows') throw new Error('it has rows')
  const single: RunningTask[] = [
    task(1_000_000),
    task(10, { parts: [part, part] }),
    task(10, { parts: [{ ...part, merge: {} as never }] }),
    task(10, { onBeforeCommit() {} }),
  ]
  for (const one of single) {
    const queue = [one, ...Array.from({ length: 100 }, () => task(10))]
    expect(takeBundle(queue, 1)).toEqual([one])
  }
})

test('a bundle that fails is copied one by one', async () => {
  const tasks = [task(1), task(2)]
  const again = Promise.withResolvers<readonly RunningTask[]>()
  const together = bundle(tasks, again.resolve)
  together.reject(new Error('one of them'))
  expect(await again.promise).toEqual(tasks)
  expect(takeBundle([...tasks], 1)).toHaveLength(1)
})
