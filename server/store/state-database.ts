// All access of this process to its state directory. A run continues without the directory: when it cannot be
// written, this is reported once, reads and writes use a copy in memory, and missed writes are made up for when the
// directory can be written again. `certainly` is for writes that must be on the disk before the caller continues.

import { constants, Database, type SQLQueryBindings } from 'bun:sqlite'
import { resolve } from 'node:path'
import type { StorageFailure } from '../../shared/storage-failure.ts'
import { PgtrekError } from '../postgres/errors.ts'
import { tell } from '../system/output.ts'
import { copyTables, copyToMemory, emptyMemory } from './state-copy.ts'
import {
  cannotBeWritten,
  defineTables,
  describeUnusable,
  ForeignFile,
  inodeOf,
  openStateFile,
} from './state-file.ts'
import { Unwritten } from './unwritten.ts'
import { failureOf, next, type WriteEvent, type WriteState, writing } from './write-state.ts'

/** A write had to be on the disk, and the disk cannot be written. */
export class StateUnusable extends PgtrekError {}

export interface StateOptions {
  /** Default: to standard error. */
  report?: ((message: string) => void) | undefined
  /** How often a failed write is tried again (default: 2000). */
  retryMs?: number | undefined
}

const usualRetryMs = 2_000
/** The minimum time between two checks whether the file still exists. */
const betweenLooksMs = 1_000

export class StateDatabase implements Disposable {
  readonly directory: string
  readonly #listeners = new Set<(message: string) => void>()
  readonly #usual: (message: string) => void
  readonly #retryMs: number
  readonly #definitions: string[] = []
  #state: WriteState = writing
  readonly #isKept: boolean
  #disk: Database | undefined
  /** Used while the disk cannot be written, and by a process that stores nothing. */
  #memory: Database | undefined
  readonly #unwritten = new Unwritten()
  /** All data has to be written to a new file, not only missed writes. */
  #wasRemoved = false
  #timer: ReturnType<typeof setInterval> | undefined
  /** All writes of a transaction go to the same place. */
  #within: 'nothing' | 'transaction' | 'certain write' = 'nothing'
  #inode: number | undefined
  #lookedAt = 0

  /** For a process that stores nothing. */
  static inMemory(): StateDatabase {
    return new StateDatabase(undefined)
  }

  constructor(directory: string | undefined, { report, retryMs = usualRetryMs }: StateOptions = {}) {
    this.directory = resolve(directory ?? '.')
    this.#usual = report ?? ((message) => tell(`warning: ${message}`))
    this.#retryMs = retryMs
    this.#isKept = directory !== undefined
    if (directory === undefined) {
      this.#memory = new Database(':memory:')
      return
    }
    try {
      this.#open()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Undefined while the directory can be written. */
  get failure(): StorageFailure | undefined {
    return failureOf(this.#state)
  }

  /** Reports changes of the state to the listener instead of standard error, until the result is disposed of. */
  reportTo(listener: (message: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Reports about the state of the directory. */
  report(message: string) {
    const listeners = this.#listeners.size > 0 ? this.#listeners : [this.#usual]
    for (const listener of listeners) listener(message)
  }

  #enter(event: WriteEvent) {
    this.#state = next(this.#state, event)
  }

  /** Creates tables that do not exist, on disk and in memory. */
  define(sql: string) {
    this.#definitions.push(sql)
    this.#use((database) => defineTables(database, sql))
  }

  /** Of several writes with the same `key` only the last has to reach the file. */
  query<Row, Parameters extends SQLQueryBindings[]>(sql: string, key?: string) {
    return {
      get: (...parameters: Parameters): Row | null =>
        this.#use((database) => database.query<Row, SQLQueryBindings[]>(sql).get(...parameters)),
      all: (...parameters: Parameters): Row[] =>
        this.#use((database) => database.query<Row, SQLQueryBindings[]>(sql).all(...parameters)),
      run: (...parameters: Parameters) =>
        this.#use((database) => {
          const result = database.query<Row, SQLQueryBindings[]>(sql).run(...parameters)
          if (this.#state.at === 'failing') {
            this.#unwritten.add({ sql, parameters }, key)
            this.#enter({ type: 'missed', count: this.#unwritten.count })
          }
          return result
        }),
    }
  }

  transaction<Result>(action: () => Result): Result {
    // It becomes part of the open transaction.
    if (this.#within === 'transaction') return action()
    return this.#use((database) => {
      const before = this.#within
      this.#within = 'transaction'
      try {
        return database.transaction(action)()
      } finally {
        this.#within = before
      }
    })
  }

  /** Writes are on the disk when it returns, also in case of a crash; in memory if the disk cannot be written. */
  durably<Result>(action: () => Result): Result {
    this.#disk?.exec('pragma synchronous = full')
    try {
      return action()
    } finally {
      this.#disk?.exec('pragma synchronous = normal')
    }
  }

  /** Throws a `StateUnusable` when writes cannot be on the disk. Then they are not kept in memory either. */
  certainly<Result>(action: () => Result): Result {
    this.#look()
    if (!this.flush()) throw new StateUnusable(this.failure?.reason ?? '')
    const before = this.#within
    this.#within = 'certain write'
    try {
      return action()
    } catch (error) {
      throw cannotBeWritten(error) ? new StateUnusable(describeUnusable(this.directory, error)) : error
    } finally {
      this.#within = before
    }
  }

  /** Whether the last write with this key is in the file, or was while the file existed. */
  isOnDisk(key: string): boolean {
    return this.#isKept && !this.#unwritten.has(key)
  }

  /** Tries to write now. False while writes are not on the disk. */
  flush(): boolean {
    if (this.#state.at === 'failing') this.#retry()
    return this.#state.at === 'writing'
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer)
    this.flush()
    if (this.#state.at === 'failing' && this.#unwritten.count > 0) {
      const { reason, since, missed } = this.#state
      this.report(
        `${reason}. What could not be written there since ${new Date(since).toISOString()} (writes: ${missed}) is lost with this process; the servers are not affected`,
      )
    }
    this.#memory?.close()
    if (this.#disk && !this.#isThere()) this.#leave()
    this.#disk?.close()
  }

  #use<Result>(action: (database: Database) => Result): Result {
    if (this.#within !== 'nothing') return action(this.#place)
    this.#lookNowAndThen()
    if (this.#memory) return action(this.#memory)
    try {
      return action(this.#place)
    } catch (error) {
      if (!cannotBeWritten(error)) throw error
      return action(this.#fail(error))
    }
  }

  get #place(): Database {
    const database = this.#memory ?? this.#disk
    if (!database) throw new Error('the state database is neither open nor in memory')
    return database
  }

  #lookNowAndThen() {
    if (Date.now() - this.#lookedAt >= betweenLooksMs) this.#look()
  }

  /** A removed file could still be written to, but no other process would read it. */
  #look() {
    if (this.#memory) return
    this.#lookedAt = Date.now()
    if (!this.#isThere()) this.#fail(new Error('it was removed'))
  }

  #isThere(): boolean {
    return this.#inode !== undefined && inodeOf(this.directory) === this.#inode
  }

  #open(): Database {
    const disk = openStateFile(this.directory, this.#definitions)
    this.#disk = disk
    this.#inode = inodeOf(this.directory)
    return disk
  }

  /** Continues in memory. */
  #fail(error: unknown): Database {
    const reason = describeUnusable(this.directory, error)
    if (error instanceof ForeignFile) {
      // The file is not used from here on, and is checked before it is used again.
      this.#disk?.close()
      this.#disk = undefined
      this.#memory = emptyMemory(this.#definitions)
    } else this.#memory = copyToMemory(this.#disk, this.directory, this.#definitions)
    this.#enter({ type: 'failed', now: Date.now(), reason })
    this.#timer ??= setInterval(() => this.flush(), this.#retryMs)
    this.#timer.unref()
    this.report(
      `${reason}. The work continues: what was done is recorded on the servers; the rest is kept in memory and written as soon as the directory can be used again (free space there, or make it writable). Until then "pgtrek status" and other processes see an old state, and what is kept in memory is lost if this process is killed`,
    )
    return this.#memory
  }

  #retry() {
    const memory = this.#memory
    if (!memory) return
    let refused: string[] = []
    try {
      if (this.#disk && this.#isThere()) refused = this.#writeMissed(this.#disk)
      else {
        this.#leave()
        this.#wasRemoved ||= inodeOf(this.directory) === undefined
        const disk = this.#open()
        if (this.#wasRemoved) copyTables(memory, disk)
        else refused = this.#writeMissed(disk)
      }
    } catch (error) {
      if (this.#wasRemoved) this.#leave()
      this.#enter({ type: 'failed', now: Date.now(), reason: describeUnusable(this.directory, error) })
      return
    }
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#memory = undefined
    this.#wasRemoved = false
    this.#unwritten.clear()
    this.#enter({ type: 'written' })
    memory.close()
    const not = refused.length > 0 ? `, except ${refused.length} that were refused: ${refused[0]}` : ''
    this.report(
      `the state directory ${this.directory} can be used again: what was kept in memory is written there${not}`,
    )
  }

  /** SQLite removes its auxiliary files by name when it closes. They may belong to another database by now. */
  #leave() {
    this.#disk?.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1)
    this.#disk?.close()
    this.#disk = undefined
  }

  /** Writes all of it or nothing. Returns the reasons of writes that are refused permanently. */
  #writeMissed(disk: Database): string[] {
    return disk.transaction(() => {
      // This write succeeds only if the file can be written.
      const { user_version: version } = disk
        .query<{ user_version: number }, []>('pragma user_version')
        .get() ?? { user_version: 0 }
      disk.exec(`pragma user_version = ${(version + 1) % 1_000_000}`)
      return this.#unwritten.writeTo(disk)
    })()
  }
}
