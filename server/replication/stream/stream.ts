// The source of changes: events as its walsender sends them, and the answer up to where they are safe. What is not taken
// stays in the socket: at most one chunk of bytes is decoded, and few more are kept unread.
// https://www.postgresql.org/docs/current/protocol-replication.html
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
  /** Values in their binary form: only where it means the same on both servers. */
  binary: boolean
  /** `none`: no changes that came to the source from elsewhere. */
  origin: 'any' | 'none'
}

/** Which major of the source brought what. */
export const since = { binary: 14, streaming: 14, messages: 14, twoPhaseProtocol: 15, origin: 16 } as const

const letter = { data: 0x77, keepalive: 0x6b, status: 0x72 } as const
/** CopyData's own head, then: kind, position, end of the log, time. */
const headerBytes = 5
const dataStart = headerBytes + 25
const copyData = 0x64

const nothing = Buffer.alloc(0)

/** At least so often, however long the server would wait. */
const maxStatusInterval = 10_000
/** Each answer is a piece to be read: asking for each piece read would never end. */
const askEveryMs = 100

export class ChangeStream implements AsyncDisposable {
  /** The newest position that was read. */
  received: Lsn
  sourceEnd: Lsn
  #durable: Lsn
  /** Our clock minus the source's, at least: the quickest message tells best. */
  #clockAhead = Number.POSITIVE_INFINITY
  readonly #timer: NodeJS.Timeout
  #askedAt = Number.NEGATIVE_INFINITY
  readonly #copy: CopyBoth
  readonly #decoder = new PgoutputDecoder()
  /** Whole messages, and where the next event begins. */
  #chunk: Buffer = nothing
  #at = 0

  private constructor(copy: CopyBoth, from: Lsn, statusInterval: number) {
    this.#copy = copy
    this.received = from
    this.sourceEnd = from
    this.#durable = from
    // Keepalives are not seen while reading is held up, so the server hears from us without being asked.
    this.#timer = setInterval(() => this.#tell(false), statusInterval)
  }

  /** The session must be one for replication, and is used up by this. */
  static async start(session: Session, options: StreamOptions): Promise<ChangeStream> {
    await session.execute(exactValues)
    const { timeout } = await session.one<{ timeout: number }>(
      "select setting::int as timeout from pg_catalog.pg_settings where name = 'wal_sender_timeout'",
    )
    const interval = timeout > 0 ? Math.min(timeout / 3, maxStatusInterval) : maxStatusInterval
    const copy = await CopyBoth.start(session, startCommand(session.major, options))
    return new ChangeStream(copy, options.from, interval)
  }

  /** `next` has an event, or `load` will: at once, or by throwing, since the stream has ended. */
  get hasEvents(): boolean {
    return this.#at < this.#chunk.length || this.#copy.hasUnread
  }

  /** Waits until there are events; throws when the stream has ended, which it does not by itself. */
  async load(): Promise<void> {
    if (this.#at < this.#chunk.length) return
    this.#chunk = await this.#copy.read()
    this.#at = 0
  }

  /** The next event of what is loaded. It holds until the one behind it is taken. */
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
    // Below 15 a change of an origin that was dropped since is announced by a message without content.
    if (at + dataStart === next) return { type: 'origin', lsn: noLsn, name: '' }
    throw new ProtocolViolation('a change is incomplete')
  }

  /** Resolves when there are events, the time is over, or somebody calls `wake`. */
  async readable(milliseconds: number): Promise<void> {
    if (!this.hasEvents) await this.#copy.readable(milliseconds)
  }

  /** Waits without reading; throws when the stream has ended meanwhile. */
  pausing(milliseconds: number): Promise<void> {
    return this.#copy.pausing(milliseconds)
  }

  wake() {
    this.#copy.wake()
  }

  /** The connection turned out to be lost: ends all waiting. */
  fail(error: Error) {
    this.#copy.fail(error)
  }

  /** Safe on the destination's disk: the source may forget it. */
  confirm(durable: Lsn) {
    if (durable <= this.#durable) return
    this.#durable = durable
    this.#tell(false)
  }

  /** How long the source has said nothing. */
  get silentMs(): number {
    return this.#copy.silentMs
  }

  /** Has the server say soon up to where it has sent everything; may be called as often as one likes. */
  askForEnd() {
    const now = performance.now()
    if (now - this.#askedAt < askEveryMs) return
    this.#askedAt = now
    this.#tell(true)
  }

  /** How old something is by the source's own clock. */
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
    if (at + 18 > next) throw new ProtocolViolation('a keepalive message is incomplete')
    const end = this.#note(bytes, at + 1)
    this.received = laterOf(this.received, end)
    if (bytes[at + 17] === 1) this.#tell(false)
    return { type: 'keepalive', end, time: serverTime(bytes, at + 9) }
  }

  /** End of the log and the source's time, as they stand in each header. */
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

/** Values travel as text in these forms on both sides; a server's own subscription sets the same. */
export const exactValues = `
  set datestyle = 'ISO';
  set intervalstyle = 'postgres';
  set extra_float_digits = 3;
  set bytea_output = 'hex';
  set lc_monetary = 'C';
  set xmloption = 'content';`
