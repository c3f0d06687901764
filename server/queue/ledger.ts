// The progress of each job, its worker, and the decision whether its rows are committed. Every statement of a worker names
// its attempt: a worker whose job was given to another one changes nothing any more.
import type { WorkerView } from '../../shared/worker.ts'
import type { KeyValues } from '../copy/merge.ts'
import type { Counts } from '../copy/pool.ts'
import type { QueueConnection } from './connection.ts'
import type { CopyOutcome } from './job.ts'
import { queueSchema as schema } from './tables.ts'

export type JobState = 'offered' | 'copying' | 'prepared' | 'ended'
export type Verdict = 'commit' | 'rollback'

export interface JobRow {
  id: string
  state: JobState
  worker: string | null
  leases: string[]
  transactions: string[]
  rows: number
  bytes: number
  collided: number
  /** The outcome if the transactions are committed. */
  prepared: CopyOutcome | null
  outcome: CopyOutcome | null
}

/** A worker without a heartbeat for this long does not count. */
const workerTimeoutSeconds = 20

/** A coordinator that cannot reach the queue gives up later than this; meanwhile no worker commits for it. */
const runTimeoutSeconds = 60

const columnsOf = (job: string) =>
  `${job}.id::text, ${job}.state, ${job}.worker, ${job}.leases, ${job}.transactions, ${job}.rows::float8,
   ${job}.bytes::float8, ${job}.collided::float8, ${job}.prepared, ${job}.outcome`

export class Ledger {
  constructor(private readonly connection: QueueConnection) {}

  /** Repeated as the coordinator's heartbeat. */
  async runHeartbeat(run: string): Promise<void> {
    await this.connection.query(
      `insert into ${schema}.run (name) values ($1)
       on conflict (name) do update set seen_at = now()`,
      [run],
    )
  }

  /** From here on only jobs whose commit has started can be committed. */
  async runIsOver(run: string): Promise<void> {
    await this.connection.query(`update ${schema}.run set state = 'over', seen_at = now() where name = $1`, [
      run,
    ])
  }

  /** Deletes the run's jobs, and what runs that were killed have left. */
  async forget(run: string): Promise<void> {
    await this.connection.query(`delete from ${schema}.job where run = $1`, [run])
    await this.connection.executeSql(`
      delete from ${schema}.worker where seen_at < now() - interval '1 hour';
      delete from ${schema}.job where changed_at < now() - interval '7 days';
      delete from ${schema}.run where seen_at < now() - interval '7 days'`)
  }

  /** The time of its last heartbeat, as text that changes; undefined when it is over. */
  async pulseOf(run: string): Promise<string | undefined> {
    const [row] = await this.connection.query<{ pulse: string }>(
      `select seen_at::text as pulse from ${schema}.run where name = $1 and state = 'open'`,
      [run],
    )
    return row?.pulse
  }

  async offer(run: string, jobs: readonly { id: string; title: string }[]): Promise<void> {
    await this.connection.query(
      `insert into ${schema}.job (id, run, title)
       select (j ->> 'id')::uuid, $1, j ->> 'title' from jsonb_array_elements($2::jsonb) j
       on conflict (id) do nothing`,
      [run, JSON.stringify(jobs)],
    )
  }

  /** Returns the job as earlier attempts left it. Undefined when the run is over or another attempt has the job. */
  async claim(id: string, attempt: number, worker: string, lease: string): Promise<JobRow | undefined> {
    const [row] = await this.connection.query<JobRow>(
      `with before as (select * from ${schema}.job where id = $1 for update)
       update ${schema}.job as claimed
          set state = 'copying', attempt = $2, worker = $3, leases = claimed.leases || $4::text,
              rows = 0, bytes = 0, collided = 0, changed_at = now()
         from before
        where claimed.id = before.id and before.attempt <= $2 and before.outcome is null
          and before.verdict is distinct from 'rollback'
          and exists (select from ${schema}.run where name = before.run and state = 'open')
       returning ${columnsOf('before')}`,
      [id, attempt, worker, lease],
    )
    return row
  }

  /** A job that cannot be claimed gets an outcome, because a table may wait for its end. */
  async refused(id: string, attempt: number, outcome: CopyOutcome): Promise<void> {
    await this.connection.query(
      `update ${schema}.job set state = 'ended', attempt = $2, outcome = $3, changed_at = now()
        where id = $1 and attempt <= $2 and outcome is null`,
      [id, attempt, JSON.stringify(outcome)],
    )
  }

  /** Returns the coordinator's decision if there is one. */
  async progress(id: string, attempt: number, counts: Counts): Promise<Verdict | undefined> {
    const [row] = await this.connection.query<{ verdict: Verdict | null }>(
      `update ${schema}.job set rows = $3, bytes = $4, collided = $5, changed_at = now()
        where id = $1 and attempt = $2
       returning verdict`,
      [id, attempt, counts.rows, counts.bytes, counts.collided],
    )
    return row?.verdict ?? undefined
  }

  async collisions(id: string, key: readonly string[], rows: readonly KeyValues[]): Promise<void> {
    await this.connection.query(`insert into ${schema}.collision (job, key, rows) values ($1, $2, $3)`, [
      id,
      JSON.stringify(key),
      JSON.stringify(rows),
    ])
  }

  /** Called before the commit. False when the job must not be committed, since another worker has it or the run is over. */
  async prepared(
    id: string,
    attempt: number,
    transactions: readonly string[],
    outcome: CopyOutcome,
  ): Promise<boolean> {
    const rows = await this.connection.query(
      `update ${schema}.job as j
          set state = 'prepared', transactions = $3::text[], prepared = $4, changed_at = now()
        where id = $1 and attempt = $2 and outcome is null
          and exists (select from ${schema}.run r
                       where r.name = j.run and r.state = 'open'
                         and r.seen_at > now() - make_interval(secs => ${runTimeoutSeconds}))
          and verdict is distinct from 'rollback'
       returning id`,
      [id, attempt, [...transactions], JSON.stringify(outcome)],
    )
    return rows.length > 0
  }

  /** Undefined without a decision so far; false when another attempt has the job. */
  async verdictOn(id: string, attempt: number): Promise<Verdict | undefined | false> {
    const [row] = await this.connection.query<{ verdict: Verdict | null }>(
      `select verdict from ${schema}.job where id = $1 and attempt = $2`,
      [id, attempt],
    )
    return row ? (row.verdict ?? undefined) : false
  }

  async decide(ids: readonly string[], verdict: Verdict): Promise<void> {
    await this.connection.query(
      `update ${schema}.job set verdict = $2 where id = any($1::uuid[]) and verdict is null`,
      [[...ids], verdict],
    )
  }

  async ended(id: string, attempt: number, outcome: CopyOutcome): Promise<void> {
    await this.connection.query(
      `update ${schema}.job set state = 'ended', outcome = $3, changed_at = now()
        where id = $1 and attempt = $2 and outcome is null`,
      [id, attempt, JSON.stringify(outcome)],
    )
  }

  /** The job has no worker any more, and is offered again. */
  async givenBack(id: string, attempt: number): Promise<void> {
    await this.connection.query(
      `update ${schema}.job set state = 'offered', rows = 0, bytes = 0, collided = 0, changed_at = now()
        where id = $1 and attempt = $2 and outcome is null`,
      [id, attempt],
    )
  }

  /** Of these jobs, those that a worker has or had. */
  taken(ids: readonly string[]): Promise<JobRow[]> {
    return this.connection.query<JobRow>(
      `select ${columnsOf('j')} from ${schema}.job j where id = any($1::uuid[]) and attempt >= 0`,
      [[...ids]],
    )
  }

  /** Returns each once, and deletes it. */
  takeCollisions(run: string): Promise<{ id: string; job: string; key: string[]; rows: KeyValues[] }[]> {
    return this.connection.query(
      `delete from ${schema}.collision c using ${schema}.job j
        where j.id = c.job and j.run = $1
       returning c.id::text, c.job::text, c.key, c.rows`,
      [run],
    )
  }

  async workerHeartbeat(worker: Omit<WorkerView, 'jobs'> & { queues: readonly string[] }): Promise<void> {
    const { name, host, pid, concurrency, queues } = worker
    await this.connection.query(
      `insert into ${schema}.worker (name, host, pid, concurrency, queues) values ($1, $2, $3, $4, $5::text[])
       on conflict (name) do update set seen_at = now()`,
      [name, host, pid, concurrency, [...queues]],
    )
  }

  async workerIsGone(name: string): Promise<void> {
    await this.connection.query(`delete from ${schema}.worker where name = $1`, [name])
  }

  /** Workers with a recent heartbeat, of one queue or of all. */
  workers(queue?: string): Promise<WorkerView[]> {
    return this.connection.query<WorkerView>(
      `select name, host, pid, concurrency,
              array(select j.title from ${schema}.job j
                     where j.worker = w.name and j.state in ('copying', 'prepared')
                     order by j.title) as jobs
         from ${schema}.worker w
        where seen_at > now() - make_interval(secs => ${workerTimeoutSeconds})
          and ($1::text is null or $1 = any(queues))
        order by started_at, name`,
      [queue ?? null],
    )
  }
}
