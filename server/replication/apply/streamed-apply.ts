// Applies a large transaction while the source still sends it, in a second session, so that only COMMIT is left when
// the source commits it. Its changes are also kept: after any failure the second session rolls back, and the
// transaction is replayed in its turn.

import type { StreamedGiveUpReason } from '../../../shared/follow.ts'
import { say } from '../../../shared/say.ts'
import { ConnectionLost } from '../../postgres/errors.ts'
import type { Pipeline } from '../../postgres/pipeline.ts'
import type { TransactionEnd } from '../stream/event.ts'
import { messageType } from '../stream/pgoutput.ts'
import type { Applier } from './applier.ts'
import type { CommitLog } from './commit-log.ts'
import type { Position } from './position.ts'
import type { StreamedChanges } from './streamed-changes.ts'
import { isRefusedSession, reasonOf } from './streamed-give-up.ts'

/** The session that applies committed transactions. */
interface MainSession extends Pick<Applier, 'commitAll' | 'runAlone' | 'committedElsewhere'> {
  pipeline: Pick<Pipeline, 'silentMs' | 'fail'>
  options: { position: Pick<Position, 'transfer'> }
}

/** The second session. */
interface HelperSession
  extends Disposable,
    Pick<
      Applier,
      'mustWait' | 'wait' | 'flush' | 'quiet' | 'commit' | 'commitBatch' | 'runAlone' | 'runWithin'
    > {
  pipeline: Pick<Pipeline, 'silentMs' | 'failure' | 'fail'>
  commits: Pick<CommitLog, 'takeConfirmed'>
}

export interface StreamedApplyOptions<Helper extends HelperSession = Applier> {
  main: MainSession
  /** Opens another session that applies to the same destination. */
  open: () => Promise<Helper>
  /** A session without an answer for this long counts as lost. */
  silenceMs: number
  changes: (helper: Helper, xid: number) => Pick<StreamedChanges, 'take'>
  onApplied: () => void
  onGivenUp: (xid: number, reason: StreamedGiveUpReason, error?: unknown) => void
}

interface Current {
  xid: number
  applier: HelperSession
  changes: Pick<StreamedChanges, 'take'>
  /** The tables and types that were described in it. From its commit on the receiver has to know them. */
  described: Described[]
  lastPart: number
}

interface Described {
  type: number
  bytes: Buffer
}

type State =
  | { name: 'none' }
  /** The first part of a transaction was announced. */
  | { name: 'announced'; xid: number }
  /** `partBegins`: transactions that the source has committed before this part have to be visible first. */
  | { name: 'applying'; current: Current; partBegins: boolean }
  | { name: 'committing'; current: Current }

const none: State = { name: 'none' }

const lookEveryMs = 250
/** After this time the main session probably waits for a lock of ours, which no server detects as a deadlock. */
const longestHoldUpMs = 1_000
const longestSilenceMs = 10_000
/** Rows on the destination must not stay locked while the source sends something else. */
const longestPauseMs = 30_000
/** How long the stream waits for the second session. */
const longestOpeningMs = 3_000
const silent = say`the connection to the destination was lost: it did not answer a large transaction`
/** Consecutive failures after which it is not tried again. */
const mostFailures = 3

export class StreamedApply<Helper extends HelperSession = Applier> implements Disposable {
  #state: State = none
  /** A session that can be reused. */
  #applier: Helper | undefined
  #failures = 0
  readonly #timer: NodeJS.Timeout

  constructor(readonly options: StreamedApplyOptions<Helper>) {
    this.#timer = setInterval(() => this.#look(), lookEveryMs)
  }

  /** A part of a transaction begins. `wait` has to be called before its changes are taken. */
  part(xid: number, isFirst: boolean) {
    const state = this.#state
    if (state.name === 'none' && isFirst && this.#failures < mostFailures) {
      this.#state = { name: 'announced', xid }
    } else if (state.name === 'applying' && state.current.xid === xid) state.partBegins = true
  }

  get mustWait(): boolean {
    const state = this.#state
    if (state.name === 'applying') return state.partBegins || state.current.applier.mustWait
    return state.name === 'announced'
  }

  async wait(): Promise<void> {
    const state = this.#state
    if (state.name === 'announced') {
      await this.options.main.commitAll()
      await this.#begin(state.xid)
    } else if (state.name === 'applying' && state.partBegins) {
      state.partBegins = false
      await this.options.main.commitAll()
    }
    await this.#try(({ applier }) => (applier.mustWait ? applier.wait() : undefined))
  }

  take(xid: number, type: number, bytes: Buffer, start: number, end: number) {
    const current = this.#current
    if (current?.xid !== xid) return
    if (type === messageType.truncate) return this.giveUp('truncate')
    current.lastPart = performance.now()
    if (type === messageType.relation || type === messageType.type) {
      current.described.push({ type, bytes: Buffer.from(bytes.subarray(start, end)) })
    }
    try {
      const reason = current.changes.take(type, bytes, start, end)
      if (reason) this.#fail(current, reason)
    } catch (error) {
      this.#failWith(current, error)
    }
  }

  /** Sends what is written, because the next changes may take time. */
  flush() {
    this.#current?.applier.flush()
  }

  /** For a transaction that is rolled back, wholly or to a savepoint, or not wanted. Without `xid`, for any. */
  giveUp(reason: StreamedGiveUpReason, xid = this.#current?.xid, error?: unknown) {
    const current = this.#current
    if (!current || current.xid !== xid) return
    this.#state = none
    this.#applier = undefined
    current.applier[Symbol.dispose]()
    this.options.onGivenUp(current.xid, reason, error)
  }

  /**
   * What the transaction has described, once it is committed on the destination. The main session has no open
   * transaction then. Undefined when the transaction has to be replayed.
   */
  async commit(xid: number, end: TransactionEnd): Promise<Described[] | undefined> {
    const current = this.#current
    if (current?.xid !== xid) return undefined
    await this.options.main.commitAll()
    await this.#try(({ applier }) => applier.quiet())
    if (this.#current !== current) return undefined
    this.#state = { name: 'committing', current }
    await this.#commit(current, end)
    this.#state = none
    this.#failures = 0
    this.options.onApplied()
    return current.described
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer)
    // If it was being committed, the next connection finds out from the position whether it was.
    if (this.#state.name === 'applying') this.giveUp('stream_ended')
    this.#current?.applier[Symbol.dispose]()
    this.#state = none
    this.#applier?.[Symbol.dispose]()
  }

  get #current(): Current | undefined {
    const state = this.#state
    return state.name === 'applying' || state.name === 'committing' ? state.current : undefined
  }

  async #begin(xid: number) {
    if (this.#applier?.pipeline.failure) {
      this.#applier[Symbol.dispose]()
      this.#applier = undefined
    }
    this.#applier ??= await this.#open(xid)
    const applier = this.#applier
    if (!applier) {
      this.#state = none
      // If a second session cannot be opened now, it cannot be opened for the next transaction either.
      this.#failures = mostFailures
      return
    }
    const changes = this.options.changes(applier, xid)
    const current = { xid, applier, changes, described: [], lastPart: performance.now() }
    this.#state = { name: 'applying', current, partBegins: false }
  }

  async #open(xid: number): Promise<Helper | undefined> {
    const { main, open, onGivenUp } = this.options
    const opening = open()
    const late = Bun.sleep(longestOpeningMs).then(() => 'late' as const)
    try {
      const first = await Promise.race([opening, late])
      if (first !== 'late') return first
    } catch (error) {
      if (!isRefusedSession(error)) throw error
      onGivenUp(xid, 'no_session', error)
      return undefined
    }
    onGivenUp(xid, 'no_session')
    void opened(opening)
    return undefined

    async function opened(opening: Promise<Helper>) {
      try {
        const applier = await opening
        applier[Symbol.dispose]()
      } catch (error) {
        // Nothing awaits this session any more, but an unforeseen error still has to end the run.
        if (!isRefusedSession(error)) {
          main.pipeline.fail(error instanceof Error ? error : new Error(String(error)))
        }
      }
    }
  }

  /** One session at a time can hold a position, so the main session transfers it. */
  async #commit({ applier }: Current, end: TransactionEnd) {
    const { main } = this.options
    const { transfer } = main.options.position
    if (transfer) await main.runAlone(transfer.give)
    // After an error it may still be committed. The position shows it at the next connection.
    if (transfer) applier.runWithin(transfer.take)
    applier.commit(end)
    await applier.commitBatch(true)
    await applier.quiet()
    if (transfer) {
      await applier.runAlone(transfer.give)
      await main.runAlone(transfer.take)
    }
    main.committedElsewhere(applier.commits.takeConfirmed())
  }

  async #try(work: (current: Current) => Promise<void> | undefined) {
    const current = this.#current
    if (!current) return
    try {
      await work(current)
    } catch (error) {
      this.#failWith(current, error)
    }
  }

  /** The replay of the transaction will show the cause, unless the error is an unforeseen one. */
  #failWith(current: Current, error: unknown) {
    const reason = reasonOf(error)
    if (!reason) throw error
    // Giving up closes the session, and is the cause of this error then.
    if (this.#current === current) this.#fail(current, reason, error)
  }

  #fail({ xid }: Current, reason: StreamedGiveUpReason, error?: unknown) {
    this.#failures++
    this.giveUp(reason, xid, error)
  }

  #look() {
    const state = this.#state
    if (state.name === 'committing') {
      // The position shows at the next connection whether it was committed.
      const { pipeline } = state.current.applier
      if (pipeline.silentMs > this.options.silenceMs) pipeline.fail(new ConnectionLost(silent))
    } else if (state.name === 'applying') {
      const { current } = state
      if (this.options.main.pipeline.silentMs > longestHoldUpMs) this.#fail(current, 'held_up')
      else if (current.applier.pipeline.silentMs > longestSilenceMs) this.#fail(current, 'no_answer')
      else if (performance.now() - current.lastPart > longestPauseMs) this.#fail(current, 'source_idle')
    }
  }
}
