// Past migrations, as people look back at them: what was asked for, and what came of it.
import type { PastMigration, PastMigrationDetails } from '../../shared/api.ts'
import { isRunning } from './runs.ts'
import type { StateDatabase } from './state-database.ts'

export interface HistoryPage {
  limit: number
  offset: number
}

type Row = Omit<PastMigration, 'status'> & { status: PastMigration['status'] }

const columns = `
  r.id, r.source, r.destination, r.status,
  strftime('%Y-%m-%dT%H:%M:%SZ', r.started_at)  as started_at,
  strftime('%Y-%m-%dT%H:%M:%SZ', r.finished_at) as finished_at`

export class History {
  constructor(readonly database: StateDatabase) {
    database.define(`
      create table if not exists run_request (
        run     text primary key,
        request text not null
      ) strict`)
  }

  /** The request must carry no secrets. */
  remember(id: string, request: unknown) {
    this.database
      .query('insert into run_request (run, request) values (?, ?)')
      .run(id, JSON.stringify(request))
  }

  /** The latest first. */
  list({ limit, offset }: HistoryPage): PastMigration[] {
    this.settle()
    return this.database
      .query<Row, [number, number]>(`select ${columns} from run r order by r.rowid desc limit ? offset ?`)
      .all(limit, offset)
  }

  find(id: string): PastMigrationDetails | undefined {
    this.settle()
    const row = this.database
      .query<Row & { request: string | null; summary: string | null }, [string]>(
        `select ${columns}, q.request, r.summary
           from run r
           left join run_request q on q.run = r.id
          where r.id = ?`,
      )
      .get(id)
    if (!row) return undefined
    const { request, summary, ...past } = row
    return {
      ...past,
      request: request === null ? null : JSON.parse(request),
      summary: summary === null ? null : JSON.parse(summary),
    }
  }

  /** Runs whose process is gone did not end: they were interrupted. */
  settle() {
    const rows = this.database
      .query<{ id: string; host: string | null; process: number | null }, []>(
        `select r.id, p.host, p.process
           from run r
           left join run_process p on p.run = r.id
          where r.status = 'running'`,
      )
      .all()
    for (const { id, host, process } of rows) {
      if (host !== null && process !== null && isRunning({ run: id, host, process })) continue
      this.database.query(`update run set status = 'interrupted' where id = ? and status = 'running'`).run(id)
    }
  }
}
