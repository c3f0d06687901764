// A switchover whose process was killed: undone before the handover, completed after it.

import { messageOf } from '../../../shared/message-of.ts'
import { say } from '../../../shared/say.ts'
import { Session } from '../../postgres/session.ts'
import { describeSettings } from '../../postgres/settings.ts'
import { leaveLink, settleLink } from '../link.ts'
import type { MoveContext } from '../move-context.ts'
import { readMoveFacts } from '../move-state.ts'
import { linkNames } from '../names.ts'
import { makeWritable, missedHandover, primarySide } from './handover.ts'
import { isOldPrimaryWatched } from './old-primary.ts'
import { dropReverse } from './way-back.ts'

/** Records a handover that is known to the servers only: the process was killed, or had another state directory. */
export async function learnHandover(move: MoveContext) {
  const { forward, back } = move.record
  const { signal } = move
  await using source = await Session.open(move.ends.source, { signal })
  await using destination = await Session.open(move.ends.destination, { signal })
  const links = { forward, back: back ?? linkNames(move.name, 'back') }
  const facts = await readMoveFacts(source, destination, move.name, links)
  const missed = missedHandover(move.record, facts)
  if (!missed) return
  move.update(missed)
  move.status.warn(say`a switchover was interrupted after the handover, which is recorded on the servers`)
}

/** Before the handover: makes the primary writable again, which changes still come from. */
export async function undoInterrupted(move: MoveContext) {
  const { direction } = move.record
  // The link for the way back was never used. The next switchover creates its own.
  if (!isOldPrimaryWatched(move.record)) await dropReverse(move, direction)
  const settings = move.ends[primarySide(move.record)]
  const { said, left } = await makeWritable(settings, move.name)
  if (said.length > 0) {
    move.status.warn(
      say`an interrupted switchover left ${describeSettings(settings)} read-only: making it writable again`,
    )
  }
  for (const line of said) move.status.say(line)
  for (const line of left) move.status.warn(line)
}

/** After the handover: what remains to be done. Repeated by the next process after a kill. */
export async function finishHandover(move: MoveContext) {
  const { handedOver } = move.record
  if (!handedOver || handedOver.isReleased) return
  const { status } = move
  // After a return, the first switchover has left the new primary read-only.
  const { said, left } = await makeWritable(move.ends[primarySide(move.record)], move.name)
  for (const line of said) status.say(line)
  for (const line of left) status.warn(line)
  const link = move.link(handedOver.direction)
  try {
    if (move.record.direction !== handedOver.direction) await settleLink(move.link(move.record.direction))
    await leaveLink(link)
  } catch (error) {
    status.warn(
      say`not everything could be cleaned up after the switchover, "pgtrek follow" tries again: ${messageOf(error)}`,
    )
  }
}
