// The databases that are copied, generated inside the server.
import type { TestDatabase } from '../servers/clusters.ts'

export interface Workload {
  name: string
  content: string
  /** The table that a plain COPY is compared on. */
  bigTable?: string
  fill: string
  /** Deleting so many files slows the server down for a while. */
  hasManyFiles?: boolean
}

export function pgbench(scale: number): Workload {
  const accounts = scale * 100_000
  return {
    name: 'pgbench',
    content: `pgbench's tables at scale ${scale}: ${accounts.toLocaleString('en')} accounts`,
    bigTable: 'pgbench_accounts',
    fill: `
      create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
      create table pgbench_tellers (tid int not null, bid int, tbalance int, filler char(84))
        with (fillfactor = 100);
      create table pgbench_accounts (aid int not null, bid int, abalance int, filler char(84))
        with (fillfactor = 100);
      create table pgbench_branches (bid int not null, bbalance int, filler char(88))
        with (fillfactor = 100);
      insert into pgbench_branches (bid, bbalance) select bid, 0 from generate_series(1, ${scale}) bid;
      insert into pgbench_tellers (tid, bid, tbalance)
        select tid, (tid - 1) / 10 + 1, 0 from generate_series(1, ${scale * 10}) tid;
      insert into pgbench_accounts (aid, bid, abalance, filler)
        select aid, (aid - 1) / 100000 + 1, 0, '' from generate_series(1, ${accounts}) aid;
      alter table pgbench_branches add primary key (bid);
      alter table pgbench_tellers add primary key (tid);
      alter table pgbench_accounts add primary key (aid);`,
  }
}

/** Every tenth document is long and hardly compresses, so that it is stored out of line. */
export function mixed(rows: number): Workload {
  return {
    name: 'mixed',
    content:
      `${rows.toLocaleString('en')} rows of text, jsonb, numeric, timestamps, arrays and toasted values, ` +
      'with five indexes and a foreign key',
    bigTable: 'events',
    fill: `
      create table customers (id int primary key, name text not null);
      insert into customers select id, 'customer ' || id from generate_series(1, 1000) id;
      create table events (
        id       bigint primary key,
        customer int not null references customers,
        name     text not null,
        amount   numeric(12, 2),
        details  jsonb,
        tags     text[],
        scores   int[],
        happened timestamptz not null,
        document text
      );
      insert into events
      select id,
             id % 1000 + 1,
             'event number ' || id || ' of ' || md5(id::text),
             (id % 100000) / 7.0,
             jsonb_build_object('kind', id % 17, 'key', md5(id::text), 'nested', jsonb_build_array(id, id * 2)),
             array['tag' || id % 10, 'tag' || id % 7],
             array[id % 3, id % 5, id % 11]::int[],
             timestamptz '2024-01-01 00:00:00+00' + id * interval '1 second',
             case when id % 10 = 0 then (
               select string_agg(md5(id::text || part), '') from generate_series(1, 150) part
             ) end
        from generate_series(1, ${rows}) id;
      create index on events (customer);
      create index on events (happened);
      create index on events (name);
      create index on events using gin (tags);`,
  }
}

export function wide(rows: number, megabytes: number): Workload {
  const half = megabytes / 2
  return {
    name: 'wide',
    content: `${rows} rows of ${megabytes} MB of text and ${rows} rows of ${megabytes} MB of bytea`,
    fill: `
      create table wide_text (id int primary key, body text);
      create table wide_bytes (id int primary key, body bytea);
      alter table wide_text alter body set storage external;
      alter table wide_bytes alter body set storage external;
      insert into wide_text select id, repeat(md5(id::text), ${(megabytes * 1024 * 1024) / 32})
        from generate_series(1, ${rows}) id;
      insert into wide_bytes
        select id, decode(repeat(md5(id::text), ${(half * 1024 * 1024) / 16}), 'hex') || decode(repeat(md5((-id)::text), ${(half * 1024 * 1024) / 16}), 'hex')
          from generate_series(1, ${rows}) id;`,
  }
}

export function manyTables(count: number): Workload {
  return {
    name: 'tables',
    content: `${count.toLocaleString('en')} tables of 100 rows with a key and an index each`,
    fill: `
      do $$
      begin
        for number in 1 .. ${count} loop
          execute format('create table %I (id int primary key, name text)', 'small_' || number);
          execute format('insert into %I select id, md5(id::text) from generate_series(1, 100) id',
                         'small_' || number);
          execute format('create index on %I (name)', 'small_' || number);
          -- One transaction would need more locks than a server has.
          if number % 500 = 0 then commit; end if;
        end loop;
      end $$;`,
    hasManyFiles: true,
  }
}

/** What a copy must have in common with its source: number of rows of each table, indexes and constraints. */
export interface Fingerprint {
  rows: Record<string, number>
  objects: string[]
}

export async function fingerprint(database: TestDatabase): Promise<Fingerprint> {
  const client = database.connect()
  try {
    const tables = await client.unsafe<{ name: string }[]>(
      "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
    )
    const rows: Record<string, number> = {}
    for (const { name } of tables) {
      const [row] = await client.unsafe<{ count: string }[]>(`select count(*) from public."${name}"`)
      rows[name] = Number(row?.count)
    }
    const objects = await client.unsafe<{ definition: string }[]>(`
      select pg_get_indexdef(indexrelid) as definition
        from pg_index
       where indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
      union all
      select conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated
        from pg_constraint
       where connamespace = 'public'::regnamespace and contype <> 'n'
       order by 1`)
    return { rows, objects: objects.map(({ definition }) => definition) }
  } finally {
    await client.end()
  }
}
