// A statement that another session was in the way of is tried again; one that is wrong is not.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { RestoreSessions } from '../../server/engine/restore.ts'
import type { SqlWork } from '../../server/engine/step.ts'
import { resolveSettings } from '../../server/postgres/settings.ts'
import { cluster, type TestDatabase } from '../support/clusters.ts'

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
): Promise<Result> {
  const settings = resolveSettings({ url: database.url })
  const sessions = new RestoreSessions(settings, sizes, new AbortController().signal, () => {})
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
