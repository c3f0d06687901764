// Poolers between pgtrek and a server: modes in which settings would reach sessions of the application are refused
// before anything is set. The state of a process that is assigned for a whole session is restored.
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type postgres from 'postgres'
import { FollowRun } from '../../server/follow/follow-run.ts'
import { PoolerRefused } from '../../server/postgres/errors.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { FollowStore } from '../../server/store/follows.ts'
import { NoMemory } from '../../server/store/run-memory.ts'
import { RunStore } from '../../server/store/runs.ts'
import { defaultFollowOptions, defaultOptions, everything } from '../../shared/defaults.ts'
import type { MigrationOptions } from '../../shared/request.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { look } from '../preflight/check-context.ts'
import { hasPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts'

const shop = `
  create table customer (id int primary key, name text not null);
  create table purchase (id int primary key, customer int not null references customer, note text);
  insert into customer select g, 'name ' || g from generate_series(1, 500) g;
  insert into purchase select g, 1 + g % 500, repeat('x', 200) from generate_series(1, 2000) g;`

const application = `
  create table account (id int primary key);
  create table booking (id int primary key, account int not null references account)`

/** The settings of the server process that serves the next transaction. */
const settingsNow = `
  select name, setting from pg_settings
   where name in ('session_replication_role', 'synchronous_commit', 'row_security', 'search_path', 'work_mem',
                  'default_transaction_read_only', 'statement_timeout', 'lock_timeout', 'client_encoding',
                  'idle_in_transaction_session_timeout', 'check_function_bodies', 'maintenance_work_mem',
                  'extra_float_digits', 'datestyle', 'xmloption', 'client_min_messages', 'quote_all_identifiers')
   order by name`

/** Of every server process of the pool. All of them are in use at the same time. */
async function everyProcess(clients: postgres.Sql[]): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  const all = Promise.withResolvers<void>()
  let started = 0
  await Promise.all(
    clients.map((client) =>
      client.begin(async (sql) => {
        const [{ pid }] = (await sql.unsafe('select pg_backend_pid() as pid')) as unknown as [{ pid: number }]
        found.set(pid, JSON.stringify(await sql.unsafe(settingsNow)))
        expect((await sql.unsafe('select current_user as role'))[0]?.role).toBe('postgres')
        expect(await sql.unsafe('select name from pg_prepared_statements')).toHaveLength(0)
        if (++started === clients.length) all.resolve()
        await all.promise
      }),
    ),
  )
  return found
}

async function refusesOrphans(client: postgres.Sql): Promise<void> {
  const orphan = client.unsafe('insert into public.booking values (1, 42)')
  await expect(orphan.then(() => 'inserted')).rejects.toThrow('booking_account_fkey')
}

/** Why a move ends before it starts. */
async function follow(
  source: { url: string },
  destination: { url: string },
  options: Partial<MigrationOptions> = {},
): Promise<string> {
  using runs = new RunStore(join(scratchDirectory(), `state-${crypto.randomUUID().slice(0, 8)}`))
  const run = FollowRun.clone(
    {
      source: settingsOf(source.url),
      destination: settingsOf(destination.url),
      follow: defaultFollowOptions,
      run: crypto.randomUUID().slice(0, 8),
      selection: everything,
      tables: [],
      hooks: [],
      options: { ...defaultOptions, ...options },
      runMemory: new NoMemory(),
      onEvent() {},
      confirm: () => true,
    },
    { memory: new FollowStore(runs.database), signal: new AbortController().signal },
  )
  const { status, error } = await within('the end of the move', run.done)
  return `${status}: ${error}`
}

const settingsOf = (url: string) => resolveSettings({ url })

async function relationsIn(database: TestDatabase): Promise<string[]> {
  const rows = await database.sql<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
  )
  return rows.map(({ name }) => name)
}

describe.skipIf(!hasPgBouncer)('behind PgBouncer', () => {
  test.each(['transaction', 'statement'])(
    'in %s mode no setting is changed and no run starts',
    async (mode) => {
      const server = await cluster(15)
      const [source, destination] = [await server.createDatabase(), await server.createDatabase()]
      await source.sql(shop)
      await destination.sql(application)
      await using pool = await startPgBouncer(server, { pool_mode: mode, default_pool_size: '4' })
      const clients = [1, 2, 3, 4].map(() => pool.client(destination))
      // In statement mode transactions cannot keep the server processes in use.
      const settings = async () =>
        mode === 'transaction'
          ? [...(await everyProcess(clients)).values()]
          : (await Promise.all(clients.map((one) => one.unsafe(settingsNow)))).map((one) =>
              JSON.stringify(one),
            )
      const before = new Set(await settings())
      expect(before.size).toBe(1)

      const said = `127.0.0.1:${pool.port} is a connection pooler in transaction or statement mode`
      const [from, to] = [{ url: pool.url(source) }, { url: pool.url(destination) }]
      for (const run of [await clone(source, to), await clone(from, destination)]) {
        expect(run.result.status).toBe('failed')
        expect(String(run.result.error)).toContain(said)
      }
      // Also without preflight checks.
      const careless = await clone(source, to, { options: { skipPreflight: true } })
      expect(String(careless.result.error)).toContain(said)
      const report = await look(from.url, to.url, { follow: true })
      expect(report).toMatchObject({ status: 'blocker', items: [{ id: 'pooler', status: 'blocker' }] })
      expect(report.item('pooler').found).toContain(said)
      expect(await follow(source, to)).toContain(said)

      expect(new Set(await settings())).toEqual(before)
      for (const client of clients) await refusesOrphans(client)
      expect(await relationsIn(destination)).toEqual(['account', 'booking'])
      expect(
        await server.sql('postgres', "select from pg_replication_slots where slot_name like 'pgtrek%'"),
      ).toEqual([])
    },
  )

  test.each([
    ['last free', '0'],
    ['longest free', '1'],
  ])('a busy pool is recognised: %s process first', async (_, roundRobin) => {
    const server = await cluster(15)
    const database = await server.createDatabase()
    await using pool = await startPgBouncer(server, {
      pool_mode: 'transaction',
      default_pool_size: '6',
      server_round_robin: roundRobin,
    })
    let isOver = false
    const busy = Array.from({ length: 5 }, async () => {
      const client = pool.client(database)
      while (!isOver) await client.unsafe('select pg_sleep(random() * 0.002)')
    })
    try {
      for (let attempt = 0; attempt < 30; attempt++) {
        const opening = Session.open(settingsOf(pool.url(database)))
        await expect(opening.then((session) => session.close())).rejects.toBeInstanceOf(PoolerRefused)
      }
    } finally {
      isOver = true
      await Promise.all(busy)
    }
  })

  test('several programs behind one port are detected, each with an idle pool', async () => {
    const server = await cluster(15)
    const database = await server.createDatabase()
    await using pool = await startPgBouncer(server, { pool_mode: 'transaction' }, { programs: 4 })
    for (let attempt = 0; attempt < 10; attempt++) {
      const opening = Session.open(settingsOf(pool.url(database)))
      await expect(opening.then((session) => session.close())).rejects.toBeInstanceOf(PoolerRefused)
    }
  })

  test('in session mode rows are copied, and the state of each server process is restored', async () => {
    const server = await cluster(15)
    const [source, destination] = [await server.createDatabase(), await server.createDatabase()]
    await source.sql(shop)
    await destination.sql(application)
    // Only we restore settings; the pooler does not.
    await using pool = await startPgBouncer(
      server,
      { pool_mode: 'session', server_reset_query: '' },
      { connectQuery: "set work_mem = '5MB'; set lock_timeout = '7s'" },
    )
    const [from, to] = [{ url: pool.url(source) }, { url: pool.url(destination) }]
    const report = await look(from.url, to.url)
    expect(report.item('pooler')).toMatchObject({ status: 'warning' })
    expect(report.item('pooler').found).toContain(`the destination at 127.0.0.1:${pool.port}`)

    const ended = () => server.log().split('terminating connection due to administrator command').length
    const endedBefore = ended()
    const run = await clone(from, to, { options: { workers: 2 } })
    expect(run).toMatchObject({ failures: [], result: { status: 'completed' } })
    expect(await relationsIn(destination)).toEqual(['account', 'booking', 'customer', 'purchase'])
    await isAsBefore(pool, server, destination)
    // The processes were restored and not ended.
    expect(ended()).toBe(endedBefore)

    // The same after a cancel during the copy, and after an error.
    const stop = new AbortController()
    const cancelled = await clone(from, to, {
      options: { dataOnly: true },
      confirm: true,
      signal: stop.signal,
      onEvent: ({ type }) => type === 'step_started' && stop.abort(),
    })
    expect(cancelled.result).toMatchObject({ status: 'cancelled' })
    await isAsBefore(pool, server, destination)
    const failed = await clone(from, to, {
      options: { dataOnly: true, failFast: true },
      confirm: true,
      hooks: [
        {
          when: 'before',
          phase: 'data',
          run: { on: 'destination', sql: 'set role pg_monitor; set row_security = off; begin; select 1/0' },
        },
      ],
    })
    expect(failed.result).toMatchObject({ status: 'completed_with_failures' })
    await isAsBefore(pool, server, destination)
  })

  test('in session mode changes are not followed, which is detected before anything is created', async () => {
    const server = await cluster(15)
    const [source, destination] = [await server.createDatabase(), await server.createDatabase()]
    await source.sql(shop)
    await using pool = await startPgBouncer(server, { pool_mode: 'session' })
    const [from, to] = [{ url: pool.url(source) }, { url: pool.url(destination) }]
    for (const skipPreflight of [false, true]) {
      for (const ends of [
        { source, destination: to },
        { source: from, destination },
      ]) {
        const said = await follow(ends.source, ends.destination, { skipPreflight })
        expect(said).toMatch(/connection pooler.*changes cannot be followed/s)
      }
    }
    expect(await relationsIn(destination)).toEqual([])
    expect(await source.sql('select from pg_publication')).toEqual([])
    expect(
      await server.sql('postgres', "select from pg_replication_slots where slot_name like 'pgtrek%'"),
    ).toEqual([])
    expect(await server.sql('postgres', 'select from pg_replication_origin_status')).toEqual([])
  })

  test('a pool without room for a second session is refused, with the message of the pooler', async () => {
    const server = await cluster(15)
    const database = await server.createDatabase()
    await using pool = await startPgBouncer(server, { pool_mode: 'session', max_client_conn: '1' })
    const opening = Session.open(settingsOf(pool.url(database))).then((session) => session.close())
    await expect(opening).rejects.toThrow(
      /did not assign a server process to a second session \(.*max_client_conn/,
    )
  })

  test('the message of a pooler that ends a login is passed on', async () => {
    const server = await cluster(15)
    const database = await server.createDatabase()
    await using pool = await startPgBouncer(server, {
      pool_mode: 'session',
      default_pool_size: '1',
      query_wait_timeout: '1',
    })
    const client = pool.client(database)
    await client.unsafe('select')
    const opening = Session.open(settingsOf(pool.url(database))).then((session) => session.close())
    await expect(opening).rejects.toThrow(
      `127.0.0.1:${pool.port} ended the connection during login: query_wait_timeout`,
    )
  })

  test('a direct session needs no further queries, a pooled one a few for each server', async () => {
    const server = await cluster(15)
    const database = await server.createDatabase()
    await database.sql(`alter database "${database.name}" set log_statement = 'all'`)
    await using pool = await startPgBouncer(server, { pool_mode: 'session' })
    const statementsOf = async (url: string) => {
      const before = logged()
      await using session = await Session.open(settingsOf(url))
      const mark = `marked ${crypto.randomUUID()}`
      await session.query(`select '${mark}'`)
      await eventually('the statement in the log', () => server.log().includes(mark))
      return logged() - before - 1
    }
    // Without the queries of PgBouncer itself.
    const logged = () => server.log().match(/LOG: {2}statement: (?!DISCARD ALL|SET )/g)?.length ?? 0
    expect(await statementsOf(database.url)).toBe(2)
    expect(await statementsOf(pool.url(database))).toBeLessThanOrEqual(30)
    expect(await statementsOf(pool.url(database))).toBe(3)
  })
})

/** Every present process of the pool. */
async function isAsBefore(
  pool: PgBouncer,
  server: Awaited<ReturnType<typeof cluster>>,
  destination: TestDatabase,
) {
  const free = await server.sql(
    'postgres',
    `select from pg_stat_activity where datname = '${destination.name}' and backend_type = 'client backend'`,
  )
  const clients = free.map(() => pool.client(destination))
  clients.push(pool.client(destination))
  const processes = await everyProcess(clients)
  const fresh = await destination.sql(settingsNow)
  const expected = fresh.map(({ name, setting }) => {
    if (name === 'work_mem') return { name, setting: '5120' }
    if (name === 'lock_timeout') return { name, setting: '7000' }
    return { name, setting }
  })
  for (const found of processes.values()) expect(JSON.parse(found)).toEqual(expected)
  for (const client of clients) await refusesOrphans(client)
  const locks = await server.sql('postgres', "select from pg_locks where locktype = 'advisory'")
  expect(locks).toEqual([])
  for (const client of clients) await client.end({ timeout: 1 })
}
