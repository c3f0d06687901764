// The changes of a source as they come from its walsender, and what it must be told: up to where they are safe.
// https://www.postgresql.org/docs/current/protocol-replication.html
import { CopyBoth } from '../../postgres/copy-both.ts'
import { ProtocolViolation } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { type Lsn, laterOf, noLsn, showLsn } from './lsn.ts'
import type { PgoutputDecoder, ServerTime } from './pgoutput.ts'
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

  private constructor(
    readonly copy: CopyBoth,
    from: Lsn,
    statusInterval: number,
  ) {
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

  get hasUnread(): boolean {
    return this.copy.hasUnread
  }

  /** A chunk of whole messages, for `step`. */
  read(): Promise<Buffer> {
    return this.copy.read()
  }

  /**
   * Hands the message at this place to the decoder, and returns where the next one begins. A keepalive says up
   * to where everything has been sent.
   */
  step(
    bytes: Buffer,
    at: number,
    decoder: PgoutputDecoder,
    onKeepalive: (end: Lsn, time: ServerTime) => void,
  ): number {
    const next = at + bytes.readUInt32BE(at + 1) + 1
    if (bytes[at] !== copyData) this.copy.hear(bytes.subarray(at, next))
    else if (bytes[at + headerBytes] === letter.data) {
      if (at + dataStart > next) throw new ProtocolViolation('a change is cut off')
      // Below 15 a change of an origin that was dropped since is announced by a message without content.
      if (at + dataStart === next) decoder.handler.origin(noLsn, '')
      else decoder.read(bytes, at + dataStart, next)
      if (next === bytes.length) this.#note(bytes, at + headerBytes + 9)
    } else if (bytes[at + headerBytes] === letter.keepalive) {
      if (at + headerBytes + 18 > next) throw new ProtocolViolation('a sign of life is cut off')
      const end = this.#note(bytes, at + headerBytes + 1)
      this.received = laterOf(this.received, end)
      onKeepalive(end, serverTime(bytes, at + headerBytes + 9))
      if (bytes[at + headerBytes + 17] === 1) this.#tell(false)
    }
    return next
  }

  /** Safe on the destination's disk: the source may forget it. */
  confirm(durable: Lsn) {
    if (durable <= this.#durable) return
    this.#durable = durable
    this.#tell(false)
  }

  /** How long the source has said nothing. */
  get silentMs(): number {
    return this.copy.silentMs
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
    await this.copy.end(2000)
  }

  async [Symbol.asyncDispose]() {
    clearInterval(this.#timer)
    this.copy[Symbol.dispose]()
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
    this.copy.write(status)
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
