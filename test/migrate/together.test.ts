// Two runs to one destination at the same time: each table is locked by one of them.
import { beforeAll, expect, test } from 'bun:test'
import { RunLock } from '../../server/coordination/run-lock.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { makeHome } from '../../tools/command.ts'
import { CannotHappen, eventually, within } from '../../tools/eventually.ts'
import { clone } from '../../tools/moves/clone.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { look } from '../preflight/check-context.ts'
import { noSessionsAreLeft } from '../support/sessions.ts'
import { holding, waitersFor } from './gates.ts'

const gate = 11
const tables = `
  create table item (n int);
  create table other (n int);
  create schema "Odd ""one""";
  create table "Odd ""one"""."Ta.ble" (n int);`

let from: Cluster
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  from = await cluster(14)
  to = await cluster(17)
  source = await from.createDatabase()
  await source.sql(`
    ${tables}
    insert into item select generate_series(1, 1000);
    insert into other select generate_series(1, 10);
    insert into "Odd ""one"""."Ta.ble" values (1);
    create function may_pass() returns bool language plpgsql as $$
      begin perform pg_catalog.pg_advisory_xact_lock_shared(${gate}); return true; end $$`)
})

const rows = { dataOnly: true, existingDataMode: 'truncate', verify: false } as const
const only = (name: string) => ({ selection: { include: [name] }, options: rows, confirm: true })

async function empty(): Promise<TestDatabase> {
  const destination = await to.createDatabase()
  await destination.sql(tables)
  return destination
}

async function countOf(database: TestDatabase, table: string): Promise<number | undefined> {
  const [row] = await database.sql<{ count: number }>(`select count(*)::int as count from ${table}`)
  return row?.count
}

/** Runs `work` while a run to the destination is copying rows; returns that run's result. */
async function whileOneCopies(destination: TestDatabase, work: () => Promise<void>) {
  const { cloning } = await holding(gate, source, async () => {
    const cloning = clone(source, destination, {
      ...only('item'),
      tables: [{ table: 'item', where: 'public.may_pass()' }],
    })
    const early = cloning.then(({ result }) => {
      throw new CannotHappen(`the run ended before: ${result.error ?? result.status}`)
    })
    await Promise.race([
      early,
      eventually(
        'the run in the middle of its rows',
        () => waitersFor(gate, source),
        ({ length }) => length > 0,
      ),
    ])
    early.catch(() => {})
    await work()
    return { cloning }
  })
  return await cloning
}

test('a second run on the same table is refused, names the first run, and the rows are there once', async () => {
  const destination = await empty()
  const first = await whileOneCopies(destination, async () => {
    for (const mode of ['truncate', 'append'] as const) {
      const { result } = await clone(source, destination, {
        ...only('item'),
        options: { ...rows, existingDataMode: mode },
      })
      expect(result.status).toBe('failed')
      const { message } = result.error as Error
      expect(message).toMatch(/another run of pgtrek is working on public\.item/)
      expect(message).toMatch(new RegExp(`pgtrek: run test .* pid ${process.pid} since \\d{4}-\\d\\d-\\d\\d`))
      expect(message).toContain('Nothing was changed')
    }
    const whole = await clone(source, destination, { options: { existingTableMode: 'drop' }, confirm: true })
    expect((whole.result.error as Error).message).toMatch(/is working on .*public\.item/)
    const { item } = await look(source.url, destination.url)
    expect(item('other-runs').objects).toEqual([expect.stringMatching(/pgtrek: run test /)])
    const dry = await clone(source, destination, { ...only('item'), options: { ...rows, dryRun: true } })
    expect(dry.summary.warnings.join()).toMatch(/a run would be refused: .*public\.item/)
  })
  expect(first.failures).toEqual([])
  expect(await countOf(destination, 'item')).toBe(1000)
  await noSessionsAreLeft(source, destination)
})

test('runs on other tables run concurrently, and one that waits begins when the first has ended', async () => {
  const destination = await empty()
  let waiting: ReturnType<typeof clone> | undefined
  const first = await whileOneCopies(destination, async () => {
    const beside = await clone(source, destination, only('other'))
    expect(beside.result.status).toBe('completed')
    const odd = await clone(source, destination, {
      selection: { includeSchemas: ['Odd*'] },
      options: rows,
      confirm: true,
    })
    expect(odd.result.error).toBeUndefined()
    const said = Promise.withResolvers<void>()
    waiting = clone(source, destination, {
      ...only('item'),
      wait: true,
      onEvent: (event) => event.type === 'log' && event.message.startsWith('waiting: ') && said.resolve(),
    })
    await said.promise
  })
  expect(first.failures).toEqual([])
  expect((await waiting)?.result.status).toBe('completed')
  expect(await countOf(destination, 'item')).toBe(1000)
  expect(await countOf(destination, 'other')).toBe(10)
})

test('a run whose locks are lost with their connection takes them again, and continues', async () => {
  const destination = await empty()
  const holder = `select pid from pg_stat_activity where datname = current_database() and application_name like 'pgtrek: %'`
  const first = await whileOneCopies(destination, async () => {
    const [before] = await destination.sql<{ pid: number }>(holder)
    await destination.sql(`select pg_terminate_backend(${before?.pid})`)
    await eventually(
      'another session that holds the locks',
      () =>
        destination.sql<{ pid: number }>(
          `${holder} and pid <> ${before?.pid} and (select count(*) from pg_locks l where l.pid = pg_stat_activity.pid) > 2`,
        ),
      ({ length }) => length === 1,
    )
    const { result } = await clone(source, destination, only('item'))
    expect((result.error as Error).message).toContain('is working on public.item')
  })
  expect(first.failures).toEqual([])
})

test('two commands at the same moment: no row is copied twice', async () => {
  const destination = await empty()
  using home = makeHome()
  const args = [
    'copy',
    '--source',
    source.url,
    '--dest',
    destination.url,
    '--truncate',
    '--yes',
    '--no-progress',
  ]
  const ended = await Promise.all(
    [1, 2, 3].map((number) => home.run([...args, '--state-dir', `state-${number}`])),
  )
  if (ended.every(({ code }) => code !== 0)) throw new Error(ended.map(({ said }) => said).join('\n'))
  expect(ended.filter(({ code }) => code === 0).length).toBeGreaterThan(0)
  for (const { code, said } of ended)
    if (code !== 0) expect(said).toContain('another run of pgtrek is working on')
  expect(await countOf(destination, 'item')).toBe(1000)
})

test('a run is stopped when another has got its locks while its connection was lost', async () => {
  const destination = await empty()
  const lost = Promise.withResolvers<Error>()
  const options = { what: 'run test', onLost: lost.resolve, say() {} }
  await using lock = await RunLock.open(resolveSettings({ url: destination.url }), options)
  await lock.take([{ schema: 'public', name: 'item' }])
  const key = '(classid::int8 << 32) | objid::int8'
  const held = "locktype = 'advisory' and objsubid = 1 and mode = 'ExclusiveLock' and granted"
  const thief = destination.connect({ max: 1 })
  try {
    await thief`set application_name = 'thief'`
    const waiting = thief
      .unsafe(`select pg_advisory_lock((select ${key} from pg_locks where ${held}))`)
      .execute()
    await eventually(
      'a session that waits for the lock',
      () => destination.sql("select from pg_locks where locktype = 'advisory' and not granted"),
      ({ length }) => length === 1,
    )
    await destination.sql(`select pg_terminate_backend(pid) from pg_locks where ${held}`)
    await waiting
    const { message } = await within('the loss', lost.promise)
    expect(message).toMatch(/was lost, and another run is now working on public\.item: "thief"/)
    expect(lock.isHeld).toBe(false)
  } finally {
    await thief.end()
  }
})
