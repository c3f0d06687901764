// Between the socket and the driver: passes on only complete, well-formed messages that are allowed at this point,
// and no more of them than an answer may have. With others the driver would wait for ever or use all memory.
// https://www.postgresql.org/docs/current/protocol-flow.html
import { totalmem } from 'node:os'
import { ProtocolViolation } from './errors.ts'
import {
  backend,
  checkDataRow,
  excerpt,
  frontend,
  messageSize,
  parseServerError,
  typeName,
  unexpectedMessage,
} from './messages.ts'
import type { ConnectionSettings } from './settings.ts'

const MB = 1024 * 1024
/** The most that a server may send before the login is complete. */
const mostLoginBytes = 4 * MB
const mostLoginMessages = 10_000
/**
 * The largest answer to one query: a quarter of the memory, because rows need about the same again as objects. The
 * rows of tables are copied, not queried.
 */
const usualAnswerBytes = Math.min(4096 * MB, Math.max(512 * MB, memory() / 4))

/** A container may have less memory than its machine. */
function memory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}

/** The memory that each message needs in addition to its bytes. It limits endless rows without columns. */
const messageCost = 64
/** For messages that contain no free text. */
const mostShortBytes = MB

const duringLogin = new Set<number>([
  backend.authentication,
  backend.backendKeyData,
  backend.errorResponse,
  backend.negotiateProtocolVersion,
  backend.noticeResponse,
  backend.parameterStatus,
  backend.readyForQuery,
])
const long = new Set<number>([
  backend.dataRow,
  backend.errorResponse,
  backend.noticeResponse,
  backend.notificationResponse,
  backend.rowDescription,
])
const ofCopies = new Set<number>([
  backend.copyBothResponse,
  backend.copyData,
  backend.copyDone,
  backend.copyInResponse,
  backend.copyOutResponse,
])
const known = new Set<number>(Object.values(backend))

/** For one answer, or for the other messages during a copy. */
export class AnswerLimit {
  #cost = 0
  readonly #most: number

  constructor({ mostAnswerBytes = usualAnswerBytes }: ConnectionSettings) {
    this.#most = mostAnswerBytes
  }

  count(bytes: number) {
    this.#cost += bytes + messageCost
    if (this.#cost <= this.#most) return
    throw new ProtocolViolation(`the answer does not end (more than ${Math.round(this.#most / MB)} MB)`)
  }

  startAgain() {
    this.#cost = 0
  }
}

export class ProtocolGuard {
  isOpen = false
  readonly #limit: AnswerLimit
  #loginBytes = 0
  #loginMessages = 0
  /** The number of Query and Sync messages without their ReadyForQuery. */
  #owed = 0
  /** Messages of the extended protocol were sent without a Sync after them. */
  #isExtended = false
  #columns: number | undefined
  #rows = 0
  /** A message has reported how the query ended. */
  #isConcluded = false

  constructor(settings: ConnectionSettings) {
    this.#limit = new AnswerLimit(settings)
  }

  /** Notes what the driver sends, in complete messages. */
  asked(bytes: Uint8Array) {
    // The start-up packet has no type.
    if (!this.isOpen) return
    const messages = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let at = 0; at + 5 <= messages.length; at += messages.readUInt32BE(at + 1) + 1) {
      const type = messages[at]
      if (type === frontend.query || type === frontend.sync) {
        this.#owed++
        this.#isExtended = false
      } else this.#isExtended = true
    }
  }

  /** Decides by the first bytes of a message whether to wait for the rest. */
  readonly sizeOf = (bytes: Buffer, at: number): number => {
    const type = bytes[at] as number
    if (!this.isOpen) return this.#sizeAtLogin(bytes, at)
    if (!known.has(type)) throw new ProtocolViolation(`there is no message of type ${typeName(type)}`)
    const size = messageSize(bytes, at)
    if (size > mostShortBytes && !long.has(type)) {
      throw new ProtocolViolation(`a message of type ${typeName(type)} has a length of ${size - 1} bytes`)
    }
    return size
  }

  #sizeAtLogin(bytes: Buffer, at: number): number {
    const type = bytes[at] as number
    const length = bytes.readUInt32BE(at + 1)
    if (duringLogin.has(type) && length >= 4 && length <= mostShortBytes) return length + 1
    // Old servers, and new ones that cannot start a process, send an error message without a length.
    const said = excerpt(bytes, type === backend.errorResponse ? at + 1 : at)
    throw new ProtocolViolation(`it says "${said}"`)
  }

  /** Throws unless this message is allowed now. */
  hear(type: number, body: Buffer) {
    this.#count(body.length + 5)
    switch (type) {
      case backend.parameterStatus:
      case backend.noticeResponse:
        return
      case backend.errorResponse:
        return this.#error(body)
      case backend.readyForQuery:
        return this.isOpen ? this.#ready(body) : this.#open(body)
    }
    if (this.isOpen) this.#answer(type, body)
    else this.#login(type, body)
  }

  #count(bytes: number) {
    if (this.isOpen) return this.#limit.count(bytes)
    this.#loginBytes += bytes
    if (++this.#loginMessages <= mostLoginMessages && this.#loginBytes <= mostLoginBytes) return
    throw new ProtocolViolation('it keeps sending messages without completing the login')
  }

  #error(body: Buffer) {
    if (!body.includes('\0M', 1, 'latin1') && body[0] !== 'M'.charCodeAt(0)) {
      throw new ProtocolViolation('an error has no message')
    }
    this.#columns = undefined
    this.#isConcluded = true
  }

  #open(body: Buffer) {
    checkReady(body)
    this.isOpen = true
    this.#startAnswer()
  }

  #ready(body: Buffer) {
    checkReady(body)
    if (this.#owed === 0) throw unexpectedMessage(backend.readyForQuery, 'although nothing was requested')
    if (!this.#isConcluded || this.#columns !== undefined) {
      throw new ProtocolViolation('it is ready for the next query before it has answered this one')
    }
    this.#owed--
    this.#startAnswer()
  }

  #startAnswer() {
    this.#limit.startAgain()
    this.#isConcluded = false
    this.#columns = undefined
  }

  #login(type: number, body: Buffer) {
    if (type === backend.negotiateProtocolVersion) {
      throw new ProtocolViolation('it does not speak version 3.0 of the protocol')
    }
    if (type === backend.backendKeyData && body.length < 8) {
      throw new ProtocolViolation('its process number is incomplete')
    }
  }

  #answer(type: number, body: Buffer) {
    if (ofCopies.has(type)) {
      throw new ProtocolViolation('it starts a COPY to or from the client, which is not possible here')
    }
    // Its content is not used.
    if (type === backend.notificationResponse) return
    if (duringLogin.has(type)) throw unexpectedMessage(type, 'after login')
    if (this.#owed === 0 && !this.#isExtended) throw unexpectedMessage(type, 'although nothing was requested')
    switch (type) {
      case backend.rowDescription:
        this.#columns = columnsOf(body)
        this.#rows = 0
        return
      case backend.dataRow:
        return this.#row(body)
      case backend.commandComplete:
        return this.#complete(body)
      case backend.emptyQueryResponse:
        this.#isConcluded = true
        return
      case backend.closeComplete:
      case backend.portalSuspended:
        throw unexpectedMessage(type, 'although nothing was closed or cut into pieces')
      case backend.parameterDescription:
        if (body.length < 2 || body.length !== 2 + 4 * body.readUInt16BE(0)) {
          throw new ProtocolViolation('the description of parameters is incomplete')
        }
    }
  }

  #row(body: Buffer) {
    if (this.#columns === undefined)
      throw new ProtocolViolation('a row came before its columns were described')
    const columns = checkDataRow(body, 0, body.length)
    if (columns !== this.#columns) {
      throw new ProtocolViolation(`a row has ${columns} columns, and ${this.#columns} were described`)
    }
    this.#rows++
  }

  #complete(body: Buffer) {
    const tag = body.toString('latin1', 0, body.length - 1)
    if (body.at(-1) !== 0 || !/^[\x20-\x7e]+$/.test(tag)) {
      throw new ProtocolViolation(`a command ended with "${excerpt(body)}"`)
    }
    const [, said] = /^SELECT (\d+)$/.exec(tag) ?? []
    if (said !== undefined && this.#columns !== undefined && Number(said) !== this.#rows) {
      throw new ProtocolViolation(`it sent ${this.#rows} rows and reports that it sent ${said}`)
    }
    this.#columns = undefined
    this.#isConcluded = true
  }
}

function checkReady(body: Buffer) {
  if (body.length !== 1 || !'ITE'.includes(String.fromCharCode(body[0] as number))) {
    throw new ProtocolViolation('it reports an unknown transaction status')
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-ROWDESCRIPTION */
function columnsOf(body: Buffer): number {
  const columns = body.length >= 2 ? body.readUInt16BE(0) : 0
  let position = 2
  for (let column = 0; column < columns; column++) {
    const zero = body.indexOf(0, position)
    if (zero < 0) break
    position = zero + 1 + 18
    if (position > body.length) break
  }
  if (position !== body.length) throw new ProtocolViolation('the description of columns is incomplete')
  return columns
}

/** Whether the server ends the session with this error. */
export function lastWordsOf(body: Buffer): string | undefined {
  const { severity, message } = parseServerError(body)
  return severity === 'FATAL' || severity === 'PANIC' ? message : undefined
}
