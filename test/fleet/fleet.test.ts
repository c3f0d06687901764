// Two instances with several databases to two others: followed under load, restarted, with one failure, switched over.
import { expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { FleetRun } from '../../server/fleet/fleet-run.ts'
import { quoteIdentifier } from '../../server/postgres/quote.ts'
import { FleetConfig, type FleetDatabase, type FleetView } from '../../shared/fleet.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { type Cluster, type Major, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { startWorkload, workloadTables } from '../../tools/torture/workload.ts'

const patienceMs = 90_000
const settings = { wal_level: 'logical' }
const server = (major: Major) => startCluster({ major, settings })

async function until(what: string, fleet: FleetRun, holds: (view: FleetView) => boolean): Promise<FleetView> {
  let view = fleet.view()
  await eventually(
    what,
    () => {
      view = fleet.view()
      return all(view).map(({ name, state, ready, error, row_difference }) => {
        return { name, state, reasons: ready?.reasons, error, row_difference }
      })
    },
    () => holds(view),
    { withinMs: patienceMs },
  )
  return view
}

const all = (view: FleetView): FleetDatabase[] => view.mappings.flatMap(({ databases }) => databases)

/** Roles, their attributes, members and settings. */
function rolesOf(instance: Cluster) {
  return instance.sql(
    'postgres',
    `select rolname as role, rolinherit, rolcreatedb, rolcreaterole, rolreplication, rolcanlogin, rolconnlimit,
            rolvaliduntil::text, shobj_description(r.oid, 'pg_authid') as comment,
            array(select g.rolname || ' ' || m.admin_option from pg_auth_members m
                   join pg_roles g on g.oid = m.roleid where m.member = r.oid order by 1)::text as member_of,
            array(select coalesce(d.datname, '*') || ' ' || s.setconfig::text from pg_db_role_setting s
                   left join pg_database d on d.oid = s.setdatabase
                  where s.setrole = r.oid and d.datname is distinct from 'tested' order by 1)::text as settings
       from pg_roles r where rolname ~ '^(app|staff)' order by 1`,
  )
}

/** Grants on a database, except those of owners; MAINTAIN exists since 17. */
function rightsOf(instance: Cluster, database: string) {
  return instance.sql(
    database,
    `with list(object, acl) as (
       select 'database', datacl from pg_database where datname = current_database()
       union all select 'schema ' || nspname, nspacl from pg_namespace where nspname !~ '^(pg_|information_|pgtrek)'
       union all select 'relation ' || relname, relacl from pg_class where relnamespace = 'public'::regnamespace
       union all select 'column ' || relname || '.' || attname, attacl from pg_attribute a
                   join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace
       union all select 'function ' || oid::regprocedure::text, proacl from pg_proc
                  where pronamespace = 'public'::regnamespace
       union all select 'default ' || defaclrole::regrole::text || ' ' || defaclobjtype::text, defaclacl from pg_default_acl)
     select object, grantee::regrole::text as role, privilege_type as privilege, is_grantable as passes_on
       from list, aclexplode(acl)
      where grantee <> 0 and grantee <> grantor and privilege_type <> 'MAINTAIN'
      order by object, role, privilege`,
  )
}

test('two instances to two others, stateless, restarted during the move, with a failing table, switched over one by one', async () => {
  const [a, b, c, d] = await Promise.all([server(14), server(15), server(18), server(17)])
  try {
    const databases: TestDatabase[] = []
    for (const [instance, names] of [
      [a, ['crm', 'shop "old"']],
      [b, ['stock', 'tested']],
    ] as const) {
      const app = `app_${names[0]}`
      await instance.sql(
        'postgres',
        `create role ${app} login connection limit 7 password 'x' valid until '2040-01-01';
         create role "staff of ${names[0]}" nologin createdb;
         comment on role ${app} is 'of the application';
         grant "staff of ${names[0]}" to ${app} with admin option;
         alter role ${app} set statement_timeout = '1min'`,
      )
      for (const name of names) {
        const database = await instance.createDatabase(name)
        await database.sql(workloadTables('source', false))
        await database.sql(`
          grant select on all tables in schema public to ${app};
          grant update (v) on pair to ${app} with grant option;
          create function answer() returns int language sql as 'select 42';
          revoke execute on function answer() from public;
          grant execute on function answer() to "staff of ${names[0]}";
          alter default privileges in schema public grant select on tables to ${app};
          grant create, temporary on database ${quoteIdentifier(name)} to "staff of ${names[0]}";
          grant usage on schema public to ${app};
          alter role ${app} in database ${quoteIdentifier(name)} set work_mem = '8MB'`)
        databases.push(database)
      }
    }
    // A subscription of the server confuses 1.0 and 1.00 if a row has no key.
    await databases[2]?.sql('alter table loose alter c type text')
    // This one cannot be followed: it has no key, and updates.
    await databases[1]?.sql('create table hopeless (a int); insert into hopeless values (1)')
    const config = Value.Default(FleetConfig, {
      mappings: [
        { name: 'first', source: { url: a.url('postgres') }, dest: { url: c.url('postgres') } },
        {
          name: 'second',
          source: { url: b.url('postgres') },
          dest: { url: d.url('postgres') },
          databases: { exclude: ['tested'] },
          engine: 'native',
        },
      ],
      readyForSeconds: 1,
      countEverySeconds: 1,
    }) as FleetConfig
    const loads = [databases[0], databases[2]].map((database, index) =>
      startWorkload(database as TestDatabase, { seed: index + 1, sessions: 1, truncates: false }),
    )
    const services = { store: undefined, signal: new AbortController().signal }
    let fleet = FleetRun.start(config, services)
    const first = await until('all three copied or blocked', fleet, (view) => {
      const states = all(view).map(({ state }) => state)
      return (
        states.length === 3 &&
        states.every((state) => !['waiting', 'preflight', 'schema', 'copying'].includes(state))
      )
    })
    const broken = all(first).find(({ name }) => name === 'shop "old"')
    expect(broken?.state).toBe('problem')
    expect(broken?.error?.message).toContain('hopeless')

    await within('the fleet to stop', fleet.stop())
    await databases[1]?.sql('alter table hopeless replica identity full')
    fleet = FleetRun.start(config, services)
    for (const load of loads) await load.stop()
    const ready = await until(
      'all three to be ready',
      fleet,
      (view) => all(view).length === 3 && all(view).every(({ state }) => state === 'ready'),
    )
    expect(ready.mappings.map(({ state }) => state)).toEqual(['ready', 'ready'])
    expect(all(ready).map(({ engine }) => engine)).toEqual(['pgtrek', 'pgtrek', 'native'])
    await until('equal counts', fleet, (view) => all(view).every((one) => one.row_difference === 0))

    expect(await fleet.act({ type: 'complete', mapping: 'first' })).toMatchObject({ ok: false })
    expect(await fleet.act({ type: 'switchover', mapping: 'second', verify: true })).toMatchObject({
      ok: true,
    })
    await until('the second to be done', fleet, ({ mappings }) => mappings[1]?.state === 'done')
    await until('the first to be ready', fleet, ({ mappings }) => mappings[0]?.state === 'ready')
    expect(await fleet.act({ type: 'switchover', verify: true })).toMatchObject({ ok: true })
    await until('all to be done', fleet, (view) => all(view).every(({ state }) => state === 'done'))
    for (const [index, target] of [c, c, d].entries()) {
      const source = databases[index] as TestDatabase
      expect(await compareRows(source, target.database(source.name))).toEqual([])
    }
    for (const [from, to, names] of [
      [a, c, ['crm', 'shop "old"']],
      [b, d, ['stock']],
    ] as const) {
      const roles = await rolesOf(from)
      expect(JSON.stringify(roles)).toContain(`${names[0]} {work_mem=8MB}`)
      expect(await rolesOf(to)).toEqual(roles)
      for (const name of names) {
        const rights = await rightsOf(from, name)
        expect(rights.length).toBeGreaterThan(10)
        expect(await rightsOf(to, name)).toEqual(rights)
      }
    }
    // A new process without state does not start the databases that were switched over again.
    await within('the fleet to stop', fleet.stop())
    fleet = FleetRun.start(config, services)
    await until(
      'all three to be done',
      fleet,
      (view) => all(view).length === 3 && all(view).every(({ state }) => state === 'done'),
    )
    // A forgotten client writes to an old primary.
    await databases[0]?.sql('insert into loose select * from loose limit 1')
    const late = await fleet.act({ type: 'complete', mapping: 'first' })
    expect([late.ok, late.message]).toEqual([
      false,
      expect.stringContaining('only there: 1 transaction in public.loose'),
    ])
    for (const mapping of ['first', 'second']) {
      const action = { type: 'complete', mapping, discard_late_writes: mapping === 'first' } as const
      expect(await fleet.act(action)).toMatchObject({ ok: true })
    }
    await within('the end of the fleet', fleet.done)
    for (const instance of [a, b, c, d]) {
      expect(await instance.sql('postgres', 'select slot_name from pg_replication_slots')).toEqual([])
      expect(await instance.sql('postgres', 'select roname from pg_replication_origin')).toEqual([])
    }
    const own = "select relname as name from pg_class where relnamespace = to_regnamespace('pgtrek')"
    expect(await a.sql('crm', own)).toEqual([])
    expect(await c.sql('crm', own)).toEqual([{ name: 'move' }])
    // A new process without state recognises all of them, and has nothing to do.
    fleet = FleetRun.start(config, services)
    await within('the end of the fleet', fleet.done)
    expect(all(fleet.view()).map(({ state }) => state)).toEqual(['complete', 'complete', 'complete'])
  } finally {
    await Promise.all([a, b, c, d].map((instance) => instance.stop()))
  }
})

test('a database that exists and is not empty is refused and not changed; the others continue', async () => {
  const [from, to] = await Promise.all([server(15), server(18)])
  try {
    for (const name of ['one', 'two']) {
      await (await from.createDatabase(name)).sql(
        'create table item (id int primary key); insert into item values (1), (2)',
      )
    }
    await (await to.createDatabase('two')).sql(
      'create table precious (id int); insert into precious values (42)',
    )
    const config = Value.Default(FleetConfig, {
      mappings: [
        {
          name: 'all',
          source: { url: from.url('postgres') },
          dest: { url: to.url('postgres') },
          follow: false,
        },
      ],
      countEverySeconds: 0,
    }) as FleetConfig
    const fleet = FleetRun.start(config, { store: undefined, signal: new AbortController().signal })
    await within('the end of the fleet', fleet.done)
    const [one, two] = all(fleet.view())
    expect([one?.name, one?.state, two?.name, two?.state]).toEqual(['one', 'synced', 'two', 'problem'])
    expect(two?.error?.message).toContain('is not empty')
    expect(await to.sql('two', 'select id from precious')).toEqual([{ id: 42 }])
    expect(await to.sql('one', 'select count(*)::int as n from item')).toEqual([{ n: 2 }])
  } finally {
    await Promise.all([from.stop(), to.stop()])
  }
})

test('a new process without state knows what a copy could not copy; a missing extension stops a database', async () => {
  const [from, to] = await Promise.all([server(15), server(17)])
  try {
    const shop = await from.createDatabase('shop')
    // The rows violate a constraint that the destination checks again.
    await shop.sql(`
      create table item (id int primary key);
      insert into item values (1), (2);
      create function is_good(int) returns bool language sql immutable as 'select true';
      create table lost (id int primary key check (is_good(id)));
      insert into lost values (1), (2), (3);
      create or replace function is_good(int) returns bool language sql immutable as 'select false'`)
    const needs = await from.createDatabase('needs')
    // Simulates a package that is installed only on the source.
    await needs.sql("update pg_extension set extname = 'postgis'")
    for (const follow of [false, true]) {
      const config = Value.Default(FleetConfig, {
        mappings: [
          {
            name: 'all',
            source: { url: from.url('postgres') },
            dest: { url: to.url('postgres') },
            roles: 'none',
            follow,
          },
        ],
        readyForSeconds: 1,
        countEverySeconds: 0,
      }) as FleetConfig
      for (const process of ['the first process', 'one that knows nothing']) {
        const signal = new AbortController().signal
        const fleet = FleetRun.start(config, { store: undefined, signal })
        const view = await until(
          `both to be refused or incomplete, for ${process}`,
          fleet,
          (now) => all(now).length === 2 && all(now).every(({ state }) => state === 'problem'),
        )
        const [one, two] = all(view)
        expect([one?.name, one?.error?.message]).toEqual(['needs', expect.stringContaining('postgis')])
        expect([two?.name, two?.error?.message]).toEqual(['shop', expect.stringContaining('lost')])
        await within('the fleet to stop', fleet.stop())
      }
      expect(await to.sql('postgres', "select from pg_database where datname = 'needs'")).toEqual([])
      if (!follow) await to.sql('postgres', 'drop database shop')
    }
  } finally {
    await Promise.all([from.stop(), to.stop()])
  }
})
