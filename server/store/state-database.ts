// The file in which processes remember what helps them to go on. It is a help, never a condition: where it cannot
// be read or written, its users go on in memory, it is said once, and what was to be written is written as soon
// as there is room again.

import { constants, Database, SQLiteError, type SQLQueryBindings } from 'bun:sqlite'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf } from '../../shared/message-of.ts'
import { PgtrekError } from '../postgres/errors.ts'
import { tell } from '../system/output.ts'
import { makePrivate, makePrivateDirectory } from '../system/private-files.ts'

/** A file of this name that some other program, or another release of this one, made. */
class ForeignFile extends Error {}

/** Asked for something that makes no sense without the file. */
export class StateUnusable extends PgtrekError {}

interface Write {
  sql: string
  parameters: SQLQueryBindings[]
}

export interface StateOptions {
  /** Default: to standard error. */
  say?: ((message: string) => void) | undefined
  /** How often writing is tried again (default: 2000). */
  retryMs?: number | undefined
}

const turnPatienceMs = 5_000
const usualRetryMs = 2_000
/** Whether the file is still there is asked no more often. */
const betweenLooksMs = 1_000
/** Above that the log lines of earlier runs are not taken along into memory. */
const mostBytesWithLog = 32 * 1024 * 1024
const probeBytes = 64 * 1024
/** The statement or its values are wrong: no other place would take them either. */
const ownMistakes = /^SQLITE_(ERROR|CONSTRAINT|MISMATCH|MISUSE|RANGE|TOOBIG)/

export class StateDatabase implements Disposable {
  readonly directory: string
  readonly #listeners = new Set<(message: string) => void>()
  readonly #usual: (message: string) => void
  readonly #path: string
  readonly #retryMs: number
  readonly #definitions: string[] = []
  #disk: Database | undefined
  #memory: Database | undefined
  #trouble: string | undefined
  /** Since the file could not be written; of one key only the last one is wanted. */
  #writes = new Map<string | number, Write>()
  #timer: ReturnType<typeof setInterval> | undefined
  #inTransaction = false
  #isStrict = false
  #inode: number | undefined
  #lookedAt = 0

  /** Of a process that is to remember nothing. */
  static inMemory(): StateDatabase {
    return new StateDatabase(undefined)
  }

  constructor(directory: string | undefined, { say, retryMs = usualRetryMs }: StateOptions = {}) {
    this.directory = resolve(directory ?? '.')
    this.#path = join(this.directory, 'pgtrek.sqlite')
    this.#usual = say ?? ((message) => tell(`warning: ${message}`))
    this.#retryMs = retryMs
    if (directory === undefined) {
      this.#memory = new Database(':memory:')
      return
    }
    try {
      this.#disk = this.#open()
    } catch (error) {
      this.#goToMemory(error)
    }
  }

  /** Why the file cannot be used at present. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Instead of the usual place, until it is disposed of. */
  tell(listener: (message: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  #say(message: string) {
    const listeners = this.#listeners.size > 0 ? this.#listeners : [this.#usual]
    for (const listener of listeners) listener(message)
  }

  /** Made where it is not there, wherever the data is. */
  define(sql: string) {
    this.#definitions.push(sql)
    this.#use((database) => defineTables(database, sql))
  }

  /** Of writes with the same `latest`, only the last one has to reach the file. */
  query<Row, Parameters extends SQLQueryBindings[]>(sql: string, latest?: string) {
    return {
      get: (...parameters: Parameters): Row | null =>
        this.#use((database) => database.query<Row, SQLQueryBindings[]>(sql).get(...parameters)),
      all: (...parameters: Parameters): Row[] =>
        this.#use((database) => database.query<Row, SQLQueryBindings[]>(sql).all(...parameters)),
      run: (...parameters: Parameters) =>
        this.#use((database) => {
          const result = database.query<Row, SQLQueryBindings[]>(sql).run(...parameters)
          if (database === this.#memory) this.#keep({ sql, parameters }, latest)
          return result
        }),
    }
  }

  transaction<Result>(action: () => Result): Result {
    return this.#use((database) => {
      this.#inTransaction = true
      try {
        return database.transaction(action)()
      } finally {
        this.#inTransaction = false
      }
    })
  }

  /** On the disk when it returns, also should the machine go down; in memory where the disk cannot be used. */
  durably<Result>(action: () => Result): Result {
    this.#disk?.exec('pragma synchronous = full')
    try {
      return action()
    } finally {
      this.#disk?.exec('pragma synchronous = normal')
    }
  }

  /** For what only makes sense when it is in the file: throws a `StateUnusable` where it cannot be. */
  certainly<Result>(action: () => Result): Result {
    this.#look()
    if (this.#trouble !== undefined) this.#writeBack()
    if (this.#trouble !== undefined) throw new StateUnusable(this.#trouble)
    this.#isStrict = true
    try {
      return action()
    } catch (error) {
      throw isTrouble(error) ? new StateUnusable(this.#words(error)) : error
    } finally {
      this.#isStrict = false
    }
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer)
    if (this.#trouble !== undefined) this.#writeBack()
    if (this.#memory && this.#writes.size > 0) {
      this.#say(
        `${this.#trouble}. What this process was to remember there is lost with it; what is on the servers is not affected`,
      )
    }
    this.#memory?.close()
    if (this.#disk && !this.#isThere()) this.#leave()
    this.#disk?.close()
  }

  #use<Result>(action: (database: Database) => Result): Result {
    if (this.#inTransaction || this.#isStrict) return action(this.#now)
    this.#look()
    if (this.#memory) return action(this.#memory)
    try {
      return action(this.#now)
    } catch (error) {
      if (!isTrouble(error)) throw error
      return action(this.#goToMemory(error))
    }
  }

  get #now(): Database {
    const database = this.#memory ?? this.#disk
    if (!database) throw new Error('the state database is neither open nor in memory')
    return database
  }

  #keep(write: Write, latest: string | undefined) {
    if (this.#trouble === undefined) return
    const key = latest ?? this.#writes.size + Math.random()
    this.#writes.delete(key)
    this.#writes.set(key, write)
  }

  /** An open file goes on to be written after it was removed, for nobody. */
  #look() {
    if (this.#memory || Date.now() - this.#lookedAt < betweenLooksMs) return
    this.#lookedAt = Date.now()
    if (this.#isThere()) return
    this.#goToMemory(new Error('it was removed'))
  }

  #isThere(): boolean {
    try {
      return statSync(this.#path).ino === this.#inode
    } catch {
      return false
    }
  }

  #open(): Database {
    makePrivateDirectory(this.directory)
    makePrivate(this.#path)
    const database = new Database(this.#path, { create: true })
    try {
      // First of all: another process may be making the same file just now.
      database.exec(`pragma busy_timeout = ${turnPatienceMs}`)
      turnToWal(database)
      database.exec('pragma synchronous = normal')
      for (const sql of this.#definitions) defineTables(database, sql)
      this.#inode = statSync(this.#path).ino
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }

  #goToMemory(error: unknown): Database {
    const memory = new Database(':memory:')
    for (const sql of this.#definitions) memory.exec(sql)
    try {
      this.#takeAlong(memory)
    } catch {
      // What cannot be read is as good as not there.
    }
    this.#memory = memory
    this.#trouble = this.#words(error)
    this.#say(
      `${this.#trouble}. The work goes on: the servers know what was done, the rest is kept in memory and written as soon as the directory can be used again (make room there, or make it writable). Until then other processes do not see this one through it, and --resume after a kill would know nothing of what follows`,
    )
    this.#timer ??= setInterval(() => this.#writeBack(), this.#retryMs)
    this.#timer.unref()
    return memory
  }

  #words(error: unknown): string {
    const words = [systemWords(this.directory), messageOf(error)].filter(Boolean).join('; ')
    return `the state directory ${this.directory} cannot be used: ${words}`
  }

  /** What is open can be read on, also when it was removed. */
  #takeAlong(memory: Database) {
    using frozen = this.#disk
      ? undefined
      : // On a read-only file system SQLite cannot make the files that it reads beside this one.
        new Database(
          `${pathToFileURL(this.#path).href}?immutable=1`,
          constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
        )
    const from = (frozen ?? this.#disk) as Database
    copyTables(from, memory, sizeOf(from) > mostBytesWithLog ? ['run_log'] : [])
  }

  #writeBack() {
    const memory = this.#memory
    if (!memory) return
    let disk = this.#disk
    try {
      if (!disk || !this.#isThere()) {
        this.#leave()
        const isNew = !isFile(this.#path)
        disk = this.#open()
        if (isNew) copyTables(memory, disk, [])
        else this.#writeAll(disk)
        this.#disk = disk
      } else this.#writeAll(disk)
    } catch (error) {
      if (disk && disk !== this.#disk) disk.close()
      if (isTrouble(error) || !(error instanceof SQLiteError)) return
      this.#say(`not all could be written to the state directory ${this.directory}: ${error.message}`)
      this.#writes.clear()
      return
    }
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#memory = undefined
    this.#trouble = undefined
    this.#writes.clear()
    memory.close()
    this.#say(
      `the state directory ${this.directory} can be used again: what was kept in memory is written there`,
    )
  }

  /** SQLite removes the files beside its own by their names at the end: they may be another one's by now. */
  #leave() {
    this.#disk?.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1)
    this.#disk?.close()
    this.#disk = undefined
  }

  #writeAll(disk: Database) {
    disk.transaction(() => {
      // Something is written in any case: that is the proof.
      const { user_version: version } = disk
        .query<{ user_version: number }, []>('pragma user_version')
        .get() ?? { user_version: 0 }
      disk.exec(`pragma user_version = ${(version + 1) % 1_000_000}`)
      for (const { sql, parameters } of this.#writes.values()) disk.query(sql).run(...parameters)
    })()
  }
}

function isTrouble(error: unknown): boolean {
  if (error instanceof ForeignFile) return true
  if (error instanceof SQLiteError) return !ownMistakes.test(error.code ?? 'SQLITE_ERROR')
  return (error as { syscall?: string }).syscall !== undefined
}

/** While another process does the same, SQLite says that it is busy at once, whatever patience it was told to have. */
function turnToWal(database: Database) {
  const deadline = Date.now() + turnPatienceMs
  for (;;) {
    try {
      database.exec('pragma journal_mode = wal')
      return
    } catch (error) {
      const isBusy = error instanceof SQLiteError && error.code?.startsWith('SQLITE_BUSY')
      if (!isBusy || Date.now() > deadline) throw error
      Bun.sleepSync(10 + Math.random() * 20)
    }
  }
}

/** Throws a ForeignFile where there is something else under one of the names. */
function defineTables(database: Database, sql: string) {
  using ours = new Database(':memory:')
  ours.exec(sql)
  try {
    database.exec(sql)
  } catch (error) {
    // It has just worked in an empty one.
    if (!(error instanceof SQLiteError) || error.code !== 'SQLITE_ERROR') throw error
    throw new ForeignFile(
      `pgtrek.sqlite there is not a file of this release of pgtrek (${error.message}); ${wayOut}`,
    )
  }
  for (const { name, columns } of columnsOf(ours)) {
    const theirs = columnsOf(database).find((table) => table.name === name)?.columns ?? []
    const missing = columns.filter((column) => !theirs.includes(column))
    if (missing.length === 0) continue
    throw new ForeignFile(
      `pgtrek.sqlite there is not a file of this release of pgtrek: its table ${name} has no column ${missing[0]}; ${wayOut}`,
    )
  }
}

const wayOut = 'move it away, or use another --state-dir'

function columnsOf(database: Database): { name: string; columns: string[] }[] {
  const rows = database
    .query<{ name: string; columns: string }, []>(
      `select name, (select json_group_array(c.name) from pragma_table_info(t.name) c) as columns
         from sqlite_schema t where type = 'table' and name not like 'sqlite_%'`,
    )
    .all()
  return rows.map(({ name, columns }) => ({ name, columns: JSON.parse(columns) }))
}

function copyTables(from: Database, to: Database, without: readonly string[]) {
  const tables = from
    .query<{ name: string; sql: string }, []>(
      `select name, sql from sqlite_schema where type = 'table' and name not like 'sqlite_%'`,
    )
    .all()
  to.transaction(() => {
    for (const { name, sql } of tables) {
      to.exec(sql.replace(/^create table (if not exists )?/i, 'create table if not exists '))
      if (without.includes(name)) continue
      const rows = from.query<Record<string, SQLQueryBindings>, []>(`select * from ${name}`).all()
      const columns = Object.keys(rows[0] ?? {})
      if (columns.length === 0) continue
      const insert = to.query(
        `insert or ignore into ${name} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
      )
      for (const row of rows) insert.run(...(Object.values(row) as SQLQueryBindings[]))
    }
  })()
}

function sizeOf(database: Database): number {
  const row = database
    .query<{ size: number }, []>(
      'select page_count * page_size as size from pragma_page_count, pragma_page_size',
    )
    .get()
  return row?.size ?? 0
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** SQLite says little of what the system said. */
function systemWords(directory: string): string {
  const path = join(directory, `.probe-${process.pid}`)
  try {
    writeFileSync(path, new Uint8Array(probeBytes))
    return ''
  } catch (error) {
    return messageOf(error).replace(/, (open|write)\b.*$/s, '')
  } finally {
    try {
      rmSync(path, { force: true })
    } catch {
      // On a read-only file system it was not made.
    }
  }
}
