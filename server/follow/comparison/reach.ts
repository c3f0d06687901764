// Waits until the destination has everything that a snapshot of the source shows.

import { say } from '../../../shared/say.ts'
import type { SourceMoment } from '../../compare/two-snapshots.ts'
import { Session } from '../../postgres/session.ts'
import { Follower, type Following } from '../../replication/apply/follower.ts'
import { parseLsn } from '../../replication/stream/lsn.ts'
import type { FollowStatus } from '../follow-state.ts'
import type { Link } from '../link.ts'
import { untilProgress } from '../stream-waits.ts'

/** The comparison is not possible now, and is tried again later. */
export class Later extends Error {}

const patienceMs = 30_000
const nudgeAfterMs = 300

export async function reachMoment(
  { lsn }: SourceMoment,
  link: Link,
  status: FollowStatus,
  signal: AbortSignal,
) {
  signal.throwIfAborted()
  const wanted = parseLsn(lsn)
  const follower = runningFollower(link, status)
  if (!follower) throw notFlowing()
  const isReached = ({ applied }: Follower['progress']) => {
    if (runningFollower(link, status) !== follower) throw notFlowing()
    if (parseLsn(applied) >= wanted) return true
    follower.askForEnd()
    return false
  }
  if (await untilProgress(follower, isReached, { signal, atMostMs: nudgeAfterMs })) return
  await nudge(link, signal)
  if (await untilProgress(follower, isReached, { signal, atMostMs: patienceMs - nudgeAfterMs })) return
  throw new Later(say`the destination lags behind`)
}

function notFlowing() {
  return new Later(say`changes do not flow`)
}

function runningFollower(link: Link, status: FollowStatus): Follower | undefined {
  const follower: Following | undefined = status.followers.get(link.direction)
  return follower instanceof Follower && status.state === 'running' ? follower : undefined
}

/** On an idle source the end of the log is written to disk only with the next commit. */
async function nudge({ from }: Link, signal: AbortSignal) {
  await using session = await Session.open(from, { signal })
  await session.execute('select pg_catalog.txid_current()')
}
