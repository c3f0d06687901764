// A read-only old primary: who can still write there, and how it becomes writable again.
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { cleanUpFollow } from '../../server/follow/cleanup.ts'
import { setReadOnly } from '../../server/follow/switchover/read-only.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { FollowStore } from '../../server/store/follows.ts'
import { RunStore } from '../../server/store/runs.ts'
import { defaultFollowOptions } from '../../shared/defaults.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { casesOf } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { ownedDatabase, plainRole } from '../faults/owners.ts'

const logical = { settings: { wal_level: 'logical' } }
const tables = `
  create table owner (id int primary key, note text);
  create table pet (id int primary key, owner int references owner on delete cascade);
  create table visit (id int, day date) partition by range (day);
  create table visit_2024 partition of visit for values from ('2024-01-01') to ('2025-01-01');
  alter table visit add primary key (id, day);
  create unlogged table scratch (id int);
  create table "Odd ""name" (id int primary key);
  insert into owner values (1, 'a'), (2, 'b');
  insert into pet values (1, 1), (2, 2);`

const refusedWrites = [
  "insert into owner values (9, 'late')",
  'update pet set owner = 2',
  'delete from owner',
  'truncate owner cascade',
  "insert into visit values (1, '2024-05-05')",
  "insert into visit_2024 values (1, '2024-05-05')",
  'insert into scratch values (1)',
  'insert into "Odd ""name" values (1)',
]

async function guardOf(database: TestDatabase) {
  const triggers = await database.sql("select from pg_trigger where tgname = 'pgtrek_read_only'")
  const functions = await database.sql("select from pg_proc where proname = 'refuse_writes'")
  const settings = await database.sql(
    'select from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())',
  )
  return { triggers: triggers.length, functions: functions.length, settings: settings.length }
}

const nothing = { triggers: 0, functions: 0, settings: 0 }

function ends(source: { url: string }, destination: { url: string }) {
  return {
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    follow: defaultFollowOptions,
  }
}

async function pair(from: 12 | 14 | 15 | 17 | 18, to: 14 | 15 | 17 | 18) {
  const source = await (await cluster(from, logical)).createDatabase()
  const destination = await (await cluster(to, logical)).createDatabase()
  await source.sql(tables)
  return { source, destination }
}

describe('read-only', () => {
  test.each(casesOf([[14, 18]] as const, [[18, 15]] as const))(
    'refuses explicit read-write transactions of %d, and lets the changes of %d come back',
    async (from, to) => {
      const { source, destination } = await pair(from, to)
      await using moving = move({ source, destination })
      await moving.untilStreaming()
      const { error, report } = await moving.switchover({ read_only_source: true, keep_reverse: true })
      expect(error).toBeUndefined()
      expect(report?.read_only).toMatchObject({ tables_guarded: 6, tables_unguarded: [] })
      for (const write of refusedWrites) {
        await expect(source.sql(`begin read write; ${write}; commit`)).rejects.toThrow(/is read-only: pgtrek/)
      }
      await destination.sql(`
        insert into owner values (3, 'c'); insert into pet values (3, 3);
        delete from owner where id = 1;
        insert into visit values (2, '2024-02-02')`)
      await destination.sql('truncate pet')
      await destination.sql('insert into "Odd ""name" values (7)')
      const back = await moving.switchover({ back: true })
      expect(back.error).toBeUndefined()
      expect(await compareRows(destination, source)).toEqual([])
      expect(await guardOf(source)).toEqual(nothing)
    },
  )

  test.each(casesOf([[14, 18]] as const, [[18, 14]] as const))(
    'a role that is no superuser ends the sessions of others and guards its tables (%d to %d)',
    async (from, to) => {
      const [one, other] = [await cluster(from, logical), await cluster(to, logical)]
      const role = await plainRole(one, other)
      const application = await plainRole(one)
      for (const server of [one, other]) await server.sql('postgres', `alter role ${role} replication`)
      await one.sql('postgres', `grant pg_signal_backend to ${role}`)
      const source = await ownedDatabase(one, role, tables)
      const destination = await ownedDatabase(other, role)
      await one.sql('postgres', `alter database "${source.name}" owner to ${role}`)
      await source.sql(`grant all on all tables in schema public to ${application}`)
      await using moving = move({
        source: { url: source.loginUrl },
        destination: { url: destination.loginUrl },
      })
      await moving.untilStreaming()
      const client = source.connect({ user: application })
      await client.unsafe("begin; insert into owner values (4, 'open')")
      const { error, report } = await moving.switchover({ read_only_source: true, keep_reverse: true })
      expect(error).toBeUndefined()
      expect(report?.read_only).toMatchObject({ sessions_ended: 1, tables_unguarded: [] })
      await client.end()
      expect(await source.sql('select from owner where id = 4')).toEqual([])
      const again = source.connect({ user: application })
      await expect(
        again.unsafe("begin read write; insert into owner values (5, 'x'); commit"),
      ).rejects.toThrow('is read-only: pgtrek')
      await again.end()
      // Below 15 only superusers can be a replica. Changes of the move are applied all the same.
      await destination.sql("insert into owner values (6, 'back')")
      const back = await moving.switchover({ back: true })
      expect(back.error).toBeUndefined()
      expect(await source.sql('select note from owner where id > 3')).toEqual([{ note: 'back' }])
    },
  )

  test('is undone when the switchover fails, with the setting that was there before', async () => {
    const { source, destination } = await pair(15, 17)
    await source.sql(`alter database "${source.name}" set default_transaction_read_only = off`)
    await using moving = move({ source, destination })
    await moving.untilStreaming()
    await destination.sql('delete from pet')
    const { state } = await moving.switchover({ read_only_source: true })
    expect(state).toBe('failed')
    expect(await guardOf(source)).toEqual({ triggers: 0, functions: 0, settings: 1 })
    expect(
      await source.sql(
        'select setconfig::text as setting from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())',
      ),
    ).toEqual([{ setting: '{default_transaction_read_only=off}' }])
    await source.sql("insert into owner values (10, 'works')")
  })

  test('is undone by the next process after a kill, and by a cleanup without a record of it', async () => {
    const { source, destination } = await pair(17, 15)
    await using moving = move({ source, destination })
    await moving.untilStreaming()
    // As after a kill before all tables have their trigger.
    await setReadOnly(resolveSettings({ url: source.url }), { move: moving.run.name, to: 'elsewhere' })
    await source.sql(`begin read write;
      create trigger pgtrek_read_only before insert on owner for each statement execute function pgtrek.refuse_writes();
      commit`)
    await moving.restart()
    await moving.untilStreaming()
    expect(await guardOf(source)).toEqual(nothing)
    await source.sql("insert into owner values (10, 'works')")

    expect((await moving.switchover({ read_only_source: true })).error).toBeUndefined()
    await moving.run.done
    // A copy of it is as it was before.
    const copied = await (await cluster(18, logical)).createDatabase()
    expect((await clone(source, copied)).failures).toEqual([])
    await copied.sql("insert into owner values (11, 'works')")
    const both = ends(source, destination)
    const runs = new RunStore(join(scratchDirectory(), 'elsewhere'))
    try {
      const store = new FollowStore(runs.database)
      const kept = await cleanUpFollow(both, store, { writable: false })
      expect(kept.remarks.join()).toContain('stays read-only')
      await expect(source.sql('begin read write; delete from pet; commit')).rejects.toThrow('is read-only')
      const undone = await cleanUpFollow(both, store, { writable: true })
      expect(undone.remarks.join()).toContain('can be written to again')
    } finally {
      runs[Symbol.dispose]()
    }
    expect(await guardOf(source)).toEqual(nothing)
    await source.sql("insert into owner values (11, 'works')")
  })
})
