// Copies of the state database: into memory when its file cannot be written, and into a new file when it was removed.

import { constants, Database, type SQLQueryBindings } from 'bun:sqlite'
import { pathToFileURL } from 'node:url'
import { pathIn } from './state-file.ts'

/** With a larger database the log lines of earlier runs are not copied into memory. */
const mostBytesWithLog = 32 * 1024 * 1024

export function emptyMemory(definitions: readonly string[]): Database {
  const memory = new Database(':memory:')
  for (const sql of definitions) memory.exec(sql)
  return memory
}

/** Copies what can still be read. An open file can be read even after it was removed. */
export function copyToMemory(
  disk: Database | undefined,
  directory: string,
  definitions: readonly string[],
): Database {
  const memory = emptyMemory(definitions)
  try {
    using frozen = disk ? undefined : openUnchanged(directory)
    const from = (frozen ?? disk) as Database
    copyTables(from, memory, sizeOf(from) > mostBytesWithLog ? ['run_log'] : [])
  } catch {
    // Data that cannot be read is left out.
  }
  return memory
}

/** On a read-only file system SQLite cannot create its auxiliary files. */
function openUnchanged(directory: string): Database {
  return new Database(
    `${pathToFileURL(pathIn(directory)).href}?immutable=1`,
    constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
  )
}

export function copyTables(from: Database, to: Database, without: readonly string[] = []) {
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
