// Interrupted runs, and those that resume them; hooks; the first failure; a dry run; verification.
import { describe, expect, test } from 'bun:test'
import type { Plan } from '../../server/migrate/plan/types.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { RunStore } from '../../server/store/runs.ts'
import { eventually } from '../../tools/eventually.ts'
import { type CloneTest, clone } from '../../tools/moves/clone.ts'
import type { TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { holding } from './gates.ts'
import { pair } from './pair.ts'

let runs = 0

/** A run that is recorded in the store, as that of a command. */
async function remembered(store: RunStore, source: TestDatabase, destination: TestDatabase, test: CloneTest) {
  const id = `run-${runs++}`
  const ends = {
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
  }
  const run = await clone(source, destination, { ...test, memory: store.begin(id, ends) })
  store.end(id, run.summary)
  return run
}

/** Too large to be copied together with the small ones. */
const bigRows = 2000
const three = `
  create table big (id int primary key, v text); insert into big select n, repeat('x', 500) from generate_series(1, ${bigRows}) n;
  create table small (id int primary key); insert into small values (1);
  create table tiny (id int primary key, big int references big); insert into tiny values (1, 1);
  create index on big (v);`

async function counts(database: TestDatabase) {
  return await database.sql(
    'select (select count(*)::int from big) as big, (select count(*)::int from small) as small, (select count(*)::int from tiny) as tiny',
  )
}

describe('an interrupted run', () => {
  test('is resumed: completed tables are not copied again, the others are', async () => {
    using store = new RunStore(scratchDirectory())
    const gate = 7
    const { source, destination } = await pair(`${three}
      create function may_pass() returns bool language plpgsql as
        'begin perform pg_catalog.pg_advisory_xact_lock_shared(${gate}); return true; end';`)
    // The only worker cannot copy another table before it gets the cancel.
    const tables = ['small', 'tiny'].map((table) => ({ table, where: 'public.may_pass()' }))
    const stop = new AbortController()
    const first = await holding(gate, source, () =>
      remembered(store, source, destination, {
        signal: stop.signal,
        options: { workers: 1 },
        tables,
        onEvent(event) {
          if (event.type === 'step_finished' && event.step.kind === 'ROWS') stop.abort()
        },
      }),
    )
    expect(first.result.status).toBe('cancelled')
    // A row that a second copy would not contain shows that the table was not copied again.
    await source.sql('delete from big where id = 2; insert into small values (2)')
    const second = await remembered(store, source, destination, { options: { resume: true }, tables })
    expect(second.failures).toEqual([])
    expect(second.result.status).toBe('completed')
    expect(await counts(destination)).toEqual([{ big: bigRows, small: 2, tiny: 1 }])
    expect(second.summary.tables.find(({ name }) => name === 'big')).toMatchObject({
      status: 'completed',
      rows: bigRows,
    })
    expect(second.summary.warnings.join('\n')).toMatch(
      /1 of 3 tables complete.*The others are copied under a newer snapshot/,
    )
    const [keys] = await destination.sql(
      `select count(*)::int as n from pg_constraint where contype in ('p', 'f') and convalidated and connamespace = 'public'::regnamespace`,
    )
    expect(keys).toEqual({ n: 4 })
  })

  test('with another request is not resumed, nor is one that completed', async () => {
    using store = new RunStore(scratchDirectory())
    const { source, destination } = await pair(three)
    const none = await remembered(store, source, destination, { options: { resume: true } })
    expect(String(none.result.error)).toContain('no unfinished run')
    const stop = new AbortController()
    await remembered(store, source, destination, {
      signal: stop.signal,
      onEvent: (event) => event.type === 'step_started' && event.step.kind === 'ROWS' && stop.abort(),
    })
    const other = await remembered(store, source, destination, {
      options: { resume: true },
      selection: { exclude: ['tiny'] },
    })
    expect(String(other.result.error)).toContain('had a different request')
    const same = await remembered(store, source, destination, { options: { resume: true } })
    expect(same.result.status).toBe('completed')
    const again = await remembered(store, source, destination, { options: { resume: true } })
    expect(String(again.result.error)).toContain('no unfinished run')
  })

  test('repeats failed tables, and needs no confirmation for what it created itself', async () => {
    using store = new RunStore(scratchDirectory())
    const { source, destination } = await pair(
      three,
      'create function refuse() returns trigger language plpgsql as $$ begin raise exception $e$no$e$; end $$;',
    )
    await source.sql(
      'create table checked (id int); insert into checked values (1); revoke all on checked from public',
    )
    await destination.sql(`create table checked (id int check (id > 5));`)
    const first = await remembered(store, source, destination, {})
    expect(first.failures).toHaveLength(1)
    await destination.sql('alter table checked drop constraint checked_id_check')
    const second = await remembered(store, source, destination, { options: { resume: true } })
    expect(second.failures).toEqual([])
    expect(await destination.sql('select id from checked')).toEqual([{ id: 1 }])
    expect(await counts(destination)).toEqual([{ big: bigRows, small: 1, tiny: 1 }])
  })

  test('appends nothing twice: the destination knows what was committed', async () => {
    using store = new RunStore(scratchDirectory())
    const { source, destination } = await pair(
      'create table t (id int); insert into t values (1); create table u (id int); insert into u values (1)',
      'create table t (id int); insert into t values (0); create table u (id int); insert into u values (0)',
    )
    const options = { dataOnly: true, existingDataMode: 'append', workers: 1 } as const
    const memory = store.begin('killed', {
      source: resolveSettings({ url: source.url }),
      destination: resolveSettings({ url: destination.url }),
    })
    // As after kill -9 directly after a commit: started, and its outcome never reported.
    const { summary } = await clone(source, destination, { options, memory: { ...memory, done() {} } })
    store.end('killed', { ...summary, status: 'cancelled' })
    expect(await destination.sql('select id from t order by id')).toEqual([{ id: 0 }, { id: 1 }])
    const second = await remembered(store, source, destination, { options: { ...options, resume: true } })
    expect(second.failures).toEqual([])
    expect(await destination.sql('select id from t order by id')).toEqual([{ id: 0 }, { id: 1 }])
    expect(await destination.sql('select id from u order by id')).toEqual([{ id: 0 }, { id: 1 }])
  })
})

describe('hooks', () => {
  test('run at their place, in order, on both servers or as a command', async () => {
    const { source, destination } = await pair(three, 'create table told (n serial, what text)')
    const file = `${scratchDirectory()}/out`
    const tell = (what: string) =>
      ({
        on: 'destination',
        sql: `insert into public.told (what) select '${what} ' || count(*) from pg_class where relname in ('big', 'big_pkey')`,
      }) as const
    const { failures } = await clone(source, destination, {
      hooks: [
        { when: 'before', phase: 'run', run: tell('before run') },
        { when: 'before', phase: 'schema', run: tell('before schema') },
        { when: 'after', phase: 'schema', run: tell('after schema') },
        { when: 'before', phase: 'data', run: tell('before data') },
        { when: 'after', phase: 'data', run: tell('after data') },
        { when: 'before', phase: 'indexes', run: tell('before indexes') },
        { when: 'after', phase: 'indexes', run: tell('after indexes') },
        { when: 'after', phase: 'run', run: tell('after run') },
        { when: 'after', phase: 'run', run: { command: `echo done > '${file}'` } },
        { when: 'before', phase: 'run', run: { on: 'source', sql: 'create table from_hook (id int)' } },
      ],
    })
    expect(failures).toEqual([])
    expect((await destination.sql('select what from told order by n')).map(({ what }) => what)).toEqual([
      'before run 0',
      'before schema 0',
      'after schema 1',
      'before data 1',
      'after data 1',
      'before indexes 1',
      'after indexes 2',
      'after run 2',
    ])
    expect((await Bun.file(file).text()).trim()).toBe('done')
    expect(await source.sql(`select to_regclass('from_hook')::text as t`)).toEqual([{ t: 'from_hook' }])
  })

  test('that fail stop the phase that they precede, and the reason is reported', async () => {
    const { source, destination } = await pair(three)
    const { failures, summary } = await clone(source, destination, {
      hooks: [
        { when: 'before', phase: 'data', name: 'check.sh', run: { command: 'echo not today >&2; exit 3' } },
      ],
    })
    expect(failures).toEqual([
      'HOOK .before data, command: check.sh: the command exited with code 3: not today',
    ])
    expect(summary.skipped.find(({ kind }) => kind === 'ROWS')?.reason).toContain('check.sh, which failed')
    expect(await counts(destination)).toEqual([{ big: 0, small: 0, tiny: 0 }])
  })
})

test('with fail fast the first failure stops the run', async () => {
  const { source, destination } = await pair(three, 'create table small (id int check (id > 5))')
  const { result, summary, failures } = await clone(source, destination, {
    options: { failFast: true, workers: 1 },
  })
  expect(result.status).toBe('completed_with_failures')
  expect(String(result.error)).toContain('stopped at the first failure')
  expect(failures).toHaveLength(1)
  expect(summary.tables.map(({ status }) => status)).toContain('failed')
  await eventually(
    'the end of all sessions of pgtrek on the destination',
    () =>
      destination.sql(`
        select pid, state, query from pg_stat_activity
         where application_name = 'pgtrek' and datname = current_database()`),
    (sessions) => sessions.length === 0,
  )
})

test('a dry run shows the whole plan and writes nothing', async () => {
  const { source, destination } = await pair(
    three,
    'create table big (id int primary key, v text); insert into big values (5)',
  )
  let plan: Plan | undefined
  const { result } = await clone(source, destination, {
    options: { dryRun: true },
    onPlan: (made) => {
      plan = made
    },
  })
  expect(result.status).toBe('completed')
  expect(plan?.destroyed).toEqual([{ action: 'truncate', schema: 'public', name: 'big' }])
  expect(plan?.steps.filter(({ work }) => work.kind === 'copy')).toHaveLength(3)
  expect(await destination.sql('select id from big')).toEqual([{ id: 5 }])
  expect(await destination.sql(`select to_regclass('small') as t`)).toEqual([{ t: null }])
})

describe('a run that verifies', () => {
  test('reports that the rows are equal, whatever changed on the source meanwhile', async () => {
    const { source, destination } = await pair(three)
    const { failures, summary } = await clone(source, destination, {
      options: { verify: true },
      hooks: [
        {
          when: 'after',
          phase: 'indexes',
          run: { on: 'source', sql: 'insert into public.small values (99)' },
        },
      ],
    })
    expect(failures).toEqual([])
    expect(summary.verification).toEqual({ compared: 3, different: [] })
  })

  test('names differences, and fails', async () => {
    const { source, destination } = await pair(three)
    const { failures, summary, result } = await clone(source, destination, {
      options: { verify: true },
      tables: [{ table: 'big', where: 'id <= 10' }],
      hooks: [
        {
          when: 'after',
          phase: 'indexes',
          run: {
            on: 'destination',
            sql: "update public.big set v = 'y' where id = 3; delete from public.small",
          },
        },
      ],
    })
    expect(result.status).toBe('completed_with_failures')
    expect(failures).toHaveLength(1)
    expect(failures[0]).toContain('2 of 3 tables differ')
    expect(failures[0]).toContain('public.big has different values')
    expect(failures[0]).toContain('public.small has 1 rows on the source, 0 on the destination')
    expect(summary.verification?.different.map(({ name }) => name).sort()).toEqual(['big', 'small'])
  })
})
