// One job of a worker: claimed, copied in one transaction, and committed only after the transaction's id was stored
// in the ledger. The next worker that gets the job asks the destination whether that transaction was committed.

import { asError } from '../../shared/message-of.ts'
import { endSessionsOf, isMarked } from '../coordination/run-sessions.ts'
import { outcomeOf, runIsMissing } from '../copy/lane-sessions.ts'
import { CopyFailed, type Counts } from '../copy/pool.ts'
import { ConnectFailed, isLost, PgtrekError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { pauseUnlessAborted } from '../system/deadline.ts'
import type { CopyOutcome } from './job.ts'
import type { QueueLane, QueueLanes } from './lanes.ts'
import type { JobRow, Ledger } from './ledger.ts'
import type { JobQueue, TakenJob } from './queue.ts'
import type { RunWatch } from './run-watch.ts'

const progressEveryMs = 500
const verdictEveryMs = 200

export interface WorkerServices {
  name: string
  queue: JobQueue
  ledger: Ledger
  lanes: QueueLanes
  runs: RunWatch
  signal: AbortSignal
  say(message: string): void
}

/** The job must not be committed: the run is over, or the coordinator has decided so. */
class Released extends PgtrekError {}

/** Another worker has the job, or may take it at any moment: this one reports nothing more about it. */
class Superseded extends PgtrekError {}

/** Returns how it ended; undefined when another worker has to do it. `onHolding`: copied, waits for other jobs. */
export async function copyJob(
  taken: TakenJob,
  services: WorkerServices,
  onHolding: () => void,
): Promise<CopyOutcome | undefined> {
  const { queue, ledger, lanes, runs, name, signal } = services
  const { data: job, id, retryCount: attempt } = taken
  const stop = new AbortController()
  const ended = new AbortController()
  queue.keepAlive(taken, ended.signal, () =>
    stop.abort(new Superseded('the queue gave the job to another worker')),
  )
  runs.watch(job.run, ended.signal, (reason) => stop.abort(new Released(reason)))
  const leave = () => stop.abort(new PgtrekError('the worker was stopped'))
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  let lane: QueueLane | undefined
  try {
    const lanesInAll = job.maxBytesPerSecond > 0 ? await countLanes(ledger, taken.name) : 1
    lane = await lanes.take(job, lanesInAll)
    const before = await ledger.claim(id, attempt, name, lane.lease)
    if (!before) {
      const outcome: CopyOutcome = { kind: 'released', reason: 'the run no longer needs it' }
      await ledger.refused(id, attempt, outcome)
      await queue.complete(taken)
      lanes.giveBack(lane)
      return outcome
    }
    const outcome = (await leftBehind(before, lane)) ?? (await copy(taken, lane, services, stop, onHolding))
    await ledger.ended(id, attempt, outcome)
    await queue.complete(taken)
    lanes.giveBack(lane)
    return outcome
  } catch (error) {
    if (lane) await lane.pool.cancel()
    const reason: unknown = stop.signal.aborted ? stop.signal.reason : error
    const isSettled = reason instanceof Superseded || reason instanceof Released
    if (!isSettled && lane && (await isAlone(lane, job.run))) {
      return await endedBy(new Released('its run no longer exists'), taken, services)
    }
    // The destination was restarted, and the run's session there is open again: another attempt can succeed.
    const isBack = reason instanceof CopyFailed && reason.message === runIsMissing
    return await endedBy(isBack ? new PgtrekError(reason.message) : reason, taken, services)
  } finally {
    ended.abort()
    signal.removeEventListener('abort', leave)
  }
}

/**
 * After a failure: the job of a run that was killed cannot be done, since its snapshot is gone. A run that has only
 * lost its connection offers the job again.
 */
async function isAlone({ destination }: QueueLane, run: string): Promise<boolean> {
  const { mark: _, ...unmarked } = destination
  try {
    await using session = await Session.open(unmarked)
    return !(await isMarked(run, session))
  } catch (error) {
    // The failure itself is reported. The next attempt finds out.
    if (isLost(error) || error instanceof ConnectFailed) return false
    throw error
  }
}

async function endedBy(
  error: unknown,
  taken: TakenJob,
  { queue, ledger, say }: WorkerServices,
): Promise<CopyOutcome | undefined> {
  const { id, retryCount: attempt } = taken
  const { message } = asError(error)
  if (error instanceof Superseded) {
    say(`${taken.data.title}: ${message}`)
    return undefined
  }
  if (error instanceof CopyFailed) {
    const outcome: CopyOutcome = { kind: 'refused', error: error.info }
    await ledger.ended(id, attempt, outcome)
    await queue.complete(taken)
    return outcome
  }
  if (error instanceof Released) {
    const outcome: CopyOutcome = { kind: 'released', reason: message }
    await ledger.ended(id, attempt, outcome)
    await queue.complete(taken)
    return outcome
  }
  // The connection or this worker failed: another attempt may succeed.
  say(`${taken.data.title} returns to the queue: ${message}`)
  await ledger.givenBack(id, attempt)
  await queue.giveBack(taken, message)
  return undefined
}

async function copy(
  taken: TakenJob,
  { pool }: QueueLane,
  { ledger }: WorkerServices,
  stop: AbortController,
  onHolding: () => void,
): Promise<CopyOutcome> {
  const { data: job, id, retryCount: attempt } = taken
  const { signal } = stop
  const startedAt = performance.now()
  let each: readonly Counts[] = []
  let counts: Counts = { rows: 0, bytes: 0, collided: 0 }
  const reports = new Reports(ledger, id, attempt, () => counts)
  reports.onRollback = () => stop.abort(new Released('another part of the table failed'))
  const cancel = () => void pool.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  const done = () => ({
    kind: 'done' as const,
    ...counts,
    each: [...each],
    seconds: (performance.now() - startedAt) / 1000,
  })
  try {
    signal.throwIfAborted()
    await pool.copy({
      bytes: job.bytes,
      parts: job.parts,
      ...(job.shared && { shared: true }),
      ...(job.together && { together: true }),
      onStart() {},
      onProgress(rows, bytes, collided) {
        counts = { rows, bytes, collided }
      },
      onTables(counted) {
        each = counted
      },
      onCollided: (key, values) => reports.collided(key, values),
      async onBeforeCommit(transactions) {
        await reports.flush()
        signal.throwIfAborted()
        if (!(await ledger.prepared(id, attempt, transactions, done()))) {
          throw new Released('the run no longer needs it')
        }
        if (!job.agree) return
        onHolding()
        await agreed(ledger, id, attempt, signal)
      },
    })
    return done()
  } finally {
    signal.removeEventListener('abort', cancel)
    reports.end()
  }
}

async function agreed(ledger: Ledger, id: string, attempt: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const verdict = await ledger.verdictOn(id, attempt)
    if (verdict === 'commit') return
    signal.throwIfAborted()
    if (verdict === 'rollback') throw new Released('another part of the table failed')
    if (verdict === false) throw new Superseded('another worker has taken the job')
    await pauseUnlessAborted(verdictEveryMs, signal)
  }
}

/**
 * Earlier attempts may still have a session on the destination without a client. Their transaction is decided only when
 * that session has ended.
 */
async function leftBehind(before: JobRow, { destination }: QueueLane): Promise<CopyOutcome | undefined> {
  if (before.leases.length === 0) return undefined
  const { mark: _, ...unmarked } = destination
  await using session = await Session.open(unmarked)
  await endSessionsOf(before.leases, session)
  if (!before.prepared) return undefined
  const states = await Promise.all(before.transactions.map((transaction) => outcomeOf(session, transaction)))
  if (states.every((state) => state === 'committed')) return before.prepared
  if (states.every((state) => state === 'aborted')) return undefined
  const message =
    'an earlier worker was lost during the commit, and the destination has no record of the result'
  return { kind: 'doubtful', error: { message } }
}

async function countLanes(ledger: Ledger, queue: string): Promise<number> {
  const workers = await ledger.workers(queue)
  return workers.reduce((sum, { concurrency }) => sum + concurrency, 0)
}

/** Reports of a job to the ledger, one after the other. */
class Reports {
  #last: Promise<unknown> = Promise.resolve()
  #timer: ReturnType<typeof setInterval>
  onRollback = () => {}

  constructor(
    readonly ledger: Ledger,
    readonly id: string,
    readonly attempt: number,
    counts: () => Counts,
  ) {
    this.#timer = setInterval(() => {
      this.#add(async () => {
        if ((await ledger.progress(id, attempt, counts())) === 'rollback') this.onRollback()
      })
    }, progressEveryMs)
  }

  collided(key: readonly string[], values: (string | null)[][]) {
    this.#add(() => this.ledger.collisions(this.id, key, values))
  }

  /** Throws the error of a report that failed: without its reports a job is not committed. */
  async flush(): Promise<void> {
    await this.#last
  }

  end() {
    clearInterval(this.#timer)
    // An error was thrown by `flush`.
    this.#last.catch(() => {})
  }

  #add(tell: () => Promise<void>) {
    this.#last = this.#last.then(tell)
    // `flush` throws it.
    this.#last.catch(() => {})
  }
}
