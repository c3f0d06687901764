// Makes the other side the primary, up to the handover: each step is verified, and a failure leaves everything as it was.

import { formatCount, formatDuration, shortList } from '../../../shared/format.ts'
import { say } from '../../../shared/say.ts'
import type { SwitchoverOptions, SwitchoverReport } from '../../../shared/switchover.ts'
import { showName, tableKey } from '../../../shared/table-name.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { describeSettings } from '../../postgres/settings.ts'
import { showLsn } from '../../replication/stream/lsn.ts'
import type { Link } from '../link.ts'
import type { ObjectsCheck } from '../moved-objects.ts'
import { compareTables } from './compare-tables.ts'
import { recopyLargeObjects } from './large-objects.ts'
import { fillMaterializedViews } from './native-rows.ts'
import { awaitOpenTransactions } from './open-transactions.ts'
import { endOtherSessions, readOtherSessions } from './other-sessions.ts'
import { awaitQuiet, refuseLateWrites, refusePrepared } from './quiet.ts'
import { guardTables, setReadOnly } from './read-only.ts'
import { awaitSentinel, writeSentinel } from './sentinel.ts'
import { copySequenceValues, wantedSequences } from './sequences.ts'
import type { Switchover } from './work.ts'

const mostNamed = 10

export async function switchOver(work: Switchover): Promise<SwitchoverReport> {
  const { record, link, follower, options, signal, onStep } = work
  const startedAt = new Date()
  await using from = await Session.open(link.from, { signal })
  onStep('check')
  await refusePrepared(from)
  const lockWaitMs = options.timeout_seconds * 1000
  refuseProblems(await work.checkObjects(lockWaitMs), options)
  if (options.verify) await work.background?.prepareWindow(signal, work.say)
  onStep('read_only')
  const readOnly = options.read_only_source ? await makeReadOnly(work) : { set: false, sessions_ended: 0 }
  const deadline = Date.now() + options.timeout_seconds * 1000
  onStep('sentinel', deadline)
  const waiting = { ...work, deadline, timeoutSeconds: options.timeout_seconds }
  await awaitOpenTransactions(from, { ...waiting, exceptOurs: record.bidirectional })
  const sentAt = performance.now()
  const sentinel = await writeSentinel(from, record.native)
  await awaitSentinel(sentinel, waiting)
  const seconds = (performance.now() - sentAt) / 1000
  const confirmedAt = new Date()
  onStep('quiet', deadline)
  const last = await awaitQuiet(from, work, waiting)
  const status = follower.status
  // Objects may have changed since the first check; nothing is written any more.
  const objects = await work.checkObjects(lockWaitMs)
  refuseProblems(objects, options)
  onStep('sequences')
  const sequences = record.bidirectional ? [] : await setSequences(from, work)
  onStep('large_objects')
  const largeObjects = record.largeObjects
    ? await recopyLargeObjects(link, record.ownLargeObjects, signal)
    : { total: 0, copied: 0, removed: 0, refused: [] }
  for (const statement of largeObjects.refused) work.say(say`the destination rejected: ${statement}`, 'warn')
  if (record.native) await fillViews(from, link.to)
  onStep('compare')
  const tables = await compareTables(work)
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

function refuseProblems({ problems }: ObjectsCheck, { accept_differences: isAccepted }: SwitchoverOptions) {
  if (problems.length === 0 || isAccepted) return
  const more = problems.length - mostNamed
  throw new PgtrekError(
    say`${formatCount(problems.length, 'difference')} between the objects of both sides: ${problems.slice(0, mostNamed).join('; ')}${more > 0 ? say`; and ${more} more` : ''}. Make the destination the same, or accept these differences (--accept-differences)`,
  )
}

async function makeReadOnly({ record, link, options, signal, say: log }: Switchover) {
  const place = describeSettings(link.from)
  const request = {
    ...{ move: record.name, to: describeSettings(link.to), signal, say: log },
    deadline: Date.now() + options.timeout_seconds * 1000,
  }
  await setReadOnly(link.from, request)
  log(say`${place} is read-only for new sessions`)
  const { ended, left } = await endOtherSessions(link.from, signal)
  log(say`ended ${formatCount(ended, 'session')} of ${place}`)
  const { tables, unguarded } = await guardTables(link.from, request)
  log(say`a trigger refuses writes to ${formatCount(tables, 'table')} of ${place}`)
  const names = unguarded.map((table) => `${showName(table)} (${table.reason})`)
  if (names.length > 0) {
    log(
      say`writes to ${formatCount(names.length, 'table')} are refused only by the default of the database, which a session may override: ${shortList(names)}`,
      'warn',
    )
  }
  if (left.length > 0) {
    const sessions = left.map(({ pid, user }) => `${pid} (${user})`)
    const what = say`${formatCount(left.length, 'session')} of other roles could not be ended: ${shortList(sessions)}`
    if (names.length > 0) {
      throw new PgtrekError(
        say`${what}. They may still write to ${shortList(names)}. End them, or grant pg_signal_backend to our role`,
      )
    }
    log(say`${what}. They can read, and writes to tables are refused`, 'warn')
  }
  return { set: true, sessions_ended: ended, tables_guarded: tables, tables_unguarded: names }
}

async function fillViews(from: Session, to: Link['to']) {
  await using destination = await Session.open(to)
  await fillMaterializedViews(from, destination)
}

/** Sets the moved sequences and those created since. A sequence that cannot be set stops the switchover. */
async function setSequences(from: Session, { record, link, options, signal }: Switchover) {
  await using to = await Session.open(link.to, { signal })
  const wanted = await wantedSequences(from, record)
  const set = await copySequenceValues(from, to, wanted, {
    margin: options.sequence_margin,
    advanceOnly: record.advanceSequences || record.foreignWrites !== undefined,
  })
  const done = new Set(set.map(tableKey))
  const left = wanted.filter((one) => !done.has(tableKey(one)))
  if (left.length > 0 && !options.accept_differences) {
    throw new PgtrekError(
      say`${formatCount(left.length, 'sequence')} cannot be set on ${describeSettings(link.to)}, where they are missing, or cannot be read on ${describeSettings(link.from)}: ${left.slice(0, mostNamed).map(showName).join(', ')}`,
    )
  }
  return set
}

function nextSteps(
  { link, options }: Switchover,
  others: readonly { user: string | null }[],
  isReversed: boolean,
): string[] {
  const { host, port, database } = link.to
  const [from, to] = [describeSettings(link.from), describeSettings(link.to)]
  return [
    say`In the application's connection string, set host ${host}, port ${port}, database ${database} (it was ${link.from.host}, ${link.from.port}, ${link.from.database}), and start it.`,
    ...(others.length > 0 && !options.read_only_source
      ? [
          say`${formatCount(others.length, 'session')} of other programs are still connected to ${from}: what they write there from now on is not on ${to}.`,
        ]
      : []),
    ...(options.read_only_source
      ? [
          say`${from} is read-only until "pgtrek cleanup --writable" or a switchover back. Superusers and owners who disable triggers, and sessions with session_replication_role = replica, can still write there.`,
        ]
      : []),
    isReversed
      ? options.back
        ? say`Changes of ${to} flow to ${from} from now on: "pgtrek switchover" switches to it without losing any.`
        : say`Changes of ${to} flow to ${from} from now on: "pgtrek switchover --back" switches to it without losing any.`
      : say`Changes of ${to} do not flow to ${from}.`,
    ...(isReversed
      ? []
      : [
          options.watch_seconds > 0
            ? say`What is still written to ${from} from now on stays in its replication slot: it is watched for ${formatDuration(options.watch_seconds)}, and after that "pgtrek cleanup" reports it, and then exits with 1.`
            : say`What is still written to ${from} from now on stays in its replication slot: "pgtrek cleanup" reports it, and then exits with 1.`,
        ]),
    say`When you are sure: "pgtrek cleanup" removes slot, publication and position from both sides.`,
  ]
}
