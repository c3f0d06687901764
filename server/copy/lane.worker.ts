// A copy worker: one connection to the source under the run's snapshot, one to the destination, and the
// relay between them. It does one job at a time, as the pool tells it.

import { relayCopy } from '../postgres/copy-stream.ts'
import { Cancelled, ConnectionLost, errorInfo } from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import type { FromLane, Job, LaneSettings, ToLane } from './lane-messages.ts'
import { copyLargeObjects } from './large-objects.ts'

declare const self: Worker

const progressEveryMs = 200

/**
 * Another session's ALTER TABLE may wait for the run's own locks while we wait behind it: no server sees
 * that circle, so the wait has an end.
 */
const sourceLockTimeout = '60s'

/** A transaction keeps its locks to its end, and a server has room for a few thousand only. */
const jobsPerTransaction = 100

let settings: LaneSettings
let source: Session | undefined
let destination: Session | undefined
let inTransaction = false
let jobsDone = 0
let aborting = new AbortController()

self.onmessage = async ({ data: message }: MessageEvent<ToLane>) => {
  try {
    await handle(message)
  } catch (error) {
    dropSessions()
    post({
      type: 'failed',
      error: errorInfo(error),
      cancelled: error instanceof Cancelled,
      lost: error instanceof ConnectionLost,
    })
  }
}

async function handle(message: ToLane): Promise<void> {
  switch (message.type) {
    case 'open':
      settings = message.settings
      await openSessions()
      return post({ type: 'opened' })
    case 'work':
      aborting = new AbortController()
      await openSessions()
      return await work(message.job)
    case 'finish':
      if (inTransaction) await destination?.execute(message.commit ? 'commit' : 'rollback')
      inTransaction = false
      return post({ type: 'finished' })
    case 'abort':
      aborting.abort()
      return
    case 'close':
      aborting.abort()
      await Promise.allSettled([source?.close(), destination?.close()])
      return post({ type: 'closed' })
  }
}

async function work(job: Job): Promise<void> {
  if (!source || !destination) throw new Error('a job came before its sessions')
  if (jobsDone > 0 && jobsDone % jobsPerTransaction === 0) await enterSnapshot(source)
  jobsDone++
  if (!inTransaction) {
    await destination.execute('begin')
    inTransaction = true
  }
  let reportedAt = 0
  const signal = aborting.signal
  const onProgress = (rows: number, bytes: number) => {
    const now = performance.now()
    if (now - reportedAt < progressEveryMs) return
    reportedAt = now
    post({ type: 'progress', job: job.id, rows, bytes })
  }
  const { rows, bytes } =
    job.kind === 'rows'
      ? await relayCopy({
          source,
          destination,
          copyOut: await inClientEncoding(source, job.copyOut),
          copyIn: await inClientEncoding(source, job.copyIn),
          binary: job.format === 'binary',
          signal,
          onProgress,
        })
      : await copyLargeObjects({ source, destination, objects: job.objects, signal, onProgress })
  if (job.commit) {
    await destination.execute('commit')
    inTransaction = false
  }
  post({ type: 'worked', job: job.id, rows, bytes })
}

/** The server reads a statement in the session's encoding, which here is that of the values. */
async function inClientEncoding(session: Session, statement: string): Promise<string | Buffer> {
  const encoding = settings.clientEncoding
  const isAscii = /^\p{ASCII}*$/u.test(statement)
  if (isAscii || encoding === 'UTF8' || encoding === 'SQL_ASCII') return statement
  await session.execute("set client_encoding = 'UTF8'")
  const { bytes } = await session.one<{ bytes: string }>(
    `select encode(convert_to($1, ${quoteLiteral(encoding)}), 'hex') as bytes`,
    [statement],
  )
  await session.execute(`set client_encoding = ${quoteLiteral(encoding)}`)
  return Buffer.from(bytes, 'hex')
}

/** Values travel as text where binary is not safe: both ends must write and read it alike. */
function alikeSettings(clientEncoding: string): string {
  return `
    set client_encoding = ${quoteLiteral(clientEncoding)};
    set datestyle = 'ISO';
    set intervalstyle = 'postgres';
    set extra_float_digits = 3;
    set bytea_output = 'hex';
    set lc_monetary = 'C';
    set xmloption = 'content';
    set search_path = '';
    set row_security = off;`
}

async function openSessions(): Promise<void> {
  if (!source) {
    source = await Session.open(settings.source)
    await source.execute(`
      ${alikeSettings(settings.clientEncoding)}
      set lock_timeout = '${sourceLockTimeout}';
      set synchronize_seqscans = off;`)
    await enterSnapshot(source)
  }
  if (!destination) {
    destination = await Session.open(settings.destination)
    await destination.execute(`
      ${alikeSettings(settings.clientEncoding)}
      set synchronous_commit = off;
      ${settings.replica ? 'set session_replication_role = replica;' : ''}`)
    inTransaction = false
  }
}

async function enterSnapshot(session: Session): Promise<void> {
  await session.execute('rollback')
  await session.execute('begin isolation level repeatable read, read only')
  await session.execute(`set transaction snapshot ${quoteLiteral(settings.snapshot)}`)
}

/** After an error their state is unknown; the destination's transaction must not survive. */
function dropSessions() {
  source?.destroy()
  destination?.destroy()
  source = undefined
  destination = undefined
  inTransaction = false
}

function post(message: FromLane) {
  self.postMessage(message)
}
