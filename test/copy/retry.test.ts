// A connection that breaks costs time: no row is lost, none is there twice, and what cannot be had says so.
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cluster, startCluster, type TestDatabase } from '../support/clusters.ts'
import { byRest, copying, failureOf, type Rows, rowsOf } from '../support/copying.ts'

// Servers have to start, and workers rest.
setDefaultTimeout(120_000)

const rows = 60_000
const t = { table: 'public.t', columns: ['id', 'v'] }
const keyed = 'create table public.t (id int primary key, v text)'
const fill = `insert into t select i, repeat('x', 400) from generate_series(1, ${rows}) i`
/** Slow enough to be met in the middle. */
const slowly = { maxBytesPerSecond: 10_000_000 }

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

/** Ends sessions of the copy workers; the one that holds the snapshot is waiting for its client. */
async function kill(database: TestDatabase, which = 'true'): Promise<number> {
  const killed = await database.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'pgtrek'
        and query not like '%pg_export_snapshot%' and ${which}`,
  )
  return killed.length
}

/** Once rows flow. */
function onceFlowing(act: () => Promise<unknown>) {
  let acted: Promise<unknown> | undefined
  return {
    onProgress(moved: number) {
      if (moved > 1000) acted ??= act()
    },
    done: async () => await acted,
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
  test.each(ways)('in the middle of %s cost no row', async (_, how, workers) => {
    const databases = await pair()
    await using work = await copying(databases.source, databases.destination, workers, slowly)
    const flowing = onceFlowing(() => kill(databases[end]))
    const conditions = byRest('id', workers * 2)
    const copied = await work.run(rowsOf({ ...t, ...how, conditions }), flowing)
    expect(await flowing.done()).toBeGreaterThan(0)
    expect(copied).toMatchObject({ rows, collided: 0 })
    expect(await count(databases.destination)).toBe(rows)
    expect(work.warnings.join()).toMatch(/starts again in 0\.5 s/)
  })
})

test('idle sessions that are killed are noticed by the next task, and made again', async () => {
  const { source, destination } = await pair()
  await using work = await copying(source, destination, 2)
  await work.run(rowsOf({ ...t, conditions: ['id <= 10'] }))
  await kill(source)
  await kill(destination)
  expect((await work.run(rowsOf({ ...t, conditions: ['id > 10'] }))).rows).toBe(rows - 10)
  expect(await count(destination)).toBe(rows)
})

test('parts that a worker held for the others are copied again when it loses them', async () => {
  const { source, destination } = await pair()
  await using work = await copying(source, destination, 2, { maxBytesPerSecond: 10_000_000 })
  // The first worker is done at once and waits for the second.
  const flowing = onceFlowing(() => kill(destination, "state = 'idle in transaction'"))
  const copied = await work.run(rowsOf({ ...t, conditions: ['id <= 10', 'id > 10'] }), flowing)
  expect(await flowing.done()).toBe(1)
  expect(copied.rows).toBe(rows)
  expect(await count(destination)).toBe(rows)
})

test('a destination that restarts is waited for', async () => {
  const source = await (await cluster(15)).createDatabase()
  await using stack = new AsyncDisposableStack()
  const server = await startCluster({ major: 18 })
  stack.defer(() => server.stop())
  const destination = await server.createDatabase()
  await source.sql(`${keyed}; ${fill}`)
  await destination.sql(keyed)
  await using work = await copying(source, destination, 2, slowly)
  const flowing = onceFlowing(() => server.restart('fast'))
  const copied = await work.run(rowsOf({ ...t, conditions: byRest('id', 4) }), flowing)
  await flowing.done()
  expect(copied.rows).toBe(rows)
  expect(await count(destination)).toBe(rows)
})

test('a snapshot that is gone ends the run plainly, and at once', async () => {
  const { source, destination } = await pair()
  await using work = await copying(source, destination, 2, slowly)
  const flowing = onceFlowing(async () => {
    work.holder.destroy()
    await Bun.sleep(200)
    await kill(source)
  })
  const failure = await failureOf(work.run(rowsOf({ ...t, conditions: byRest('id', 2) }), flowing))
  expect(String(failure)).toContain("the run's snapshot of the source is gone")
  expect(await count(destination)).toBe(0)
  expect(String(await failureOf(work.run(rowsOf(t))))).toContain('snapshot')
})

test('a destination that stays away ends the run after some attempts; a cancel ends it at once', async () => {
  const source = await (await cluster(15)).createDatabase()
  const server = await startCluster({ major: 15 })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => server.stop())
  const destination = await server.createDatabase()
  await source.sql(`${keyed}; ${fill}`)
  await destination.sql(keyed)
  await using work = await copying(source, destination, 2, slowly)
  await using other = await copying(source, destination, 2, slowly)
  const [one, two] = [0, 1].map(() => onceFlowing(async () => {}))
  const running = failureOf(work.run(rowsOf({ ...t, conditions: byRest('id', 2) }), one))
  const cancelled = failureOf(other.run(rowsOf({ ...t, conditions: byRest('id', 2) }), two))
  await Bun.sleep(500)
  await server.down('fast')
  await Bun.sleep(1000)
  const started = performance.now()
  await other.pool.cancel()
  expect(await cancelled).toMatchObject({ name: 'Cancelled' })
  expect(performance.now() - started).toBeLessThan(5000)
  expect(String(await running)).toMatch(/nothing listens|lost|terminat/)
  expect(work.warnings.filter((warning) => warning.includes('starts again in 8 s'))).not.toEqual([])
  await server.up()
  expect(await count(destination)).toBe(0)
})

describe('a connection that is lost at the commit', () => {
  /** A deferred trigger runs within COMMIT, where the session can be met. */
  const atCommit = (seconds: number) => `
    create function wait() returns trigger language plpgsql as
      $$ begin perform pg_sleep(${seconds}); return null; end $$;
    create constraint trigger wait after insert on t deferrable initially deferred
      for each row when (new.id = 1) execute function wait();
    alter table t enable always trigger wait;`

  test('before the server has done it: the rows are copied again, once', async () => {
    const { source, destination } = await pair()
    await destination.sql(atCommit(1.5))
    await using work = await copying(source, destination, 1)
    const running = work.run(rowsOf(t))
    let killed = 0
    while (killed === 0) {
      await Bun.sleep(50)
      killed = await kill(destination, "state = 'active' and query = 'commit'")
    }
    expect((await running).rows).toBe(rows)
    expect(await count(destination)).toBe(rows)
    expect(work.warnings.join()).toMatch(/starts again/)
  })

  test('of one of several workers: its parts are copied again, the others stay', async () => {
    const { source, destination } = await pair()
    await using work = await copying(source, destination, 3)
    const told: string[][] = []
    const copied = await work.run(rowsOf({ ...t, merge: {}, conditions: byRest('id', 3) }), {
      async onBeforeCommit(transactions) {
        told.push(transactions)
        if (told.length > 1) return
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
    expect(told).toHaveLength(2)
    const all = await destination.sql(
      `select txid_status(id) as status from unnest($1::bigint[]) id where txid_status(id) <> 'committed'`,
      [told[1]?.map(Number)],
    )
    expect(all).toEqual([])
  })
})

test('a server that crashes and forgets what it confirmed ends the run', async () => {
  const source = await (await cluster(15)).createDatabase()
  // The write-ahead log is written late, so that a crash loses what was confirmed.
  const server = await startCluster({
    major: 15,
    settings: { synchronous_commit: 'on', wal_writer_delay: '10s', wal_writer_flush_after: '0' },
  })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => server.stop())
  const destination = await server.createDatabase()
  await source.sql(`${keyed}; ${fill}`)
  await destination.sql(keyed)
  await using work = await copying(source, destination, 1)
  await work.run(rowsOf({ ...t, conditions: ['id = 1'] }))
  await server.restart('immediate')
  const there = await count(destination)
  const failure = await failureOf(work.run(rowsOf({ ...t, conditions: ['id > 1'] })))
  if (there === 1) expect(failure).toBeUndefined()
  else expect(String(failure)).toContain('crashed and lost')
})
