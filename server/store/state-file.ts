// The file of the state database: opened, created if necessary, and refused if it is of another kind.

import { Database, SQLiteError } from 'bun:sqlite'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../shared/message-of.ts'
import { makePrivate, makePrivateDirectory } from '../system/private-files.ts'

/** A file of this name was created by another program, or by another release of this one. */
export class ForeignFile extends Error {}

const turnPatienceMs = 5_000
const probeBytes = 64 * 1024
/** The statement or its values are wrong, and would be refused anywhere. */
const ownMistakes = /^SQLITE_(ERROR|CONSTRAINT|MISMATCH|MISUSE|RANGE|TOOBIG)/

export function pathIn(directory: string): string {
  return join(directory, 'pgtrek.sqlite')
}

export function openStateFile(directory: string, definitions: readonly string[]): Database {
  const path = pathIn(directory)
  makePrivateDirectory(directory)
  makePrivate(path)
  const database = new Database(path, { create: true })
  try {
    // Set first, because another process may be creating the same file at this moment.
    database.exec(`pragma busy_timeout = ${turnPatienceMs}`)
    turnToWal(database)
    database.exec('pragma synchronous = normal')
    for (const sql of definitions) defineTables(database, sql)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Identifies the file, because its name may belong to another one by now. */
export function inodeOf(directory: string): number | undefined {
  try {
    const stats = statSync(pathIn(directory))
    return stats.isFile() ? stats.ino : undefined
  } catch {
    return undefined
  }
}

/** The cause is the disk, the directory or the file, not the data. */
export function cannotBeWritten(error: unknown): boolean {
  if (error instanceof ForeignFile) return true
  if (error instanceof SQLiteError) return !ownMistakes.test(error.code ?? 'SQLITE_ERROR')
  return (error as { syscall?: string }).syscall !== undefined
}

/** SQLite's message seldom contains the system's reason, so a small file is written to get it. */
export function describeUnusable(directory: string, error?: unknown): string {
  const isOfSystem = (error as { syscall?: string } | undefined)?.syscall !== undefined
  const words = [isOfSystem ? '' : systemWords(directory), error === undefined ? '' : messageOf(error)]
  return `the state directory ${directory} cannot be used: ${words.filter(Boolean).join('; ')}`
}

/** The system's error for a small file in the directory; empty if it can be written. */
export function systemWords(directory: string): string {
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
      // On a read-only file system it was not created.
    }
  }
}

/** While another process does the same, SQLite returns SQLITE_BUSY at once, even with a busy_timeout. */
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

/** Throws a ForeignFile when one of the names has another definition. Then nothing is created. */
export function defineTables(database: Database, sql: string) {
  using ours = new Database(':memory:')
  ours.exec(sql)
  const there = new Map(columnsOf(database).map(({ name, columns }) => [name, columns]))
  for (const { name, columns } of columnsOf(ours)) {
    const theirs = there.get(name)
    const missing = theirs && columns.filter((column) => !theirs.includes(column))
    if (missing?.[0] === undefined) continue
    throw new ForeignFile(
      `pgtrek.sqlite there does not belong to this release of pgtrek: its table ${name} has no column ${missing[0]}; ${wayOut}`,
    )
  }
  try {
    database.exec(sql)
  } catch (error) {
    // The same statement has just succeeded in an empty database.
    if (!(error instanceof SQLiteError) || error.code !== 'SQLITE_ERROR') throw error
    throw new ForeignFile(
      `pgtrek.sqlite there does not belong to this release of pgtrek (${error.message}); ${wayOut}`,
    )
  }
}

const wayOut = 'move it elsewhere, or use another --state-dir'

function columnsOf(database: Database): { name: string; columns: string[] }[] {
  const rows = database
    .query<{ name: string; columns: string }, []>(
      `select name, (select json_group_array(c.name) from pragma_table_info(t.name) c) as columns
         from sqlite_schema t where type = 'table' and name not like 'sqlite_%'`,
    )
    .all()
  return rows.map(({ name, columns }) => ({ name, columns: JSON.parse(columns) }))
}
