// Moves what the stream brings to the destination until told to stop: large batches while there is much to do,
// a commit at once when there is nothing more.

import { bytesBetween, type Lsn } from '../stream/lsn.ts'
import type { ServerTime } from '../stream/pgoutput.ts'
import type { ChangeStream } from '../stream/stream.ts'
import type { Applier } from './applier.ts'
import type { Control } from './control.ts'
import type { Receiver } from './receiver.ts'
import type { StreamedApply } from './streamed-apply.ts'

export interface Drain {
  stream: ChangeStream
  receiver: Receiver
  applier: Applier
  early: StreamedApply | undefined
  control: Control
  /** Changes are applied with care up to here. */
  carefulUntil: Lsn | undefined
  /** Transactions that the user has decided to leave out. */
  skipped: ReadonlySet<Lsn>
  onPause: (paused: boolean) => void
  /** Nothing more to do for now, or something again. */
  onIdle: () => void
  idlePositionEveryMs?: number | undefined
}

/** The next piece is often on its way already, and a commit for each would be slow. */
const lingerMs = 3
/** How often something is looked at while nothing comes. */
const tickMs = 100
/**
 * A position without changes is stored so seldom, or when so much of the log has gone by. Not for the log alone
 * or for echoes: what is written for it is log of the other side, and two streams would keep each other busy.
 */
const defaultIdlePositionEveryMs = 10_000
const idleAdvanceBytes = 16 * 1024 * 1024

/** `again`: all is well, but the way of applying has to be another from here on. */
export async function drain(work: Drain): Promise<'stopped' | 'again'> {
  const { stream, receiver, applier, early, control, carefulUntil, skipped } = work
  const { idlePositionEveryMs = defaultIdlePositionEveryMs } = work
  const keepalive = (end: Lsn, time: ServerTime) => {
    // In the midst of a transaction the end of the log says nothing about what is done.
    if (!receiver.isInTransaction) applier.commits.skipTo({ commitLsn: end, endLsn: end, time })
  }
  let advancedAt = performance.now()
  for (;;) {
    const outcome = await untilReadable()
    if (outcome) return outcome
    const bytes = await stream.read()
    let at = 0
    while (at < bytes.length) {
      at = stream.step(bytes, at, receiver.decoder, keepalive)
      if (receiver.mustReplay) await receiver.replay()
      if (early?.mustWait) await early.wait()
      if (applier.mustWait) await applier.wait()
      if (receiver.hasReachedStop) return stop()
      if (isCareDone()) return again()
      if ((control.paused || control.stopping) && !receiver.isInTransaction) {
        const ended = await heed()
        if (ended) return ended
      }
    }
    // While more lies ready the pieces are sent as they fill up.
    if (stream.hasUnread) continue
    applier.flush()
    early?.flush()
  }

  /** The newest transaction of the failed attempt has been dealt with. */
  function isCareDone(): boolean {
    return carefulUntil !== undefined && receiver.lastBegun >= carefulUntil && !receiver.isInTransaction
  }

  async function again(): Promise<'again'> {
    await store()
    return 'again'
  }

  /** Everything done so far is on the destination's disk, and so is the position, changes or none. */
  async function store() {
    await applier.settle()
    const { commits } = applier
    if (commits.passed.endLsn > commits.durable) await applier.advance(commits.passed)
    stream.confirm(commits.durable)
  }

  async function untilReadable(): Promise<'stopped' | undefined> {
    const ended = await heed()
    if (ended) return ended
    if (stream.hasUnread) return undefined
    if (applier.isCommittable) {
      await stream.copy.readable(lingerMs)
      if (stream.hasUnread) return undefined
      // While the destination is busy there is no hurry: more may come, and be committed with it.
      await Promise.race([applier.quiet(), stream.copy.readable(tickMs)])
      if (stream.hasUnread) return undefined
      await applier.commitBatch()
    }
    work.onIdle()
    while (!stream.hasUnread) {
      await stream.copy.readable(tickMs)
      applier.check()
      if (stream.hasUnread) return undefined
      const done = await heed()
      if (done) return done
      if (!receiver.isInTransaction) await whenIdle()
    }
    return undefined
  }

  /** Makes durable what is committed, and stores positions that nothing has to be applied for. */
  async function whenIdle() {
    if (applier.isCommittable) return applier.commitBatch(true)
    const { commits } = applier
    if (!commits.isQuiet) return
    const passed = commits.passed
    const bytes = bytesBetween(commits.durable, passed.endLsn)
    const isOld = performance.now() - advancedAt > idlePositionEveryMs
    const isDue = bytes > idleAdvanceBytes || (isOld && receiver.ownEnd > commits.durable)
    if (commits.applied === commits.durable && (bytes === 0 || !isDue)) return
    await applier.advance(passed)
    advancedAt = performance.now()
  }

  /** What the user wants, at a moment when nothing is half done. */
  async function heed(): Promise<'stopped' | undefined> {
    if (receiver.isInTransaction || isSkipOwed()) return undefined
    if (control.stopping) return stop()
    if (control.paused) {
      early?.giveUp()
      await applier.settle()
      work.onPause(true)
      while (control.paused && !control.stopping) {
        await stream.copy.pausing(tickMs)
        applier.check()
      }
      work.onPause(false)
      if (control.stopping) return stop()
    }
    const { stopAt } = control
    if (stopAt === undefined) return undefined
    if (applier.commits.passed.endLsn >= stopAt) return stop()
    stream.askForEnd()
    return undefined
  }

  /** A decision to leave something out is carried out before anything else: nobody remembers it after the end. */
  function isSkipOwed(): boolean {
    return [...skipped].some((lsn) => lsn >= applier.commits.passed.endLsn)
  }

  async function stop(): Promise<'stopped'> {
    await store()
    await stream.finish()
    return 'stopped'
  }
}
