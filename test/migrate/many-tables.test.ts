// Many small tables are copied in groups, with the same result as if each had been copied alone.
import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { formatRows } from '../../shared/format.ts'
import { within } from '../../tools/eventually.ts'
import { isLong } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

/** Enough for several groups of each kind, more locks than a small server has, and more output than a pipe holds. */
const count = isLong ? 2000 : 500
/** In the middle of its group; no foreign key refers to it. */
const refused = `t${count - 66}`
const pipeBytes = 64 * 1024
let source: TestDatabase

/** Some have a default with their own sequence, some a foreign key to another table. */
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

test(`${count} tables with keys, indexes, comments, sequences and foreign keys arrive whole, although the server has room for few locks`, async () => {
  await using server = await startCluster({
    major: 17,
    settings: { max_locks_per_transaction: '10', max_connections: '20', max_prepared_transactions: '0' },
  })
  const destination = await server.createDatabase()
  const { failures, result, events, summary } = await clone(source, destination)
  expect(failures).toEqual([])
  expect(result.status).toBe('completed')
  expect(await factsOf(destination)).toEqual(await factsOf(source))
  const rows = await rowsOf(source)
  expect(await rowsOf(destination)).toEqual(rows)
  // Each step is reported as if it had run alone: it starts and ends once, and its counts are correct.
  const started = events.flatMap((event) => (event.type === 'step_started' ? [event.step.id] : []))
  const finished = events.flatMap((event) => (event.type === 'step_finished' ? [event.step.id] : []))
  expect(new Set(started).size).toBe(started.length)
  expect(finished.sort()).toEqual(started.sort())
  expect(Object.fromEntries(summary.tables.map((table) => [table.name, table.rows]))).toEqual(rows)
  const data = summary.phases.find(({ phase }) => phase === 'data')
  expect(data?.done).toBe(count)
})

test('only the failing steps of a batch fail', async () => {
  const destination = await (await cluster(17)).createDatabase()
  // A table that cannot be created, rows that are refused, an index that cannot be built: each in the middle.
  await source.sql(`
    create table bad_index (id int primary key, v text);
    insert into bad_index values (1, 'v');
    create index bad_one on bad_index (only_here(id));
    create table bad_rows (id int primary key, v text, check (only_here(id) > 0));
    insert into bad_rows values (1, 'v');`)
  await destination.sql(`
    create function refuse() returns event_trigger language plpgsql as $$
      begin
        if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'public.${refused}') then
          raise exception 'not this one';
        end if;
      end $$;
    create event trigger refusal on ddl_command_end when tag in ('CREATE TABLE') execute function refuse();`)
  const { failures, summary, result } = await clone(source, destination)
  expect(failures.map((failure) => failure.split(' (SQLSTATE')[0]).sort()).toEqual([
    'INDEX public.bad_one: not on this server',
    'ROWS public.bad_rows: not on this server',
    `TABLE public.${refused}: not this one`,
  ])
  expect(result.status).toBe('completed_with_failures')
  const skipped = summary.skipped.map(({ kind, name }) => `${kind} ${name}`).sort()
  expect(skipped).toContain(`ROWS ${refused}`)
  expect(skipped.filter((one) => !one.includes(refused) && !one.includes('bad_rows'))).toEqual([])
  const { [refused]: _, ...expected } = await rowsOf(source)
  expect(await rowsOf(destination)).toEqual(expected)
  const without = (list: string[]) => list.filter((fact) => !fact.includes(refused) && !fact.includes('bad_'))
  expect(without(await factsOf(destination))).toEqual(without(await factsOf(source)))
  expect(await destination.sql('select from bad_index')).toHaveLength(1)
  expect(await destination.sql('select from bad_rows')).toHaveLength(0)
  await source.sql('drop table bad_index, bad_rows')
})

test('a second clone into the same database keeps all objects and reports them', async () => {
  const destination = await (await cluster(17)).createDatabase()
  const selection = { include: ['t1*'] }
  const first = await clone(source, destination, { selection, options: { schemaOnly: true } })
  expect(first.failures).toEqual([])
  const { failures, events, summary } = await clone(source, destination, { selection })
  expect(failures).toEqual([])
  const expected = Object.entries(await rowsOf(source)).filter(([name]) => name.startsWith('t1'))
  // More than one batch.
  expect(expected.length).toBeGreaterThan(100)
  expect(await rowsOf(destination)).toEqual(Object.fromEntries(expected))
  const kept = events.filter(
    (event) =>
      event.type === 'log' && event.message.includes('already exists on the destination and was kept'),
  )
  expect(kept.length).toBeGreaterThan(expected.length)
  const warnings = summary.warnings.filter((warning) => warning.includes('already existed and were kept'))
  expect(warnings).toEqual([
    expect.stringMatching(
      /^[\d,]+ objects of the destination already existed and were kept: .*, and [\d,]+ more\. /,
    ),
  ])
  expect(warnings[0]).toContain(`${formatRows(kept.length)} objects`)
})

test('a summary that is longer than a pipe holds reaches a slow reader completely', async () => {
  const destination = await (await cluster(17)).createDatabase()
  const main = join(import.meta.dir, '../../server/main.ts')
  // One process for each page that is read: the command has filled the pipe long before.
  const slowly = 'while page=$(dd bs=4096 count=1 2>/dev/null) && [ -n "$page" ]; do printf %s "$page"; done'
  const child = Bun.spawn(
    [
      ...['sh', '-c', `"$0" "$1" clone --source "$2" --dest "$3" --json --quiet | ${slowly}`],
      ...[process.execPath, main, source.url, destination.url],
    ],
    { cwd: scratchDirectory(), stdout: 'pipe' },
  )
  const text = await within('the end of the summary', new Response(child.stdout).text())
  expect(text.length).toBeGreaterThan(pipeBytes)
  const { tables } = JSON.parse(text) as { tables: unknown[] }
  expect(tables).toHaveLength(count)
})
