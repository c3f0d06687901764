// A statement that another session was in the way of, or whose connection broke, is tried again; one that is
// wrong is not.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { RestoreSessions } from '../../server/engine/restore.ts'
import type { SqlWork } from '../../server/engine/step.ts'
import { resolveSettings } from '../../server/postgres/settings.ts'
import { cluster, startCluster, type TestDatabase } from '../support/clusters.ts'

// Servers have to start.
setDefaultTimeout(120_000)

const sizes = {
  copyWorkers: 1,
  indexWorkers: 1,
  splitBytes: 1,
  maintenanceWorkMemKb: 65536,
  parallelMaintenanceWorkers: 0,
}
const sql = (statements: string[], extras: string[] = []): SqlWork => ({
  kind: 'sql',
  statements,
  extras,
  mayExist: true,
})

async function running<Result>(
  database: TestDatabase,
  action: (sessions: RestoreSessions) => Promise<Result>,
  onNotice: (message: string) => void = () => {},
): Promise<Result> {
  const settings = resolveSettings({ url: database.url })
  const sessions = new RestoreSessions(settings, sizes, new AbortController().signal, onNotice)
  try {
    return await action(sessions)
  } finally {
    await sessions.close()
  }
}

test('a deadlock with somebody else is survived', async () => {
  const server = await cluster(17)
  const database = await server.createDatabase()
  await database.sql('create table one (); create table two (); create table attempts (n serial)')
  const other = database.connect({ max: 1 })
  try {
    // The server ends whoever notices first: that shall be us.
    await other.unsafe("set deadlock_timeout = '60s'; begin; lock table one")
    const done = running(database, (sessions) =>
      sessions.use((session) =>
        session.run(
          sql([
            "select nextval('public.attempts_n_seq')",
            'lock table public.two',
            'select pg_sleep(0.2)',
            'lock table public.one',
          ]),
          new Set(),
        ),
      ),
    )
    await Bun.sleep(100)
    await other.unsafe('lock table two; commit')
    expect(await done).toEqual({ kept: false, refused: [] })
    const [row] = await database.sql('select last_value::int as attempts from attempts_n_seq')
    expect(row?.attempts).toBeGreaterThan(1)
  } finally {
    await other.end()
  }
})

test('an owner that cannot be set leaves the object, and says so', async () => {
  const database = await (await cluster(17)).createDatabase()
  const outcome = await running(database, (sessions) =>
    sessions.use((session) =>
      session.run(
        sql(['create table public.t ()'], ['alter table public.t owner to "no such role"']),
        new Set(),
      ),
    ),
  )
  expect(outcome.kept).toBe(false)
  expect(outcome.refused.map((error) => error.message)).toEqual(['role "no such role" does not exist'])
  expect(await database.sql(`select to_regclass('t')::text as t`)).toEqual([{ t: 't' }])
})

test('of several statements none stays when one fails', async () => {
  const database = await (await cluster(17)).createDatabase()
  const failing = running(database, (sessions) =>
    sessions.use((session) => session.run(sql(['create table public.t ()', 'select 1 / 0']), new Set())),
  )
  await expect(failing).rejects.toMatchObject({ sqlstate: '22012' })
  expect(await database.sql(`select to_regclass('t')::text as t`)).toEqual([{ t: null }])
})

test('tables go where pg_dump says, in the tablespace and by the access method', async () => {
  const database = await (await cluster(17)).createDatabase()
  await database.sql('create access method other type table handler heap_tableam_handler')
  await running(database, async (sessions) => {
    await sessions.use((session) =>
      session.run({ ...sql(['create table public.a ()']), tablespace: '', accessMethod: 'other' }, new Set()),
    )
    await sessions.use((session) =>
      session.run(
        { ...sql(['create table public.b ()']), tablespace: 'pg_default', accessMethod: 'heap' },
        new Set(),
      ),
    )
  })
  const methods = `select relname, amname from pg_class c join pg_am a on a.oid = relam
                    where relname in ('a', 'b') order by 1`
  expect(await database.sql(methods)).toEqual([
    { relname: 'a', amname: 'other' },
    { relname: 'b', amname: 'heap' },
  ])
})

/** Ends the session that waits for a lock, as an administrator would. */
async function endWhoWaits(database: TestDatabase) {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const ended = await database.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'pgtrek' and wait_event_type = 'Lock'`,
    )
    if (ended.length > 0) return
    await Bun.sleep(5)
  }
  throw new Error('nobody waited')
}

/** An index on this waits in the middle of its build for as long as somebody else has the lock. */
const slowFunction = `
  create table public.t (v int);
  insert into public.t values (1);
  create function public.slow(int) returns int immutable language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(7); return $1; end $$;`

test('a connection that breaks in the middle of an index is followed by another', async () => {
  const database = await (await cluster(17)).createDatabase()
  await database.sql(slowFunction)
  const other = database.connect({ max: 1 })
  try {
    await other.unsafe('select pg_advisory_lock(7)')
    const done = running(database, (sessions) =>
      sessions.run(sql(['create index i on public.t (public.slow(v))']), new Set()),
    )
    await endWhoWaits(database)
    await other.unsafe('select pg_advisory_unlock(7)')
    expect(await done).toEqual({ kept: false, refused: [] })
    expect(await database.sql(`select indisvalid from pg_index where indexrelid = 'i'::regclass`)).toEqual([
      { indisvalid: true },
    ])
  } finally {
    await other.end()
  }
})

test('what is there when a broken statement is repeated is kept', async () => {
  const database = await (await cluster(17)).createDatabase()
  await database.sql(slowFunction)
  const other = database.connect({ max: 1 })
  try {
    await other.unsafe('select pg_advisory_lock(7)')
    const done = running(database, (sessions) =>
      sessions.run({ ...sql(['create index i on public.t (public.slow(v))']), mayExist: false }, new Set()),
    )
    await endWhoWaits(database)
    // As if the server had finished just before the connection broke.
    await other.unsafe('create index i on t (v); select pg_advisory_unlock(7)')
    expect(await done).toEqual({ kept: true, refused: [] })
  } finally {
    await other.end()
  }
})

test('statements that run together are all there, or none of them', async () => {
  const database = await (await cluster(17)).createDatabase()
  await running(database, async (sessions) => {
    const made = (name: string) => sql([`create table public.${name} ()`])
    await sessions.runTogether([made('a'), made('b')])
    await expect(sessions.runTogether([made('c'), made('a'), made('d')])).rejects.toMatchObject({
      sqlstate: '42P07',
    })
  })
  const tables = await database.sql(
    `select relname from pg_class where relname in ('a', 'b', 'c', 'd') order by 1`,
  )
  expect(tables).toEqual([{ relname: 'a' }, { relname: 'b' }])
})

test('a server that came back without what it had confirmed is not written to any more', async () => {
  // Nothing reaches its disk by itself in time.
  const server = await startCluster({
    major: 17,
    settings: { wal_writer_delay: '10s', shared_buffers: '16MB' },
  })
  try {
    const database = await server.createDatabase()
    await server.sql('postgres', 'checkpoint')
    await running(database, async (sessions) => {
      await sessions.run(sql(['create table public.t ()']), new Set())
      await server.down('immediate')
      await server.up()
      await expect(sessions.run(sql(['create table public.u ()']), new Set())).rejects.toThrow(
        'crashed and lost what it had confirmed',
      )
    })
  } finally {
    await server.stop()
  }
})

test('a server that does not come back is waited for once', async () => {
  const server = await startCluster({ major: 17 })
  try {
    const database = await server.createDatabase()
    const notices: string[] = []
    await running(
      database,
      async (sessions) => {
        await sessions.run(sql(['create table public.t ()']), new Set())
        await server.down('immediate')
        const lost = { message: expect.stringMatching(/nothing listens|was lost/) }
        await expect(sessions.run(sql(['create table public.u ()']), new Set())).rejects.toMatchObject(lost)
        const waits = notices.length
        expect(waits).toBeGreaterThan(3)
        await expect(sessions.run(sql(['create table public.v ()']), new Set())).rejects.toMatchObject(lost)
        expect(notices).toHaveLength(waits)
      },
      (message) => notices.push(message),
    )
  } finally {
    await server.stop()
  }
})
