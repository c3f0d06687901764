// The effects of a failure stay limited: it is reported in the server's words, the rest continues, nothing is partial.
import { beforeAll, describe, expect, test } from 'bun:test'
import type { MigrationEvent } from '../../shared/event.ts'
import type { Phase } from '../../shared/phase.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { ownedDatabase, plainRole } from '../faults/owners.ts'
import { noSessionsAreLeft } from '../support/sessions.ts'
import { holding, waitersFor } from './gates.ts'

let from: Cluster
let to: Cluster
let big: TestDatabase

const bigRows = 40_000
/** Divides the large table into five parts. */
const splitBytes = 1024 * 1024

beforeAll(async () => {
  from = await cluster(14)
  to = await cluster(17)
  big = await from.createDatabase()
  await big.sql(`
    create table big (id int primary key, payload text not null);
    insert into big select i, repeat('x', 100) from generate_series(1, ${bigRows}) i;
    create index big_payload on big (payload, id);
    create table small (id int primary key, big int references big);
    insert into small select i, i from generate_series(1, 1000) i;
    create materialized view sums as select count(*) from big;
    create view names as select id from big;
    create function f() returns int language sql as 'select 1';
    create trigger t before update on small for each row execute function suppress_redundant_updates_trigger();
    create sequence counter;
    select nextval('counter');
    select lo_from_bytea(0, decode(repeat('ab', 300000), 'hex'));
    analyze;`)
})

async function countOf(database: TestDatabase, table: string): Promise<number | undefined> {
  const [there] = await database.sql<{ there: string | null }>('select to_regclass($1)::text as there', [
    table,
  ])
  if (!there?.there) return undefined
  const [row] = await database.sql<{ count: string }>(`select count(*) from ${table}`)
  return Number(row?.count)
}

describe('a table that may not be read', () => {
  test('is named with the fix, what needs it is skipped for that reason, and the rest is cloned', async () => {
    const source = await from.createDatabase()
    const destination = await to.createDatabase()
    await from.sql('postgres', 'drop role if exists limited; create role limited login')
    await source.sql(`
      create table open_table (id int primary key);
      insert into open_table values (1), (2);
      create table secret (id int primary key);
      create view of_secret as select id from secret;
      create table child (id int references secret);
      create table "we""ird.* $" (id int);
      create table "we""irdly" (id int);
      insert into "we""irdly" values (1);
      grant select on "we""irdly" to limited;
      grant select on open_table, child, of_secret to limited;`)
    const { failures, summary } = await clone({ url: from.url(source.name, 'limited') }, destination, {
      options: { owner: false, acl: false },
    })
    expect(summary.status).toBe('completed_with_failures')
    expect(failures.sort()).toHaveLength(2)
    expect(failures[0]).toContain('TABLE public.secret: permission denied')
    expect(failures[0]).toContain('grant select')
    expect(failures[1]).toContain('TABLE public.we"ird.* $: permission denied')
    expect(await countOf(destination, '"we""irdly"')).toBe(1)
    const skipped = summary.skipped.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`)
    expect(skipped).toContain('VIEW of_secret: needs table public.secret, which failed')
    expect(skipped.filter((line) => line.startsWith('FK CONSTRAINT'))).toHaveLength(1)
    expect(await countOf(destination, 'open_table')).toBe(2)
    expect(await countOf(destination, 'secret')).toBeUndefined()
  })
})

describe('an index that the destination refuses', () => {
  test("fails alone, and the server's message names the values that collide", async () => {
    const source = await from.createDatabase()
    const destination = await to.createDatabase()
    // Immutable only by declaration: on the destination all rows have the same value.
    await source.sql(`
      create function here(int) returns int immutable language sql
        as $$ select case when current_setting('server_version_num')::int < 150000 then $1 else 0 end $$;
      create table t (id int primary key);
      insert into t select generate_series(1, 10);
      create unique index collides on t (here(id));
      create index fine on t (id);`)
    const { failures, summary } = await clone(source, destination)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toContain('INDEX public.collides')
    expect(failures[0]).toContain('could not create unique index')
    expect(failures[0]).toContain('is duplicated')
    expect(summary.status).toBe('completed_with_failures')
    expect(await countOf(destination, 't')).toBe(10)
    const indexes = await destination.sql(`select indexrelid::regclass::text as name from pg_index
                                            where indrelid = 't'::regclass order by 1`)
    expect(indexes.map((row) => row.name)).toEqual(['fine', 't_pkey'])
  })
})

describe('a cancel', () => {
  type Moment = [string, (event: MigrationEvent) => boolean]
  const inPhase = (phase: Phase): Moment => [
    `in the phase ${phase}`,
    (event) => event.type === 'step_started' && event.step.phase === phase,
  ]
  const moments = casesOf<Moment>(
    [
      ['while connecting and reading', (event) => event.type === 'started'],
      ['when the plan is ready', (event) => event.type === 'planned'],
      inPhase('tables'),
      inPhase('data'),
      [
        'in the middle of the rows',
        (event) => event.type === 'rows' && event.table.name === 'big' && event.rows > 0,
      ],
      inPhase('indexes'),
      inPhase('views'),
    ],
    [inPhase('large objects'), inPhase('constraints'), inPhase('triggers'), inPhase('statistics')],
  )
  test.each(moments)('%s stops immediately and leaves every table whole or empty', async (_, isTime) => {
    const destination = await to.createDatabase()
    const controller = new AbortController()
    const { summary } = await clone(big, destination, {
      signal: controller.signal,
      options: { splitBytes },
      onEvent(event) {
        if (isTime(event)) controller.abort()
      },
    })
    expect(controller.signal.aborted).toBe(true)
    expect(summary.status).toBe('cancelled')
    expect([undefined, 0, bigRows]).toContain(await countOf(destination, 'big'))
    expect([undefined, 0, 1000]).toContain(await countOf(destination, 'small'))
    const invalid = await destination.sql('select from pg_index where not indisvalid')
    expect(invalid).toEqual([])
    await noSessionsAreLeft(big, destination)
  })
})

test('when all copy workers are refused, the tables stay empty, and each has the reason', async () => {
  const source = await from.createDatabase()
  // The catalogs and pg_dump need a connection each.
  await source.sql(`
    drop role if exists reader;
    create role reader login connection limit 2 in role pg_read_all_data;
    create table a as select i from generate_series(1, 1000) i;
    create table b as select i from generate_series(1, 1000) i;`)
  const destination = await to.createDatabase()
  const reader = { url: from.url(source.name, 'reader') }
  // The preflight checks compare with the role's limit, and refuse.
  const { result } = await clone(reader, destination, { options: { owner: false } })
  expect(String(result.error)).toContain('the CONNECTION LIMIT of role "reader"')
  const { summary, failures } = await clone(reader, destination, {
    options: { owner: false, skipPreflight: true },
  })
  expect(summary.status).toBe('completed_with_failures')
  expect(failures).toEqual([
    expect.stringMatching(/^ROWS public\.[ab]: .*too many connections for role/),
    expect.stringMatching(/^ROWS public\.[ab]: .*too many connections for role/),
  ])
  expect(await countOf(destination, 'a')).toBe(0)
  expect(await countOf(destination, 'b')).toBe(0)
})

test('an owner that is refused is reported with its statement, and the table is complete', async () => {
  const source = await from.createDatabase()
  const destination = await to.createDatabase()
  for (const server of [from, to]) {
    await server.sql('postgres', 'drop role if exists boss; create role boss')
    await server.sql('postgres', 'drop role if exists mover; create role mover login')
  }
  await source.sql(`
    create table owned (id int primary key);
    insert into owned select generate_series(1, 1000);
    create view seen as select id from owned;
    alter table owned owner to boss;
    alter view seen owner to boss`)
  // The role may give objects to the other role, which may not own anything in that schema.
  await destination.sql(`alter database "${destination.name}" owner to mover; grant boss to mover`)
  const mover = { url: to.url(destination.name, 'mover') }
  const { summary, failures } = await clone(source, mover, { options: { skipPreflight: true } })
  expect(summary.status).toBe('completed_with_failures')
  const refused = 'it exists, but this was refused:'
  const why = 'permission denied for schema public (SQLSTATE 42501)'
  expect(failures).toContain(`TABLE public.owned: ${refused} ALTER TABLE public.owned OWNER TO boss: ${why}`)
  expect(failures).toContain(`VIEW public.seen: ${refused} ALTER VIEW public.seen OWNER TO boss: ${why}`)
  expect(summary.tables.map(({ name, status }) => [name, status])).toEqual([['owned', 'completed']])
  expect(await countOf(destination, 'owned')).toBe(1000)
  await destination.drop()
  await source.drop()
})

describe('a destination with few connections', () => {
  async function withConnections(limit: number) {
    const role = await plainRole(to)
    await to.sql('postgres', `alter role ${role} connection limit ${limit}`)
    return await ownedDatabase(to, role)
  }

  test.each([
    [3, false],
    [4, true],
  ])('%d of them are enough for all of a run, to its end (verified: %p)', async (limit, verify) => {
    const limited = await withConnections(limit)
    const { summary, failures, events } = await clone(
      big,
      { url: limited.loginUrl },
      {
        options: { owner: false, splitBytes, verify },
      },
    )
    expect(failures).toEqual([])
    expect(summary.status).toBe('completed')
    expect(events.filter(({ type }) => type === 'verified')).toHaveLength(verify ? 1 : 0)
    expect(await countOf(limited, 'big')).toBe(bigRows)
  })

  test('two are not enough, which is reported before anything is done', async () => {
    const limited = await withConnections(2)
    const { result } = await clone(big, { url: limited.loginUrl }, { options: { owner: false } })
    expect(String(result.error)).toContain('1 free on the destination')
    expect(await countOf(limited, 'big')).toBeUndefined()
  })
})

describe('rows on the destination', () => {
  test('stay without a confirmation, and the refusal names the table', async () => {
    const destination = await to.createDatabase()
    await destination.sql(
      'create table small (id int primary key, big int); insert into small values (-1, 1)',
    )
    const { result, summary } = await clone(big, destination)
    expect(summary.status).toBe('failed')
    expect(String(result.error)).toContain('public.small')
    expect(String(result.error)).toContain('--yes')
    expect(await countOf(destination, 'small')).toBe(1)
    expect(await countOf(destination, 'big')).toBeUndefined()
  })

  test('are not all that is named: an empty table is emptied with the others', async () => {
    const destination = await to.createDatabase()
    await destination.sql(`create table small (id int primary key, big int); insert into small values (-1, 1);
                           create table big (id int primary key, payload text)`)
    const { result } = await clone(big, destination)
    expect(String(result.error)).toContain('public.small')
    expect(String(result.error)).toContain('public.big')
  })

  test('are replaced after a confirmation', async () => {
    const destination = await to.createDatabase()
    await clone(big, destination)
    const { failures } = await clone(big, destination, { confirm: true })
    expect(failures.filter((line) => !line.startsWith('LARGE OBJECT'))).toEqual([])
    expect(await countOf(destination, 'small')).toBe(1000)
    expect(await countOf(destination, 'big')).toBe(bigRows)
  })
})

describe('missing prerequisites of the destination', () => {
  test('are reported before the run, in one line for each cause', async () => {
    const source = await from.createDatabase()
    await from.sql('postgres', 'drop role if exists only_here; create role only_here')
    await source.sql(`
      create table a (id int primary key);
      create table b (id int primary key);
      alter table a owner to only_here;
      alter table b owner to only_here;
      grant select on a to public, only_here;`)
    const destination = await to.createDatabase()
    const { summary, failures } = await clone(source, destination)
    expect(summary.warnings.join()).toContain('role "only_here" does not exist on the destination')
    expect(failures).toEqual([])
    expect(summary.skipped.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['OWNER only_here'])
    expect(summary.status).toBe('completed_with_failures')

    const plain = await to.createDatabase()
    const without = await clone(source, plain, { options: { owner: false, acl: false } })
    expect(without.summary.status).toBe('completed')
    expect(without.summary.skipped).toEqual([])
  })
})

test('a database is not cloned onto itself', async () => {
  const { result } = await clone(big, big)
  expect(String(result.error)).toContain('the same database')
})

test('a worker whose commit fails after another failure continues with the next table', async () => {
  const rows = 2000
  const source = await from.createDatabase()
  await source.sql(`
    create table halves (id int, payload text);
    insert into halves select i, repeat('x', 100) from generate_series(1, ${rows}) i;
    create table next_one (id int); insert into next_one values (1);
    create table next_two (id int); insert into next_two values (2);
    analyze;`)
  const destination = await to.createDatabase()
  await clone(source, destination, { options: { schemaOnly: true } })
  const locks = { rows: 1, commit: 2, nextTable: 3 }
  await destination.sql(`
    create function wait() returns trigger language plpgsql as
      $$ begin perform pg_catalog.pg_advisory_xact_lock_shared(tg_argv[0]::int); return new; end $$;
    create function object() returns trigger language plpgsql as
      $$ begin raise exception 'row % is not welcome', new.id; end $$;
    create trigger wait before insert on halves
      for each row when (new.id in (1, ${rows})) execute function wait(${locks.rows});
    create constraint trigger late after insert on halves deferrable initially deferred
      for each row when (new.id = 1) execute function wait(${locks.commit});
    create constraint trigger wrong after insert on halves deferrable initially deferred
      for each row when (new.id = ${rows}) execute function object();
    create trigger wait before insert on next_one for each row execute function wait(${locks.nextTable});
    create trigger wait before insert on next_two for each row execute function wait(${locks.nextTable});`)
  const waiting = (what: string, key: number, many: number) =>
    eventually(
      what,
      () => waitersFor(key, destination),
      ({ length }) => length >= many,
    )
  const failed = Promise.withResolvers<void>()
  const { cloning } = await holding(locks.nextTable, destination, async () => {
    const started = await holding(locks.commit, destination, async () => {
      const started = await holding(locks.rows, destination, async () => {
        const cloning = clone(source, destination, {
          options: { dataOnly: true, disableTriggers: false, splitBytes: 150_000 },
          onEvent: (event) => event.type === 'step_failed' && failed.resolve(),
        })
        await waiting('a worker for each half', locks.rows, 2)
        return { cloning }
      })
      await waiting('one half that waits in its commit', locks.commit, 1)
      await waiting('the next table of the worker whose part has failed', locks.nextTable, 1)
      return started
    })
    await within('the failure of the table in halves', failed.promise)
    return started
  })
  const { failures } = await cloning
  expect(failures).toEqual([expect.stringContaining(`row ${rows} is not welcome`)])
  expect(await countOf(destination, 'halves')).toBe(0)
  expect(await countOf(destination, 'next_one')).toBe(1)
  expect(await countOf(destination, 'next_two')).toBe(1)
})

test('a part that fails at its commit leaves no rows of the others', async () => {
  const destination = await to.createDatabase()
  await clone(big, destination, { options: { schemaOnly: true } })
  // Fails only when all rows are copied.
  await destination.sql(`
    create function object() returns trigger language plpgsql as
      $$ begin raise exception 'row % is not welcome', new.id; end $$;
    create constraint trigger late after insert on big deferrable initially deferred
      for each row when (new.id = ${bigRows - 5}) execute function object();
    alter table big enable always trigger late;`)
  const { failures } = await clone(big, destination, {
    options: { dataOnly: true, disableTriggers: false, splitBytes },
  })
  expect(failures[0]).toMatch(/^ROWS public\.big: row \d+ is not welcome/)
  expect(await countOf(destination, 'big')).toBe(0)
  expect(await countOf(destination, 'small')).toBe(1000)
})
