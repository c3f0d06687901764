// Messages of the frontend/backend protocol, version 3.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
import { printable } from '../../shared/printable.ts'
import { ProtocolViolation, ServerError, type ServerErrorFields } from './errors.ts'

const code = (letter: string) => letter.charCodeAt(0)

/** Message types of the backend that are used here. */
export const backend = {
  authentication: code('R'),
  backendKeyData: code('K'),
  bindComplete: code('2'),
  closeComplete: code('3'),
  commandComplete: code('C'),
  copyBothResponse: code('W'),
  copyData: code('d'),
  copyDone: code('c'),
  copyInResponse: code('G'),
  copyOutResponse: code('H'),
  dataRow: code('D'),
  emptyQueryResponse: code('I'),
  errorResponse: code('E'),
  negotiateProtocolVersion: code('v'),
  noData: code('n'),
  noticeResponse: code('N'),
  notificationResponse: code('A'),
  parameterDescription: code('t'),
  parameterStatus: code('S'),
  parseComplete: code('1'),
  portalSuspended: code('s'),
  readyForQuery: code('Z'),
  rowDescription: code('T'),
} as const

/** Message types of the frontend that are used here. */
export const frontend = {
  password: code('p'),
  query: code('Q'),
  sync: code('S'),
  terminate: code('X'),
} as const

export function message(type: number, body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(5 + body.length)
  bytes[0] = type
  bytes.writeUInt32BE(4 + body.length, 1)
  bytes.set(body, 5)
  return bytes
}

export function queryMessage(sql: string | Buffer): Buffer {
  const bytes = typeof sql === 'string' ? Buffer.from(sql, 'utf8') : sql
  return message(frontend.query, Buffer.concat([bytes, Buffer.alloc(1)]))
}

export function copyDataMessage(bytes: Buffer): Buffer {
  return message(code('d'), bytes)
}

export const terminateMessage = message(frontend.terminate, Buffer.alloc(0))

export const copyDoneMessage = message(code('c'), Buffer.alloc(0))

export function copyFailMessage(reason: string): Buffer {
  return message(code('f'), Buffer.from(`${reason}\0`, 'utf8'))
}

/** Needs no session: it is the first packet of a new connection. */
export function cancelRequest(pid: number, secret: number): Buffer {
  const bytes = Buffer.allocUnsafe(16)
  bytes.writeInt32BE(16, 0)
  bytes.writeInt32BE(80877102, 4)
  bytes.writeInt32BE(pid, 8)
  bytes.writeInt32BE(secret, 12)
  return bytes
}

/**
 * The largest message that PostgreSQL sends:
 * https://github.com/postgres/postgres/blob/master/src/include/utils/memutils.h
 */
export const mostRowBytes = 1024 * 1024 * 1024 + 1024
/** Other messages may contain the text of an error or a notice. */
const mostOtherBytes = 64 * 1024 * 1024

/** The size of the message that starts here, after a check of its length. Its first five bytes must be present. */
export function messageSize(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at + 1)
  if (length < 4 || length > mostOtherBytes) checkLength(bytes[at] as number, length)
  return length + 1
}

/** `length` as in the message: without the byte of its type. */
export function checkLength(type: number, length: number) {
  const isRow = type === backend.dataRow || type === backend.copyData
  if (length >= 4 && length <= (isRow ? mostRowBytes : mostOtherBytes)) return
  throw new ProtocolViolation(`a message of type ${typeName(type)} has a length of ${length} bytes`)
}

export function typeName(type: number): string {
  return type > 0x20 && type < 0x7f
    ? `"${String.fromCharCode(type)}"`
    : `0x${type.toString(16).padStart(2, '0')}`
}

/** The server may send it at any time. */
export function isAsynchronous(type: number): boolean {
  return (
    type === backend.errorResponse ||
    type === backend.noticeResponse ||
    type === backend.notificationResponse ||
    type === backend.parameterStatus
  )
}

/** For a message that is not allowed where it was received. */
export function unexpectedMessage(type: number, where: string): ProtocolViolation {
  return new ProtocolViolation(`a message of type ${typeName(type)} came ${where}`)
}

/** Bytes for messages to users: shortened, and without control characters. */
export function excerpt(bytes: Buffer, from = 0): string {
  const text = bytes.toString('utf8', from, Math.min(bytes.length, from + 200))
  return printable((text.split('\0')[0] ?? '').trim())
}

export interface BackendMessage {
  type: number
  body: Buffer
}

/** Splits a stream of chunks into complete messages. */
export class MessageReader {
  #pending: Buffer[] = []
  #pendingLength = 0
  #wanted = 5;

  *feed(chunk: Buffer): Generator<BackendMessage> {
    this.#pending.push(chunk)
    this.#pendingLength += chunk.length
    // Chunks of a large message are joined once, when it is complete.
    if (this.#pendingLength < this.#wanted) return
    const bytes = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending)
    let position = 0
    this.#wanted = 5
    while (position + 5 <= bytes.length) {
      const size = messageSize(bytes, position)
      if (position + size > bytes.length) {
        this.#wanted = size
        break
      }
      yield { type: bytes[position] as number, body: bytes.subarray(position + 5, position + size) }
      position += size
    }
    const rest = bytes.subarray(position)
    this.#pending = rest.length ? [rest] : []
    this.#pendingLength = rest.length
  }
}

/** Fields of ErrorResponse and NoticeResponse: a letter and a zero-terminated string each. */
export function parseServerError(body: Buffer): ServerError {
  const found: Record<string, string> = {}
  let position = 0
  while (position < body.length && body[position] !== 0) {
    const zero = body.indexOf(0, position + 1)
    const end = zero < 0 ? body.length : zero
    found[String.fromCharCode(body[position] as number)] = body.toString('utf8', position + 1, end)
    position = end + 1
  }
  const fields: ServerErrorFields = {
    severity: found.V ?? found.S ?? 'ERROR',
    sqlstate: found.C ?? 'XX000',
    message: found.M ?? 'the server sent an error without a message',
  }
  if (found.D) fields.detail = found.D
  if (found.H) fields.hint = found.H
  if (found.W) fields.context = found.W
  if (found.s) fields.schema = found.s
  if (found.t) fields.table = found.t
  if (found.c) fields.column = found.c
  if (found.n) fields.constraint = found.n
  return new ServerError(fields)
}

/** `COPY 42` -> 42 */
export function rowsOfCommandTag(body: Buffer): number {
  const tag = body.toString('latin1', 0, body.length - 1)
  const rows = /^[A-Z ]+ (?:0 )?(\d+)$/.exec(tag)?.[1]
  if (rows === undefined) throw new ProtocolViolation(`a command ended with "${excerpt(body)}"`)
  return Number(rows)
}

/** The columns of a DataRow, in the server's text form. */
export function parseDataRow(body: Buffer): (Buffer | null)[] {
  checkDataRow(body, 0, body.length)
  const values: (Buffer | null)[] = []
  let position = 2
  for (let column = body.readUInt16BE(0); column > 0; column--) {
    const length = body.readInt32BE(position)
    position += 4
    values.push(length < 0 ? null : body.subarray(position, position + length))
    position += Math.max(0, length)
  }
  return values
}

/** Returns the number of columns, after a check that all of them are within the row. */
export function checkDataRow(bytes: Buffer, start: number, end: number): number {
  const columns = end - start >= 2 ? bytes.readUInt16BE(start) : -1
  let position = start + 2
  for (let column = 0; column < columns && position <= end; column++) {
    const length = position + 4 <= end ? bytes.readInt32BE(position) : mostRowBytes
    if (length < -1) throw new ProtocolViolation(`a value in a row has a length of ${length} bytes`)
    position += 4 + Math.max(0, length)
  }
  if (position !== end || columns < 0) {
    throw new ProtocolViolation('the columns of a row are longer or shorter than the row')
  }
  return columns
}
