// A move that an earlier process began is continued: from the record of the state directory, or from what the servers
// have of it.

import { say } from '../../shared/say.ts'
import type { RunLock } from '../coordination/run-lock.ts'
import { describeNote, readNotes } from '../coordination/suspension-notes.ts'
import { UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import { discover, wasSwitchedOver } from './discover.ts'
import type { MoveContext } from './move-context.ts'
import { isAtItsEnd } from './switchover/handover.ts'
import { finishHandover, learnHandover } from './switchover/interrupted.ts'

/** `onFound`: the move exists. `lock` is that of the destination. */
export async function continueMove(
  move: MoveContext,
  earlier: FollowRecord | undefined,
  lock: RunLock,
  onFound: () => void,
) {
  if (earlier && !isInCopy(earlier)) {
    onFound()
    await learnHandover(move)
  } else {
    // A process that was killed right after its copy could not record that the copy is complete.
    const found = await discover(move.name, move.ends, move.signal)
    onFound()
    const { moved, kept } = earlier ?? {}
    move.update({ ...found, ...(moved && { moved }), ...(kept && { kept }) })
    move.status.say(say`found slot, publication and position of an earlier process on the servers`)
  }
  await finishHandover(move)
  refuseOver(move.record)
  await warnOfSuspended(move)
  const { failedObjects, direction, tables } = move.record
  if (failedObjects) move.status.troubles.set('objects', failedObjects)
  if (direction === 'forward') await lock.take(tables)
}

/** Following does not restore what a killed copy has suspended on the destination. */
async function warnOfSuspended({ status, signal, ends }: MoveContext) {
  await using destination = await Session.open(ends.destination, { signal })
  const { left, distrusted } = await readNotes(destination)
  if (distrusted !== undefined) status.warn(distrusted)
  for (const note of left)
    status.warn(
      say`still suspended on the destination; restore it with "pgtrek repair": ${describeNote(note)}`,
    )
}

function isInCopy({ progress }: FollowRecord): boolean {
  return progress === 'preparing' || progress === 'copying'
}

/** Switched over, or returned, and no changes flow any more. */
export class MoveOver extends UsageError {}

/** Throws when there is nothing left to continue. */
export function refuseOver(record: FollowRecord) {
  if (isAtItsEnd(record)) throw new MoveOver(wasSwitchedOver(record))
}
