// Undoes a copy that failed, was cancelled, or was interrupted in an earlier process.

import { say } from '../../shared/say.ts'
import { Cancelled, PgtrekError, UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import { forwardLink, type InitialCopy } from './copy-steps.ts'
import { dropLink, type Link } from './link.ts'
import { describeMove, readMoveFacts } from './move-state.ts'
import { linkNames } from './names.ts'
import type { CloneAndFollow } from './request.ts'
import { retryWhileUnavailable } from './retry.ts'

/** How long a server may be unavailable at the end of a copy, or when a copy is undone. */
export const endPatienceMs = 120_000

/** Undoes an incomplete copy of an earlier process. Throws when there is a move that can be continued. */
export async function undoInterruptedCopy(
  earlier: FollowRecord | undefined,
  { request, memory, status }: InitialCopy,
) {
  if (!earlier) return
  if (earlier.progress === 'following' || earlier.progress === 'done') {
    throw new UsageError(
      say`these databases are followed already (${earlier.name}, since ${new Date(earlier.startedAt).toISOString()}): "pgtrek follow" continues the move, "pgtrek cleanup" ends it, --name starts another one`,
    )
  }
  await refuseComplete(request, earlier)
  const { move, unread } = earlier
  const dropped = await dropLink(forwardLink(request, earlier), { by: 'move', move, unread })
  memory.forget(earlier.name)
  memory.take(earlier.name)
  status.warn(
    say`an earlier attempt was interrupted while it copied rows: its snapshot no longer exists, so everything is copied again${dropped.length > 0 ? `; dropped ${dropped.join(', ')}` : ''}`,
  )
}

/** The earlier process may have been killed before it could record that its copy was complete, or a switchover. */
async function refuseComplete({ source, destination }: CloneAndFollow, earlier: FollowRecord) {
  const { name, move, forward, back } = earlier
  await using from = await Session.open(source)
  await using to = await Session.open(destination)
  const facts = await readMoveFacts(from, to, name, { forward, back: back ?? linkNames(name, 'back') })
  const { mark, position } = facts.forward
  // Objects of another move are neither dropped nor used.
  if (move === undefined || mark?.move !== move) return
  if (!position && !mark.handedOver && !facts.back.mark?.handedOver) return
  const { words, next } = describeMove(facts, { source, destination })
  throw new UsageError(
    say`${name} is being copied according to this state directory, but the state on the servers is: ${words}. Nothing was changed. ${next.join('; ')}`,
  )
}

/** Drops only what this move has created. */
export async function undoCopy(
  { memory, status, signal }: InitialCopy,
  link: Link,
  { name, move, unread }: FollowRecord,
  error: unknown,
) {
  try {
    const drop = () => dropLink(link, { by: 'move', move, unread })
    // A restart of the server may be why the copy failed.
    const dropped = await retryWhileUnavailable(drop, {
      signal: error instanceof Cancelled ? AbortSignal.abort() : signal,
      onWait: (reason) =>
        status.warn(
          say`${reason.message}; slot and publication are dropped when the server is available again`,
        ),
      atMostMs: endPatienceMs,
    })
    if (dropped.length > 0) status.say(`dropped ${dropped.join(', ')}`)
    memory.forget(name)
  } catch (failure) {
    const message = failure instanceof PgtrekError ? failure.message : String(failure)
    status.warn(say`slot and publication may still be there, "pgtrek cleanup" drops them: ${message}`)
  }
  if (error instanceof Cancelled) status.say('cancelled', 'warn')
}
