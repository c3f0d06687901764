// Thousands of small tables go in company, and arrive as if each had gone alone.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clone } from '../support/clone.ts'
import { cluster, startCluster, type TestDatabase } from '../support/clusters.ts'

// Servers have to start.
setDefaultTimeout(300_000)

const count = 2000
let source: TestDatabase

/** Some have a default of their own sequence, some a foreign key to another. */
beforeAll(async () => {
  source = await (await cluster(14)).createDatabase()
  await source.sql(`
    create function only_here(int) returns int immutable language plpgsql as $$
      begin
        if current_setting('server_version_num')::int >= 150000 then
          raise exception 'not on this server';
        end if;
        return $1;
      end $$`)
  await source.sql(`
    do $do$
    begin
      for n in 1 .. ${count} loop
        execute format('create table %I (id %s primary key, v text)', 't' || n,
                       case n % 10 when 0 then 'serial' else 'int' end);
        execute format('insert into %I select i, md5(i::text) from generate_series(1, %s) i', 't' || n,
                       case n % 20 when 1 then 5 else n % 7 end);
        execute format('create index on %I (v)', 't' || n);
        execute format('comment on table %I is %L', 't' || n, 'number ' || n);
        if n % 20 = 1 and n > 1 then
          execute format('alter table %I add foreign key (id) references %I', 't' || n, 't' || (n - 20));
        end if;
        if n % 200 = 0 then commit; end if;
      end loop;
    end $do$`)
})

afterAll(async () => {
  await source.drop()
})

const facts = `
  select 'table ' || relname || ' ' || obj_description(oid, 'pg_class') as fact
    from pg_class where relname ~ '^t[0-9]+$' and relkind = 'r'
  union all
  select indexdef from pg_indexes where schemaname = 'public'
  union all
  select conname || ' ' || pg_get_constraintdef(oid) || convalidated from pg_constraint
   where connamespace = 'public'::regnamespace
  union all
  select 'sequence ' || sequencename || ' ' || coalesce(last_value::text, '') from pg_sequences
  order by 1`

async function factsOf(database: TestDatabase): Promise<string[]> {
  return (await database.sql<{ fact: string }>(facts)).map(({ fact }) => fact)
}

async function rowsOf(database: TestDatabase): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  const names = await database.sql<{ name: string }>(
    `select relname as name from pg_class where relname ~ '^t[0-9]+$' and relkind = 'r' order by 1`,
  )
  for (let first = 0; first < names.length; first += 200) {
    const parts = names
      .slice(first, first + 200)
      .map(
        ({ name }) =>
          `select '${name}' as name, count(*)::int as count, sum(('x' || left(v, 7))::bit(28)::int) from ${name}`,
      )
    for (const row of await database.sql<{ name: string; count: number }>(parts.join(' union all '))) {
      rows[row.name] = row.count
    }
  }
  return rows
}

test('two thousand tables with keys, indexes, comments, sequences and foreign keys arrive whole', async () => {
  const destination = await (await cluster(17)).createDatabase()
  const { failures, result, events, summary } = await clone(source, destination)
  expect(failures).toEqual([])
  expect(result.status).toBe('completed')
  expect(await factsOf(destination)).toEqual(await factsOf(source))
  expect(await rowsOf(destination)).toEqual(await rowsOf(source))
  // Each step is told of as if it had gone alone: it starts once and ends once, and what was counted was there.
  const started = events.flatMap((event) => (event.type === 'step_started' ? [event.step.id] : []))
  const finished = events.flatMap((event) => (event.type === 'step_finished' ? [event.step.id] : []))
  expect(new Set(started).size).toBe(started.length)
  expect(finished.sort()).toEqual(started.sort())
  const rows = await rowsOf(source)
  expect(Object.fromEntries(summary.tables.map((table) => [table.name, table.rows]))).toEqual(rows)
  const data = summary.phases.find(({ phase }) => phase === 'data')
  expect(data?.done).toBe(count)
  await destination.drop()
})

test('of many that go together only those fail that must', async () => {
  const destination = await (await cluster(17)).createDatabase()
  // A table that cannot be made, rows that are not taken, an index that cannot be built: each in the middle.
  await source.sql(`
    create table bad_index (id int primary key, v text);
    insert into bad_index values (1, 'v');
    create index bad_one on bad_index (only_here(id));
    create table bad_rows (id int primary key, v text, check (only_here(id) > 0));
    insert into bad_rows values (1, 'v');`)
  await destination.sql(`
    create function refuse() returns event_trigger language plpgsql as $$
      begin
        if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'public.t1234') then
          raise exception 'not this one';
        end if;
      end $$;
    create event trigger refusal on ddl_command_end when tag in ('CREATE TABLE') execute function refuse();`)
  const { failures, summary, result } = await clone(source, destination)
  expect(failures.map((failure) => failure.split(' (SQLSTATE')[0]).sort()).toEqual([
    'INDEX public.bad_one: not on this server',
    'ROWS public.bad_rows: not on this server',
    'TABLE public.t1234: not this one',
  ])
  expect(result.status).toBe('completed_with_failures')
  const skipped = summary.skipped.map(({ kind, name }) => `${kind} ${name}`).sort()
  expect(skipped).toContain('ROWS t1234')
  expect(skipped.filter((one) => !/t1234|bad_rows/.test(one))).toEqual([])
  const { t1234: _, ...expected } = await rowsOf(source)
  expect(await rowsOf(destination)).toEqual(expected)
  const without = (list: string[]) => list.filter((fact) => !/t1234|bad_/.test(fact))
  expect(without(await factsOf(destination))).toEqual(without(await factsOf(source)))
  expect(await destination.sql('select from bad_index')).toHaveLength(1)
  expect(await destination.sql('select from bad_rows')).toHaveLength(0)
  await source.sql('drop table bad_index, bad_rows')
  await destination.drop()
})

test('a server with room for few locks is enough', async () => {
  const server = await startCluster({
    major: 17,
    settings: { max_locks_per_transaction: '10', max_connections: '20', max_prepared_transactions: '0' },
  })
  try {
    const destination = await server.createDatabase()
    const { failures } = await clone(source, destination)
    expect(failures).toEqual([])
    expect(await factsOf(destination)).toEqual(await factsOf(source))
    expect(await rowsOf(destination)).toEqual(await rowsOf(source))
  } finally {
    await server.stop()
  }
})

test('a second clone into the same database keeps all objects and says so', async () => {
  const destination = await (await cluster(17)).createDatabase()
  const first = await clone(source, destination, { options: { schemaOnly: true } })
  expect(first.failures).toEqual([])
  const { failures, events } = await clone(source, destination)
  expect(failures).toEqual([])
  const kept = events.filter((event) => event.type === 'log' && event.message.includes('was kept as it is'))
  expect(kept.length).toBeGreaterThan(count)
  expect(await rowsOf(destination)).toEqual(await rowsOf(source))
  await destination.drop()
})

test('a summary that is longer than a pipe holds reaches a slow reader whole', async () => {
  const destination = await (await cluster(17)).createDatabase()
  const directory = mkdtempSync(join(tmpdir(), 'pgtrek-many-'))
  try {
    const main = join(import.meta.dir, '../../server/main.ts')
    const child = Bun.spawn(
      [
        ...['sh', '-c', '"$0" "$1" clone --source "$2" --dest "$3" --json --quiet | (sleep 5; cat)'],
        ...[process.execPath, main, source.url, destination.url],
      ],
      { cwd: directory, stdout: 'pipe' },
    )
    const { tables } = (await new Response(child.stdout).json()) as { tables: unknown[] }
    expect(tables).toHaveLength(count)
  } finally {
    rmSync(directory, { recursive: true, force: true })
    await destination.drop()
  }
})
