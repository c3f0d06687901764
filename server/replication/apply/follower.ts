// Follows the changes of a source: connects, drains the stream into the destination, connects again when an
// end was lost, stops for a decision at a conflict, and ends where it is asked to.
import type { FollowEvent, FollowStatus } from '../../../shared/follow.ts'
import { tableKey } from '../../../shared/table-name.ts'
import type { Sessions } from '../../coordination/sessions.ts'
import { Cancelled, errorInfo } from '../../postgres/errors.ts'
import type { Relation } from '../stream/event.ts'
import { type Lsn, laterOf, showLsn } from '../stream/lsn.ts'
import { Spill, SpillFailed } from '../stream/spill.ts'
import type { LeftOutTable, TablePair, WantedTable } from '../tables/followed.ts'
import { NeedsCare } from './apply-failure.ts'
import { applyEvents } from './apply-loop.ts'
import { ApplyConflict } from './conflict.ts'
import { type Connected, connect, type StreamEnds } from './connect.ts'
import { Control, type Decision } from './control.ts'
import { FollowReports } from './follow-reports.ts'
import { type ReceiverWishes, receiversFor } from './receivers.ts'
import { BackOff, mayPass } from './recovery.ts'
import { NeedsLook, NeedsText, NotVisible } from './relations.ts'
import { defaultSilenceMs, SilenceWatch } from './silence.ts'
import { FollowStatistics } from './statistics.ts'
import { describeGiveUp, StreamedTally } from './streamed-give-up.ts'

export interface FollowerOptions extends StreamEnds {
  signal?: AbortSignal | undefined
  onEvent?: ((event: FollowEvent) => void) | undefined
  /** How often progress is reported. */
  progressEveryMs?: number | undefined
  /** A server that says nothing for so long is taken for lost. */
  silenceMs?: number | undefined
  /** How often the position is stored while nothing has to be applied (default: 10,000). */
  idlePositionEveryMs?: number | undefined
  /** The tables with their OIDs on both sides, and those that joined them: to be given back at the next start. */
  onTables?: ((tables: readonly TablePair[]) => void) | undefined
  /** Applies nothing before `resume` or `stopAt`. */
  paused?: boolean | undefined
  /** Where large transactions wait for their commit; the system's directory for temporary files. */
  spillDirectory?: string | undefined
}

/** What steers and watches a stream; the server's own subscription can be seen in the same way. */
export type Following = Pick<
  Follower,
  'status' | 'done' | 'pause' | 'resume' | 'stop' | 'stopAt' | 'retry' | 'skip' | 'knowEnd'
>

/** Room on a full disk is made by people. */
const fullDiskPauseMs = 2000

export class Follower {
  /** Resolves when it has stopped as requested; rejects when it cannot continue. */
  readonly done: Promise<void>
  readonly #control = new Control()
  readonly #statistics = new FollowStatistics()
  readonly #known = new Map<number, Relation>()
  readonly #skipped = new Set<Lsn>()
  readonly #trusted = new Set<Lsn>()
  readonly #lookedFor = new Set<number>()
  readonly #accepted = new Set<number>()
  readonly #reports: FollowReports
  #before: Sessions | undefined
  /** With the OIDs of both sides, as soon as they are known. */
  #tables: readonly WantedTable[] | undefined
  #leftOut: readonly LeftOutTable[]
  readonly #abort = new AbortController()
  #connected: Connected | undefined
  #spilled: Spill | undefined
  readonly #streamedTally = new StreamedTally()
  /** After a failure: one transaction at a time, up to the newest that was started. */
  #carefulUntil: Lsn | undefined
  #asText = false
  readonly #backOff = new BackOff()

  private constructor(
    readonly options: FollowerOptions,
    first: Connected,
  ) {
    const { signal, progressEveryMs = 500 } = options
    this.#reports = new FollowReports(options.onEvent)
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
    // Whoever wants to know awaits `done`; that nobody does must not end the process.
    this.done.catch(() => {})
  }

  /** Rejects when either end cannot be had, or the slot or the position are not what they must be. */
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

  /** Everything that was committed before this position is applied and on disk, nothing behind; then it ends. */
  stopAt(lsn: Lsn): Promise<void> {
    this.#control.give({ stopAt: lsn })
    return this.done
  }

  /** Ends with what is whole. */
  stop(): Promise<void> {
    this.#control.give('stop')
    return this.done
  }

  /** Tries once more what was a conflict: the destination has been fixed. False when there is none. */
  retry(): boolean {
    return this.#control.decide('retry')
  }

  /** Leaves out the transaction that is in conflict, whole. False when there is none. */
  skip(): boolean {
    return this.#control.decide('skip')
  }

  /** Where the source's log ends, as somebody has asked: while there is much to send, the stream does not say. */
  knowEnd(end: Lsn) {
    this.#statistics.knowEnd(end)
  }

  /** Has the source say soon up to where it has sent everything. */
  askForEnd() {
    this.#connected?.stream.askForEnd()
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
        // Whoever mends the destination must not wait for our locks. The source's end stays: an idle slot may
        // be given up.
        connected?.applier[Symbol.dispose]()
        if ((await this.#recover(error)) === 'stop') return
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
      careful: this.#carefulUntil !== undefined,
      asText: this.#asText,
      accepted: this.#accepted,
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
      lookedFor: this.#lookedFor,
      origin: options.origin ?? 'any',
      skipped: this.#skipped,
      trusted: this.#trusted,
      carefulUntil: this.#carefulUntil,
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
      onUnwanted: (relation, apart) => this.#reports.unwanted(relation, apart),
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
          this.#backOff.reset()
        },
      })
      this.#carefulUntil = undefined
      return outcome
    } catch (error) {
      if (error instanceof NeedsCare) this.#carefulUntil = receiver.lastBegun
      throw error
    } finally {
      this.#control.onChange = () => {}
      this.#spilled = undefined
    }
  }

  /** Returns when another attempt makes sense; throws when none does. */
  async #recover(error: unknown): Promise<Decision> {
    this.#statistics.lastError = error
    if (error instanceof NeedsCare) return 'retry'
    if (error instanceof NeedsLook) {
      this.#lookedFor.add(error.oid)
      return 'retry'
    }
    if (error instanceof NeedsText) {
      this.#asText = true
      return 'retry'
    }
    if (error instanceof ApplyConflict) return this.#decide(error)
    if (!(error instanceof NotVisible) && !mayPass(error)) throw error
    const pause = this.#backOff.next()
    // All of a large transaction is sent again each time.
    const milliseconds = error instanceof SpillFailed ? Math.max(pause, fullDiskPauseMs) : pause
    this.#statistics.phase = 'waiting'
    this.#reports.report({ type: 'follow_waiting', error: errorInfo(error), seconds: milliseconds / 1000 })
    const wake = () => this.#control.onChange()
    this.#abort.signal.addEventListener('abort', wake, { once: true })
    await this.#control.sleep(milliseconds)
    this.#abort.signal.removeEventListener('abort', wake)
    this.#abort.signal.throwIfAborted()
    return this.#control.intent.name === 'stop' ? 'stop' : 'retry'
  }

  async #decide(conflict: ApplyConflict): Promise<Decision> {
    const info = conflict.info()
    this.#statistics.phase = 'conflict'
    this.#statistics.conflict = info
    this.#reports.report({ type: 'follow_conflict', conflict: info })
    const cancel = () => this.#control.decide('stop')
    this.#abort.signal.addEventListener('abort', cancel, { once: true })
    const decision = await this.#control.decision()
    this.#abort.signal.removeEventListener('abort', cancel)
    this.#abort.signal.throwIfAborted()
    this.#carefulUntil = conflict.lsn
    if (decision === 'skip') this.#skipped.add(conflict.lsn)
    const { unknown, isInexact } = conflict.details
    if (decision === 'retry' && isInexact) this.#trusted.add(conflict.lsn)
    if (decision === 'retry' && unknown !== undefined) this.#accepted.add(unknown)
    // Ending with a conflict unsolved is no success.
    if (decision === 'stop') throw conflict
    this.#statistics.phase = 'connecting'
    this.#statistics.conflict = undefined
    return decision
  }

  /** The destination has answered. */
  #heard(connected: Connected) {
    this.#look(connected)
    connected.stream.confirm(connected.applier.commits.durable)
    if (connected.applier.pipeline.failure) connected.stream.wake()
    else this.#backOff.reset()
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

  /** From here on the tables are known by their OIDs, whatever they are called. */
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
