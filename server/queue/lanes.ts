// The sessions that a worker copies with: one on each server, under the run's snapshot. The next job of the same run
// uses them again. Without one they are closed soon, since an open snapshot is a cost for the source.

import { CopyPool, type LaneSettings } from '../copy/pool.ts'
import { PgtrekError, ServerError } from '../postgres/errors.ts'
import { markOf } from '../postgres/run-mark.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { CopyJob, JobEnds } from './job.ts'

const idleMs = 5000

export interface WorkerConnections {
  source: ConnectionSettings
  destination: ConnectionSettings
}

export interface QueueLane {
  key: string
  /** The name by which other processes find and end its session on the destination. */
  lease: string
  pool: CopyPool
  destination: ConnectionSettings
}

export class QueueLanes {
  #idle: (QueueLane & { timer: ReturnType<typeof setTimeout> })[] = []
  #known = new Map<string, Promise<string>>()
  #made = 0

  constructor(
    readonly worker: string,
    /** From this process's file or environment. */
    readonly endsOf: (ends: JobEnds) => WorkerConnections,
    readonly onWarning: (message: string) => void,
  ) {}

  async take(job: CopyJob, lanesInAll: number): Promise<QueueLane> {
    const rate = Math.ceil(job.maxBytesPerSecond / Math.max(1, lanesInAll))
    const key = JSON.stringify([job.run, job.ends, job.snapshot, rate])
    const place = this.#idle.findIndex((lane) => lane.key === key)
    const [found] = place < 0 ? [] : this.#idle.splice(place, 1)
    if (found) {
      clearTimeout(found.timer)
      return found
    }
    const ends = this.#ends(job)
    await this.#refuseAnother(job, ends.destination)
    const lease = `${this.worker}/${++this.#made}`
    const settings: LaneSettings = {
      ...ends,
      snapshot: job.snapshot,
      clientEncoding: job.clientEncoding,
      replica: job.replica,
      maxBytesPerSecond: rate,
      durable: true,
      lease,
      presence: job.run,
    }
    const pool = new CopyPool(settings, 1, this.onWarning)
    pool.open()
    return { key, lease, pool, destination: ends.destination }
  }

  giveBack(lane: QueueLane) {
    const timer = setTimeout(() => {
      this.#idle = this.#idle.filter((one) => one.lease !== lane.lease)
      void lane.pool.close()
    }, idleMs)
    this.#idle.push({ ...lane, timer })
  }

  async close(): Promise<void> {
    const left = this.#idle.splice(0)
    for (const { timer } of left) clearTimeout(timer)
    await Promise.all(left.map(({ pool }) => pool.close()))
  }

  #ends({ ends, mark }: CopyJob): WorkerConnections {
    const { source, destination } = this.endsOf(ends)
    const { sourceDatabase, destinationDatabase } = ends
    return {
      source: { ...source, ...(sourceDatabase !== undefined && { database: sourceDatabase }) },
      destination: {
        ...destination,
        ...(destinationDatabase !== undefined && { database: destinationDatabase }),
        mark: markOf(mark),
      },
    }
  }

  /** The source needs no check: no other server has the snapshot. */
  async #refuseAnother(job: CopyJob, destination: ConnectionSettings) {
    const name = JSON.stringify([job.run, job.ends])
    const asking = this.#known.get(name) ?? askIdentity(destination)
    this.#known.set(name, asking)
    asking.catch(() => this.#known.delete(name))
    if ((await asking) !== job.destination) {
      throw new PgtrekError(
        `the destination of this worker is a different database from that of the run: ${destination.host}:${destination.port}/${destination.database}`,
      )
    }
  }
}

async function askIdentity(settings: ConnectionSettings): Promise<string> {
  await using session = await Session.open(settings)
  return await identityOf(session)
}

/** The same for every process, under any address of the server. */
export async function identityOf(session: Session): Promise<string> {
  const { database } = await session.one<{ database: string }>(
    `select oid::text || ' ' || datname as database from pg_catalog.pg_database where datname = current_database()`,
  )
  try {
    const { system } = await session.one<{ system: string }>(
      'select system_identifier::text as system from pg_catalog.pg_control_system()',
    )
    return `${system} ${database}`
  } catch (error) {
    // Not every provider lets ordinary users call this function.
    if (!(error instanceof ServerError)) throw error
    return database
  }
}
