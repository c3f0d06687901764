// Copies tables of a move again while the move continues. A temporary slot exports a snapshot with a known position in
// the log. Everything else is applied up to that position and then waits, the rows of the snapshot are copied, and from
// there on these tables are followed with all others. docs/following.md has the reasons.

import { say } from '../../../shared/say.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import { pause } from '../../copy/pause.ts'
import { Session } from '../../postgres/session.ts'
import type { Following } from '../../replication/apply/follower.ts'
import { addToPublication } from '../../replication/stream/publication.ts'
import { type CreatedSlot, createSlot } from '../../replication/stream/slot.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import { copy } from '../copy-steps.ts'
import { reportBlockers } from '../link.ts'
import { planOf } from '../prepare.ts'
import { allTables, readMoved } from '../relations.ts'
import { endAt } from '../stream-waits.ts'
import { showNames } from './choice.ts'
import { beginRun, prepared, type RecopyRun, refusePlan } from './copy-run.ts'
import { addForeignKeys } from './foreign-keys.ts'
import { restore, setAside, settle } from './record.ts'

export interface Recopy extends RecopyRun {
  /** Replaces the stream by one that follows what the record says, and applies nothing yet. */
  followPaused: () => Promise<Following>
}

const checkEveryMs = 200
/** Blocking transactions are reported after so long. */
const patienceMs = 3000

/** Returns the tables that failed again; all others are followed. */
export async function recopy(work: Recopy): Promise<FollowRecord['failedTables']> {
  const { choice, status, signal } = work
  const run = beginRun(work)
  try {
    const planned = await planOf(run.request, signal)
    refusePlan(planned.plan, choice.tables)
    await publish(work)
    await olderTransactions(work)
    const before = work.record()
    await setAside(work)
    let slot: CreatedSlot
    let follower: Following
    try {
      follower = await work.followPaused()
      slot = await snapshotSlot(work)
    } catch (error) {
      // Nothing was applied since, so the tables are still complete.
      await restore(work, before)
      throw error
    }
    await using stack = new AsyncDisposableStack()
    stack.defer(() => slot.session.close())
    await endAt(follower, slot.consistentPoint, signal)
    await work.followPaused()
    status.beginCopy()
    const snapshot = await readMoved(work.link, choice.tables, slot.snapshot)
    const copied = await copy(run.work, prepared(planned, choice.tables), { heldSnapshot: slot.snapshot })
    const failed = [...copied.failedTables, ...(await renamed(work, snapshot.tables, copied.tables))]
    await settle(work, failed, snapshot.members)
    await addForeignKeys(work, choice.tables)
    return failed
  } finally {
    run.end()
  }
}

async function publish({ link, choice, record, status, signal }: RecopyRun) {
  if (choice.unpublished.length === 0) return
  await using source = await Session.open(link.from, { signal })
  const where = new Map(allTables(record()).map((table) => [tableKey(table), table.where]))
  const tables = choice.unpublished.map((table) => ({ ...table, where: where.get(tableKey(table)) }))
  await addToPublication(source, link.names.publication, tables)
  status.say(say`added to the publication ${link.names.publication}: ${showNames(tables)}`)
}

/**
 * Waits for the transactions that are open now. The new slot would wait for them too, but with the stream paused.
 */
async function olderTransactions({ link, status, signal }: RecopyRun) {
  await using source = await Session.open(link.from, { signal })
  const { xmax } = await source.one<{ xmax: string }>(
    'select pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())::text as xmax',
  )
  const isOver = () =>
    source.one<{ over: boolean }>(
      `select pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) >= ${BigInt(xmax)} as over`,
    )
  const since = performance.now()
  for (let isReported = false; !(await isOver()).over; ) {
    if (!isReported && performance.now() - since > patienceMs) {
      isReported = true
      await reportBlockers(link.from, (message) => status.say(message, 'warn'))
    }
    await pause(checkEveryMs, signal)
  }
}

/** Temporary: the server drops it with its session, also after a kill. */
async function snapshotSlot({ link, status, signal }: RecopyRun): Promise<CreatedSlot> {
  const name = `pgtrek_recopy_${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`
  const waiting = setTimeout(
    () => reportBlockers(link.from, (message) => status.say(message, 'warn')),
    patienceMs,
  )
  try {
    return await createSlot(link.from, name, { signal, temporary: true })
  } finally {
    clearTimeout(waiting)
  }
}

/** COPY uses names. Tables whose name belongs to another table since the snapshot have failed. */
async function renamed(
  { link, choice }: RecopyRun,
  snapshot: readonly (TableName & { source?: number })[],
  copied: readonly TableName[],
): Promise<FollowRecord['failedTables']> {
  const now = await readMoved(
    link,
    choice.tables.map(({ schema, name }) => ({ schema, name })),
  )
  const oids = new Map(snapshot.map((table) => [tableKey(table), table.source]))
  const arrived = new Set(copied.map(tableKey))
  return now.tables
    .filter((table) => arrived.has(tableKey(table)) && table.source !== oids.get(tableKey(table)))
    .map(({ schema, name }) => ({
      ...{ schema, name },
      error: say`another table of the source got this name while it was copied: run "pgtrek recopy" again`,
    }))
}
