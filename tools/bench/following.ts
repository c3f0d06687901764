// What the benchmarks of following share: server settings, pgbench's tables, and the subscription to compare with.
import type { TestDatabase } from '../servers/clusters.ts'
import { durableSettings } from './setup.ts'

export const followSettings = { ...durableSettings, wal_level: 'logical' }

/** For CREATE SUBSCRIPTION. */
export function connectionStringOf({ url, name }: TestDatabase): string {
  const { hostname, port } = new URL(url)
  return `host=${hostname} port=${port} dbname=${name} user=postgres password=postgres`
}

export const pgbenchTables = `
  create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84));
  create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84));
  create table pgbench_branches (bid int primary key, bbalance int, filler char(88));
  create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
  insert into pgbench_branches select g, 0, '' from generate_series(1, 10) g;
  insert into pgbench_tellers select g, 1 + (g - 1) / 10, 0, '' from generate_series(1, 100) g;
  insert into pgbench_accounts select g, 1 + (g - 1) / 100000, 0, '' from generate_series(1, 1000000) g;`

/** The changes of transaction `n`, in PL/pgSQL. */
export const pgbenchTransaction = `
  update pgbench_accounts set abalance = abalance + 7 where aid = 1 + (n * 7919) % 1000000;
  update pgbench_tellers set tbalance = tbalance + 7 where tid = 1 + n % 100;
  update pgbench_branches set bbalance = bbalance + 7 where bid = 1 + n % 10;
  insert into pgbench_history values (1 + n % 100, 1 + n % 10, n, 7, now(), null);`
