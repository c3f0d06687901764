// Proof that nothing is missing: a message in the source's log, which must come out of the stream and be safe
// on the destination before the time is up.
import type { FollowStatus } from '../../../shared/follow.ts'
import { formatDuration } from '../../../shared/format.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { Following } from '../../replication/apply/follower.ts'
import { type Lsn, parseLsn } from '../../replication/stream/lsn.ts'
import { pollUntil } from '../../system/poll.ts'

export const sentinelPrefix = 'pgtrek_sentinel'

/** Older servers do not send messages: there only the position proves it. */
export const messagesSince = 14
const lookEveryMs = 20

export interface Sentinel {
  id: string
  /** Behind everything that was committed before. */
  lsn: Lsn
  proof: 'message' | 'position'
}

/** A subscription of the server does not hand messages on. */
export async function writeSentinel(source: Session, isNative = false): Promise<Sentinel> {
  const id = crypto.randomUUID()
  await source.execute(`
    begin read write;
    set local synchronous_commit = on;
    select pg_catalog.pg_logical_emit_message(true, ${quoteLiteral(sentinelPrefix)}, ${quoteLiteral(id)});
    commit`)
  const { lsn } = await source.one<{ lsn: string }>(
    'select pg_catalog.pg_current_wal_flush_lsn()::text as lsn',
  )
  return {
    id,
    lsn: parseLsn(lsn),
    proof: source.major >= messagesSince && !isNative ? 'message' : 'position',
  }
}

export interface Waiting {
  follower: Following
  /** Sentinels that have come out of the stream. */
  arrived: ReadonlySet<string>
  /** Milliseconds since 1970. */
  deadline: number
  timeoutSeconds: number
  signal: AbortSignal
}

/** Throws when it does not come in time, or following has stopped for another reason. */
export async function awaitSentinel({ id, lsn, proof }: Sentinel, waiting: Waiting): Promise<void> {
  const { follower, arrived, deadline, timeoutSeconds, signal } = waiting
  const isConfirmed = ({ applied }: FollowStatus) =>
    (proof === 'position' || arrived.has(id)) && parseLsn(applied) >= lsn
  const hasStopped = ({ phase }: FollowStatus) =>
    phase === 'conflict' || phase === 'failed' || phase === 'stopped'
  const status = await pollUntil(
    () => follower.status,
    (now) => isConfirmed(now) || hasStopped(now),
    { everyMs: lookEveryMs, withinMs: deadline - Date.now(), signal },
  )
  if (isConfirmed(status)) return
  if (hasStopped(status)) {
    throw new PgtrekError(
      `following stopped before the sentinel was received: ${status.conflict?.message ?? status.lastError?.message ?? status.phase}`,
    )
  }
  throw new PgtrekError(
    `the destination did not confirm the sentinel within ${formatDuration(timeoutSeconds)}: its lag is ${status.lagBytes} bytes of the log. Wait until it has caught up, or set a longer --timeout`,
  )
}
