// Copies many small tables together: one worker, one transaction, no waiting between them. When one of them fails,
// all of them are copied one by one.
import { Cancelled } from '../postgres/errors.ts'
import type { Counts } from './lane-messages.ts'
import { PartlyCommitted, RunningTask } from './task.ts'

/** A transaction keeps the locks of its tables. */
const mostTables = 50
const mostBytes = 2 * 1024 * 1024
const smallBytes = 256 * 1024

/** Each worker gets several bundles, so that all are busy until the end. */
const bundlesPerWorker = 4

/** The tasks at the head of the queue that are copied together. The largest are first. */
export function takeBundle(queue: RunningTask[], workers: number): RunningTask[] {
  const most = Math.min(mostTables, Math.ceil(queue.length / (workers * bundlesPerWorker)))
  let bytes = 0
  let count = 0
  for (; count < most; count++) {
    const next = queue[count]
    if (!next || !isSmall(next)) break
    bytes += next.task.bytes
    if (count > 0 && bytes > mostBytes) break
  }
  return queue.splice(0, Math.max(1, count))
}

/** Two or more tasks as one task for the workers. `again` gets the tasks that have to be copied one by one. */
export function bundle(tasks: readonly RunningTask[], again: (tasks: readonly RunningTask[]) => void) {
  let each: readonly Counts[] = []
  let startedAt = 0
  const together = new RunningTask({
    title: `${tasks.length} small tables`,
    bytes: tasks.reduce((sum, { task }) => sum + task.bytes, 0),
    parts: [
      {
        kind: 'tables',
        tables: tasks.flatMap(({ task }) =>
          task.parts.flatMap((part) => (part.kind === 'rows' ? [part] : [])),
        ),
      },
    ],
    onStart: () => {
      startedAt = performance.now()
      for (const { task } of tasks) task.onStart()
    },
    onWorker: (worker) => {
      for (const { task } of tasks) task.onWorker?.(worker)
    },
    onProgress() {},
    onTables: (counts) => {
      each = counts
    },
  })
  together.result.then(
    () => {
      const seconds = (performance.now() - startedAt) / 1000 / tasks.length
      for (const [place, task] of tasks.entries()) task.finish({ ...(each[place] as Counts), seconds })
    },
    (error: Error) => {
      for (const task of tasks) task.isSingle = true
      if (!(error instanceof Cancelled || error instanceof PartlyCommitted)) return again(tasks)
      for (const task of tasks) task.reject(error)
    },
  )
  return together
}

function isSmall({ task, isSingle, commitsAtOnce }: RunningTask): boolean {
  const [part] = task.parts
  return !isSingle && commitsAtOnce && task.bytes <= smallBytes && part?.kind === 'rows' && !part.merge
}
