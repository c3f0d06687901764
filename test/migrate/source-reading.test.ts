// Two plans of one move: the second reads the source again only if its objects have changed.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readCatalogVersion } from '../../server/catalog/catalog-version.ts'
import { SourceReading } from '../../server/migrate/inventory/source-inventory.ts'
import { planOnly } from '../../server/migrate/migrate.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { NoMemory } from '../../server/store/run-memory.ts'
import { defaultOptions, everything } from '../../shared/defaults.ts'
import type { MigrationEvent } from '../../shared/event.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually } from '../../tools/eventually.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }
const objects = `
  create table t (id int primary key, v text default 'x');
  create table parted (id int, region int, primary key (id, region)) partition by list (region);
  create table parted_1 partition of parted for values in (1);
  create view v as select * from t;
  create sequence s;
  create function f() returns int language sql as 'select 1';
  insert into t select g, 'row ' || g from generate_series(1, 100) g;
  insert into parted values (1, 1)`

describe.each([12, 15, 18] as const)('PostgreSQL %p', (major) => {
  let source: TestDatabase
  let destination: TestDatabase
  let session: Session

  beforeAll(async () => {
    const servers = await cluster(major)
    source = await servers.createDatabase()
    destination = await servers.createDatabase()
    await source.sql(objects)
    session = await Session.open(resolveSettings({ url: source.url }))
  })

  afterAll(() => session.close())

  test.each([
    'analyze',
    'vacuum (freeze)',
    'vacuum (freeze) pg_catalog.pg_class',
    'insert into t select g from generate_series(1001, 3000) g',
    "select nextval('s')",
    'delete from t where id > 1000',
    'create publication pgtrek_own for table t',
    "comment on publication pgtrek_own is 'a mark'",
    'alter publication pgtrek_own add table parted_1',
    'drop publication pgtrek_own',
  ])('%s changes no object', async (statement) => {
    if (major === 12 && statement.includes('add table')) return
    const before = await readCatalogVersion(session)
    await source.sql(statement)
    expect(await readCatalogVersion(session)).toBe(before)
  })

  test.each([
    'alter table t add column w int',
    'alter table t alter column v set default null',
    "comment on table t is 'read again'",
    'grant select on t to public',
    'create index on t (v)',
    'alter sequence s increment 2',
    'create or replace view v as select id, v from t',
    "create or replace function f() returns int language sql as 'select 2'",
    'create table parted_2 partition of parted for values in (2)',
    'drop table parted_2',
    'create publication theirs for table t',
    'alter publication theirs set (publish = insert)',
    'drop publication theirs',
    'select lo_create(0)',
    'alter table t rename to renamed',
    'alter table renamed rename to t',
    "create type mood as enum ('good')",
    "alter type mood add value 'bad'",
  ])('%s changes an object', async (statement) => {
    const before = await readCatalogVersion(session)
    await source.sql(statement)
    expect(await readCatalogVersion(session)).not.toBe(before)
  })

  test('a second plan is the same as the first, and reads the source only where it has changed', async () => {
    const reading = new SourceReading()
    const plan = async () =>
      await planOnly({
        ...{ run: 'plan', selection: everything, tables: [], hooks: [], options: defaultOptions, reading },
        source: resolveSettings({ url: source.url }),
        destination: resolveSettings({ url: destination.url }),
        memory: new NoMemory(),
        signal: new AbortController().signal,
      })
    const first = await plan()
    expect(reading.outcome).toBeUndefined()
    expect(await plan()).toEqual(first)
    expect(reading.outcome).toBe('unchanged')
    await source.sql('create table later (id int)')
    const third = await plan()
    expect(reading.outcome).toBe('changed')
    expect(third.tables.map(({ name }) => name)).toContain('later')
    await source.sql('drop table later')
  })
})

test('a reading that is used again leaves the tables locked as pg_dump does', async () => {
  const database = await (await cluster(15)).createDatabase()
  await database.sql(objects)
  const settings = resolveSettings({ url: database.url })
  await using source = await Session.open(settings)
  await using dump = await Session.open(settings)
  await source.execute('begin isolation level repeatable read, read only')
  const { snapshot } = await source.one<{ snapshot: string }>('select pg_export_snapshot() as snapshot')
  const reading = new SourceReading()
  const table = { kind: 'TABLE', schema: 'public', statements: ['create ...'] }
  const inventory = {
    entries: [
      { ...table, name: 't' },
      { ...table, name: 'parted_1' },
    ],
  }
  await reading.keep(inventory as never, source)
  const sessions = { source, dump, destination: source, dumpThread: undefined as never }
  expect(await reading.take(sessions, snapshot)).toBeDefined()
  const change = (name: string) =>
    database.sql(`set lock_timeout = 100; alter table ${name} add column w int`)
  expect(change('t')).rejects.toThrow('lock timeout')
  expect(change('parted_1')).rejects.toThrow('lock timeout')
  expect(await reading.take(sessions, snapshot)).toBeUndefined()
})

test('a move reads the source once', async () => {
  const { source, destination, notices, followed } = await moveWithNotices()
  await using moving = followed()
  await moving.untilStreaming()
  expect(notices()).toEqual([expect.stringContaining('not read again')])
  expect(await compareRows(source, destination)).toEqual([])
})

test('a move reads the source again where a view was created while its slot waited', async () => {
  const { source, destination, notices, followed } = await moveWithNotices()
  await using writer = await Session.open(resolveSettings({ url: source.url }))
  // Not visible to the first plan; a new slot waits for its end.
  await writer.execute('begin; create view made_late as select 1 as one')
  await using moving = followed()
  await eventually(
    'a slot that waits',
    () => source.sql('select from pg_replication_slots where database = current_database()'),
    (slots) => slots.length === 1,
  )
  await writer.execute('commit')
  await moving.untilStreaming()
  expect(notices()).toEqual([expect.stringContaining('read again')])
  expect(await destination.sql("select from pg_class where relname = 'made_late'")).toHaveLength(1)
  expect(await compareRows(source, destination)).toEqual([])
})

async function moveWithNotices() {
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  await source.sql(objects)
  const heard: string[] = []
  const onEvent = (event: MigrationEvent) => {
    if (event.type === 'log') heard.push(event.message)
  }
  const notices = () => heard.filter((message) => message.includes('the first plan'))
  return { source, destination, notices, followed: () => move({ source, destination }, {}, { onEvent }) }
}
