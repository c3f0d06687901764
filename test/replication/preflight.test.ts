// Reasons why changes cannot be followed are found before anything is created, for each table, with advice.
import { describe, expect, test } from 'bun:test'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { followChecks } from '../../server/preflight/follow.ts'
import { runChecks } from '../../server/preflight/preflight.ts'
import { Follower } from '../../server/replication/apply/follower.ts'
import { createPosition } from '../../server/replication/apply/position.ts'
import {
  createPublication,
  publicationProblems,
  readPublication,
} from '../../server/replication/stream/publication.ts'
import { createSlot, dropSlot, readSlot } from '../../server/replication/stream/slot.ts'
import { defaultOptions } from '../../shared/defaults.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { casesOf } from '../../tools/long.ts'
import { arrival, inSession } from '../../tools/moves/following.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'
import { look } from '../preflight/check-context.ts'

describe('tables', () => {
  for (const major of [12, 18] as Major[]) {
    test(`of PostgreSQL ${major} that cannot be followed, and why`, async () => {
      const source = await (await cluster(major)).createDatabase()
      const { url } = await (await cluster(18)).createDatabase()
      await source.sql(`
        create table good (id int primary key);
        create table keyless (a int);
        create table whole (a int); alter table whole replica identity full;
        create table nothing (id int primary key); alter table nothing replica identity nothing;
        create unlogged table fleeting (id int primary key);
        create table late (id int, primary key (id) deferrable);
        create table by_computed (id int, twice int generated always as (id * 2) stored primary key);
        create table computed (id int primary key, twice int generated always as (id * 2) stored)`)
      const { item } = await look(source.url, url, { follow: true })
      expect(item('replica-identity')).toMatchObject({
        status: 'blocker',
        objects: ['public.keyless', 'public.late', 'public.nothing'],
      })
      expect(item('unlogged-tables').objects).toEqual(['public.fleeting'])
      expect(item('replica-identity-full').objects).toEqual(['public.whole'])
      // From 18 on stored generated columns can be sent.
      const unsent = ['public.by_computed: twice']
      const computed = major < 18 ? unsent : [...unsent, 'public.computed: twice']
      expect(item('computed-columns')).toMatchObject({
        status: major < 18 ? 'blocker' : 'warning',
        objects: expect.arrayContaining(computed),
      })
      const lenient = await look(source.url, url, { follow: true, insertsOnly: ['keyless'] })
      expect(lenient.item('replica-identity').objects).toEqual(['public.late', 'public.nothing'])
    })
  }

  test('the replica identity of partitions is checked where the server checks it', async () => {
    const source = await (await cluster(17)).createDatabase()
    const { url } = await (await cluster(18)).createDatabase()
    await source.sql(`
      create table root (id int, region int) partition by list (region);
      create table leaf partition of root (primary key (id)) for values in (1);
      create table bare partition of root for values in (2)`)
    for (const published of [[{ schema: 'public', name: 'root' }], undefined]) {
      const { item } = await look(source.url, url, { follow: true, ...(published && { published }) })
      expect(item('replica-identity').objects).toEqual(['public.bare'])
    }
  })
})

test('a server without wal_level logical, and a role without REPLICATION', async () => {
  const server = await cluster(15, {
    settings: { wal_level: 'replica', max_wal_senders: '0', max_replication_slots: '1' },
  })
  const source = await server.createDatabase()
  const { url } = await (await cluster(18)).createDatabase()
  await source.sql('create role plain login')
  const { item } = await look(server.url(source.name, 'plain'), url, { follow: true })
  expect(item('wal-level')).toMatchObject({ status: 'blocker', found: 'it is replica on the source' })
  expect(item('replication-slots')).toMatchObject({
    status: 'blocker',
    found: '0 of 1 slots and 0 of 0 WAL senders are used',
    sql: ["-- on the source, as a superuser\nalter system set max_wal_senders = '4'"],
  })
  expect(item('replication-right').objects).toEqual([
    '"plain" does not have REPLICATION',
    `"plain" may not create a publication in "${source.name}"`,
  ])
  // With these versions there would be no way back.
  expect((await look(url, source.url, { follow: true })).item('way-back')).toMatchObject({
    status: 'warning',
    sql: [
      "-- on the destination, as a superuser\nalter system set wal_level = 'logical'",
      "alter system set max_wal_senders = '4'",
    ],
  })
})

test('an incomplete publication of the user', async () => {
  const source = await (await cluster(17)).createDatabase()
  await source.sql(`
    create table a (id int primary key); create table b (id int primary key);
    create publication theirs for table a with (publish = 'insert, update')`)
  const wanted = ['a', 'b'].map((name) => ({ schema: 'public', name }))
  const state = await inSession(source, (session) => readPublication(session, 'theirs'))
  if (!state) throw new Error('no publication')
  expect(publicationProblems(state, wanted).map((line) => line.slice(0, 55))).toEqual([
    'the publication theirs leaves out every delete: alter i',
    'the publication theirs leaves out every truncate: alter',
    'the publication theirs does not contain public.b',
  ])
})

test('a destination that cannot store the position is reported before anything starts', async () => {
  const server = await cluster(18)
  const to = await server.createDatabase()
  await to.sql(`
    do $$ begin create role "late "" mover" login; exception when duplicate_object then null; end $$`)
  const destination = resolveSettings({ url: server.url(to.name, 'late " mover') })
  const position = async () => {
    await using session = await Session.open(destination)
    const wanted = { follow: true, options: defaultOptions, published: [] }
    const report = await runChecks({ source: session, destination: session }, wanted, followChecks)
    return report.items.find(({ id }) => id === 'position')
  }
  const grant = `grant create on database "${to.name}" to "late "" mover"`
  expect(await position()).toMatchObject({
    status: 'blocker',
    sql: [`-- on the destination, as "postgres" or a superuser\n${grant}`],
  })
  await to.sql(grant)
  expect(await position()).toMatchObject({ status: 'warning' })
  await to.sql('create schema pgtrek; create table pgtrek.position (name text, lsn pg_lsn, time timestamptz)')
  expect(await position()).toMatchObject({ status: 'blocker' })
  await to.sql(`
    grant usage on schema pgtrek to "late "" mover";
    grant select, insert, delete on pgtrek.position to "late "" mover"`)
  expect(await position()).toMatchObject({ status: 'warning' })
})

describe('without superuser: REPLICATION and ownership are enough', () => {
  // From 15 on other roles may not create tables in the schema public.
  for (const major of casesOf<Major>([12, 15, 18], [14, 17])) {
    test(`PostgreSQL ${major}`, async () => {
      const server = await cluster(major)
      const [from, to] = [await server.createDatabase(), await server.createDatabase()]
      await from.sql(`
        do $$ begin create role mover login replication; exception when duplicate_object then null; end $$;
        grant create on database ${from.name} to mover;
        grant create on database ${to.name} to mover;
        grant create on schema public to mover`)
      await to.sql('grant create on schema public to mover')
      const settings = [from, to].map(({ name }) => resolveSettings({ url: server.url(name, 'mover') }))
      const [source, destination] = settings
      if (!source || !destination) throw new Error('no settings')
      const name = `without_${from.name}`
      const table = { schema: 'public', name: 't' }
      {
        await using there = await Session.open(source)
        await using here = await Session.open(destination)
        for (const session of [there, here])
          await session.execute('create table t (id int primary key, v text)')
        const wanted = { follow: true, options: defaultOptions, published: [table] }
        const report = await runChecks({ source: there, destination: here }, wanted, followChecks)
        expect(report.items.filter(({ status }) => status !== 'ok').map(({ id }) => id)).toEqual([
          'apply-rights',
          'position',
        ])
        expect(report.status).toBe('warning')
        await createPublication(there, name, [table])
        const slot = await createSlot(source, name)
        await slot.session.close()
        expect(await createPosition(here, name, slot.consistentPoint)).toBe('table')
      }
      const follower = await Follower.start({
        source,
        destination,
        slot: name,
        publication: name,
        positionName: name,
      })
      await from.sql(
        "insert into t select g, 'row ' || g from generate_series(1, 1000) g; delete from t where id % 7 = 0",
      )
      await arrival(follower, from)
      expect(await compareRows(from, to)).toEqual([])
      await using there = await Session.open(source)
      expect(await dropSlot(there, name)).toBe(true)
      expect(await readSlot(there, name)).toBeUndefined()
    })
  }
})
