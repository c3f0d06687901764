// Waits until the destination has everything that a snapshot of the source shows.

import type { SourceMoment } from '../../compare/two-snapshots.ts'
import { Session } from '../../postgres/session.ts'
import { Follower, type Following } from '../../replication/apply/follower.ts'
import { parseLsn } from '../../replication/stream/lsn.ts'
import type { FollowStatus } from '../follow-state.ts'
import type { Link } from '../link.ts'

/** Not now: something is not as it has to be, and may be later. */
export class Later extends Error {}

const patienceMs = 30_000
const nudgeAfterMs = 300
const lookEveryMs = 20

export async function reachMoment(
  { lsn }: SourceMoment,
  link: Link,
  status: FollowStatus,
  signal: AbortSignal,
) {
  const wanted = parseLsn(lsn)
  const begun = performance.now()
  for (let nudged = false; ; ) {
    signal.throwIfAborted()
    const follower = runningFollower(link, status)
    if (!follower) throw new Later('changes do not flow')
    if (parseLsn(follower.status.applied) >= wanted) return
    follower.askForEnd()
    const waited = performance.now() - begun
    if (waited > patienceMs) throw new Later('the destination lags behind')
    if (waited > nudgeAfterMs && !nudged) {
      nudged = true
      await nudge(link)
    }
    await Bun.sleep(lookEveryMs)
  }
}

function runningFollower(link: Link, status: FollowStatus): Follower | undefined {
  const follower: Following | undefined = status.followers.get(link.direction)
  return follower instanceof Follower && status.state === 'running' ? follower : undefined
}

/** On a source where nothing happens the end of the log is written to disk with the next commit only. */
async function nudge({ from }: Link) {
  await using session = await Session.open(from)
  await session.execute('select pg_catalog.txid_current()')
}
