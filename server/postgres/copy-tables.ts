// COPY of many small tables from one session into another without waiting for each: all statements go out at
// once, and the rows of the next tables arrive while the destination still takes those of the first.
import { CopyFrameWalker } from './copy-frames.ts'
import { Cancelled, ProtocolViolation } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import {
  type BackendMessage,
  backend,
  isAside,
  MessageReader,
  messageSize,
  outOfPlace,
  parseServerError,
  queryMessage,
  rowsOfCommandTag,
} from './messages.ts'
import { AnswerLimit } from './protocol-guard.ts'
import type { Session } from './session.ts'

export interface TableCopy {
  /** As bytes where the session's encoding is not UTF8. */
  copyOut: string | Buffer
  copyIn: string | Buffer
}

export interface TablesRelay {
  source: Session
  /** Inside a transaction: all that was copied before an error goes with it. */
  destination: Session
  tables: readonly TableCopy[]
  signal?: AbortSignal | undefined
}

const separator = Buffer.from(';\n')

/** Rows that have arrived and are not sent on yet: more than this wait at the source. */
const mostWaitingBytes = 4 * 1024 * 1024

/**
 * Resolves with the rows and bytes of each table, as both servers confirm them. When it throws, both sessions
 * are destroyed.
 */
export async function relayTables(relay: TablesRelay): Promise<{ rows: number; bytes: number }[]> {
  const { source, destination, tables, signal } = relay
  const over = Promise.withResolvers<void>()
  const sent = new SourceTables()
  const taken: number[] = []
  const reader = new MessageReader()
  const asides = new AnswerLimit(source.settings)
  let isTaking = false
  let isFull = false
  let sourceReady = false
  let destinationReady = false
  let hasFailed = false

  function fail(error: Error) {
    hasFailed = true
    over.reject(error)
  }

  sent.onMessage = ({ type, body }) => {
    asides.count(body.length)
    if (type === backend.errorResponse) {
      const error = parseServerError(body)
      error.side = 'source'
      fail(error)
    } else if (type === backend.readyForQuery) {
      if (!hasFailed && sent.tables.filter(({ rows }) => rows !== undefined).length < tables.length) {
        throw outOfPlace(type, 'before the end of a COPY')
      }
      sourceReady = true
      settle()
    } else if (!isAside(type) && type !== backend.commandComplete) {
      throw outOfPlace(type, 'during a COPY')
    }
  }

  function fromDestination({ type, body }: BackendMessage) {
    asides.count(body.length)
    if (type === backend.errorResponse) fail(parseServerError(body))
    else if (type === backend.copyInResponse) {
      isTaking = true
      pass()
    } else if (type === backend.commandComplete) {
      if (isTaking || taken.length === tables.length) throw outOfPlace(type, 'during a COPY')
      taken.push(rowsOfCommandTag(body))
    } else if (type === backend.readyForQuery) {
      if (!hasFailed && taken.length < tables.length) throw outOfPlace(type, 'before the end of a COPY')
      destinationReady = true
      settle()
    } else if (!isAside(type)) throw outOfPlace(type, 'during a COPY')
  }

  /** What has arrived of the table that the destination is at. */
  function pass() {
    const table = sent.tables[taken.length]
    if (isTaking && table) {
      for (const bytes of table.waiting.splice(0)) {
        sent.waitingBytes -= bytes.length
        if (!destination.tap.write(bytes)) isFull = true
      }
      // Its CopyDone is among them.
      if (table.walker.done) isTaking = false
    }
    if (isHeldBack()) source.tap.pause()
    else source.tap.resume()
  }

  function isHeldBack(): boolean {
    return isFull || sent.waitingBytes > mostWaitingBytes
  }

  function settle() {
    if (sourceReady && destinationReady) over.resolve()
  }

  const lose = (session: Session) => () => over.reject(session.lost())
  const [sourceClosed, destinationClosed] = [lose(source), lose(destination)]
  const drained = () => {
    isFull = false
    pass()
  }
  const abort = () => {
    // Real cancel requests, so that neither server works on; then no waiting for their answers.
    void Promise.allSettled([source.cancel(), destination.cancel()]).then(() => fail(new Cancelled()))
  }
  source.tap.on('close', sourceClosed)
  destination.tap.on('close', destinationClosed)
  destination.tap.on('drain', drained)
  signal?.addEventListener('abort', abort, { once: true })
  source.tap.borrow((chunk) => {
    sent.feed(chunk)
    pass()
  })
  destination.tap.borrow((chunk) => {
    for (const message of reader.feed(chunk)) fromDestination(message)
  })
  using _ = new AnswerWatch(() => (isHeldBack() || sourceReady ? destination : source))
  try {
    if (signal?.aborted) abort()
    // A connection that was lost before this copy does not report it again.
    else if (source.tap.socket.destroyed) sourceClosed()
    else if (destination.tap.socket.destroyed) destinationClosed()
    else {
      source.tap.write(queryMessage(joined(tables.map(({ copyOut }) => copyOut))))
      destination.tap.write(queryMessage(joined(tables.map(({ copyIn }) => copyIn))))
    }
    await over.promise
    return tables.map((_, place) => {
      const { rows, walker } = sent.tables[place] ?? {}
      if (rows === undefined || rows !== taken[place]) {
        throw new ProtocolViolation(
          `the source sent ${rows ?? 'no'} rows, and the destination reports that it received ${taken[place] ?? 'none'}`,
        )
      }
      return { rows, bytes: walker?.bytes ?? 0 }
    })
  } catch (error) {
    source.destroy()
    destination.destroy()
    throw error
  } finally {
    source.tap.off('close', sourceClosed)
    destination.tap.off('close', destinationClosed)
    destination.tap.off('drain', drained)
    signal?.removeEventListener('abort', abort)
    source.tap.giveBack()
    destination.tap.giveBack()
  }
}

interface SentTable {
  walker: CopyFrameWalker
  waiting: Buffer[]
  /** What the source says it sent. */
  rows: number | undefined
}

/** The source's answer to many COPY statements, cut into the tables. */
class SourceTables {
  readonly tables: SentTable[] = []
  waitingBytes = 0
  onMessage: (message: BackendMessage) => void = () => {}
  /** Behind the last whole message: what may be the start of another. */
  #rest: Buffer = Buffer.alloc(0)
  /** Of what stands between the rows of a table: errors and notices. */
  #between = new MessageReader()

  feed(chunk: Buffer) {
    let bytes = chunk
    for (;;) {
      const table = this.tables.at(-1)
      if (table && !table.walker.done) {
        table.walker.feed(bytes)
        if (!table.walker.done) return
        bytes = Buffer.alloc(0)
      }
      // What the walker found behind the rows is among these now.
      const pending = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes
      const rows = this.#readMessages(pending)
      if (!rows) return
      bytes = rows
    }
  }

  /** Up to where the rows of the next table begin, if they do. */
  #readMessages(bytes: Buffer): Buffer | undefined {
    let position = 0
    while (position + 5 <= bytes.length) {
      const end = position + messageSize(bytes, position)
      if (end > bytes.length) break
      const message = { type: bytes[position] as number, body: bytes.subarray(position + 5, end) }
      position = end
      const table = this.tables.at(-1)
      if (message.type === backend.copyOutResponse) {
        this.#begin()
        this.#rest = Buffer.alloc(0)
        return bytes.subarray(position)
      }
      if (message.type === backend.commandComplete) {
        if (!table || table.rows !== undefined) throw outOfPlace(message.type, 'during a COPY')
        table.rows = rowsOfCommandTag(message.body)
      }
      this.onMessage(message)
    }
    this.#rest = bytes.subarray(position)
    return undefined
  }

  #begin() {
    const waiting: Buffer[] = []
    const walker = new CopyFrameWalker({
      pass: (bytes) => {
        waiting.push(bytes)
        this.waitingBytes += bytes.length
      },
      divert: (bytes) => {
        if (walker.done) this.#rest = bytes
        else for (const message of this.#between.feed(bytes)) this.onMessage(message)
      },
    })
    this.tables.push({ walker, waiting, rows: undefined })
  }
}

function joined(statements: readonly (string | Buffer)[]): Buffer {
  const bytes = statements.map((one) => (typeof one === 'string' ? Buffer.from(one) : one))
  return Buffer.concat(bytes.flatMap((one) => [one, separator]))
}
