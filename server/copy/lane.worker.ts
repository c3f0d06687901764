// The thread of a copy worker: one connection to the source under the run's snapshot, one to the destination, and the
// relay between them. It does one job at a time.

import { relayCopy } from '../postgres/copy-stream.ts'
import { relayTables, type TableCopy } from '../postgres/copy-tables.ts'
import { Throttle } from '../postgres/copy-throttle.ts'
import {
  Cancelled,
  errorInfo,
  isLost,
  PgtrekError,
  ServerError,
  SnapshotLost,
  sqlstate,
} from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { collectEach } from '../system/collect-garbage.ts'
import type {
  Counts,
  Emptying,
  FailureKind,
  FromLane,
  Job,
  LaneSettings,
  RowsPart,
  ToLane,
} from './lane-messages.ts'
import { CommitInDoubt, LaneEnded, LaneSessions } from './lane-sessions.ts'
import { copyLargeObjects } from './large-objects.ts'
import {
  batchStatements,
  dropStaging,
  explainMerge,
  type Merge,
  MergeWatch,
  refuseUnchecked,
  stagingStatement,
  uncheckedConstraints,
} from './merge.ts'

declare const self: Worker

type RowsJob = Extract<Job, { kind: 'rows' }>
type SingleJob = Exclude<Job, { kind: 'tables' }>

const progressEveryMs = 200

/** A transaction keeps its locks until its end, and the lock table of a server has a few thousand entries. */
const tablesPerTransaction = 100

let settings: LaneSettings
let sessions: LaneSessions
let throttle: Throttle | undefined
/** The temporary table of the open transaction, and the target that it was created for. */
let staged: { transaction: string; table: string } | undefined
const collectAfter = 10
let bundles = 0
/** Since the source's transaction began. */
let tablesRead = 0
let aborting = new AbortController()

self.onmessage = async ({ data: message }: MessageEvent<ToLane>) => {
  const connected = sessions?.areOpen ?? false
  try {
    await handle(message)
  } catch (error) {
    sessions.drop()
    post({ type: 'failed', error: errorInfo(error), kind: kindOf(error), connected })
  }
}

async function handle(message: ToLane): Promise<void> {
  switch (message.type) {
    case 'open': {
      settings = message.settings
      sessions = new LaneSessions(settings)
      const rate = settings.maxBytesPerSecond ?? 0
      if (rate > 0) throttle = new Throttle(rate, message.clock)
      await sessions.open(aborting.signal)
      return post({ type: 'opened' })
    }
    case 'work':
      aborting = new AbortController()
      await sessions.open(aborting.signal, message.job.confirmed)
      return await work(message.job)
    case 'prepare':
      return post({ type: 'prepared', transaction: await sessions.prepare() })
    case 'finish': {
      const transaction = message.commit ? await commit() : undefined
      await sessions.rollback()
      return post({ type: 'finished', transaction })
    }
    case 'abort':
      aborting.abort()
      return
    case 'close':
      aborting.abort()
      await sessions?.close()
      return post({ type: 'closed' })
  }
}

function kindOf(error: unknown): FailureKind {
  if (error instanceof LaneEnded || error instanceof SnapshotLost) return 'ended'
  if (error instanceof CommitInDoubt) return 'doubtful'
  if (error instanceof Cancelled || aborting.signal.aborted) return 'cancelled'
  if (isLost(error)) return 'lost'
  return isBlocked(error) ? 'blocked' : 'refused'
}

/** Only by rows of the destination: a table that is locked on the source is a different failure. */
function isBlocked(error: unknown): boolean {
  if (!(error instanceof ServerError) || error.side === 'source') return false
  return error.sqlstate === sqlstate.lockNotAvailable || error.sqlstate === sqlstate.deadlockDetected
}

async function work(job: Job): Promise<void> {
  const tables = job.kind === 'tables' ? job.tables.length : 1
  if (tablesRead + tables > tablesPerTransaction) {
    await sessions.renewSnapshot()
    tablesRead = 0
  }
  tablesRead += tables
  if (!sessions.transaction) await sessions.begin(job.shared)
  const counts = job.kind === 'tables' ? await copyTables(job.tables) : await copy(job)
  const transaction = job.commit ? await commit() : undefined
  post({ type: 'worked', ...counts, transaction })
}

async function commit(): Promise<string> {
  post({ type: 'committing' })
  return await sessions.commit(aborting.signal)
}

async function copyTables(parts: readonly RowsPart[]): Promise<Counts & { each: Counts[] }> {
  const { source, destination } = sessions
  const tables: TableCopy[] = []
  await empty(parts)
  for (const { copyOut, copyIn } of parts) {
    tables.push({
      copyOut: await inClientEncoding(source, copyOut),
      copyIn: await inClientEncoding(source, copyIn),
    })
  }
  const copied = await relayTables({ source, destination, tables, signal: aborting.signal })
  const each = copied.map((counts) => ({ ...counts, collided: 0 }))
  // Rows leave many small buffers behind, which the garbage collector does not free soon enough by itself.
  collectEach(collectAfter, ++bundles)
  const rows = each.reduce((sum, counts) => sum + counts.rows, 0)
  const bytes = each.reduce((sum, counts) => sum + counts.bytes, 0)
  return { rows, bytes, collided: 0, each }
}

async function copy(job: SingleJob): Promise<Counts> {
  const { source, destination } = sessions
  const signal = aborting.signal
  const onProgress = reporter()
  if (job.kind === 'large objects') {
    const { objects } = job
    const copied = await copyLargeObjects({ source, destination, objects, throttle, signal, onProgress })
    return { ...copied, collided: 0 }
  }
  await empty([job])
  if (job.merge) return await mergeRows(job, job.merge)
  const copied = await relayCopy({
    source,
    destination,
    copyOut: await inClientEncoding(source, job.copyOut),
    copyIn: await inClientEncoding(source, job.copyIn),
    binary: job.format === 'binary',
    throttle,
    signal,
    onProgress,
  })
  return { ...copied, collided: 0 }
}

/** When the transaction is rolled back, the old rows are back. */
async function empty(parts: readonly RowsPart[]): Promise<void> {
  const all = parts.flatMap(({ empties }) => empties ?? [])
  if (all.length === 0) return
  const { destination } = sessions
  await inUtf8(destination, all.flatMap(({ statements }) => statements).join(';\n'))
  const checks = all.flatMap(({ check }: Emptying) => check ?? [])
  if (checks.length === 0) return
  const kept = await inUtf8<{ name: string }>(destination, checks.join('\nunion all\n'))
  if (kept.length === 0) return
  const names = kept.map(({ name }) => name).join(', ')
  throw new PgtrekError(
    `the old rows of ${names} could not be deleted: a trigger or a row security policy keeps them`,
  )
}

async function mergeRows(job: RowsJob, merge: Merge): Promise<Counts> {
  const { source, destination } = sessions
  await makeStaging(merge)
  const report = reporter()
  let bytes = 0
  const watch = new MergeWatch(
    merge,
    (key, values) => post({ type: 'collided', key, values }),
    () => report(watch.rows, bytes, watch.collided),
  )
  const statements = batchStatements(merge, job.format, sessions.transaction ?? '')
  try {
    const copied = await relayCopy({
      source,
      destination,
      copyOut: await inClientEncoding(source, job.copyOut),
      batches: watch.batches(await inClientEncoding(source, statements)),
      binary: job.format === 'binary',
      throttle,
      signal: aborting.signal,
      onProgress: (_, passed) => {
        bytes = passed
      },
    })
    return { rows: watch.rows, bytes: copied.bytes, collided: watch.collided }
  } catch (error) {
    throw explainMerge(error)
  }
}

/** Created once for all parts of a table in this transaction; truncating it is cheap then. */
async function makeStaging(merge: Merge): Promise<void> {
  const { destination, transaction = '' } = sessions
  if (staged?.transaction === transaction && staged.table === merge.table) return
  const leftover = staged?.transaction === transaction ? `${dropStaging};` : ''
  if (settings.replica || merge.conflict.kind === 'ignore') {
    const unchecked = await inUtf8<{ name: string }>(destination, uncheckedConstraints(merge.table))
    if (unchecked.length > 0)
      throw refuseUnchecked(
        merge,
        unchecked.map(({ name }) => name),
      )
  }
  // Compiling a statement takes longer than running it for a thousand rows.
  await inUtf8(destination, `${leftover} set local jit = off; ${stagingStatement(merge)}`)
  staged = { transaction, table: merge.table }
}

function reporter() {
  let reportedAt = 0
  return (rows: number, bytes: number, collided = 0) => {
    const now = performance.now()
    if (now - reportedAt < progressEveryMs) return
    reportedAt = now
    post({ type: 'progress', rows, bytes, collided })
  }
}

/** The server reads a statement in the session's encoding, which is the encoding of the values here. */
async function inClientEncoding(session: Session, statement: string): Promise<string | Buffer> {
  const encoding = settings.clientEncoding
  const isAscii = /^\p{ASCII}*$/u.test(statement)
  if (isAscii || encoding === 'UTF8' || encoding === 'SQL_ASCII') return statement
  await session.execute("set local client_encoding = 'UTF8'")
  const { bytes } = await session.one<{ bytes: string }>(
    `select encode(convert_to($1, ${quoteLiteral(encoding)}), 'hex') as bytes`,
    [statement],
  )
  await session.execute(`set local client_encoding = ${quoteLiteral(encoding)}`)
  return Buffer.from(bytes, 'hex')
}

/** The driver sends and reads names in UTF-8, whatever the encoding of the values. */
async function inUtf8<Row extends object>(session: Session, statements: string): Promise<Row[]> {
  const encoding = settings.clientEncoding
  const differs = encoding !== 'UTF8' && encoding !== 'SQL_ASCII'
  if (differs) await session.execute("set local client_encoding = 'UTF8'")
  const rows = await session.query<Row>(statements)
  if (differs) await session.execute(`set local client_encoding = ${quoteLiteral(encoding)}`)
  return rows
}

function post(message: FromLane) {
  self.postMessage(message)
}
