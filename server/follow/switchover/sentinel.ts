// Proof that nothing is missing: a message in the source's log, which must come out of the stream and be on the
// destination's disk in time.

import { formatDuration } from '../../../shared/format.ts'
import { say } from '../../../shared/say.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { Following } from '../../replication/apply/follower.ts'
import type { StreamProgress } from '../../replication/apply/statistics.ts'
import { type Lsn, parseLsn } from '../../replication/stream/lsn.ts'
import { untilProgress } from '../stream-waits.ts'

export const sentinelPrefix = 'pgtrek_sentinel'

/** Older servers do not send messages, so there only the position proves it. */
export const messagesSince = 14

export interface Sentinel {
  id: string
  /** Everything that was committed before it has a smaller position. */
  lsn: Lsn
  proof: 'message' | 'position'
}

/** `isNative`: a subscription of the server does not pass on messages. */
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

/** Throws when the destination does not confirm it in time, or following has stopped for another reason. */
export async function awaitSentinel({ id, lsn, proof }: Sentinel, waiting: Waiting): Promise<void> {
  const { follower, arrived, deadline, timeoutSeconds, signal } = waiting
  const isConfirmed = ({ phase, applied, conflict, lastError }: StreamProgress) => {
    const isThere = proof === 'position' || arrived.has(id)
    if (isThere && parseLsn(applied) >= lsn) return true
    if (phase === 'conflict' || phase === 'failed' || phase === 'stopped') {
      throw new PgtrekError(
        say`following stopped before the sentinel was received: ${conflict?.message ?? lastError?.message ?? phase}`,
      )
    }
    return false
  }
  const atMostMs = Math.max(0, deadline - Date.now())
  if (await untilProgress(follower, isConfirmed, { signal, atMostMs })) return
  throw new PgtrekError(
    say`the destination did not confirm the sentinel within ${formatDuration(timeoutSeconds)}: its lag is ${follower.status.lagBytes} bytes of the log. Wait until it has caught up, or set a longer --timeout`,
  )
}
