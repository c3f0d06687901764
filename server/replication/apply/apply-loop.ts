// Moves the events of a source to the destination until something interrupts it: large batches while there is much to
// do, a commit at once when there is nothing more.
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
  /** Nothing more to do for now, or something again. */
  onIdle: () => void
  idlePositionEveryMs?: number | undefined
}

/** The next events are often on their way already, and a commit for each would be slow. */
const lingerMs = 3
/** How often something is looked at while nothing comes. */
const tickMs = 100
/**
 * A position without changes is stored so seldom, or when so much of the log has gone by. Not for the log alone
 * or for echoes: what is written for it is log of the other side, and two streams would keep each other busy.
 */
const defaultIdlePositionEveryMs = 10_000
const idleAdvanceBytes = 16 * 1024 * 1024

export type LoopState =
  /** Events lie ready and are taken. */
  | 'reading'
  /** None is ready, and whole transactions are not committed yet. */
  | 'lingering'
  /** All that was sent is committed. */
  | 'idle'
  | 'paused'
  | 'stopped'
  /** As `stopped`, and the way of applying has to be another from here on. */
  | 'restarting'

export interface Outlook {
  interruption: Interruption | undefined
  hasEvents: boolean
  isCommittable: boolean
}

export function nextLoopState(
  state: LoopState,
  { interruption, hasEvents, isCommittable }: Outlook,
): LoopState {
  if (interruption === 'stop') return 'stopped'
  if (interruption === 'restart') return 'restarting'
  if (interruption === 'pause') return 'paused'
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
    const reached = nextLoopState(state, { interruption, hasEvents, isCommittable: applier.isCommittable })
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
    // While more lies ready the pieces are sent as they fill up.
    if (source.hasEvents) return
    applier.flush()
    streamed?.flush()
  }

  async function linger() {
    await source.readable(lingerMs)
    if (source.hasEvents) return
    // While the destination is busy there is no hurry: more may come, and be committed with it.
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

  /** Makes durable what is committed, and stores positions that nothing has to be applied for. */
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
    }
    work.onPause(false)
  }

  /** Everything done so far is on the destination's disk, and so is the position, changes or none. */
  async function store() {
    await applier.settle()
    const { commits } = applier
    if (commits.passed.endLsn > commits.durable) await applier.advance(commits.passed)
    source.confirm(commits.durable)
  }
}
