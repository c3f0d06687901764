// Watches and controls a subscription of the server as `Follower` does with our own stream. The server does not
// report how many rows and transactions the subscription applies.

import type { FollowPhase, FollowStatus } from '../../../shared/follow.ts'
import { say } from '../../../shared/say.ts'
import { errorInfo, PgtrekError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { pauseUnlessAborted } from '../../system/deadline.ts'
import { pollUntil } from '../../system/poll.ts'
import type { Following } from '../apply/follower.ts'
import type { StreamProgress } from '../apply/statistics.ts'
import { Lag } from '../stream/lag.ts'
import { bytesBetween, type Lsn, laterOf, noLsn, showLsn } from '../stream/lsn.ts'
import { readSlot } from '../stream/slot.ts'
import { enableSubscription, readSubscription, type SubscriptionState } from './subscription.ts'

export interface NativeOptions {
  source: ConnectionSettings
  destination: ConnectionSettings
  subscription: string
  onLook: () => void
  /** Called once, when the rows of all tables were copied during this process. */
  onCopied: () => void
}

const lookEveryMs = 250
const patienceMs = 10_000

export class NativeFollower implements Following {
  readonly done: Promise<void>
  readonly #ended = Promise.withResolvers<void>()
  readonly #listeners = new Set<() => void>()
  #state: SubscriptionState | undefined
  #phase: FollowPhase = 'connecting'
  /**
   * The position that the subscription has confirmed to its slot. The destination's own view of it may be a minute
   * old.
   */
  #confirmed: Lsn = noLsn
  #start: Lsn | undefined
  #sourceEnd: Lsn = noLsn
  #changes = 0
  readonly #lag = new Lag()
  readonly #startedAt = Date.now()
  #firstErrors: number | undefined
  #error: unknown
  #paused = false
  /** Ends the watch, when it has stopped or failed. */
  readonly #stopping = new AbortController()

  private constructor(readonly options: NativeOptions) {
    this.done = this.#ended.promise
    this.done.catch(() => {})
  }

  static async start(options: NativeOptions): Promise<NativeFollower> {
    const follower = new NativeFollower(options)
    await follower.#withSession((session) => enableSubscription(session, options.subscription, true))
    await follower.#look()
    void follower.#watch()
    return follower
  }

  /** Calls the listener after each look at the servers. Returns the function that removes it. */
  onProgress(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #progressed() {
    for (const listener of this.#listeners) listener()
  }

  get progress(): StreamProgress {
    return this.status
  }

  get status(): FollowStatus {
    const applied = this.#applied
    const lagBytes = bytesBetween(applied, this.#sourceEnd)
    const now = Date.now()
    return {
      phase: this.#phase,
      received: showLsn(this.#state?.received ?? noLsn),
      applied: showLsn(applied),
      durable: showLsn(applied),
      sourceEnd: showLsn(this.#sourceEnd),
      lagBytes,
      lagMilliseconds: this.#lag.milliseconds(applied, false, now) ?? now - this.#startedAt,
      transactions: this.#changes,
      rows: 0,
      transactionsPerSecond: 0,
      rowsPerSecond: 0,
      spilledBytes: 0,
      appliedEarly: 0,
      tables: [],
      ...(this.#error !== undefined && { lastError: errorInfo(this.#error) }),
    }
  }

  /** Nothing counts as applied while rows are still copied. */
  get #applied(): Lsn {
    const { ready, tables } = this.copied
    return ready < tables ? (this.#start ?? noLsn) : laterOf(this.#confirmed, this.#state?.applied ?? noLsn)
  }

  /** How many tables are copied. */
  get copied(): { ready: number; tables: number } {
    return { ready: this.#state?.ready ?? 0, tables: this.#state?.tables ?? 0 }
  }

  knowEnd(end: Lsn) {
    this.#sourceEnd = laterOf(this.#sourceEnd, end)
    this.#lag.knowEnd(end, Date.now())
  }

  pause() {
    this.#paused = true
    this.#do((session) => enableSubscription(session, this.options.subscription, false))
  }

  resume() {
    this.#paused = false
    this.#do((session) => enableSubscription(session, this.options.subscription, true))
  }

  /** The server retries by itself. */
  retry(): boolean {
    return false
  }

  skip(): boolean {
    return false
  }

  async stop(): Promise<void> {
    if (this.#phase === 'stopped') return
    this.#phase = 'stopped'
    this.#stopping.abort()
    this.#ended.resolve()
    this.#progressed()
  }

  /** Disables the subscription when everything before the position is applied. */
  async stopAt(lsn: Lsn): Promise<void> {
    await pollUntil(
      () => this.#look(),
      () => this.#applied >= lsn,
      { everyMs: 50, withinMs: patienceMs },
    )
    if (this.#applied < lsn) throw new PgtrekError(say`the subscription has not applied everything in time`)
    await this.#withSession((session) => enableSubscription(session, this.options.subscription, false))
    await this.stop()
  }

  async #watch() {
    const { signal } = this.#stopping
    for (;;) {
      await pauseUnlessAborted(lookEveryMs, signal)
      if (signal.aborted) return
      try {
        await this.#look()
      } catch (error) {
        this.#error = error
        if (!signal.aborted) this.#phase = 'waiting'
      }
      this.options.onLook()
      this.#progressed()
    }
  }

  async #look() {
    const before = this.#state
    const { source, destination, subscription } = this.options
    const state = await inSession(destination, (session) => readSubscription(session, subscription))
    const slot = await inSession(source, (session) => readSlot(session, subscription))
    if (!state || !slot) {
      const error = new PgtrekError(
        state
          ? say`the source no longer has slot ${subscription}: the subscription cannot continue`
          : say`the destination no longer has subscription ${subscription}`,
      )
      this.#phase = 'failed'
      this.#stopping.abort()
      this.#ended.reject(error)
      throw error
    }
    this.#state = state
    if (before && before.ready < before.tables && state.ready === state.tables) this.options.onCopied()
    this.#firstErrors ??= state.errors
    if (before && state.changed > before.changed) this.#changes++
    this.#confirmed = slot.confirmed ?? noLsn
    this.#start ??= this.#confirmed
    const isBehind = this.#applied < this.#sourceEnd
    if (this.#phase === 'stopped') return
    if (state.errors > this.#firstErrors) {
      this.#error = new PgtrekError(
        say`the subscription has failed ${state.errors - this.#firstErrors} times: see the destination's log for the reason; the server retries automatically`,
      )
      this.#firstErrors = state.errors
    }
    this.#phase = this.#paused
      ? 'paused'
      : !state.isRunning
        ? 'waiting'
        : state.ready < state.tables || isBehind
          ? 'catchup'
          : 'streaming'
  }

  #do(work: (session: Session) => Promise<void>) {
    this.#withSession(work).catch((error) => {
      this.#error = error
    })
  }

  #withSession(work: (session: Session) => Promise<void>): Promise<void> {
    return inSession(this.options.destination, work)
  }
}

async function inSession<Result>(
  settings: ConnectionSettings,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  await using session = await Session.open(settings)
  return await work(session)
}
