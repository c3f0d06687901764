// Proof that the old primary is not written to any more.

import { formatCount } from '../../../shared/format.ts'
import { namedLateWrites } from '../../../shared/late-writes.ts'
import { say } from '../../../shared/say.ts'
import type { SwitchoverOptions } from '../../../shared/switchover.ts'
import { pause } from '../../copy/pause.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import type { Session } from '../../postgres/session.ts'
import { describeSettings } from '../../postgres/settings.ts'
import type { Lsn } from '../../replication/stream/lsn.ts'
import type { Link } from '../link.ts'
import { refuseIndistinct } from './late-watch.ts'
import { readLateWrites } from './late-writes.ts'
import { listed, readOpenTransactions } from './open-transactions.ts'
import { awaitSentinel, type Sentinel, writeSentinel } from './sentinel.ts'
import type { Switchover } from './work.ts'

const mostNamed = 10
/** Sessions that still write are noticed within this time between two checks. */
const quietMs = 500

/** The changes of a prepared transaction would come with COMMIT PREPARED, perhaps after the switchover. */
export async function refusePrepared(from: Session) {
  const prepared = await from.query<{ gid: string }>(
    'select gid from pg_catalog.pg_prepared_xacts where database = pg_catalog.current_database()',
  )
  if (prepared.length === 0) return
  const names = prepared.slice(0, mostNamed).map(({ gid }) => gid)
  throw new PgtrekError(
    say`${formatCount(prepared.length, 'prepared transaction')} of ${describeSettings(from.settings)} would be lost (${names.join(', ')}): run commit prepared or rollback prepared first`,
  )
}

/** Nothing is written any more when no transaction comes between two sentinels. Following ends at the second. */
export async function awaitQuiet(
  from: Session,
  { record, follower, options, link }: Switchover,
  waiting: Parameters<typeof awaitSentinel>[1],
): Promise<Sentinel> {
  const before = follower.status.transactions
  await pause(quietMs, waiting.signal)
  const last = await writeSentinel(from, record.native)
  await awaitSentinel(last, waiting)
  const between = follower.status.transactions - before
  if (between > 0) {
    throw stillWritten(link, say`${formatCount(between, 'transaction')} after the sentinel`, options)
  }
  // An open transaction may commit after the last check.
  await refuseOpen(from, { record, link, options, signal: waiting.signal })
  await follower.stopAt(last.lsn)
  return last
}

function stillWritten({ from }: Link, what: string, { read_only_source: isReadOnly }: SwitchoverOptions) {
  return new PgtrekError(
    say`${describeSettings(from)} is still being written to: ${what}. Stop the application first${isReadOnly ? '' : say`, or let the switchover make that side read-only (--read-only-source)`}`,
  )
}

/** A transaction that ends at once is not refused: the last check of the log finds what it has written. */
async function refuseOpen(
  from: Session,
  { record, link, options, signal }: Pick<Switchover, 'record' | 'link' | 'options' | 'signal'>,
) {
  const { bidirectional } = record
  const read = () => readOpenTransactions(from, { exceptOurs: bidirectional })
  const first = await read()
  if (first.length === 0) return
  if (bidirectional) throw stillWritten(link, listed(first), options)
  await pause(quietMs, signal)
  const keys = new Set(first.map(({ key }) => key))
  const left = (await read()).filter(({ key }) => keys.has(key))
  if (left.length > 0) throw stillWritten(link, listed(left), options)
}

/** A client may have started to write again during sequences, large objects and the comparison. */
export async function refuseLateWrites(
  from: Session,
  { record, link, options, publication, ours, say: log, signal }: Switchover,
  after: Lsn,
) {
  await refuseOpen(from, { record, link, options, signal })
  // This move writes to the old primary only where both directions are followed at once.
  const indistinct =
    record.bidirectional && (await refuseIndistinct(from, ours).catch((error: Error) => error))
  if (indistinct) {
    log(
      say`cannot determine whether ${describeSettings(link.from)} was written to in the meantime: ${indistinct.message}`,
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
