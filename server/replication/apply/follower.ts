// Follows the changes of a source: connects, applies the stream to the destination, connects again after a lost
// connection, waits for a decision at a conflict, and ends where it was requested to.
import type { FollowEvent, FollowStatus } from '../../../shared/follow.ts'
import { tableKey } from '../../../shared/table-name.ts'
import type { Sessions } from '../../coordination/sessions.ts'
import { Cancelled, errorInfo } from '../../postgres/errors.ts'
import type { Relation } from '../stream/event.ts'
import { type Lsn, laterOf, showLsn } from '../stream/lsn.ts'
import { Spill } from '../stream/spill.ts'
import type { LeftOutTable, TablePair, WantedTable } from '../tables/followed.ts'
import { NeedsCare } from './apply-failure.ts'
import { applyEvents } from './apply-loop.ts'
import { type Connected, connect, type StreamEnds } from './connect.ts'
import { Control } from './control.ts'
import { FollowReports } from './follow-reports.ts'
import { type ReceiverWishes, receiversFor } from './receivers.ts'
import { Recovery } from './recovery.ts'
import { defaultSilenceMs, SilenceWatch } from './silence.ts'
import { FollowStatistics, type StreamProgress } from './statistics.ts'
import { describeGiveUp, StreamedTally } from './streamed-give-up.ts'

export interface FollowerOptions extends StreamEnds {
  signal?: AbortSignal | undefined
  onEvent?: ((event: FollowEvent) => void) | undefined
  /** How often progress is reported. */
  progressEveryMs?: number | undefined
  /** A server that has sent nothing for so long counts as lost. */
  silenceMs?: number | undefined
  /** How often the position is stored while nothing has to be applied (default: 10,000). */
  idlePositionEveryMs?: number | undefined
  /** Receives the followed tables with their OIDs on both sides. The next start has to be given them as `tables`. */
  onTables?: ((tables: readonly TablePair[]) => void) | undefined
  /** Applies nothing before `resume` or `stopAt`. */
  paused?: boolean | undefined
  /** Where large transactions wait for their commit (default: the system's directory for temporary files). */
  spillDirectory?: string | undefined
}

/** To control and watch a stream. `NativeFollower` offers the same for a subscription of the server. */
export type Following = Pick<
  Follower,
  | 'status'
  | 'progress'
  | 'onProgress'
  | 'done'
  | 'pause'
  | 'resume'
  | 'stop'
  | 'stopAt'
  | 'retry'
  | 'skip'
  | 'knowEnd'
>

export class Follower {
  /** Resolves when it has stopped as requested; rejects when it cannot continue. */
  readonly done: Promise<void>
  readonly #control = new Control()
  readonly #statistics = new FollowStatistics()
  readonly #known = new Map<number, Relation>()
  readonly #reports: FollowReports
  readonly #recovery: Recovery
  readonly #listeners = new Set<() => void>()
  #before: Sessions | undefined
  /** With their OIDs on both sides, as soon as these are known. */
  #tables: readonly WantedTable[] | undefined
  #leftOut: readonly LeftOutTable[]
  readonly #abort = new AbortController()
  #connected: Connected | undefined
  #spilled: Spill | undefined
  readonly #streamedTally = new StreamedTally()

  private constructor(
    readonly options: FollowerOptions,
    first: Connected,
  ) {
    const { signal, progressEveryMs = 500 } = options
    this.#reports = new FollowReports((event) => {
      options.onEvent?.(event)
      this.#progressed()
    })
    this.#recovery = new Recovery(this.#control, this.#statistics, this.#reports, this.#abort.signal)
    this.#tables = options.tables
    this.#leftOut = options.leftOut ?? []
    if (options.paused) this.#control.give('pause')
    const cancel = () => this.#abort.abort(new Cancelled())
    signal?.addEventListener('abort', cancel, { once: true })
    const timer = setInterval(
      () => this.#reports.report({ type: 'follow_progress', status: this.status }),
      progressEveryMs,
    )
    this.done = this.#run(first)
      .then(
        () => this.#ended('stopped'),
        (error) => this.#ended('failed', error),
      )
      .finally(() => {
        clearInterval(timer)
        signal?.removeEventListener('abort', cancel)
      })
    // A rejection that no caller awaits must not end the process.
    this.done.catch(() => {})
  }

  /** Rejects when a server cannot be connected to, or slot or position do not fit each other. */
  static async start(options: FollowerOptions): Promise<Follower> {
    const signal = options.signal ?? new AbortController().signal
    const wake = { up: () => {} }
    const connected = await connect(options, {
      careful: false,
      asText: false,
      signal,
      silenceMs: options.silenceMs ?? defaultSilenceMs,
      onAnswer: () => wake.up(),
    })
    const follower = new Follower(options, connected)
    wake.up = () => follower.#heard(connected)
    return follower
  }

  pause() {
    this.#control.give('pause')
  }

  resume() {
    this.#control.give('resume')
  }

  /** Applies everything that was committed before this position, and nothing after it. Resolves when it is on disk. */
  stopAt(lsn: Lsn): Promise<void> {
    this.#control.give({ stopAt: lsn })
    return this.done
  }

  /** Ends after the last complete transaction that it has received. */
  stop(): Promise<void> {
    this.#control.give('stop')
    return this.done
  }

  /** Tries the transaction in conflict again, for instance after a fix on the destination. False without a conflict. */
  retry(): boolean {
    return this.#control.decide('retry')
  }

  /** Skips the whole transaction that is in conflict. False without a conflict. */
  skip(): boolean {
    return this.#control.decide('skip')
  }

  /** The end of the source's log, read in another session: a busy stream does not report it. */
  knowEnd(end: Lsn) {
    this.#statistics.knowEnd(end)
  }

  /** Requests that the source reports soon up to which position it has sent everything. */
  askForEnd() {
    this.#connected?.stream.askForEnd()
  }

  /** Runs the work while no changes are on their way to the destination, if possible: see `Control`. */
  whileAtRest<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#control.whileAtRest(work)
  }

  /**
   * Calls the listener after each event, each answer of the destination, and when everything that was sent is applied.
   * Returns the function that removes it.
   */
  onProgress(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #progressed() {
    for (const listener of this.#listeners) listener()
  }

  get progress(): StreamProgress {
    if (this.#connected) this.#look(this.#connected)
    return this.#statistics.progress
  }

  get status(): FollowStatus {
    const stream = this.#connected?.stream
    if (this.#connected) this.#look(this.#connected)
    return this.#statistics.status(stream, {
      spilledBytes: this.#spilled?.bytes ?? 0,
      appliedEarly: this.#streamedTally.applied,
      givenUpEarly: this.#streamedTally.givenUp,
    })
  }

  async #run(first: Connected) {
    let connected: Connected | undefined = first
    for (;;) {
      try {
        connected ??= await this.#connect()
        if ((await this.#apply(connected)) === 'stopped') return
      } catch (error) {
        if (this.#abort.signal.aborted) throw this.#abort.signal.reason
        // A fix on the destination must not wait for our locks. The connection to the source stays open, because
        // the source may invalidate an idle slot.
        connected?.applier[Symbol.dispose]()
        if ((await this.#recovery.after(error)) === 'stop') return
      } finally {
        const ended: Connected | undefined = connected
        connected = undefined
        if (ended) {
          this.#look(ended)
          this.#connected = undefined
          await ended[Symbol.asyncDispose]()
        }
      }
    }
  }

  async #connect(): Promise<Connected> {
    this.#statistics.phase = 'connecting'
    const connected: { now?: Connected } = {}
    const ends = { ...this.options, tables: this.#tables, leftOut: this.#leftOut }
    connected.now = await connect(ends, {
      careful: this.#recovery.carefulUntil !== undefined,
      asText: this.#recovery.asText,
      accepted: this.#recovery.accepted,
      signal: this.#abort.signal,
      silenceMs: this.options.silenceMs ?? defaultSilenceMs,
      before: this.#before,
      onAnswer: () => connected.now && this.#heard(connected.now),
    })
    return connected.now
  }

  async #apply(connected: Connected): Promise<'stopped' | 'restarting'> {
    const { stream: source, applier, position, binary, replicaRole } = connected
    const { options } = this
    this.#connected = connected
    this.#statistics.durable = laterOf(this.#statistics.durable, position.lsn)
    this.#statistics.applied = laterOf(this.#statistics.applied, position.lsn)
    this.#statistics.phase = 'catchup'
    this.#statistics.conflict = undefined
    this.#reports.report({
      type: 'follow_connected',
      from: showLsn(position.lsn),
      position: position.kind,
      binary,
      replicaRole,
    })
    this.#remember(connected)
    this.#before = connected.sessions
    const silenceMs = options.silenceMs ?? defaultSilenceMs
    using _ = new SilenceWatch(connected, options, silenceMs)
    using spill = new Spill(undefined, options.spillDirectory)
    this.#spilled = spill
    const wishes: ReceiverWishes = {
      spill,
      lookedFor: this.#recovery.lookedFor,
      origin: options.origin ?? 'any',
      skipped: this.#recovery.skipped,
      trusted: this.#recovery.trusted,
      carefulUntil: this.#recovery.carefulUntil,
      control: this.#control,
      known: this.#known,
      onSkipped: ({ finalLsn, xid }, tables) => {
        options.touched?.voidAll()
        this.#reports.report({ type: 'follow_skipped', lsn: showLsn(finalLsn), xid, tables })
      },
      onSchemaChange: (table, changes) => {
        options.touched?.voidTable(table)
        this.#reports.report({ type: 'follow_schema_changed', table, changes })
      },
      onUnwanted: (relation, reason) => this.#reports.unwanted(relation, reason),
      onMessage: (prefix, lsn, content) => this.#reports.message(prefix, lsn, content),
      silenceMs,
      onApplied: () => this.#streamedTally.applied++,
      onGivenUp: (xid, reason, error) => {
        this.#streamedTally.giveUp(reason)
        const message = describeGiveUp(xid, reason, error)
        this.#reports.report({ type: 'follow_streamed_given_up', xid, reason, message })
      },
    }
    const { receiver, streamed } = receiversFor(connected, wishes)
    using _streamed = streamed
    this.#control.onChange = () => source.wake()
    try {
      const outcome = await applyEvents({
        ...{ source, receiver, applier, streamed, control: this.#control },
        idlePositionEveryMs: options.idlePositionEveryMs,
        onPause: (paused) => {
          this.#statistics.phase = paused ? 'paused' : 'catchup'
          this.#reports.report({ type: paused ? 'follow_paused' : 'follow_resumed' })
        },
        onIdle: () => {
          this.#statistics.phase = 'streaming'
          this.#recovery.backOff.reset()
          this.#progressed()
        },
      })
      this.#recovery.carefulUntil = undefined
      return outcome
    } catch (error) {
      if (error instanceof NeedsCare) this.#recovery.carefulUntil = receiver.lastBegun
      throw error
    } finally {
      this.#control.onChange = () => {}
      this.#spilled = undefined
    }
  }

  /** The destination has answered. */
  #heard(connected: Connected) {
    this.#look(connected)
    connected.stream.confirm(connected.applier.commits.durable)
    if (connected.applier.pipeline.failure) connected.stream.wake()
    else this.#recovery.backOff.reset()
    this.#progressed()
  }

  #look({ stream, applier }: Connected) {
    const { commits } = applier
    this.#statistics.take(commits.takeConfirmed())
    this.#statistics.look(stream)
    this.#statistics.durable = laterOf(this.#statistics.durable, commits.durable)
    if (commits.isQuiet && !applier.isOpen) {
      this.#statistics.passed = laterOf(this.#statistics.passed, commits.passed.endLsn)
    }
  }

  #ended(phase: 'stopped' | 'failed', error?: unknown) {
    this.#statistics.phase = phase
    if (error !== undefined) this.#statistics.lastError = error
    const durable = showLsn(this.#statistics.durable)
    this.#reports.report({ type: 'follow_progress', status: this.status })
    this.#reports.report({
      type: 'follow_stopped',
      durable,
      ...(error !== undefined && { error: errorInfo(error) }),
    })
    if (error !== undefined) throw error
  }

  /** From here on the tables are known by their OIDs, so that they may be renamed. */
  #remember({ followed }: Connected) {
    if (!followed) return
    const pairs = [...followed.pairs.values()]
    const unresolved = (this.#tables ?? []).filter(
      (table) => table.from === undefined && followed.gone.some((one) => tableKey(one) === tableKey(table)),
    )
    this.#tables = [...pairs, ...unresolved]
    this.#leftOut = followed.leftOut
    this.options.onTables?.(pairs)
    this.#reports.missing(followed)
  }
}
