// What would keep changes from being followed is found before anything is made, table by table, with advice.
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Session } from '../../server/postgres/session.ts'
import { resolveSettings } from '../../server/postgres/settings.ts'
import { Follower } from '../../server/replication/follow.ts'
import { createPosition } from '../../server/replication/position.ts'
import { checkDestination, checkSource } from '../../server/replication/preflight.ts'
import {
  createPublication,
  publicationProblems,
  readPublication,
} from '../../server/replication/publication.ts'
import { createSlot, dropSlot, readSlot } from '../../server/replication/slot.ts'
import { cluster, type Major, majors } from '../support/clusters.ts'
import { compareRows } from '../support/compare.ts'
import { endOf, inSession } from '../support/following.ts'

// Servers have to start.
setDefaultTimeout(120_000)

describe('tables', () => {
  for (const major of [12, 18] as Major[]) {
    test(`of PostgreSQL ${major} that cannot be followed, and why`, async () => {
      const source = await (await cluster(major)).createDatabase()
      await source.sql(`
        create table good (id int primary key);
        create table keyless (a int);
        create table whole (a int); alter table whole replica identity full;
        create table nothing (id int primary key); alter table nothing replica identity nothing;
        create unlogged table fleeting (id int primary key);
        create table late (id int, primary key (id) deferrable);
        create table by_computed (id int, twice int generated always as (id * 2) stored primary key);
        create table computed (id int primary key, twice int generated always as (id * 2) stored)`)
      const names = [
        'good',
        'keyless',
        'whole',
        'nothing',
        'fleeting',
        'late',
        'computed',
        'by_computed',
        'absent',
      ]
      const tables = names.map((name) => ({ schema: 'public', name }))
      const findings = await inSession(source, (session) => checkSource(session, { tables }))
      const found = (level: string) =>
        findings.filter((one) => one.level === level).map(({ table }) => table?.name ?? 'server')
      // Since 18 stored columns can be sent.
      const unsent = major < 18 ? ['by_computed'] : []
      expect(found('error')).toEqual(['keyless', 'nothing', 'fleeting', 'late', ...unsent, 'absent'])
      expect(found('warning')).toEqual(['whole', 'computed', 'by_computed'])
      const lenient = await inSession(source, (session) =>
        checkSource(session, { tables, insertsOnly: [{ schema: 'public', name: 'keyless' }] }),
      )
      expect(lenient.some(({ table }) => table?.name === 'keyless')).toBe(false)
    })
  }

  test('partitions are looked at where the server looks', async () => {
    const source = await (await cluster(17)).createDatabase()
    await source.sql(`
      create table root (id int, region int) partition by list (region);
      create table leaf partition of root (primary key (id)) for values in (1);
      create table bare partition of root for values in (2)`)
    const tables = [{ schema: 'public', name: 'root' }]
    const findings = await inSession(source, (session) => checkSource(session, { tables }))
    expect(findings.map(({ problem }) => problem)).toEqual([
      'public.bare has no usable replica identity, so updates and deletes would fail on the source',
    ])
  })
})

test('a server that keeps no logical log, and a role that may not replicate', async () => {
  const server = await cluster(15, {
    settings: { wal_level: 'replica', max_wal_senders: '0', max_replication_slots: '1' },
  })
  const source = await server.createDatabase()
  await source.sql('create role plain login')
  await using session = await Session.open(resolveSettings({ url: server.url(source.name, 'plain') }))
  const findings = await checkSource(session, { tables: [{ schema: 'public', name: 'x' }], slots: 2 })
  expect(findings.map(({ problem }) => problem)).toEqual([
    'wal_level is replica',
    '0 of 1 replication slots are in use, 2 more are needed',
    '0 of 0 walsenders are busy, 2 more are needed',
    'the role has no REPLICATION right',
    'the role may not create a publication in this database',
    'there is no table public.x',
  ])
})

test('a publication of the user that lacks something', async () => {
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
    'the publication theirs does not have public.b',
  ])
})

describe('without superusers: REPLICATION and ownership are enough', () => {
  for (const major of majors) {
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
        expect(await checkSource(there, { tables: [table] })).toEqual([])
        const findings = await checkDestination(here, { tables: [table] })
        expect(findings.map(({ level }) => level)).toEqual(['warning', 'warning'])
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
      await follower.stopAt(await endOf(from))
      const differences = await compareRows(from, to)
      expect(differences.filter((line) => !line.includes('pgtrek.'))).toEqual([])
      await using there = await Session.open(source)
      expect(await dropSlot(there, name)).toBe(true)
      expect(await readSlot(there, name)).toBeUndefined()
    })
  }
})
