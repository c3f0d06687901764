// Decodes the messages of the pgoutput plugin into events. Values of rows stay in the received bytes; what occurs
// once per transaction or table is decoded.
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html

import { say } from '../../../shared/say.ts'
import { ProtocolViolation } from '../../postgres/errors.ts'
import type {
  ChangeEvent,
  DeleteEvent,
  InsertEvent,
  OldRow,
  Prepared,
  Relation,
  ServerTime,
  StreamedEvent,
  TransactionEnd,
  UpdateEvent,
} from './event.ts'
import { MessageCursor } from './message-cursor.ts'
import { Tuple } from './tuple.ts'

const code = (letter: string) => letter.charCodeAt(0)
const insert = code('I')
const update = code('U')
const remove = code('D')
const begin = code('B')
const commit = code('C')
const key = code('K')
const full = code('O')
const streamStop = code('E')
/** Within a streamed transaction, these messages have no transaction id before their content. */
const withoutXid = new Set(['S', 'E', 'c', 'A', 'O', 'p'].map(code))

const noBytes = Buffer.alloc(0)
const stopped: ChangeEvent = { type: 'stream_stop' }

/** The events of changes are reused: each is valid until the next message is read. */
export class PgoutputDecoder {
  readonly #insert: InsertEvent = { type: 'insert', relation: 0, row: new Tuple() }
  readonly #update: UpdateEvent = {
    type: 'update',
    relation: 0,
    old: undefined,
    oldRow: new Tuple(),
    row: new Tuple(),
  }
  readonly #delete: DeleteEvent = { type: 'delete', relation: 0, old: undefined, oldRow: new Tuple() }
  readonly #streamed: StreamedEvent = {
    type: 'streamed',
    xid: 0,
    message: 0,
    bytes: noBytes,
    start: 0,
    end: 0,
  }
  readonly #cursor = new MessageCursor()
  #isStreaming = false

  /** One message, from its type to the start of the next. */
  read(bytes: Buffer, start: number, end: number): ChangeEvent {
    const type = bytes[start] as number
    if (!this.#isStreaming || withoutXid.has(type)) return this.readBody(type, bytes, start + 1, end)
    const event = this.#streamed
    event.xid = bytes.readUInt32BE(start + 1)
    event.message = type
    event.bytes = bytes
    event.start = start + 5
    event.end = end
    return event
  }

  /** A message without its type, and without the transaction id that may precede its content. */
  readBody(type: number, bytes: Buffer, start: number, end: number): ChangeEvent {
    if (type === insert) {
      const event = this.#insert
      event.row.read(bytes, start + 5)
      event.relation = int32(bytes, start)
      return event
    }
    if (type === update) {
      const event = this.#update
      event.old = oldRowAt(bytes, start + 4)
      const at = event.old ? event.oldRow.read(bytes, start + 5) : start + 4
      event.row.read(bytes, at + 1)
      event.relation = int32(bytes, start)
      return event
    }
    if (type === remove) {
      const event = this.#delete
      event.oldRow.read(bytes, start + 5)
      event.old = oldRowAt(bytes, start + 4)
      event.relation = int32(bytes, start)
      return event
    }
    if (type === begin) {
      return {
        type: 'begin',
        finalLsn: bytes.readBigUInt64BE(start),
        time: time(bytes, start + 8),
        xid: int32(bytes, start + 16),
      }
    }
    if (type === commit) {
      const end = {
        commitLsn: bytes.readBigUInt64BE(start + 1),
        endLsn: bytes.readBigUInt64BE(start + 9),
        time: time(bytes, start + 17),
      }
      return { type: 'commit', end }
    }
    return this.#readRare(type, this.#cursor.over(bytes, start, end))
  }

  #readRare(type: number, cursor: MessageCursor): ChangeEvent {
    switch (String.fromCharCode(type)) {
      case 'R':
        return { type: 'relation', relation: relationIn(cursor) }
      case 'Y':
        return {
          type: 'type',
          id: cursor.uint32(),
          schema: cursor.string() || 'pg_catalog',
          name: cursor.string(),
        }
      case 'O':
        return { type: 'origin', lsn: cursor.lsn(), name: cursor.string() }
      case 'T': {
        const count = cursor.uint32()
        const flags = cursor.byte()
        const relations = Array.from({ length: count }, () => cursor.uint32())
        return {
          type: 'truncate',
          relations,
          cascade: (flags & 1) !== 0,
          restartIdentity: (flags & 2) !== 0,
        }
      }
      case 'M':
        return {
          type: 'message',
          transactional: (cursor.byte() & 1) !== 0,
          lsn: cursor.lsn(),
          prefix: cursor.string(),
          content: cursor.bytes(cursor.uint32()),
        }
      case 'S':
        this.#isStreaming = true
        return { type: 'stream_start', xid: cursor.uint32(), first: cursor.byte() === 1 }
      case 'E':
        this.#isStreaming = false
        return stopped
      case 'c':
        return { type: 'stream_commit', xid: cursor.uint32(), end: endIn(cursor) }
      case 'A':
        // With protocol 4 the time of the abort may follow.
        return { type: 'stream_abort', xid: cursor.uint32(), subtransaction: cursor.uint32() }
      case 'b':
        return { type: 'begin_prepare', prepared: preparedIn(cursor) }
      case 'P':
        cursor.byte()
        return { type: 'prepare', prepared: preparedIn(cursor) }
      case 'p':
        cursor.byte()
        return { type: 'stream_prepare', prepared: preparedIn(cursor) }
      case 'K': {
        const end = endIn(cursor)
        return { type: 'commit_prepared', xid: cursor.uint32(), end, gid: cursor.string() }
      }
      case 'r': {
        cursor.byte()
        cursor.lsn()
        const end = { commitLsn: cursor.lsn(), endLsn: 0n, time: 0 }
        end.endLsn = end.commitLsn
        cursor.time()
        end.time = cursor.time()
        return { type: 'rollback_prepared', xid: cursor.uint32(), end, gid: cursor.string() }
      }
      default:
        throw new ProtocolViolation(say`a change is of an unknown kind (${type})`)
    }
  }
}

export const messageType = {
  streamStop,
  relation: code('R'),
  type: code('Y'),
  message: code('M'),
  truncate: code('T'),
} as const

/** Whether the body is a logical message with this prefix. Flags and a position precede the prefix. */
export function isMessageOf(prefix: string, bytes: Uint8Array, start: number, end: number): boolean {
  const at = start + 9
  const last = at + prefix.length
  return last < end && bytes[last] === 0 && Buffer.from(bytes.subarray(at, last)).equals(Buffer.from(prefix))
}

function relationIn(cursor: MessageCursor): Relation {
  const id = cursor.uint32()
  // An empty name stands for pg_catalog.
  const schema = cursor.string() || 'pg_catalog'
  const name = cursor.string()
  const identity = String.fromCharCode(cursor.byte())
  const columns = Array.from({ length: cursor.uint16() }, () => ({
    key: (cursor.byte() & 1) !== 0,
    name: cursor.string(),
    type: cursor.uint32(),
    modifier: cursor.int32(),
  }))
  return { id, schema, name, identity, columns }
}

function endIn(cursor: MessageCursor): TransactionEnd {
  cursor.byte()
  return { commitLsn: cursor.lsn(), endLsn: cursor.lsn(), time: cursor.time() }
}

function preparedIn(cursor: MessageCursor): Prepared {
  return {
    prepareLsn: cursor.lsn(),
    endLsn: cursor.lsn(),
    time: cursor.time(),
    xid: cursor.uint32(),
    gid: cursor.string(),
  }
}

function oldRowAt(bytes: Buffer, at: number): OldRow {
  const letter = bytes[at]
  return letter === key ? 'key' : letter === full ? 'full' : undefined
}

function int32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  )
}

/** Exact for the next two hundred years. */
function time(bytes: Buffer, at: number): ServerTime {
  return bytes.readInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4)
}
