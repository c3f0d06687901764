// A broken connection costs time: no row is lost or duplicated, and what cannot be copied is reported.
import { describe, expect, test } from 'bun:test'
import { inspect } from 'node:util'
import { CannotHappen, eventually } from '../../tools/eventually.ts'
import { byRest, copying, failureOf, type Rows, rowsOf } from '../../tools/moves/copying.ts'
import { cluster, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'

/** More bytes than all buffers between the servers: a copy that waits is still being read. */
const rows = 6000
const t = { table: 'public.t', columns: ['id', 'v'] }
const keyed = 'create table public.t (id int primary key, v text)'
const fill = `insert into t select i, repeat('x', 4000) from generate_series(1, ${rows}) i`
const soonAgain = { retryPausesMs: Array.from({ length: 600 }, () => 50) }

async function pair() {
  const source = await (await cluster(15)).createDatabase()
  const destination = await (await cluster(15)).createDatabase()
  await source.sql(`${keyed}; ${fill}`)
  await destination.sql(keyed)
  return { source, destination }
}

async function count(database: TestDatabase): Promise<number> {
  const [row] = await database.sql<{ n: number }>('select count(*)::int as n from t')
  return row?.n ?? -1
}

/** Ends the sessions of copy workers; the session with the snapshot is waiting for its client. */
async function kill(database: TestDatabase, which = 'true'): Promise<number> {
  const killed = await database.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'pgtrek'
        and query not like '%pg_export_snapshot%' and ${which}`,
  )
  return killed.length
}

type When = 'in the middle' | 'at the commit'

/** Stops every worker at one of a few rows until it is released, so that the test acts during a copy. */
async function hold(database: TestDatabase, when: When = 'in the middle') {
  // A deferred trigger runs in COMMIT.
  const trigger =
    when === 'at the commit'
      ? 'constraint trigger wait after insert on t deferrable initially deferred'
      : 'trigger wait before insert on t'
  // Workers of one table stop waiting for each other after a time; not in this test.
  await database.sql(`
    create function wait() returns trigger language plpgsql set lock_timeout = 0 as
      $$ begin perform pg_catalog.pg_advisory_xact_lock_shared(1); return new; end $$;
    create ${trigger} for each row when (new.id between 501 and 506) execute function wait();
    alter table t enable always trigger wait;`)
  const holder = database.connect()
  await holder`select pg_advisory_lock(1)`
  return {
    async met(workers: number, copying: Promise<unknown>) {
      let ended: string | undefined
      copying.then(
        (copied) => (ended = `the copy ended: ${copied instanceof Error ? copied : inspect(copied)}`),
        (error: unknown) => (ended = `the copy failed: ${error}`),
      )
      await eventually(
        `${workers} workers that are held ${when}`,
        () => {
          if (ended) throw new CannotHappen(ended)
          return database.sql(
            `select state, wait_event, query from pg_stat_activity
              where datname = current_database() and application_name = 'pgtrek'`,
          )
        },
        (sessions) => sessions.filter((session) => session.wait_event === 'advisory').length === workers,
      )
    },
    release: () => holder.end(),
    [Symbol.asyncDispose]: () => holder.end(),
  }
}

describe.each(['source', 'destination'] as const)('sessions of the %s that are killed', (end) => {
  const ways: [string, Pick<Rows, 'merge'>, number][] = [
    ['a plain copy', {}, 1],
    ['a plain copy in parts', {}, 3],
    ['append', { merge: { batchSize: 100 } }, 1],
    [
      'upsert in parts',
      { merge: { batchSize: 100, conflict: { kind: 'update', on: '(id)', set: ['v'] } } },
      3,
    ],
  ]
  test.each(ways)('in the middle of %s lose no row', async (_, how, workers) => {
    const databases = await pair()
    await using held = await hold(databases.destination)
    await using work = await copying(databases.source, databases.destination, workers)
    // Each worker has first a part with such a row, and another part after it.
    const conditions = byRest('id', workers * 2)
    const running = work.run(rowsOf({ ...t, ...how, conditions }))
    await held.met(workers, running)
    expect(await kill(databases[end])).toBe(workers)
    await held.release()
    expect(await running).toMatchObject({ rows, collided: 0 })
    expect(await count(databases.destination)).toBe(rows)
    expect(work.warnings.join()).toMatch(/starts again in 0\.5 s/)
  })
})

test('idle sessions that are killed are noticed by the next task, and opened again', async () => {
  const { source, destination } = await pair()
  await using work = await copying(source, destination, 2, soonAgain)
  await work.run(rowsOf({ ...t, conditions: ['id <= 10'] }))
  await kill(source)
  await kill(destination)
  expect((await work.run(rowsOf({ ...t, conditions: ['id > 10'] }))).rows).toBe(rows - 10)
  expect(await count(destination)).toBe(rows)
})

test('uncommitted parts of a worker are copied again when it loses them', async () => {
  const { source, destination } = await pair()
  await using held = await hold(destination)
  await using work = await copying(source, destination, 2, soonAgain)
  const running = work.run(rowsOf({ ...t, conditions: ['id <= 10', 'id > 10'] }))
  await held.met(1, running)
  // The first worker is done, and waits for the second.
  const killed = await eventually('a worker that has copied its part', () =>
    kill(destination, "state = 'idle in transaction' and query like 'copy%'"),
  )
  expect(killed).toBe(1)
  await held.release()
  expect((await running).rows).toBe(rows)
  expect(await count(destination)).toBe(rows)
  expect(work.warnings.join()).toMatch(/starts again/)
})

test('a run waits for a destination that restarts', async () => {
  const source = await (await cluster(15)).createDatabase()
  await using server = await startCluster({ major: 18 })
  const destination = await server.createDatabase()
  await source.sql(`${keyed}; ${fill}`)
  await destination.sql(keyed)
  await using held = await hold(destination)
  await using work = await copying(source, destination, 2, soonAgain)
  const running = work.run(rowsOf({ ...t, conditions: byRest('id', 4) }))
  await held.met(2, running)
  await server.down('fast')
  await eventually(
    'an attempt while the destination is down',
    () => work.warnings,
    (warnings) => warnings.some((warning) => warning.includes('nothing listens')),
  )
  await server.up()
  expect((await running).rows).toBe(rows)
  expect(await count(destination)).toBe(rows)
})

test('a lost snapshot ends the run immediately and with a clear message', async () => {
  const { source, destination } = await pair()
  await using held = await hold(destination)
  await using work = await copying(source, destination, 2, soonAgain)
  const running = failureOf(work.run(rowsOf({ ...t, conditions: byRest('id', 2) })))
  await held.met(2, running)
  work.holder.destroy()
  await eventually(
    'the end of the session that holds the snapshot',
    () => source.sql(`select from pg_stat_activity where pid = ${work.holder.pid}`),
    (sessions) => sessions.length === 0,
  )
  await kill(source)
  await held.release()
  expect(String(await running)).toContain("the run's snapshot of the source is lost")
  expect(await count(destination)).toBe(0)
  expect(String(await failureOf(work.run(rowsOf(t))))).toContain('snapshot')
})

test('a destination that stays unavailable ends the run after some attempts; a cancel ends it immediately', async () => {
  const source = await (await cluster(15)).createDatabase()
  await source.sql(`${keyed}; ${fill}`)
  await using server = await startCluster({ major: 15 })
  await using stack = new AsyncDisposableStack()
  const begin = async (retryPausesMs: number[]) => {
    const destination = await server.createDatabase()
    await destination.sql(keyed)
    const held = stack.use(await hold(destination))
    const work = stack.use(await copying(source, destination, 2, { retryPausesMs }))
    const failure = failureOf(work.run(rowsOf({ ...t, conditions: byRest('id', 2) })))
    await held.met(2, failure)
    return { destination, work, failure }
  }
  const patient = await begin([10, 20, 40])
  // Only a cancel ends this pause.
  const cancelled = await begin([3_600_000])
  await server.down('fast')
  await eventually(
    'both workers to pause',
    () => cancelled.work.warnings,
    (warnings) => warnings.length === 2,
  )
  await cancelled.work.pool.cancel()
  expect(await cancelled.failure).toMatchObject({ name: 'Cancelled' })
  expect(String(await patient.failure)).toMatch(/nothing listens|lost|terminat/)
  const { warnings } = patient.work
  expect(warnings.filter((warning) => warning.includes('starts again in 0.04 s'))).not.toEqual([])
  await server.up()
  for (const { destination } of [patient, cancelled]) expect(await count(destination)).toBe(0)
})

describe('a connection that is lost at the commit', () => {
  test('before the server has committed: the rows are copied again, once', async () => {
    const { source, destination } = await pair()
    await using held = await hold(destination, 'at the commit')
    await using work = await copying(source, destination, 1, soonAgain)
    const running = work.run(rowsOf(t))
    await held.met(1, running)
    expect(await kill(destination, "state = 'active' and query = 'commit'")).toBe(1)
    await held.release()
    expect((await running).rows).toBe(rows)
    expect(await count(destination)).toBe(rows)
    expect(work.warnings.join()).toMatch(/starts again/)
  })

  test('of one of several workers: its parts are copied again, the others stay', async () => {
    const { source, destination } = await pair()
    await using work = await copying(source, destination, 3, soonAgain)
    const reported: string[][] = []
    const copied = await work.run(rowsOf({ ...t, merge: {}, conditions: byRest('id', 3) }), {
      async onBeforeCommit(transactions) {
        reported.push(transactions)
        if (reported.length > 1) return
        expect(
          await destination.sql(
            `select pg_terminate_backend(pid) from pg_stat_activity
              where backend_xid is not null and datname = current_database() limit 1`,
          ),
        ).toHaveLength(1)
      },
    })
    expect(copied.rows).toBe(rows)
    expect(await count(destination)).toBe(rows)
    expect(reported).toHaveLength(2)
    const all = await destination.sql(
      `select txid_status(id) as status from unnest($1::bigint[]) id where txid_status(id) <> 'committed'`,
      [reported[1]?.map(Number)],
    )
    expect(all).toEqual([])
  })
})

test('a server that crashes and loses confirmed transactions ends the run', async () => {
  const source = await (await cluster(15)).createDatabase()
  const settings = { autovacuum: 'off', bgwriter_lru_maxpages: '0' }
  await using server = await startCluster({ major: 15, settings })
  const destination = await server.createDatabase()
  await source.sql(`${keyed}; ${fill}`)
  await destination.sql(keyed)
  await using work = await copying(source, destination, 1, soonAgain)
  // The log of the empty table is flushed, and nothing after it: no other session flushes it.
  const [writer] = await destination.sql<{ pid: number }>(
    `select pid, pg_switch_wal() from pg_stat_activity where backend_type = 'walwriter'`,
  )
  if (!writer) throw new Error('the server has no WAL writer')
  process.kill(writer.pid, 'SIGSTOP')
  await work.run(rowsOf({ ...t, conditions: ['id = 1'] }))
  expect(await count(destination)).toBe(1)
  // A server that loses a process in this way restarts all of them.
  process.kill(writer.pid, 'SIGKILL')
  const there = await eventually(
    'the server to be back without the row that it had confirmed',
    () => count(destination),
    (rows) => rows === 0,
  )
  expect(there).toBe(0)
  const failure = await failureOf(work.run(rowsOf({ ...t, conditions: ['id > 1'] })))
  expect(String(failure)).toContain('crashed and lost')
})
