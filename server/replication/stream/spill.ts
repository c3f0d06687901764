// Keeps transactions that the source sends before they are committed, each with a small part in memory and the rest
// in a file, until they are committed and replayed, or aborted.
// https://www.postgresql.org/docs/current/protocol-logical-replication.html

import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../../shared/message-of.ts'
import { say } from '../../../shared/say.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { messageType } from './pgoutput.ts'

/** Receives a kept message: its type, and the place of its content. */
export type Replay = (type: number, bytes: Buffer, start: number, end: number) => void

/** Type and length before each message. */
const headBytes = 5

/** The source can send it again, so another attempt makes sense when the disk has room. */
export class SpillFailed extends PgtrekError {
  constructor(directory: string, cause: unknown) {
    super(
      say`${directory} has no space for the large transactions that the source sends before they are committed: ${messageOf(cause)}. Free space there, or start again with TMPDIR set to another directory; applied changes are kept, and nothing is lost`,
      { cause },
    )
  }
}

export class Spill implements Disposable {
  readonly #transactions = new Map<number, SpilledTransaction>()
  #directory: string | undefined

  constructor(
    /** The most that one transaction keeps in memory. */
    readonly memoryBytes = 256 * 1024,
    readonly parentDirectory = tmpdir(),
  ) {}

  /** The transaction with this id, created if it is new. */
  transaction(xid: number): SpilledTransaction {
    let transaction = this.#transactions.get(xid)
    if (!transaction) {
      transaction = new SpilledTransaction(this.memoryBytes, {
        open: () => this.#openFile(xid),
        failed: (error) => new SpillFailed(this.parentDirectory, error),
      })
      this.#transactions.set(xid, transaction)
    }
    return transaction
  }

  has(xid: number): boolean {
    return this.#transactions.has(xid)
  }

  /** The size of all kept transactions. */
  get bytes(): number {
    let total = 0
    for (const { length } of this.#transactions.values()) total += length
    return total
  }

  drop(xid: number) {
    this.#transactions.get(xid)?.[Symbol.dispose]()
    this.#transactions.delete(xid)
  }

  [Symbol.dispose]() {
    for (const xid of [...this.#transactions.keys()]) this.drop(xid)
    if (this.#directory) rmSync(this.#directory, { recursive: true, force: true })
  }

  #openFile(xid: number): { file: number; remove(): void } {
    this.#directory ??= mkdtempSync(join(this.parentDirectory, 'pgtrek-spill-'))
    const path = join(this.#directory, String(xid))
    const file = openSync(path, 'w+', 0o600)
    const remove = () => rmSync(path, { force: true })
    // An unlinked file disappears with the process, however it ends. Windows does not allow this.
    if (process.platform !== 'win32') remove()
    return { file, remove }
  }
}

interface Files {
  open(): { file: number; remove(): void }
  failed(error: unknown): Error
}

export class SpilledTransaction implements Disposable {
  /** An echo: only descriptions of tables are kept, because the source does not send them again. */
  unwanted = false
  /** Bytes kept so far, in memory and in the file. */
  length = 0
  #memory: Buffer
  #inMemory = 0
  #inFile = 0
  #file: { file: number; remove(): void } | undefined
  /** Where the messages of each subtransaction begin. */
  readonly #starts = new Map<number, number>()

  constructor(
    readonly memoryBytes: number,
    readonly files: Files,
  ) {
    this.#memory = Buffer.allocUnsafe(memoryBytes)
  }

  add(xid: number, type: number, bytes: Uint8Array, start: number, end: number) {
    if (this.unwanted && type !== messageType.relation && type !== messageType.type) return
    if (!this.#starts.has(xid)) this.#starts.set(xid, this.length)
    const size = headBytes + end - start
    if (this.#inMemory + size > this.#memory.length) this.#writeOut()
    if (size > this.#memory.length) this.#memory = Buffer.allocUnsafe(size)
    this.#memory[this.#inMemory] = type
    this.#memory.writeUInt32BE(end - start, this.#inMemory + 1)
    this.#memory.set(bytes.subarray(start, end), this.#inMemory + headBytes)
    this.#inMemory += size
    this.length += size
  }

  /**
   * Subtransactions are nested: everything since the first change of an aborted one belongs to it or to one within
   * it. False when none of its changes were received.
   */
  abort(subtransaction: number): boolean {
    const start = this.#starts.get(subtransaction)
    if (start === undefined) return false
    if (start >= this.#inFile) this.#inMemory = start - this.#inFile
    else {
      if (this.#file) ftruncateSync(this.#file.file, start)
      this.#inFile = start
      this.#inMemory = 0
    }
    this.length = start
    for (const [xid, at] of this.#starts) if (at >= start) this.#starts.delete(xid)
    return true
  }

  /** Passes on the messages in order. `until` is awaited between pieces of them. */
  async replay(each: Replay, until: () => Promise<void> | undefined) {
    if (this.#file) this.#writeOut()
    let unread = this.#inFile
    let piece = this.#file ? Buffer.allocUnsafe(this.memoryBytes) : this.#memory.subarray(0, this.#inMemory)
    let filled = this.#file ? 0 : piece.length
    for (;;) {
      let at = 0
      while (filled - at >= headBytes) {
        const size = headBytes + piece.readUInt32BE(at + 1)
        if (size > filled - at) {
          if (size > piece.length) {
            const larger = Buffer.allocUnsafe(size)
            larger.set(piece.subarray(at, filled))
            piece = larger
            filled -= at
            at = 0
          }
          break
        }
        each(piece[at] as number, piece, at + headBytes, at + size)
        at += size
        const wait = until()
        if (wait) await wait
      }
      piece.copyWithin(0, at, filled)
      filled -= at
      if (unread === 0) break
      const count = this.#read(piece, filled, Math.min(piece.length - filled, unread), this.#inFile - unread)
      filled += count
      unread -= count
    }
    if (filled > 0) throw new Error(say`the file of a large transaction ends within a message`)
  }

  [Symbol.dispose]() {
    if (!this.#file) return
    closeSync(this.#file.file)
    this.#file.remove()
    this.#file = undefined
  }

  #writeOut() {
    if (this.#inMemory === 0) return
    try {
      this.#file ??= this.files.open()
      let written = 0
      while (written < this.#inMemory) {
        const length = this.#inMemory - written
        written += writeSync(this.#file.file, this.#memory, written, length, this.#inFile + written)
      }
    } catch (error) {
      throw this.files.failed(error)
    }
    this.#inFile += this.#inMemory
    this.#inMemory = 0
  }

  #read(into: Buffer, offset: number, length: number, position: number): number {
    if (!this.#file) throw new Error(say`the file of a large transaction no longer exists`)
    const count = readSync(this.#file.file, into, offset, length, position)
    if (count === 0) throw new Error(say`the file of a large transaction is shorter than what was written`)
    return count
  }
}
