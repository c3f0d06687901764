// What survives a restart: one row for each run, with its summary. No passwords.
import { Database } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Summary } from '../../shared/summary.ts'
import { UsageError } from '../postgres/errors.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'

export class RunStore implements Disposable {
  readonly #database: Database

  constructor(directory: string) {
    try {
      mkdirSync(directory, { recursive: true })
      this.#database = new Database(join(directory, 'pgtrek.sqlite'), { create: true })
      this.#database.exec(`
        pragma journal_mode = wal;
        pragma busy_timeout = 5000;
        create table if not exists run (
          id          text primary key,
          source      text not null,
          destination text not null,
          started_at  text not null,
          finished_at text,
          status      text not null,
          summary     text
        ) strict`)
    } catch (error) {
      throw new UsageError(`the state directory ${directory} cannot be used: ${(error as Error).message}`)
    }
  }

  begin(id: string, ends: { source: ConnectionSettings; destination: ConnectionSettings }) {
    this.#database
      .query(
        `insert into run (id, source, destination, started_at, status) values (?, ?, ?, datetime('now'), 'running')`,
      )
      .run(id, describeSettings(ends.source), describeSettings(ends.destination))
  }

  end(id: string, summary: Summary) {
    this.#database
      .query(`update run set finished_at = datetime('now'), status = ?, summary = ? where id = ?`)
      .run(summary.status, JSON.stringify(summary), id)
  }

  [Symbol.dispose]() {
    this.#database.close()
  }
}
