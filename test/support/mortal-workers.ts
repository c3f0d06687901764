// Worker threads that a test can end from inside, as an uncaught error or an exit does.
import { join } from 'node:path'

export type Death = 'throw' | 'exit'

export interface MortalWorkers extends Disposable {
  /** Running ones, in the order of their start. */
  readonly all: Worker[]
  end(worker: Worker | undefined, how: Death): void
}

/** All that are started from here on. */
export function mortalWorkers(): MortalWorkers {
  const real = globalThis.Worker
  const all: Worker[] = []
  class Mortal extends real {
    constructor(url: string | URL, options: WorkerOptions = {}) {
      super(url, { ...options, preload: [join(import.meta.dir, 'mortal.preload.ts')] } as WorkerOptions)
      all.push(this)
    }
  }
  globalThis.Worker = Mortal
  return {
    all,
    end: (worker, how) => worker?.postMessage({ type: how }),
    [Symbol.dispose]() {
      globalThis.Worker = real
    },
  }
}
