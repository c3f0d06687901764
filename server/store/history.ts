// Past migrations for display: their requests and results.
import type { PastMigration, PastMigrationDetails } from '../../shared/api.ts'
import type { PlanAnswer } from '../../shared/plan-api.ts'
import type { Speeds } from '../../shared/speeds.ts'
import { isRunning } from './processes.ts'
import { ScheduleStore } from './schedules.ts'
import type { StateDatabase } from './state-database.ts'

export interface HistoryPage {
  limit: number
  offset: number
}

type Row = Omit<PastMigration, 'dry_run' | 'size' | 'before'> & {
  dry_run: number
  size: string | null
  before: string | null
}

const mostListed = 2_000

const columns = `
  r.id, r.source, r.destination, r.status,
  coalesce(json_extract(q.request, '$.options.dryRun'), 0) as dry_run,
  (select a.schedule from schedule_attempt a where a.run = r.id) as schedule,
  strftime('%Y-%m-%dT%H:%M:%SZ', r.started_at)  as started_at,
  strftime('%Y-%m-%dT%H:%M:%SZ', r.finished_at) as finished_at,
  z.size, z.seconds,
  (select json_object('id', b.id, 'size', json(y.size), 'seconds', y.seconds)
     from run b join run_size y on y.run = b.id
    where b.source = r.source and b.destination = r.destination and b.rowid < r.rowid and y.dry = z.dry
    order by b.rowid desc limit 1) as before`

export class History {
  constructor(readonly database: StateDatabase) {
    // It names the schedules of runs.
    new ScheduleStore(database)
    database.define(`
      create table if not exists run_request (
        run     text primary key,
        request text not null
      ) strict;
      create table if not exists dry_run_plan (
        run  text primary key,
        plan text not null
      ) strict;
      create table if not exists run_speeds (
        run    text primary key,
        speeds text not null
      ) strict`)
  }

  /** The request must not contain secrets. */
  remember(id: string, request: unknown) {
    this.database
      .query('insert into run_request (run, request) values (?, ?)')
      .run(id, JSON.stringify(request))
  }

  /** The result of a dry run. For a very long plan the beginning of each list. */
  rememberPlan(id: string, plan: PlanAnswer) {
    const kept: PlanAnswer = {
      ...plan,
      steps: plan.steps.filter(({ skip }) => skip !== undefined).slice(0, mostListed),
      tables: plan.tables.slice(0, mostListed),
      destroyed: plan.destroyed.slice(0, mostListed),
      warnings: plan.warnings.slice(0, mostListed),
    }
    this.database
      .query('insert or replace into dry_run_plan (run, plan) values (?, ?)')
      .run(id, JSON.stringify(kept))
  }

  rememberSpeeds(id: string, speeds: Speeds) {
    this.database
      .query('insert or replace into run_speeds (run, speeds) values (?, ?)', `speeds of ${id}`)
      .run(id, JSON.stringify(speeds))
  }

  /** Latest first. */
  list({ limit, offset }: HistoryPage): PastMigration[] {
    this.settle()
    return this.database
      .query<Row, [number, number]>(
        `select ${columns} from run r left join run_request q on q.run = r.id left join run_size z on z.run = r.id
          order by r.rowid desc limit ? offset ?`,
      )
      .all(limit, offset)
      .map(pastOf)
  }

  find(id: string): PastMigrationDetails | undefined {
    this.settle()
    const row = this.database
      .query<
        Row & { request: string | null; summary: string | null; plan: string | null; speeds: string | null },
        [string]
      >(
        `select ${columns}, q.request, r.summary, d.plan, s.speeds
           from run r
           left join run_request q on q.run = r.id
           left join run_size z on z.run = r.id
           left join dry_run_plan d on d.run = r.id
           left join run_speeds s on s.run = r.id
          where r.id = ?`,
      )
      .get(id)
    if (!row) return undefined
    const { request, summary, plan, speeds, ...past } = row
    return {
      ...pastOf(past),
      request: request === null ? null : JSON.parse(request),
      summary: summary === null ? null : JSON.parse(summary),
      plan: plan === null ? null : JSON.parse(plan),
      speeds: speeds === null ? null : JSON.parse(speeds),
    }
  }

  /** Runs whose process has ended without a result were interrupted. */
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

function pastOf(row: Row): PastMigration {
  return {
    ...row,
    dry_run: row.dry_run === 1,
    size: row.size === null ? null : JSON.parse(row.size),
    before: row.before === null ? null : JSON.parse(row.before),
  }
}
