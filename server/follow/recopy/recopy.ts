// Copies tables of a move again while the move continues. A slot of its own gives a snapshot of which it is known
// where it stands in the log; everything else is brought to that very place, the rows of the snapshot come
// beside it, and from there on the tables are followed with all others. docs/following.md has the reasoning.
import { ProgressFold } from '../../../shared/fold.ts'
import { formatCount } from '../../../shared/format.ts'
import { defaultOptions, everything } from '../../../shared/request.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import type { RunLock } from '../../coordination/run-lock.ts'
import type { Plan } from '../../migrate/plan/types.ts'
import { errorInfo, PgtrekError, PlanRefused } from '../../postgres/errors.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import { Session } from '../../postgres/session.ts'
import type { Following } from '../../replication/apply/follower.ts'
import type { Lsn } from '../../replication/stream/lsn.ts'
import { addToPublication } from '../../replication/stream/publication.ts'
import { type CreatedSlot, createSlot } from '../../replication/stream/slot.ts'
import type { Membership } from '../../replication/tables/membership.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import { NoMemory } from '../../store/run-memory.ts'
import type { FollowStatus } from '../follow-state.ts'
import { forgetForeignWrites } from '../foreign-writes.ts'
import { copy, type InitialCopy } from '../initial-copy.ts'
import { type Link, reportBlockers } from '../link.ts'
import { markMissing } from '../ownership.ts'
import { type Prepared, planOf } from '../prepare.ts'
import { allTables, readMoved } from '../relations.ts'
import type { CloneAndFollow, FollowEnds, FollowServices } from '../request.ts'
import { forgetSkipped } from '../skipped.ts'
import { withWhole } from '../unsent-rows.ts'
import type { Choice, ChosenTable } from './choice.ts'
import { addForeignKeys } from './foreign-keys.ts'

export interface Recopy {
  ends: FollowEnds
  services: FollowServices
  link: Link
  choice: Choice
  record: () => FollowRecord
  update: (change: Partial<FollowRecord>) => void
  status: FollowStatus
  /** Of the destination. */
  lock: RunLock
  signal: AbortSignal
  /** Follows what the record says, in place of what followed before, and applies nothing yet. */
  followPaused: () => Promise<Following>
}

/** It was followed before, and is not while this lasts; nor later, should this process be killed. */
const beingCopied = 'it was being copied again, and that was not completed: run "pgtrek recopy" again'

const lookEveryMs = 200
const patienceMs = 3000

/** The tables that failed again; all others are followed. */
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
      // Nothing was applied since: what was followed still is whole.
      await restore(work, before)
      throw error
    }
    await using stack = new AsyncDisposableStack()
    stack.defer(() => slot.session.close())
    await reach(follower, slot.consistentPoint, signal)
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

/** They are whole again: whatever is remembered of rows that they lack is forgotten here. */
function forgetMissingRows(status: FollowStatus, tables: readonly TableName[]) {
  const names = tables.map((table) => `changes of ${table.schema}.${table.name} are sent and not applied`)
  status.unsay((warning) => names.some((name) => warning.startsWith(name)))
}

const alwaysSo = {
  existingTableMode: 'keep',
  existingDataMode: 'truncate',
  failFast: false,
  verify: false,
} as const

function beginRun({ ends, services, choice, record, status, lock, signal, update }: Recopy) {
  const run = crypto.randomUUID().slice(0, 8)
  const fold = new ProgressFold()
  const begun = services.beginRun?.(run, ends)
  const rules = choice.tables.flatMap((table) =>
    table.where === undefined ? [] : [{ table: patternOf(table), where: table.where }],
  )
  const request: CloneAndFollow = {
    ...ends,
    run,
    selection: { ...everything, include: choice.tables.map(patternOf) },
    tables: rules,
    hooks: [],
    // Objects are made as they were at the beginning.
    options: { ...(record().moved?.options ?? defaultOptions), ...alwaysSo },
    runMemory: begun?.memory ?? new NoMemory(),
    onEvent: (event) => fold.apply(event),
    // What is deleted was named, and the plan was looked at.
    confirm: (plan) => refusalOf(plan, choice.tables) === undefined,
  }
  const work: InitialCopy = { request, memory: services.memory, status, update, signal, lock }
  return { request, work, end: () => begun?.end(fold.summary(Date.now())) }
}

/** A pattern quotes as SQL does. */
function patternOf({ schema, name }: TableName): string {
  return quoteQualified(schema, name)
}

function prepared(planned: Pick<Prepared, 'plan' | 'reading'>, tables: readonly ChosenTable[]): Prepared {
  return {
    ...planned,
    followed: tables.map(({ schema, name }) => ({ schema, name })),
    ...{ published: [], insertsOnly: [], leftOut: [], kept: [], ownLargeObjects: [], warnings: [] },
  }
}

function refusePlan(plan: Plan, tables: readonly ChosenTable[]) {
  const refusal = refusalOf(plan, tables)
  if (refusal !== undefined) throw new PlanRefused(`${refusal}. Nothing was changed`)
}

/** Nothing but the rows of these tables goes, and nothing but these tables is filled. */
function refusalOf({ tables, destroyed }: Plan, chosen: readonly ChosenTable[]): string | undefined {
  const known = new Set(chosen.map(tableKey))
  const other = tables.find((table) => !known.has(tableKey(table)))
  if (other) return `${showName(other)} would have to be copied with them, but was not requested`
  const elsewhere = tables.find(({ into }) => into && !known.has(tableKey(into)))
  if (elsewhere?.into) {
    return `${showName(elsewhere)} is not on the destination, where its rows would go into ${showName(elsewhere.into)}: their changes could not be followed. Create the same partitions there`
  }
  const lost = destroyed.find(
    ({ action, schema = '', name }) => action !== 'truncate' || !known.has(tableKey({ schema, name })),
  )
  return lost && `${showName(lost)} of the destination would be lost`
}

async function publish({ link, choice, record, status, signal }: Recopy) {
  if (choice.unpublished.length === 0) return
  await using source = await Session.open(link.from, { signal })
  const where = new Map(allTables(record()).map((table) => [tableKey(table), table.where]))
  const tables = choice.unpublished.map((table) => ({ ...table, where: where.get(tableKey(table)) }))
  await addToPublication(source, link.names.publication, tables)
  status.say(`added to the publication ${link.names.publication}: ${showNames(tables)}`)
}

/** A slot waits for them, and nothing is applied then: so they are waited for before that. */
async function olderTransactions({ link, status, signal }: Recopy) {
  await using source = await Session.open(link.from, { signal })
  const { xmax } = await source.one<{ xmax: string }>(
    'select pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())::text as xmax',
  )
  const isOver = () =>
    source.one<{ over: boolean }>(
      `select pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) >= ${BigInt(xmax)} as over`,
    )
  const since = performance.now()
  for (let isTold = false; !(await isOver()).over; ) {
    if (!isTold && performance.now() - since > patienceMs) {
      isTold = true
      await reportBlockers(link.from, (message) => status.say(message, 'warn'))
    }
    await Bun.sleep(lookEveryMs)
    signal.throwIfAborted()
  }
}

/** The server drops it with its session, whatever becomes of us. */
async function snapshotSlot({ link, status, signal }: Recopy): Promise<CreatedSlot> {
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

/** What is followed is as it was on the source at this moment, and no further. */
export async function reach(follower: Following, lsn: Lsn, signal: AbortSignal) {
  const stop = () => void follower.stop().catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  const done = follower.stopAt(lsn).then(() => true)
  try {
    while (!(await Promise.race([done, Bun.sleep(lookEveryMs).then(() => false)]))) {
      const { conflict } = follower.status
      if (conflict) {
        throw new PgtrekError(
          `earlier changes have to be applied first, and they stop at a conflict: ${conflict.message}. Resolve it first`,
        )
      }
    }
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** From here on they count as failed, on the source, too: so it stays, whatever keeps this from its end. */
async function setAside(work: Recopy) {
  const { choice, record } = work
  const { tables, joined = [], failedTables, leftOut } = record()
  const chosen = new Set(choice.tables.map(tableKey))
  const chosenOids = new Set(choice.tables.flatMap(({ source, replaces = source }) => [source, replaces]))
  const isChosen = (table: FollowRecord['leftOut'][number]) =>
    table.source === undefined ? chosen.has(tableKey(table)) : chosenOids.has(table.source)
  const gone = new Set(choice.gone.map(tableKey))
  const oids = new Map(leftOut.map((table) => [tableKey(table), table.source]))
  const failed = new Map(failedTables.map((table) => [tableKey(table), table.error]))
  const destinations = new Map([...tables, ...joined].map((table) => [table.source, table.destination]))
  const change = {
    tables: tables.filter((table) => !isChosen(table)),
    joined: joined.filter((table) => !isChosen(table)),
    failedTables: [
      // One that has another name by now is known by its OID.
      ...failedTables.filter((table) => {
        const source = oids.get(tableKey(table))
        return !gone.has(tableKey(table)) && !isChosen({ ...table, ...(source !== undefined && { source }) })
      }),
      ...choice.tables.map(({ schema, name }) => {
        return { schema, name, error: failed.get(tableKey({ schema, name })) ?? beingCopied }
      }),
    ],
    leftOut: [
      ...leftOut.filter((table) => !isChosen(table)),
      ...choice.tables.map(({ schema, name, source }) => {
        const destination = destinations.get(source)
        return { schema, name, source, ...(destination !== undefined && { destination }) }
      }),
    ],
  }
  // The source's word first: what it says too much of costs a copy, what it says too little of costs rows.
  await mark(work, change)
  work.update(change)
}

async function restore(work: Recopy, { tables, joined, failedTables, leftOut }: FollowRecord) {
  const change = { tables, failedTables, leftOut, ...(joined && { joined }) }
  work.update(change)
  await markOrWarn(work, change)
}

/** Whoever continues without the state directory then copies them once more. */
async function markOrWarn(work: Recopy, change: Pick<FollowRecord, 'failedTables' | 'leftOut'>) {
  await mark(work, change).catch((error: Error) =>
    work.status.warn(
      `the comment on the publication ${work.link.names.publication} still says that tables are missing: ${errorInfo(error).message}`,
    ),
  )
}

/** They are followed from here on, but those that have failed again. */
async function settle(work: Recopy, failed: FollowRecord['failedTables'], members: readonly Membership[]) {
  const { choice, record, status } = work
  const now = new Map(failed.map((table) => [tableKey(table), table]))
  const whole = choice.tables.filter((table) => !now.has(tableKey(table)))
  const isWhole = new Set(whole.map(tableKey))
  const { tables, failedTables, leftOut, skipped, foreignWrites } = record()
  const change = {
    tables: [...tables, ...whole],
    ...withWhole(record(), whole, members),
    failedTables: failedTables
      .filter((table) => !isWhole.has(tableKey(table)))
      .map((table) => now.get(tableKey(table)) ?? table),
    leftOut: leftOut.filter((table) => !isWhole.has(tableKey(table))),
    ...(skipped && { skipped: forgetSkipped(skipped, whole) }),
    ...(foreignWrites && { foreignWrites: forgetForeignWrites(foreignWrites, whole) }),
  }
  // In this order for the same reason.
  work.update(change)
  await markOrWarn(work, change)
  forgetMissingRows(status, whole)
}

/** Nothing is missing of a table that the source has dropped. */
export async function forgetGone(
  work: Pick<Recopy, 'link' | 'record' | 'update'>,
  gone: readonly TableName[],
): Promise<void> {
  const isGone = new Set(gone.map(tableKey))
  const { failedTables, leftOut } = work.record()
  const change = { failedTables: failedTables.filter((table) => !isGone.has(tableKey(table))) }
  work.update(change)
  await mark(work, { ...change, leftOut })
}

async function mark(
  { link, record }: Pick<Recopy, 'link' | 'record'>,
  { failedTables, leftOut }: Pick<FollowRecord, 'failedTables' | 'leftOut'>,
) {
  if (!link.names.ownPublication) return
  const oids = new Map(leftOut.map((table) => [tableKey(table), table.source]))
  const tables = failedTables.map((table) => ({ ...table, oid: oids.get(tableKey(table)) }))
  const { failedObjects } = record()
  await using source = await Session.open(link.from)
  await markMissing(source, link.names.publication, {
    tables,
    ...(failedObjects && { objects: failedObjects }),
  })
}

/** COPY goes by names, which may have changed hands since the snapshot. */
async function renamed(
  { link, choice }: Recopy,
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
      error: 'another table of the source got this name while it was copied: run "pgtrek recopy" again',
    }))
}

const mostNamed = 10

export function showNames(tables: readonly TableName[]): string {
  const more = tables.length - mostNamed
  const names = tables.slice(0, mostNamed).map(showName).join(', ')
  return more > 0 ? `${names} and ${more} more` : names
}

export function describeRecopied(tables: readonly TableName[], failed: FollowRecord['failedTables']): string {
  const lost = new Set(failed.map(tableKey))
  const whole = tables.filter((table) => !lost.has(tableKey(table)))
  const parts = [
    ...(whole.length > 0
      ? [`${formatCount(whole.length, 'table')} copied again and followed: ${showNames(whole)}`]
      : []),
    ...failed.map((table) => `${showName(table)} failed again: ${table.error}`),
  ]
  return parts.join('; ')
}
