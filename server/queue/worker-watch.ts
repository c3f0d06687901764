// The workers that take jobs of a queue, as the coordinator of a run sees and reports them.
import type { WorkerView } from '../../shared/worker.ts'
import type { CopierWork } from '../copy/task.ts'
import type { Ledger } from './ledger.ts'

const firstReminderMs = 2000
const remindEveryMs = 30_000

export class WorkerWatch {
  #workers: WorkerView[] = []
  #remindAt: number | undefined

  constructor(
    readonly ledger: Ledger,
    readonly queueName: string,
    /** What a worker has to be started with besides the queue. */
    readonly mapping: string | undefined,
    readonly work: Pick<CopierWork, 'onLog' | 'onWarning' | 'onWorkers'>,
  ) {}

  /** Number of jobs that all of them copy at the same time. */
  get lanes(): number {
    return this.#workers.reduce((sum, { concurrency }) => sum + concurrency, 0)
  }

  async look() {
    const { onLog, onWarning, onWorkers } = this.work
    this.#remindAt ??= performance.now() + firstReminderMs
    const workers = await this.ledger.workers(this.queueName)
    const before = new Set(this.#workers.map(({ name }) => name))
    for (const { name, concurrency } of workers) {
      if (!before.has(name)) onLog(`worker ${name} started, up to ${concurrency} jobs at a time`)
    }
    const now = new Set(workers.map(({ name }) => name))
    for (const { name } of this.#workers) {
      if (!now.has(name)) onWarning(`worker ${name} is gone; other workers take its uncommitted jobs`)
    }
    if (!Bun.deepEquals(workers, this.#workers)) onWorkers(workers)
    this.#workers = workers
  }

  /** Warns from time to time that there is no worker, while rows wait. */
  remind() {
    const now = performance.now()
    if (this.#workers.length > 0 || this.#remindAt === undefined || now < this.#remindAt) return
    this.#remindAt = now + remindEveryMs
    const mapping = this.mapping === undefined ? '' : ` with the mapping "${this.mapping}"`
    this.work.onWarning(
      `no worker${mapping} is running: rows wait until one is started (pgtrek worker --queue ...)`,
    )
  }
}
