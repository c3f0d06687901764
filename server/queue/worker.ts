// A process that takes jobs from a queue, up to `concurrency` at a time, until it is stopped. It has no state: when it is
// killed, another worker gets what it had not committed.

import { hostname } from 'node:os'
import { messageOf } from '../../shared/message-of.ts'
import { UsageError } from '../postgres/errors.ts'
import { pauseUnlessAborted } from '../system/deadline.ts'
import { copyJob, type WorkerServices } from './copy-job.ts'
import type { CopyOutcome, JobEnds } from './job.ts'
import { QueueLanes, type WorkerConnections } from './lanes.ts'
import { Ledger } from './ledger.ts'
import type { JobQueue, TakenJob } from './queue.ts'
import { RunWatch } from './run-watch.ts'

const pollEveryMs = 500
const heartbeatEveryMs = 5000
/** After a failure another worker has the time to take the job first. */
const restAfterFailureMs = 2500

export interface WorkerOptions {
  queue: JobQueue
  /** Names of queues whose connections this process knows. */
  queues: readonly string[]
  concurrency: number
  endsOf(ends: JobEnds): WorkerConnections
  signal: AbortSignal
  say(message: string): void
  onLook?(): void
}

/** Runs until the signal; unfinished jobs then return to the queue. */
export async function work(options: WorkerOptions): Promise<void> {
  const { queue, queues, concurrency, signal, say } = options
  if (queues.length === 0) throw new UsageError('a worker needs at least one pair of connections')
  const name = `${hostname()}:${process.pid}:${crypto.randomUUID().slice(0, 4)}`
  const ledger = new Ledger(queue.connection)
  const lanes = new QueueLanes(name, options.endsOf, say)
  const services: WorkerServices = {
    name,
    queue,
    ledger,
    lanes,
    runs: new RunWatch(ledger, say),
    signal,
    say,
  }
  for (const one of queues) await queue.ensure(one)
  const sendHeartbeat = async () =>
    await ledger.workerHeartbeat({ name, host: hostname(), pid: process.pid, concurrency, queues })
  await sendHeartbeat()
  const heartbeat = setInterval(
    () => sendHeartbeat().catch((error: Error) => say(error.message)),
    heartbeatEveryMs,
  )
  const jobs = new Set<Promise<void>>()
  let busy = 0
  let wake = new AbortController()
  const begin = (taken: TakenJob) => {
    busy++
    let counts = true
    // A job that waits for other jobs needs only its sessions.
    const leave = () => {
      if (!counts) return
      counts = false
      busy--
      // The next job can start at once.
      wake.abort()
    }
    const job = run(taken, services, leave)
      .finally(leave)
      .finally(() => jobs.delete(job))
    jobs.add(job)
  }
  try {
    say(`worker ${name} takes up to ${concurrency} jobs at a time from ${queue.connection.name}`)
    while (!signal.aborted) {
      const taken = busy < concurrency ? await takeAny(queue, queues, say) : undefined
      if (taken) begin(taken)
      else {
        wake = new AbortController()
        await pauseUnlessAborted(pollEveryMs, AbortSignal.any([signal, wake.signal]))
      }
      options.onLook?.()
    }
  } finally {
    clearInterval(heartbeat)
    await Promise.allSettled(jobs)
    await lanes.close()
    await ledger.workerIsGone(name)
  }
}

async function takeAny(
  queue: JobQueue,
  queues: readonly string[],
  say: (message: string) => void,
): Promise<TakenJob | undefined> {
  for (const name of queues) {
    try {
      const taken = await queue.take(name)
      if (taken) return taken
    } catch (error) {
      // The connection has made its attempts already; the worker keeps asking.
      say(`the queue cannot be read: ${messageOf(error)}`)
    }
  }
  return undefined
}

async function run(taken: TakenJob, services: WorkerServices, leave: () => void): Promise<void> {
  const { title } = taken.data
  const again = taken.retryCount > 0 ? ` (attempt ${taken.retryCount + 1})` : ''
  services.say(`${title}: started${again}`)
  let outcome: CopyOutcome | undefined
  try {
    outcome = await copyJob(taken, services, leave)
  } catch (error) {
    // The outcome could not be stored: the job's heartbeat ends, and another worker gets it.
    services.say(`${title}: ${messageOf(error)}`)
  }
  if (outcome) services.say(`${title}: ${inWords(outcome)}`)
  else await pauseUnlessAborted(restAfterFailureMs, services.signal)
}

function inWords(outcome: CopyOutcome): string {
  switch (outcome.kind) {
    case 'done':
      return `${outcome.rows} rows in ${outcome.seconds.toFixed(1)} s`
    case 'released':
      return `returned to the queue: ${outcome.reason}`
    default:
      return outcome.error.message
  }
}
