// COPY of many small tables from one session into another without a round trip for each: all statements are sent at
// once, and rows of the next tables arrive while the destination still takes those of the first.
import { CopyFrameWalker } from './copy-frames.ts'
import { Cancelled, ProtocolViolation } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import {
  type BackendMessage,
  backend,
  isAsynchronous,
  MessageReader,
  messageSize,
  parseServerError,
  queryMessage,
  rowsOfCommandTag,
  unexpectedMessage,
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
  /** In a transaction, so that an error rolls back everything that was copied before. */
  destination: Session
  tables: readonly TableCopy[]
  signal?: AbortSignal | undefined
}

const separator = Buffer.from(';\n')

/** The most received rows that wait here. With more, the socket of the source is paused. */
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
  const asynchronousLimit = new AnswerLimit(source.settings)
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
    asynchronousLimit.count(body.length)
    if (type === backend.errorResponse) {
      const error = parseServerError(body)
      error.side = 'source'
      fail(error)
    } else if (type === backend.readyForQuery) {
      if (!hasFailed && sent.tables.filter(({ rows }) => rows !== undefined).length < tables.length) {
        throw unexpectedMessage(type, 'before the end of a COPY')
      }
      sourceReady = true
      settle()
    } else if (!isAsynchronous(type) && type !== backend.commandComplete) {
      throw unexpectedMessage(type, 'during a COPY')
    }
  }

  function fromDestination({ type, body }: BackendMessage) {
    asynchronousLimit.count(body.length)
    if (type === backend.errorResponse) fail(parseServerError(body))
    else if (type === backend.copyInResponse) {
      isTaking = true
      pass()
    } else if (type === backend.commandComplete) {
      if (isTaking || taken.length === tables.length) throw unexpectedMessage(type, 'during a COPY')
      taken.push(rowsOfCommandTag(body))
    } else if (type === backend.readyForQuery) {
      if (!hasFailed && taken.length < tables.length)
        throw unexpectedMessage(type, 'before the end of a COPY')
      destinationReady = true
      settle()
    } else if (!isAsynchronous(type)) throw unexpectedMessage(type, 'during a COPY')
  }

  /** Passes on what was received of the table that the destination is taking. */
  function pass() {
    const table = sent.tables[taken.length]
    if (isTaking && table) {
      for (const bytes of table.waiting.splice(0)) {
        sent.waitingBytes -= bytes.length
        if (!destination.tap.write(bytes)) isFull = true
      }
      // The bytes include its CopyDone.
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
    // Sends cancel requests, so that both servers stop, and does not wait for answers.
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
    // A connection that was lost before this copy sends no event any more.
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
  /** The number of rows in the source's command tag. */
  rows: number | undefined
}

/** Splits the source's answer to many COPY statements by table. */
class SourceTables {
  readonly tables: SentTable[] = []
  waitingBytes = 0
  onMessage: (message: BackendMessage) => void = () => {}
  /** The bytes after the last complete message, which may be the start of another. */
  #rest: Buffer = Buffer.alloc(0)
  /** Reads the messages between the rows of tables: errors and notices. */
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
      // Includes what followed the rows of the last table.
      const pending = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes
      const rows = this.#readMessages(pending)
      if (!rows) return
      bytes = rows
    }
  }

  /** Reads messages up to the rows of the next table, and returns the bytes from there on. */
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
        if (!table || table.rows !== undefined) throw unexpectedMessage(message.type, 'during a COPY')
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
