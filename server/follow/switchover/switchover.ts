// Hands over from one side to the other: nothing is done that has not been proven, and whatever fails before
// the end leaves everything as it was.

import type { SwitchoverOptions, SwitchoverReport, SwitchoverStep } from '../../../shared/follow-view.ts'
import { formatCount, formatDuration, shortList } from '../../../shared/format.ts'
import { namedLateWrites } from '../../../shared/late-writes.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { compareData } from '../../compare/data.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { describeSettings } from '../../postgres/settings.ts'
import type { Following } from '../../replication/apply/follower.ts'
import { type Lsn, showLsn } from '../../replication/stream/lsn.ts'
import type { Publications } from '../../replication/stream/publication.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import type { BackgroundComparison } from '../comparison/background-comparison.ts'
import { filterOf, rulesOf } from '../comparison/scope.ts'
import type { Link } from '../link.ts'
import type { ObjectsCheck } from '../moved-objects.ts'
import { isSkippedIn } from '../skipped.ts'
import { bringLargeObjects } from './large-objects.ts'
import { refuseIndistinct } from './late-watch.ts'
import { readLateWrites } from './late-writes.ts'
import { fillMaterializedViews } from './native-rows.ts'
import { awaitOpenTransactions, listed, readOpenTransactions } from './open-transactions.ts'
import { endOtherSessions, readOtherSessions } from './other-sessions.ts'
import { guardTables, setReadOnly } from './read-only.ts'
import { awaitSentinel, type Sentinel, writeSentinel } from './sentinel.ts'
import { bringSequences, wantedSequences } from './sequences.ts'

export interface Switchover {
  record: FollowRecord
  link: Link
  follower: Following
  options: SwitchoverOptions
  /** Sentinels that have come out of the stream. */
  arrived: ReadonlySet<string>
  /** What was compared while changes flowed. */
  background?: BackgroundComparison | undefined
  publication: () => Promise<Publications>
  /** As what we bring to the side that is left is known there. */
  ours: string
  signal: AbortSignal
  onStep: (step: SwitchoverStep, deadline?: number) => void
  say: (message: string, level?: 'info' | 'warn') => void
  /** Looks a last time which tables of the other side others have written to. */
  writtenByOthers: () => Promise<readonly TableName[]>
  /** Compares the objects of both sides as they are now. */
  checkObjects: (lockWaitMs: number) => Promise<ObjectsCheck>
  /** The side that was left by an earlier switchover is looked at a last time. */
  release: () => Promise<void>
  /** From now on changes flow back; only what comes later can be in that stream. */
  reverse: () => Promise<{ slot: string; publication: string }>
}

const mostNamed = 10
/** Who writes shows between two sentinels so far apart. */
const quietMs = 500

export async function switchOver(work: Switchover): Promise<SwitchoverReport> {
  const { record, link, follower, options, signal, onStep } = work
  const startedAt = new Date()
  await using from = await Session.open(link.from, { signal })
  onStep('check')
  await refusePrepared(from)
  const lockWaitMs = options.timeout_seconds * 1000
  refuseProblems(await work.checkObjects(lockWaitMs), options)
  onStep('read_only')
  const readOnly = options.read_only_source ? await leave(work) : { set: false, sessions_ended: 0 }
  const deadline = Date.now() + options.timeout_seconds * 1000
  onStep('sentinel', deadline)
  const waiting = { ...work, deadline, timeoutSeconds: options.timeout_seconds }
  await awaitOpenTransactions(from, { ...waiting, exceptOurs: record.bidirectional })
  const begun = performance.now()
  const sentinel = await writeSentinel(from, record.native)
  await awaitSentinel(sentinel, waiting)
  const seconds = (performance.now() - begun) / 1000
  const confirmedAt = new Date()
  onStep('quiet', deadline)
  const last = await awaitQuiet(from, work, waiting)
  const status = follower.status
  // Whatever was changed since the first look: now nobody writes any more.
  const objects = await work.checkObjects(lockWaitMs)
  refuseProblems(objects, options)
  onStep('sequences')
  const sequences = record.bidirectional ? [] : await bringAll(from, work)
  onStep('large_objects')
  const largeObjects = record.largeObjects
    ? await bringLargeObjects(link, record.ownLargeObjects, signal)
    : { total: 0, copied: 0, removed: 0, refused: [] }
  for (const statement of largeObjects.refused) work.say(`the destination rejected: ${statement}`, 'warn')
  if (record.native) await fillViews(from, link.to)
  onStep('compare')
  const tables = await compareAll(work)
  onStep('reverse')
  await refuseLateWrites(from, work, last.lsn)
  await work.release()
  const reverse = options.keep_reverse ? await work.reverse() : undefined
  onStep('report')
  const { refused: _, ...counts } = largeObjects
  return {
    direction: record.direction,
    from: describeSettings(link.from),
    to: describeSettings(link.to),
    started_at: startedAt.toISOString(),
    finished_at: new Date().toISOString(),
    sentinel: {
      id: sentinel.id,
      lsn: showLsn(sentinel.lsn),
      confirmed_lsn: showLsn(last.lsn),
      confirmed_at: confirmedAt.toISOString(),
      proof: sentinel.proof,
      seconds,
    },
    read_only: readOnly,
    transactions: status.transactions,
    rows: status.rows,
    tables,
    compared: options.verify ? 'checksums' : 'counts',
    sequences,
    large_objects: counts,
    objects: { compared: objects.compared, accepted: objects.problems, remarks: objects.remarks },
    ...(reverse && { reverse }),
    next: nextSteps(work, await readOtherSessions(from), reverse !== undefined),
  }
}

/** The destination would lack what the source has. */
function refuseProblems({ problems }: ObjectsCheck, { accept_differences: isAccepted }: SwitchoverOptions) {
  if (problems.length === 0 || isAccepted) return
  const more = problems.length - mostNamed
  throw new PgtrekError(
    `${formatCount(problems.length, 'difference')} between the objects of both sides: ` +
      `${problems.slice(0, mostNamed).join('; ')}${more > 0 ? `; and ${more} more` : ''}. ` +
      'Make the destination the same, or accept these differences (--accept-differences)',
  )
}

/** Their changes come with COMMIT PREPARED: nobody knows when, and then nobody follows any more. */
async function refusePrepared(from: Session) {
  const prepared = await from.query<{ gid: string }>(
    'select gid from pg_catalog.pg_prepared_xacts where database = pg_catalog.current_database()',
  )
  if (prepared.length === 0) return
  const names = prepared.slice(0, mostNamed).map(({ gid }) => gid)
  throw new PgtrekError(
    `${formatCount(prepared.length, 'prepared transaction')} of ${describeSettings(from.settings)} would be lost (${names.join(', ')}): run commit prepared or rollback prepared first`,
  )
}

async function leave({ record, link, options, signal, say }: Switchover) {
  const place = describeSettings(link.from)
  const request = {
    ...{ move: record.name, to: describeSettings(link.to), signal, say },
    deadline: Date.now() + options.timeout_seconds * 1000,
  }
  await setReadOnly(link.from, request)
  say(`${place} is read-only for new sessions`)
  const { ended, left } = await endOtherSessions(link.from)
  say(`ended ${formatCount(ended, 'session')} of ${place}`)
  const { tables, unguarded } = await guardTables(link.from, request)
  say(`a trigger refuses writes to ${formatCount(tables, 'table')} of ${place}`)
  const names = unguarded.map((table) => `${showName(table)} (${table.reason})`)
  if (names.length > 0) {
    say(
      `writes to ${formatCount(names.length, 'table')} are refused only by the default of the database, which a session may override: ${shortList(names)}`,
      'warn',
    )
  }
  if (left.length > 0) {
    const sessions = left.map(({ pid, user }) => `${pid} (${user})`)
    const what = `${formatCount(left.length, 'session')} of other roles could not be ended: ${shortList(sessions)}`
    if (names.length > 0) {
      throw new PgtrekError(
        `${what}. They may still write to ${shortList(names)}. End them, or grant pg_signal_backend to our role`,
      )
    }
    say(`${what}. They can read, and writes to tables are refused`, 'warn')
  }
  return { set: true, sessions_ended: ended, tables_guarded: tables, tables_unguarded: names }
}

/** Nothing may come between two sentinels: then nobody writes any more. Following ends behind the second. */
async function awaitQuiet(
  from: Session,
  { record, follower, options, link }: Switchover,
  waiting: Parameters<typeof awaitSentinel>[1],
): Promise<Sentinel> {
  const before = follower.status.transactions
  await Bun.sleep(quietMs)
  const last = await writeSentinel(from, record.native)
  await awaitSentinel(last, waiting)
  const between = follower.status.transactions - before
  if (between > 0) {
    throw stillWritten(link, `${formatCount(between, 'transaction')} after the sentinel`, options)
  }
  // It may commit when nobody looks any more.
  await refuseOpen(from, record, link, options)
  await follower.stopAt(last.lsn)
  return last
}

function stillWritten({ from }: Link, what: string, { read_only_source: isReadOnly }: SwitchoverOptions) {
  return new PgtrekError(
    `${describeSettings(from)} is still being written to: ${what}. Stop the application first` +
      (isReadOnly ? '' : ', or let the switchover make that side read-only (--read-only-source)'),
  )
}

/** One that ends at once is not refused here: the last look into the log finds what it has written. */
async function refuseOpen(
  from: Session,
  { bidirectional }: FollowRecord,
  link: Link,
  options: SwitchoverOptions,
) {
  const look = () => readOpenTransactions(from, { exceptOurs: bidirectional })
  const first = await look()
  if (first.length === 0) return
  if (bidirectional) throw stillWritten(link, listed(first), options)
  await Bun.sleep(quietMs)
  const keys = new Set(first.map(({ key }) => key))
  const left = (await look()).filter(({ key }) => keys.has(key))
  if (left.length > 0) throw stillWritten(link, listed(left), options)
}

/** Sequences, large objects and the comparison took their time: somebody may have started to write again. */
async function refuseLateWrites(
  from: Session,
  { record, link, options, publication, ours, say }: Switchover,
  after: Lsn,
) {
  await refuseOpen(from, record, link, options)
  // Only where both directions are followed at once does anything of ours come here.
  const indistinct =
    record.bidirectional && (await refuseIndistinct(from, ours).catch((error: Error) => error))
  if (indistinct) {
    say(
      `cannot determine whether ${describeSettings(link.from)} was written to in the meantime: ${indistinct.message}`,
      'warn',
    )
    return
  }
  const late = await readLateWrites(from, {
    slot: link.names.slot,
    publication: await publication(),
    after,
    ...(record.bidirectional && { ours }),
  })
  if (late) throw stillWritten(link, namedLateWrites(late), options)
}

async function fillViews(from: Session, to: Link['to']) {
  await using destination = await Session.open(to)
  await fillMaterializedViews(from, destination)
}

/** All that were moved and those created since; one whose value is not on the destination stops the switchover. */
async function bringAll(from: Session, { record, link, options, signal }: Switchover) {
  await using to = await Session.open(link.to, { signal })
  const wanted = await wantedSequences(from, record)
  const set = await bringSequences(from, to, wanted, {
    margin: options.sequence_margin,
    advanceOnly: record.advanceSequences || record.foreignWrites !== undefined,
  })
  const done = new Set(set.map(tableKey))
  const left = wanted.filter((one) => !done.has(tableKey(one)))
  if (left.length > 0 && !options.accept_differences) {
    throw new PgtrekError(
      `${formatCount(left.length, 'sequence')} cannot be set on ${describeSettings(link.to)}, where they are missing, or cannot be read on ` +
        `${describeSettings(link.from)}: ${left.slice(0, mostNamed).map(showName).join(', ')}`,
    )
  }
  return set
}

/** Whole only where it was not done before: what was compared while changes flowed needs only its changed rows. */
async function compareAll(work: Switchover): Promise<SwitchoverReport['tables']> {
  const { record, link, options, signal, background } = work
  const all = record.tables.map(({ schema, name }) => ({ schema, name }))
  const foreign = new Set((await work.writtenByOthers()).map(tableKey))
  const isForeign = (table: TableName) => foreign.has(tableKey(table))
  const inWindow = await background?.inWindow(signal)
  const proven = inWindow?.proven ?? []
  // Those that are followed only since then are in none of them.
  const isProven = new Set(proven.map(tableKey))
  const different = new Set(inWindow?.suspect.map(tableKey))
  const unproven = all.filter((table) => !isProven.has(tableKey(table)))
  const isSuspect = (table: TableName) => different.has(tableKey(table)) || isForeign(table)
  const suspect = unproven.filter(isSuspect)
  const whole = unproven.filter((table) => !isSuspect(table))
  if (background) {
    work.say(
      `${formatCount(proven.length, 'table')} compared beforehand and again where they changed; ${formatCount(whole.length + suspect.length, 'table')} compared whole now`,
    )
  }
  const before = proven.map(({ schema, name, rows, lsn, again }) => ({
    ...{ schema, name, source_rows: rows, destination_rows: rows, equal: true },
    before: { lsn, again },
  }))
  const compare = async (chosen: readonly TableName[], fast: boolean) => {
    if (chosen.length === 0) return []
    const { tables } = await compareData({
      source: link.from,
      destination: link.to,
      tables: chosen.map(({ schema, name }) => ({ schema, name })),
      rules: rulesOf(record),
      filter: filterOf(record),
      fast,
      sequences: false,
      largeObjects: false,
      signal,
    })
    return tables
  }
  const tables = [...(await compare(suspect, false)), ...(await compare(whole, !options.verify))]
  const unequal = tables.filter(({ status, columns_only_on_destination: extra, source, destination }) => {
    if (status === 'same') return false
    // What the destination has beside it says nothing about what was moved.
    return !(extra.length > 0 && source?.rows === destination?.rows && source?.hash === destination?.hash)
  })
  const isAccepted = (table: TableName) =>
    options.accept_differences && (isSkippedIn(record.skipped, table) || isForeign(table))
  const refused = unequal.filter((table) => !isAccepted(table))
  if (refused.length > 0 && !record.bidirectional) {
    const named = refused
      .slice(0, mostNamed)
      .map(
        (table) =>
          `${showName(table)} (${table.error?.message ?? `${table.source?.rows ?? 'no'} rows here, ${table.destination?.rows ?? 'no'} there`}${isForeign(table) ? '; other sessions have written to it there' : ''})`,
      )
    throw new PgtrekError(
      `${formatCount(refused.length, 'table')} of ${tables.length + before.length} are not the same on both sides: ${named.join(', ')}`,
    )
  }
  for (const table of unequal.filter(isAccepted)) {
    const why = isForeign(table) ? 'other sessions have written to it' : 'a transaction was skipped'
    work.say(`table ${showName(table)} is not the same on both sides, which was accepted: ${why}`, 'warn')
  }
  const compared = tables.map(({ schema, name, source, destination, status }) => ({
    schema,
    name,
    source_rows: source?.rows ?? 0,
    destination_rows: destination?.rows ?? 0,
    equal: status === 'same',
  }))
  return [...before, ...compared].sort((one, other) => (showName(one) < showName(other) ? -1 : 1))
}

function nextSteps(
  { link, options }: Switchover,
  others: readonly { user: string | null }[],
  isReversed: boolean,
): string[] {
  const { host, port, database } = link.to
  const [from, to] = [describeSettings(link.from), describeSettings(link.to)]
  return [
    `In the application's connection string, set host ${host}, port ${port}, database ${database} (it was ${link.from.host}, ${link.from.port}, ${link.from.database}), and start it.`,
    ...(others.length > 0 && !options.read_only_source
      ? [
          `${formatCount(others.length, 'session')} of other programs are still connected to ${from}: what they write there from now on is not on ${to}.`,
        ]
      : []),
    ...(options.read_only_source
      ? [
          `${from} is read-only until "pgtrek cleanup --writable" or a switchover back. Superusers and owners who disable triggers, and sessions with session_replication_role = replica, can still write there.`,
        ]
      : []),
    isReversed
      ? `Changes of ${to} flow to ${from} from now on: "pgtrek switchover${options.back ? '' : ' --back'}" switches to it without losing any.`
      : `Changes of ${to} do not flow to ${from}.`,
    ...(isReversed
      ? []
      : [
          `What is still written to ${from} from now on stays in its replication slot${options.watch_seconds > 0 ? `: it is watched for ${formatDuration(options.watch_seconds)}, and after that` : ':'} "pgtrek cleanup" reports it, and then exits with 1.`,
        ]),
    `When you are sure: "pgtrek cleanup" removes slot, publication and position from both sides.`,
  ]
}
