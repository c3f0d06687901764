// Tasks that no worker has yet. The largest goes first; small ones go together.
import { bundle, takeBundle } from './bundle.ts'
import type { RunningTask } from './task.ts'

export class TaskQueue {
  #tasks: RunningTask[] = []

  constructor(
    /** A rate is kept by looking at each row's bytes, which nobody does in a bundle. */
    readonly mayBundle: boolean,
    /** Gets the tasks of a bundle that failed: they have to be copied one by one. */
    readonly onAgain: (tasks: readonly RunningTask[]) => void,
  ) {}

  get size(): number {
    return this.#tasks.length
  }

  /** Mostly they come in their order, the largest first. */
  add(task: RunningTask) {
    const tasks = this.#tasks
    let place = tasks.length
    while (place > 0 && (tasks[place - 1] as RunningTask).task.bytes < task.task.bytes) place--
    tasks.splice(place, 0, task)
  }

  /** A table, or many small ones that count as one. */
  next(workers: number): RunningTask | undefined {
    if (this.#tasks.length === 0) return undefined
    const [first, ...others] = this.mayBundle ? takeBundle(this.#tasks, workers) : this.#tasks.splice(0, 1)
    return first && others.length > 0 ? bundle([first, ...others], this.onAgain) : first
  }

  rejectAll(error: Error) {
    for (const task of this.#tasks.splice(0)) task.reject(error)
  }
}
