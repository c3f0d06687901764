// Tasks that no worker has yet. The largest goes first; small ones are copied together.
import { bundle, takeBundle } from './bundle.ts'
import type { RunningTask } from './task.ts'

export class TaskQueue {
  #tasks: RunningTask[] = []

  constructor(
    /** A rate limit counts the bytes of each row, which a bundle does not do. */
    readonly mayBundle: boolean,
    /** Gets the tasks of a bundle that failed, to be copied one by one. */
    readonly onAgain: (tasks: readonly RunningTask[]) => void,
  ) {}

  get size(): number {
    return this.#tasks.length
  }

  /** Tasks are mostly added in their order, the largest first. */
  add(task: RunningTask) {
    const tasks = this.#tasks
    let place = tasks.length
    while (place > 0 && (tasks[place - 1] as RunningTask).task.bytes < task.task.bytes) place--
    tasks.splice(place, 0, task)
  }

  /** A table, or a bundle of small ones. */
  next(workers: number): RunningTask | undefined {
    if (this.#tasks.length === 0) return undefined
    const [first, ...others] = this.mayBundle ? takeBundle(this.#tasks, workers) : this.#tasks.splice(0, 1)
    return first && others.length > 0 ? bundle([first, ...others], this.onAgain) : first
  }

  rejectAll(error: Error) {
    for (const task of this.#tasks.splice(0)) task.reject(error)
  }
}
