// pg-boss on the queue's database, with the settings that runs and workers need: a worker sends a heartbeat for its job
// every few seconds. Without it another worker gets the job.

import { type JobInsert, type JobWithMetadata, PgBoss } from 'pg-boss'
import { messageOf } from '../../shared/message-of.ts'
import { PgtrekError, ServerError } from '../postgres/errors.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { pauseUnlessAborted, settledWithin } from '../system/deadline.ts'
import { QueueConnection } from './connection.ts'
import type { CopyJob } from './job.ts'
import { makeQueueTables } from './tables.ts'

const bossSchema = 'pgtrek_queue'
/** The minimum of pg-boss is 10 s; a busy network may need more. */
const heartbeatSeconds = 15
const touchEveryMs = 3000
/** How often every process on the queue looks for jobs without a heartbeat. */
const lookEverySeconds = 3
/** The maximum of pg-boss: no part of a table should take a day. */
const longestJobSeconds = 24 * 3600
const mostAttempts = 10

const longestStopMs = 5000

/** When several processes find no schema at the same moment, all but one of them fail to create it. */
const mostStarts = 5

export type TakenJob = JobWithMetadata<CopyJob>
export type JobOffer = Pick<JobInsert<CopyJob>, 'id' | 'data' | 'priority'>

export class JobQueue implements AsyncDisposable {
  readonly #known = new Set<string>()

  private constructor(
    readonly connection: QueueConnection,
    private readonly boss: PgBoss,
  ) {}

  static async open(settings: ConnectionSettings, onWarning: (message: string) => void): Promise<JobQueue> {
    const connection = new QueueConnection(settings, onWarning)
    const boss = new PgBoss({
      db: connection,
      schema: bossSchema,
      schedule: false,
      superviseIntervalSeconds: lookEverySeconds,
      monitorIntervalSeconds: lookEverySeconds,
      monitorVacuum: false,
    })
    // pg-boss repeats its maintenance a moment later.
    boss.on('error', (error) => onWarning(`the queue: ${error.message}`))
    try {
      await startBoss(boss)
      await makeQueueTables(connection)
    } catch (error) {
      connection.destroy()
      if (error instanceof PgtrekError && !('sqlstate' in error)) throw error
      const reason = messageOf(error)
      throw new PgtrekError(`the queue cannot be stored in ${connection.name}: ${reason}`, { cause: error })
    }
    return new JobQueue(connection, boss)
  }

  /** An existing queue is not changed. */
  async ensure(name: string): Promise<void> {
    if (this.#known.has(name)) return
    await this.boss.createQueue(name, {
      retryLimit: mostAttempts,
      retryDelay: 1,
      heartbeatSeconds,
      expireInSeconds: longestJobSeconds,
      // The outcome of a job is stored in pgtrek's tables.
      deleteAfterSeconds: 3600,
    })
    this.#known.add(name)
  }

  async offer(name: string, jobs: readonly JobOffer[]): Promise<void> {
    await this.ensure(name)
    await this.boss.insert(name, [...jobs])
  }

  async take(name: string): Promise<TakenJob | undefined> {
    const [job] = await this.boss.fetch<CopyJob>(name, { includeMetadata: true })
    return job
  }

  /** Sends the job's heartbeat until the signal. `onLost` is called when another worker has the job. */
  keepAlive({ name, id, retryCount }: TakenJob, signal: AbortSignal, onLost: () => void) {
    const run = async () => {
      for (;;) {
        await pauseUnlessAborted(touchEveryMs, signal)
        if (signal.aborted) return
        const answer = await this.boss.touch(name, { id, retryCount })
        // pg-boss does not declare this property.
        if ((answer as { affected?: number }).affected === 0 && !signal.aborted) return onLost()
      }
    }
    run().catch(() => !signal.aborted && onLost())
  }

  async complete({ name, id, retryCount }: TakenJob): Promise<void> {
    await this.boss.complete(name, { id, retryCount })
  }

  /** Another worker can take the job, except after the last attempt. */
  async giveBack({ name, id, retryCount }: TakenJob, reason: string): Promise<void> {
    await this.boss.fail(name, { id, retryCount }, { message: reason })
  }

  /** Jobs that no worker has taken are cancelled. */
  async withdraw(name: string, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.boss.cancel(name, [...ids])
  }

  /** Jobs that will not be offered again, with the reason of their last worker. */
  async givenUp(name: string, ids: readonly string[]): Promise<{ id: string; reason: string }[]> {
    const found: { id: string; reason: string }[] = []
    for (const id of ids) {
      const [job] = await this.boss.findJobs<CopyJob>(name, { id })
      if (job?.state !== 'failed') continue
      const { message, value } = (job.output ?? {}) as { message?: string; value?: { message?: string } }
      found.push({ id, reason: message ?? value?.message ?? 'unknown reason' })
    }
    return found
  }

  async close(): Promise<void> {
    this.connection.hurry()
    const stopping = this.boss.stop({ graceful: false })
    try {
      // Statements that a server does not answer end with the connection.
      if (await settledWithin(stopping, longestStopMs)) await stopping
    } finally {
      await this.connection.close()
    }
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }
}

async function startBoss(boss: PgBoss): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await boss.start()
      return
    } catch (error) {
      if (attempt === mostStarts || !(error instanceof ServerError)) throw error
      await Bun.sleep(200 * attempt)
    }
  }
}
