// The first copy of a move: by the requested engine, or by pgtrek's own where a subscription is not possible.

import { say } from '../../shared/say.ts'
import type { RunLock } from '../coordination/run-lock.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import type { InitialCopy } from './copy-steps.ts'
import { copyFirst } from './initial-copy.ts'
import type { MoveContext } from './move-context.ts'
import { copyNatively, NativeImpossible } from './native.ts'
import type { CloneAndFollow } from './request.ts'
import { makeBack } from './switchover/way-back.ts'
import { undoInterruptedCopy } from './undo-copy.ts'

/** `onClear`: nothing of an earlier move with this name is left. */
export async function beginMove(
  move: MoveContext,
  request: CloneAndFollow,
  earlier: FollowRecord | undefined,
  lock: RunLock,
  onClear: () => void,
) {
  const work: InitialCopy = {
    lock,
    request,
    memory: move.services.memory,
    status: move.status,
    update: (change) => move.update(change),
    signal: move.signal,
  }
  await undoInterruptedCopy(earlier, work)
  onClear()
  move.update({})
  await copyBy(request.follow.engine, move, work)
  if (move.record.bidirectional) await makeBack(move, { isWayBack: false })
}

async function copyBy(engine: CloneAndFollow['follow']['engine'], move: MoveContext, work: InitialCopy) {
  if (engine === 'pgtrek') return await copyFirst(work, move.record)
  try {
    await copyNatively(work, move.record)
    move.update({ native: true })
  } catch (error) {
    if (!(error instanceof NativeImpossible)) throw error
    move.status.warn(say`${error.message}; using pgtrek's own stream instead`)
    work.memory.take(move.name)
    move.update({ progress: 'preparing' })
    await copyFirst(work, move.record)
  }
}
