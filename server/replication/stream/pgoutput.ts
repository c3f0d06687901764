// Reads the messages of the pgoutput plugin and says what they are to a handler. Values stay in the bytes
// that came; what goes by once per transaction or table is decoded.
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html

import { ProtocolViolation } from '../../postgres/errors.ts'
import type { Lsn } from './lsn.ts'
import { MessageCursor } from './message-cursor.ts'
import { Tuple } from './tuple.ts'

/** Microseconds since 2000-01-01, as servers tell time. */
export type ServerTime = number

export interface RelationColumn {
  name: string
  /** Part of the replica identity. */
  key: boolean
  type: number
  modifier: number
  /** The source computes it; not said in messages. */
  computed?: boolean
}

export interface Relation {
  id: number
  schema: string
  name: string
  /** pg_class.relreplident: d(efault), n(othing), f(ull), i(ndex). */
  identity: string
  columns: RelationColumn[]
}

/** What the old version of a row holds: the columns of its key, all of them, or it was not sent. */
export type OldRow = 'key' | 'full' | undefined

export interface TransactionEnd {
  commitLsn: Lsn
  /** Where the log goes on behind the transaction. */
  endLsn: Lsn
  time: ServerTime
}

export interface ChangeHandler {
  begin(finalLsn: Lsn, time: ServerTime, xid: number): void
  commit(end: TransactionEnd): void
  /** The transaction came from elsewhere; behind `begin` or the first `streamStart`. */
  origin(lsn: Lsn, name: string): void
  relation(relation: Relation): void
  type(id: number, schema: string, name: string): void
  insert(relation: number, row: Tuple): void
  update(relation: number, old: OldRow, oldRow: Tuple, row: Tuple): void
  delete(relation: number, old: OldRow, oldRow: Tuple): void
  truncate(relations: number[], cascade: boolean, restartIdentity: boolean): void
  message(transactional: boolean, lsn: Lsn, prefix: string, content: Uint8Array): void
  /** Since protocol 2: a piece of a transaction that is not committed yet. */
  streamStart(xid: number, first: boolean): void
  streamStop(): void
  /** A message of such a piece: its type, and what follows the id of the (sub)transaction it belongs to. */
  streamed(xid: number, type: number, bytes: Buffer, start: number, end: number): void
  streamCommit(xid: number, end: TransactionEnd): void
  streamAbort(xid: number, subtransaction: number): void
  /** Since protocol 3, where two-phase commit was asked for. */
  beginPrepare(prepared: Prepared): void
  prepare(prepared: Prepared): void
  commitPrepared(xid: number, end: TransactionEnd, gid: string): void
  rollbackPrepared(xid: number, end: TransactionEnd, gid: string): void
  streamPrepare(prepared: Prepared): void
}

export interface Prepared {
  prepareLsn: Lsn
  endLsn: Lsn
  time: ServerTime
  xid: number
  gid: string
}

const code = (letter: string) => letter.charCodeAt(0)
const insert = code('I')
const update = code('U')
const remove = code('D')
const begin = code('B')
const commit = code('C')
const key = code('K')
const full = code('O')
const streamStop = code('E')
/** In a piece of a transaction these say no transaction id ahead of what they are about. */
const withoutXid = new Set(['S', 'E', 'c', 'A', 'O', 'p'].map(code))

export class PgoutputDecoder {
  readonly #row = new Tuple()
  readonly #oldRow = new Tuple()
  readonly #cursor = new MessageCursor()
  #inPiece = false

  constructor(readonly handler: ChangeHandler) {}

  /** One message: from its type on to where the next would begin. */
  read(bytes: Buffer, start: number, end: number) {
    const type = bytes[start] as number
    if (this.#inPiece && !withoutXid.has(type)) {
      return this.handler.streamed(bytes.readUInt32BE(start + 1), type, bytes, start + 5, end)
    }
    this.readBody(type, bytes, start + 1, end)
  }

  /** A message without its type, and without the transaction id that it may have had ahead of its content. */
  readBody(type: number, bytes: Buffer, start: number, end: number) {
    const { handler } = this
    if (type === insert) {
      this.#row.read(bytes, start + 5)
      handler.insert(int32(bytes, start), this.#row)
    } else if (type === update) {
      const old = oldRowAt(bytes, start + 4)
      const at = old ? this.#oldRow.read(bytes, start + 5) : start + 4
      this.#row.read(bytes, at + 1)
      handler.update(int32(bytes, start), old, this.#oldRow, this.#row)
    } else if (type === remove) {
      this.#oldRow.read(bytes, start + 5)
      handler.delete(int32(bytes, start), oldRowAt(bytes, start + 4), this.#oldRow)
    } else if (type === begin) {
      handler.begin(bytes.readBigUInt64BE(start), time(bytes, start + 8), int32(bytes, start + 16))
    } else if (type === commit) {
      handler.commit({
        commitLsn: bytes.readBigUInt64BE(start + 1),
        endLsn: bytes.readBigUInt64BE(start + 9),
        time: time(bytes, start + 17),
      })
    } else this.#readRare(type, this.#cursor.over(bytes, start, end))
  }

  #readRare(type: number, cursor: MessageCursor) {
    const { handler } = this
    switch (String.fromCharCode(type)) {
      case 'R':
        return handler.relation(relationIn(cursor))
      case 'Y':
        return handler.type(cursor.uint32(), cursor.string() || 'pg_catalog', cursor.string())
      case 'O':
        return handler.origin(cursor.lsn(), cursor.string())
      case 'T': {
        const count = cursor.uint32()
        const flags = cursor.byte()
        const relations = Array.from({ length: count }, () => cursor.uint32())
        return handler.truncate(relations, (flags & 1) !== 0, (flags & 2) !== 0)
      }
      case 'M': {
        const transactional = (cursor.byte() & 1) !== 0
        return handler.message(transactional, cursor.lsn(), cursor.string(), cursor.bytes(cursor.uint32()))
      }
      case 'S':
        this.#inPiece = true
        return handler.streamStart(cursor.uint32(), cursor.byte() === 1)
      case 'E':
        this.#inPiece = false
        return handler.streamStop()
      case 'c':
        return handler.streamCommit(cursor.uint32(), endIn(cursor))
      case 'A':
        // Protocol 4 may add when it was aborted.
        return handler.streamAbort(cursor.uint32(), cursor.uint32())
      case 'b':
        return handler.beginPrepare(preparedIn(cursor))
      case 'P':
        cursor.byte()
        return handler.prepare(preparedIn(cursor))
      case 'p':
        cursor.byte()
        return handler.streamPrepare(preparedIn(cursor))
      case 'K': {
        const end = endIn(cursor)
        return handler.commitPrepared(cursor.uint32(), end, cursor.string())
      }
      case 'r': {
        cursor.byte()
        cursor.lsn()
        const end = { commitLsn: cursor.lsn(), endLsn: 0n, time: 0 }
        end.endLsn = end.commitLsn
        cursor.time()
        end.time = cursor.time()
        return handler.rollbackPrepared(cursor.uint32(), end, cursor.string())
      }
      default:
        throw new ProtocolViolation(`a change is of a kind that is not known (${type})`)
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

/** Whether a logical message, as the body of one, has this prefix: flags and a position lie ahead of it. */
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
