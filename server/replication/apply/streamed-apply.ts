// A large transaction is applied while the source still sends it, by a session of its own, so that only its
// COMMIT is left to do when the source commits it. It is kept aside all the same: whatever is in the way, what
// was done early is given up, and the transaction is replayed in its turn.

import { ConnectionLost } from '../../postgres/errors.ts'
import type { Lsn } from '../stream/lsn.ts'
import { messageType, type ServerTime, type TransactionEnd } from '../stream/pgoutput.ts'
import type { Applier } from './applier.ts'

/** What takes the pieces of one transaction; a receiver of its own, which knows more than that. */
interface PieceReceiver {
  readonly decoder: { readBody(type: number, bytes: Buffer, start: number, end: number): void }
  begin(lsn: Lsn, time: ServerTime, xid: number): void
}

interface StreamedApplyOptions {
  main: Applier
  /** Another session that applies to the same destination. */
  open: () => Promise<Applier>
  /** After so long without an answer a session is taken for lost. */
  silenceMs: number
  /** Looks at changes for it, and throws where the main one would say something about them. */
  receiver: (applier: Applier) => PieceReceiver
}

interface Current {
  xid: number
  applier: Applier
  receiver: PieceReceiver
  /** Tables and types described in it, which the main receiver has to know from then on. */
  described: { type: number; bytes: Buffer }[]
  lastPiece: number
}

const lookEveryMs = 250
/** The main session has been held up for so long: perhaps by a lock of ours, which no server can see. */
const longestHoldUpMs = 1_000
const longestSilenceMs = 10_000
/** Rows must not stay locked on the destination while the source does something else. */
const longestPauseMs = 30_000
/** The stream waits for the second session so long. */
const longestOpeningMs = 3_000
const silent = 'the connection to the destination was lost: it did not answer a large transaction'
/** In a row. */
const mostFailures = 3

export class StreamedApply implements Disposable {
  /** How many transactions were applied so. */
  count = 0
  #applier: Applier | undefined
  #current: Current | undefined
  #piece: { xid: number; isFirst: boolean } | undefined
  #failures = 0
  #isCommitting = false
  readonly #timer: NodeJS.Timeout

  constructor(readonly options: StreamedApplyOptions) {
    this.#timer = setInterval(() => this.#look(), lookEveryMs)
  }

  /** A piece of a transaction begins: `wait` has to be called before it is taken. */
  piece(xid: number, isFirst: boolean) {
    const isWanted = isFirst && !this.#current && this.#failures < mostFailures
    if (isWanted || this.#current?.xid === xid) this.#piece = { xid, isFirst }
  }

  get mustWait(): boolean {
    return this.#piece !== undefined || this.#current?.applier.mustWait === true
  }

  async wait(): Promise<void> {
    const piece = this.#piece
    this.#piece = undefined
    // What the source has committed before this piece has to be seen.
    if (piece) await this.options.main.standBack()
    if (piece?.isFirst) await this.#begin(piece.xid)
    await this.#try((current) => (current.applier.mustWait ? current.applier.wait() : undefined))
  }

  take(xid: number, type: number, bytes: Buffer, start: number, end: number) {
    const current = this.#current
    if (current?.xid !== xid) return
    // A table that is emptied cannot even be read until the end.
    if (type === messageType.truncate) return this.giveUp(xid)
    current.lastPiece = performance.now()
    if (type === messageType.relation || type === messageType.type) {
      current.described.push({ type, bytes: Buffer.from(bytes.subarray(start, end)) })
    }
    try {
      current.receiver.decoder.readBody(type, bytes, start, end)
    } catch {
      this.#fail(current)
    }
  }

  /** Sends what is written: more may take a while to come. */
  flush() {
    this.#current?.applier.flush()
  }

  /** Of a transaction that is taken back, in part or whole, or not wanted; without a name, of any. */
  giveUp(xid = this.#current?.xid) {
    const current = this.#current
    if (!current || current.xid !== xid) return
    this.#current = undefined
    this.#applier = undefined
    current.applier[Symbol.dispose]()
  }

  /** False: it has to be replayed. The main session has nothing under way when this is true. */
  async commit(xid: number, end: TransactionEnd, main: Pick<PieceReceiver, 'decoder'>): Promise<boolean> {
    const current = this.#current
    if (current?.xid !== xid) return false
    await this.options.main.standBack()
    await this.#try(({ applier }) => applier.quiet())
    if (this.#current !== current) return false
    this.#isCommitting = true
    try {
      await this.#commit(current, end)
    } finally {
      this.#isCommitting = false
    }
    this.#current = undefined
    this.#failures = 0
    this.count++
    for (const { type, bytes } of current.described) main.decoder.readBody(type, bytes, 0, bytes.length)
    return true
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer)
    this.giveUp()
    this.#applier?.[Symbol.dispose]()
  }

  async #begin(xid: number) {
    if (this.#applier?.pipeline.failure) {
      this.#applier[Symbol.dispose]()
      this.#applier = undefined
    }
    this.#applier ??= await this.#open()
    if (!this.#applier) {
      // Where there is no second session, there is none for the next transaction either.
      this.#failures = mostFailures
      return
    }
    const applier = this.#applier
    const receiver = this.options.receiver(applier)
    receiver.begin(applier.options.position.lsn, 0, xid)
    this.#current = { xid, applier, receiver, described: [], lastPiece: performance.now() }
  }

  async #open(): Promise<Applier | undefined> {
    const opened = this.options.open().catch(() => undefined)
    const late = Bun.sleep(longestOpeningMs).then(() => 'late' as const)
    const first = await Promise.race([opened, late])
    if (first !== 'late') return first
    void opened.then((applier) => applier?.[Symbol.dispose]())
    return undefined
  }

  /** A position has one session at a time: the main one lends it. */
  async #commit({ applier }: Current, end: TransactionEnd) {
    const { main } = this.options
    const { lending } = main.options.position
    if (lending) await main.runAlone(lending.give)
    // After an error it may be committed all the same: the position knows, and whoever reads it next.
    if (lending) applier.runWithin(lending.take)
    applier.commit(end)
    await applier.commitBatch(true)
    await applier.quiet()
    if (lending) {
      await applier.runAlone(lending.give)
      await main.runAlone(lending.take)
    }
    main.committedElsewhere(applier.commits.takeConfirmed())
  }

  async #try(work: (current: Current) => Promise<void> | undefined) {
    const current = this.#current
    if (!current) return
    try {
      await work(current)
    } catch {
      this.#fail(current)
    }
  }

  /** What is wrong is told when the transaction is replayed. */
  #fail({ xid }: Current) {
    this.#failures++
    this.giveUp(xid)
  }

  #look() {
    const current = this.#current
    if (!current) return
    if (this.#isCommitting) {
      // Whether it was committed is found out by whoever reads the position next.
      const { pipeline } = current.applier
      if (pipeline.silentMs > this.options.silenceMs) pipeline.fail(new ConnectionLost(silent))
      return
    }
    const isInTheWay = this.options.main.pipeline.silentMs > longestHoldUpMs
    const isStuck = current.applier.pipeline.silentMs > longestSilenceMs
    if (isInTheWay || isStuck || performance.now() - current.lastPiece > longestPauseMs) this.#fail(current)
  }
}
