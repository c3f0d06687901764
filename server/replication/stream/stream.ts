// A stream of changes: the events that the source's walsender sends, and the confirmation of the position up to which
// they are safe. Unread data stays in the socket: at most one chunk of bytes is decoded, and few more are buffered.
// https://www.postgresql.org/docs/current/protocol-replication.html
import { say } from '../../../shared/say.ts'
import { CopyBoth } from '../../postgres/copy-both.ts'
import { ProtocolViolation } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { KeepaliveEvent, ServerTime, SourceEvent } from './event.ts'
import { type Lsn, laterOf, noLsn, showLsn } from './lsn.ts'
import { PgoutputDecoder } from './pgoutput.ts'
import type { Publications } from './publication.ts'
import { timeOfDate, timeToMilliseconds } from './transaction.ts'

export interface StreamOptions {
  slot: string
  publication: Publications
  from: Lsn
  /** Whether values are sent in binary form. Only if it means the same on both servers. */
  binary: boolean
  /** `none`: without changes that were replicated to the source. */
  origin: 'any' | 'none'
}

/** The major version of the source that introduced each feature. */
export const since = { binary: 14, streaming: 14, messages: 14, twoPhaseProtocol: 15, origin: 16 } as const

const letter = { data: 0x77, keepalive: 0x6b, status: 0x72 } as const
/** The header of CopyData, then kind, position, end of the log, time. */
const headerBytes = 5
const dataStart = headerBytes + 25
const copyData = 0x64

const nothing = Buffer.alloc(0)

/** The longest time between two status messages, even if the server would wait longer. */
const maxStatusInterval = 10_000
/** Each request is answered with a message. A request for each message read would never end. */
const askEveryMs = 100

export class ChangeStream implements AsyncDisposable {
  /** The newest position that was read. */
  received: Lsn
  sourceEnd: Lsn
  #durable: Lsn
  /** An upper limit of our clock minus the source's: the fastest message gives the best one. */
  #clockAhead = Number.POSITIVE_INFINITY
  readonly #timer: NodeJS.Timeout
  #askedAt = Number.NEGATIVE_INFINITY
  readonly #copy: CopyBoth
  readonly #decoder = new PgoutputDecoder()
  /** Complete messages, and the start of the next event. */
  #chunk: Buffer = nothing
  #at = 0

  private constructor(copy: CopyBoth, from: Lsn, statusInterval: number) {
    this.#copy = copy
    this.received = from
    this.sourceEnd = from
    this.#durable = from
    // Keepalives are not read while reading is paused, so status messages are sent without a request.
    this.#timer = setInterval(() => this.#tell(false), statusInterval)
  }

  /** The session must be a replication session, and can do nothing else afterwards. */
  static async start(session: Session, options: StreamOptions): Promise<ChangeStream> {
    await session.execute(exactValues)
    const { timeout } = await session.one<{ timeout: number }>(
      "select setting::int as timeout from pg_catalog.pg_settings where name = 'wal_sender_timeout'",
    )
    const interval = timeout > 0 ? Math.min(timeout / 3, maxStatusInterval) : maxStatusInterval
    const copy = await CopyBoth.start(session, startCommand(session.major, options))
    return new ChangeStream(copy, options.from, interval)
  }

  /**
   * Whether `next` has an event, or `load` does not have to wait: for an event, or for the error of an ended stream.
   */
  get hasEvents(): boolean {
    return this.#at < this.#chunk.length || this.#copy.hasUnread
  }

  /** Waits until there are events. Throws when the stream has ended, which is always an error. */
  async load(): Promise<void> {
    if (this.#at < this.#chunk.length) return
    this.#chunk = await this.#copy.read()
    this.#at = 0
  }

  /** The next loaded event. It is valid until the one after it is taken. */
  next(): SourceEvent | undefined {
    const bytes = this.#chunk
    const at = this.#at
    if (at >= bytes.length) return this.#unload()
    const next = at + bytes.readUInt32BE(at + 1) + 1
    this.#at = next
    if (bytes[at] === copyData) {
      const kind = bytes[at + headerBytes]
      if (kind === letter.data) return this.#change(bytes, at, next)
      if (kind === letter.keepalive) return this.#keepalive(bytes, at + headerBytes, next)
    } else this.#copy.hear(bytes.subarray(at, next))
    return this.next()
  }

  #unload(): undefined {
    this.#chunk = nothing
    this.#at = 0
  }

  #change(bytes: Buffer, at: number, next: number): SourceEvent {
    if (next === bytes.length) this.#note(bytes, at + headerBytes + 9)
    if (at + dataStart < next) return this.#decoder.read(bytes, at + dataStart, next)
    // Before 15, changes of a dropped origin are announced by an empty message.
    if (at + dataStart === next) return { type: 'origin', lsn: noLsn, name: '' }
    throw new ProtocolViolation(say`a change is incomplete`)
  }

  /** Resolves when there are events, after the time, or when `wake` is called. */
  async readable(milliseconds: number): Promise<void> {
    if (!this.hasEvents) await this.#copy.readable(milliseconds)
  }

  /** Waits without reading. Throws when the stream has ended meanwhile. */
  pausing(milliseconds: number): Promise<void> {
    return this.#copy.pausing(milliseconds)
  }

  wake() {
    this.#copy.wake()
  }

  /** The connection is lost: ends all waiting. */
  fail(error: Error) {
    this.#copy.fail(error)
  }

  /** Everything before this position is on the destination's disk, and the source may remove it. */
  confirm(durable: Lsn) {
    if (durable <= this.#durable) return
    this.#durable = durable
    this.#tell(false)
  }

  /** How long the source has sent nothing. */
  get silentMs(): number {
    return this.#copy.silentMs
  }

  /** Requests that the server reports soon up to which position it has sent everything. May be called at any rate. */
  askForEnd() {
    const now = performance.now()
    if (now - this.#askedAt < askEveryMs) return
    this.#askedAt = now
    this.#tell(true)
  }

  /** The age of an event by the source's clock. */
  age(time: ServerTime): number {
    const ahead = Number.isFinite(this.#clockAhead) ? this.#clockAhead : 0
    return Math.max(0, Date.now() - ahead - timeToMilliseconds(time))
  }

  async finish() {
    this.#tell(false)
    await this.#copy.end(2000)
  }

  async [Symbol.asyncDispose]() {
    clearInterval(this.#timer)
    this.#copy[Symbol.dispose]()
  }

  #keepalive(bytes: Buffer, at: number, next: number): KeepaliveEvent {
    if (at + 18 > next) throw new ProtocolViolation(say`a keepalive message is incomplete`)
    const end = this.#note(bytes, at + 1)
    this.received = laterOf(this.received, end)
    if (bytes[at + 17] === 1) this.#tell(false)
    return { type: 'keepalive', end, time: serverTime(bytes, at + 9) }
  }

  /** The end of the log and the source's time are in each header. */
  #note(bytes: Buffer, at: number): Lsn {
    const end = bytes.readBigUInt64BE(at)
    const sent = timeToMilliseconds(serverTime(bytes, at + 8))
    this.sourceEnd = laterOf(this.sourceEnd, end)
    this.#clockAhead = Math.min(this.#clockAhead, Date.now() - sent)
    return end
  }

  #tell(wantsAnswer: boolean) {
    const status = Buffer.allocUnsafe(34)
    status[0] = letter.status
    status.writeBigUInt64BE(laterOf(this.received, this.#durable), 1)
    status.writeBigUInt64BE(this.#durable, 9)
    status.writeBigUInt64BE(this.#durable, 17)
    status.writeBigInt64BE(BigInt(timeOfDate(new Date())), 25)
    status[33] = wantsAnswer ? 1 : 0
    this.#copy.write(status)
  }
}

export function startCommand(major: number, { slot, publication, from, binary, origin }: StreamOptions) {
  const options: Record<string, string> = {
    proto_version: major >= since.twoPhaseProtocol ? '3' : major >= since.streaming ? '2' : '1',
    publication_names: [publication].flat().map(quoteIdentifier).join(', '),
    ...(binary && { binary: 'true' }),
    ...(major >= since.streaming && { streaming: 'on' }),
    ...(major >= since.messages && { messages: 'true' }),
    ...(major >= since.origin && { origin }),
  }
  const list = Object.entries(options).map(([name, value]) => `${name} ${quoteLiteral(value)}`)
  const start = from === noLsn ? '0/0' : showLsn(from)
  return `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL ${start} (${list.join(', ')})`
}

export function mayBeBinary(major: number): boolean {
  return major >= since.binary
}

function serverTime(bytes: Buffer, at: number): ServerTime {
  return bytes.readInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4)
}

/** The text form of values on both sides. A subscription of the server uses the same settings. */
export const exactValues = `
  set datestyle = 'ISO';
  set intervalstyle = 'postgres';
  set extra_float_digits = 3;
  set bytea_output = 'hex';
  set lc_monetary = 'C';
  set xmloption = 'content';`
