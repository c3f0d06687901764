// Takes the events of a source and applies them until something interrupts it: in large batches while there are many,
// with an immediate commit when there are no more.
import { bytesBetween } from '../stream/lsn.ts'
import type { ChangeStream } from '../stream/stream.ts'
import type { Applier } from './applier.ts'
import type { Control } from './control.ts'
import type { Interruption, Receiver } from './receiver.ts'
import type { StreamedApply } from './streamed-apply.ts'

export interface ApplyWork {
  source: ChangeStream
  receiver: Receiver
  applier: Applier
  streamed: StreamedApply | undefined
  control: Control
  onPause: (paused: boolean) => void
  /** Called when nothing is left to do for now. */
  onIdle: () => void
  idlePositionEveryMs?: number | undefined
}

/** How long a commit waits for more events. They often follow closely, and a commit for each would be slow. */
const lingerMs = 3
/** How often the state is checked while no events arrive. */
const tickMs = 100
/**
 * How often a position without changes is stored, unless a large part of the log has passed. The log alone and echoes
 * are no reason to store one: it is written to the log of the destination, so that two streams in opposite directions
 * would never be idle.
 */
const defaultIdlePositionEveryMs = 10_000
const idleAdvanceBytes = 16 * 1024 * 1024

export type LoopState =
  /** Events are ready and are taken. */
  | 'reading'
  /** No events are ready, and complete transactions are not committed yet. */
  | 'lingering'
  /** Everything that was sent is committed. */
  | 'idle'
  /** Work that must see no changes on their way is running. */
  | 'resting'
  | 'paused'
  | 'stopped'
  /** As `stopped`, but the next connection has to apply in another way. */
  | 'restarting'

export interface LoopInput {
  interruption: Interruption | undefined
  hasEvents: boolean
  isCommittable: boolean
  /** Such work waits, and no transaction is incomplete. */
  mayRest: boolean
}

export function nextLoopState(
  state: LoopState,
  { interruption, hasEvents, isCommittable, mayRest }: LoopInput,
): LoopState {
  if (interruption === 'stop') return 'stopped'
  if (interruption === 'restart') return 'restarting'
  if (interruption === 'pause') return 'paused'
  if (mayRest) return 'resting'
  if (hasEvents) return 'reading'
  return isCommittable && state !== 'lingering' && state !== 'idle' ? 'lingering' : 'idle'
}

export async function applyEvents(work: ApplyWork): Promise<'stopped' | 'restarting'> {
  const { source, receiver, applier, streamed, control } = work
  const { idlePositionEveryMs = defaultIdlePositionEveryMs } = work
  let advancedAt = performance.now()
  for (let state = next('reading'); ; state = next(state)) {
    switch (state) {
      case 'reading':
        await read()
        break
      case 'lingering':
        await linger()
        break
      case 'idle':
        await idle()
        break
      case 'resting':
        await applier.settle()
        await control.takeTurns()
        break
      case 'paused':
        await pause()
        break
      case 'stopped':
        await store()
        await source.finish()
        return state
      case 'restarting':
        await store()
        return state
    }
  }

  function next(state: LoopState): LoopState {
    const { interruption } = receiver
    if (!interruption && control.intent.stopAt !== undefined && receiver.isAtBoundary) source.askForEnd()
    const { hasEvents } = source
    const mayRest = control.hasTurns && !receiver.isInTransaction
    const input = { interruption, hasEvents, isCommittable: applier.isCommittable, mayRest }
    const reached = nextLoopState(state, input)
    if (reached === 'idle' && state !== 'idle') work.onIdle()
    return reached
  }

  async function read() {
    await source.load()
    for (let event = source.next(); event; event = source.next()) {
      let answer = receiver.take(event)
      if (answer === 'replay') answer = await receiver.replay()
      else if (answer === 'wait') answer = await receiver.wait()
      if (answer === 'stop') return
    }
    // As long as more events are ready, pieces are sent when they are full.
    if (source.hasEvents) return
    applier.flush()
    streamed?.flush()
  }

  async function linger() {
    await source.readable(lingerMs)
    if (source.hasEvents) return
    // While the destination is busy the commit can wait: more changes may arrive and be part of it.
    await Promise.race([applier.quiet(), source.readable(tickMs)])
    if (!source.hasEvents) await applier.commitBatch()
  }

  async function idle() {
    await source.readable(tickMs)
    applier.check()
    if (source.hasEvents || receiver.interruption || receiver.isInTransaction) return
    if (applier.isCommittable) await applier.commitBatch(true)
    else await storePosition()
  }

  /** Makes commits durable, and stores the position also when there was nothing to apply. */
  async function storePosition() {
    const { commits } = applier
    if (!commits.isQuiet) return
    const { passed } = commits
    const bytes = bytesBetween(commits.durable, passed.endLsn)
    const isOld = performance.now() - advancedAt > idlePositionEveryMs
    const isDue = bytes > idleAdvanceBytes || (isOld && receiver.ownEnd > commits.durable)
    if (commits.applied === commits.durable && (bytes === 0 || !isDue)) return
    await applier.advance(passed)
    advancedAt = performance.now()
  }

  async function pause() {
    streamed?.giveUp('paused')
    await applier.settle()
    work.onPause(true)
    while (control.intent.name === 'pause') {
      await source.pausing(tickMs)
      applier.check()
      if (control.hasTurns) await control.takeTurns()
    }
    work.onPause(false)
  }

  /** Waits until everything so far, and the position, is on the destination's disk. */
  async function store() {
    await applier.settle()
    const { commits } = applier
    if (commits.passed.endLsn > commits.durable) await applier.advance(commits.passed)
    source.confirm(commits.durable)
  }
}
