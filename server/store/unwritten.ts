// Writes that are not on the disk yet, in order. Of several with the same key only the last is kept.
import { type Database, SQLiteError, type SQLQueryBindings } from 'bun:sqlite'
import { cannotBeWritten } from './state-file.ts'

export interface Write {
  sql: string
  parameters: SQLQueryBindings[]
}

export class Unwritten {
  readonly #writes = new Map<string | number, Write>()
  #last = 0

  get count(): number {
    return this.#writes.size
  }

  add(write: Write, key: string | undefined) {
    const place = key ?? ++this.#last
    // Moved to the end, because later writes may be about the same row.
    this.#writes.delete(place)
    this.#writes.set(place, write)
  }

  has(key: string): boolean {
    return this.#writes.has(key)
  }

  /** Returns the reasons of writes that were refused and would be refused again. */
  writeTo(disk: Database): string[] {
    const refused: string[] = []
    for (const { sql, parameters } of this.#writes.values()) {
      try {
        disk.query(sql).run(...parameters)
      } catch (error) {
        if (cannotBeWritten(error) || !(error instanceof SQLiteError)) throw error
        refused.push(error.message)
      }
    }
    return refused
  }

  clear() {
    this.#writes.clear()
  }
}
