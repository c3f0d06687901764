// A statement that was blocked by another session, or whose connection was lost, is repeated; an invalid one is not.
import { expect, test } from 'bun:test'
import type { SqlWork } from '../../server/migrate/plan/step.ts'
import { RestoreSessions } from '../../server/migrate/run/restore.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { cluster, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { ownedDatabase, plainRole } from '../faults/owners.ts'
import { holding, waitersFor } from './gates.ts'

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
  reconnectPausesMs?: readonly number[],
): Promise<Result> {
  const settings = resolveSettings({ url: database.url })
  const { signal } = new AbortController()
  const sessions = new RestoreSessions(settings, sizes, signal, onNotice, reconnectPausesMs)
  try {
    return await action(sessions)
  } finally {
    await sessions.close()
  }
}

/** The advisory lock on which statements wait in their middle. */
const gate = 7

async function someoneWaitsForATable(database: TestDatabase) {
  await eventually(
    'a session that waits for the lock of a table',
    () =>
      database.sql(`
      select pid, relation::regclass from pg_locks
       where database = (select oid from pg_database where datname = current_database())
         and locktype = 'relation' and not granted`),
    (waiting) => waiting.length > 0,
  )
}

test('a deadlock with another session is survived', async () => {
  const server = await cluster(17)
  const database = await server.createDatabase()
  await database.sql('create table one (); create table two (); create table attempts (n serial)')
  await database.sql(`alter database ${database.name} set deadlock_timeout = '10ms'`)
  const other = database.connect({ max: 1 })
  try {
    // The server ends the session that detects the deadlock: the tested one.
    await other.unsafe("set deadlock_timeout = '60s'; begin; lock table one")
    const { done, blocked } = await holding(gate, database, async () => {
      const done = running(database, (sessions) =>
        sessions.use((session) =>
          session.run(
            sql([
              "select nextval('public.attempts_n_seq')",
              'lock table public.two',
              `select pg_advisory_xact_lock_shared(${gate})`,
              'lock table public.one',
            ]),
            new Set(),
          ),
        ),
      )
      await eventually(
        'the session that has its first table',
        () => waitersFor(gate, database),
        (waiters) => waiters.length === 1,
      )
      const blocked = other.unsafe('lock table two; commit').execute()
      await someoneWaitsForATable(database)
      return { done, blocked }
    })
    await within('the end of the other session', blocked)
    expect(await within('another attempt that succeeds', done)).toEqual({ kept: false, refused: [] })
    const [row] = await database.sql('select last_value::int as attempts from attempts_n_seq')
    expect(row?.attempts).toBeGreaterThan(1)
  } finally {
    await other.end()
  }
})

test('an owner that cannot be set leaves the object, and is reported', async () => {
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
  expect(outcome.refused.map((error) => error.message)).toEqual([
    'alter table public.t owner to "no such role": role "no such role" does not exist',
  ])
  expect(await database.sql(`select to_regclass('t')::text as t`)).toEqual([{ t: 't' }])
})

test('when one of several statements fails, none has an effect', async () => {
  const database = await (await cluster(17)).createDatabase()
  const failing = running(database, (sessions) =>
    sessions.use((session) => session.run(sql(['create table public.t ()', 'select 1 / 0']), new Set())),
  )
  await expect(failing).rejects.toMatchObject({ sqlstate: '22012' })
  expect(await database.sql(`select to_regclass('t')::text as t`)).toEqual([{ t: null }])
})

test('tables are created as pg_dump writes, in their tablespace and with their access method', async () => {
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

/** The session that is building its index. */
async function builderOf(database: TestDatabase): Promise<number | undefined> {
  const [builder] = await eventually(
    'a session that waits in the middle of its index',
    () => waitersFor(gate, database),
    (waiters) => waiters.length === 1,
  )
  return builder?.pid
}

/** An index on this waits in the middle of its build while another session has the lock. */
const slowFunction = `
  create table public.t (v int);
  insert into public.t values (1);
  create function public.slow(int) returns int immutable language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(${gate}); return $1; end $$;`

test('a connection that is lost during an index build is replaced', async () => {
  const database = await (await cluster(17)).createDatabase()
  await database.sql(slowFunction)
  const { done } = await holding(gate, database, async () => {
    const done = running(database, (sessions) =>
      sessions.run(sql(['create index i on public.t (public.slow(v))']), new Set()),
    )
    await database.sql('select pg_terminate_backend($1)', [await builderOf(database)])
    return { done }
  })
  expect(await done).toEqual({ kept: false, refused: [] })
  expect(await database.sql(`select indisvalid from pg_index where indexrelid = 'i'::regclass`)).toEqual([
    { indisvalid: true },
  ])
})

test('an object that exists when a lost statement is repeated is kept', async () => {
  const database = await (await cluster(17)).createDatabase()
  await database.sql(slowFunction)
  const { done } = await holding(gate, database, async () => {
    const done = running(database, (sessions) =>
      sessions.run({ ...sql(['create index i on public.t (public.slow(v))']), mayExist: false }, new Set()),
    )
    const builder = await builderOf(database)
    // As if the server had completed just before the connection was lost: the lock is granted before the next attempt.
    const making = database.sql('begin; lock table t; create index i on t (v); commit')
    await someoneWaitsForATable(database)
    await database.sql('select pg_terminate_backend($1)', [builder])
    await within('the index of the other session', making)
    return { done }
  })
  expect(await done).toEqual({ kept: true, refused: [] })
})

test('statements that run together have an effect together or not at all', async () => {
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

test('nothing more is written to a server that has lost what it had confirmed', async () => {
  await using server = await startCluster({ major: 17, settings: { shared_buffers: '16MB' } })
  const database = await server.createDatabase()
  await server.sql('postgres', 'checkpoint')
  const [writer] = await server.sql<{ pid: number }>(
    'postgres',
    `select pid from pg_stat_activity where backend_type = 'walwriter'`,
  )
  const walWriter = Number(writer?.pid)
  await running(database, async (sessions) => {
    // Asynchronous commits are not flushed.
    process.kill(walWriter, 'SIGSTOP')
    await sessions.run(sql(['create table public.t ()']), new Set())
    process.kill(walWriter, 'SIGKILL')
    await server.down('immediate')
    await server.up()
    await expect(sessions.run(sql(['create table public.u ()']), new Set())).rejects.toThrow(
      'crashed and lost transactions that it had confirmed',
    )
  })
})

test('a server that does not come back is waited for once', async () => {
  await using server = await startCluster({ major: 17 })
  const database = await server.createDatabase()
  const waits: string[] = []
  const pausesMs = [1, 2, 3, 4]
  await running(
    database,
    async (sessions) => {
      await sessions.run(sql(['create table public.t ()']), new Set())
      await server.down('immediate')
      const lost = { message: expect.stringMatching(/nothing listens|was lost/) }
      await expect(sessions.run(sql(['create table public.u ()']), new Set())).rejects.toMatchObject(lost)
      expect(waits).toHaveLength(pausesMs.length)
      await expect(sessions.run(sql(['create table public.v ()']), new Set())).rejects.toMatchObject(lost)
      expect(waits).toHaveLength(pausesMs.length)
    },
    (message) => message.includes('is repeated in') && waits.push(message),
    pausesMs,
  )
})

test('a server with a single connection executes everything on it, also after it was lost', async () => {
  const server = await cluster(17)
  const role = await plainRole(server)
  await server.sql('postgres', `alter role ${role} connection limit 1`)
  const database = await ownedDatabase(server, role)
  const notices: string[] = []
  const work = async (sessions: RestoreSessions) => {
    const works = ['one', 'two', 'three'].map((name) =>
      sessions.repeatedly(async ({ session }, again) => {
        if (name === 'one' && !again) await session.execute('select pg_terminate_backend(pg_backend_pid())')
        await session.execute(`create table public.${name} ()`)
      }),
    )
    await within('all to be done', Promise.all(works))
  }
  await running(
    { ...database, url: database.loginUrl },
    work,
    (notice) => notices.push(notice),
    [1, 5, 25, 125, 625],
  )
  expect(await database.sql("select from pg_class where relname in ('one', 'two', 'three')")).toHaveLength(3)
  expect(notices.join('\n')).toContain('too many connections for role')
})
