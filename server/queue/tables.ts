// The tables of jobs, in a schema beside that of pg-boss: runs, workers, and the progress of each job. pg-boss decides
// which worker has a job; these tables store its outcome.
import type { QueueConnection } from './connection.ts'

export const queueSchema = 'pgtrek_jobs'

/** 42P06, 42P07, 23505: two processes that start at the same moment both create it. */
const madeMeanwhile = new Set(['42P06', '42P07', '23505', 'XX000'])

const statements = `
  create schema if not exists ${queueSchema};
  create table if not exists ${queueSchema}.run (
    name      text primary key,
    state     text not null default 'open',
    seen_at   timestamptz not null default now()
  );
  create table if not exists ${queueSchema}.worker (
    name         text primary key,
    host         text not null,
    pid          int not null,
    concurrency  int not null,
    queues       text[] not null,
    started_at   timestamptz not null default now(),
    seen_at      timestamptz not null default now()
  );
  create table if not exists ${queueSchema}.job (
    id            uuid primary key,
    run           text not null,
    title         text not null,
    state         text not null default 'offered',
    attempt       int not null default -1,
    worker        text,
    leases        text[] not null default '{}',
    rows          bigint not null default 0,
    bytes         bigint not null default 0,
    collided      bigint not null default 0,
    transactions  text[] not null default '{}',
    prepared      jsonb,
    verdict       text,
    outcome       jsonb,
    changed_at    timestamptz not null default now()
  );
  create index if not exists job_run on ${queueSchema}.job (run);
  create table if not exists ${queueSchema}.collision (
    id    bigserial primary key,
    job   uuid not null references ${queueSchema}.job on delete cascade,
    key   jsonb not null,
    rows  jsonb not null
  );`

export async function makeQueueTables(connection: QueueConnection): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await connection.executeSql(statements)
      return
    } catch (error) {
      const state = (error as { sqlstate?: string }).sqlstate ?? ''
      if (attempt === 5 || !madeMeanwhile.has(state)) throw error
    }
  }
}
