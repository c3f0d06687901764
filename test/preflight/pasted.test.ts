// Every printed statement is run as printed, by the role that it names, and fixes the finding.
import { afterAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checks } from '../../server/preflight/checks.ts'
import type { PreflightItem } from '../../shared/preflight.ts'
import { eventually } from '../../tools/eventually.ts'
import { clone } from '../../tools/moves/clone.ts'
import {
  type Cluster,
  cluster,
  type Major,
  type OwnCluster,
  startCluster,
  type TestDatabase,
} from '../../tools/servers/clusters.ts'
import type { DatabaseOptions } from '../../tools/servers/databases.ts'
import { look, type Wishes } from './check-context.ts'

interface Ends {
  source: End
  destination: End
}

interface End {
  server: Cluster
  database: TestDatabase
  /** The connecting role of the preflight. */
  user?: string
}

interface Case {
  ids: string[]
  about?: string
  major?: Major
  destination?: Major
  made?: DatabaseOptions
  wishes?: Wishes
  /** Creates the problem; the returned function undoes it at the end. */
  fault(ends: Ends): Promise<unknown>
  /** The connections for the check after the fix. */
  afterwards?: (ends: Ends, printed: string) => Ends
  said?: (printed: string, id: string) => void
  /** Checks that the finding is true before, and not any more after the fix. */
  proof?: (ends: Ends, isFixed: boolean) => Promise<unknown>
  after?: (ends: Ends) => Promise<unknown>
}

const follow: Wishes = { follow: true }
const odd = '"Odd ""one"""."T\'x"'

const cases: Case[] = [
  ...(
    [
      ['the database', 'alter database "D" set default_transaction_read_only = on'],
      ['the role', 'alter role pasted_reader set default_transaction_read_only = on'],
      ['the role in it', 'alter role pasted_reader in database "D" set default_transaction_read_only = on'],
    ] as const
  ).map(
    ([about, sql]): Case => ({
      ids: ['read-only-destination'],
      about,
      fault: async ({ destination }) => {
        await destination.database.sql('create role pasted_reader login superuser')
        destination.user = 'pasted_reader'
        await destination.server.sql('postgres', sql.replace('"D"', `"${destination.database.name}"`))
      },
      after: async ({ destination: { server, database } }) => {
        await server.sql('postgres', `alter database "${database.name}" reset all`)
        await server.sql('postgres', 'drop role pasted_reader')
      },
    }),
  ),
  {
    ids: ['encoding'],
    made: { encoding: 'LATIN1', locale: 'C' },
    fault: async () => {},
    afterwards: madeThere,
  },
  {
    ids: ['encoding'],
    about: 'SQL_ASCII',
    made: { encoding: 'SQL_ASCII', locale: 'C' },
    fault: async () => {},
    afterwards: madeThere,
  },
  {
    ids: ['collation'],
    about: 'ICU',
    made: { encoding: 'UTF8', locale: 'C', icuLocale: 'de' },
    fault: async () => {},
    afterwards: madeThere,
  },
  {
    ids: ['collation-versions'],
    made: { encoding: 'UTF8', locale: 'C', icuLocale: 'de' },
    fault: async ({ source, destination }) => {
      for (const { database } of [source, destination]) {
        await database.sql(`
          create schema "Odd ""one""";
          create table ${odd} (x text collate "de-x-icu" primary key, y text, z text, n int unique);
          create index "by Y" on ${odd} ((lower(y) collate "de-x-icu"));
          alter table ${odd} add constraint once exclude using btree (x with =);
          update pg_collation set collversion = '1' where collname = 'de-x-icu'`)
      }
      await source.database.sql(`create index on ${odd} (z);
        update pg_database set datcollversion = '1' where datname = current_database()`)
    },
    said: (printed) => {
      expect(printed).toContain('reindex index concurrently "Odd ""one"""."by Y"')
      expect(printed).toContain('reindex index "Odd ""one""".once')
      expect(printed.lastIndexOf('refresh collation version')).toBeGreaterThan(printed.indexOf('_z_idx'))
      expect(printed).not.toContain('_n_key')
    },
  },
  {
    ids: ['extensions', 'roles'],
    fault: async ({ source, destination }) => {
      await source.database.sql(`
        create role pasted_owner; create role "pasted ""two""";
        create schema "Odd ""one"""; create extension pg_stat_statements with schema "Odd ""one""";
        create extension pg_buffercache;
        create table t (x int primary key); alter table t owner to pasted_owner;
        create table u (x int primary key); alter table u owner to "pasted ""two"""`)
      await asPlain(destination, 'pasted_maker')
      await destination.database.sql('create role pasted_owner')
    },
    after: ({ source }) =>
      source.database.sql('alter table t owner to postgres; alter table u owner to postgres'),
  },
  ...([12, 15] as const).map(
    (major): Case => ({
      ids: ['source-rights'],
      major,
      fault: async ({ source }) => {
        await asPlain(source, `pasted_reader_${major}`)
        await source.database.sql(`
          create role pasted_other_${major} login;
          create schema "Odd ""one"""; create table ${odd} (x serial primary key); create table t (x int primary key);
          create table u (x int primary key); alter table u owner to pasted_other_${major}`)
      },
      after: ({ source }) => source.database.sql('drop table u'),
    }),
  ),
  {
    ids: ['row-security'],
    fault: async ({ source, destination }) => {
      for (const end of [source, destination]) {
        await asPlain(end, 'pasted_policed')
        await end.database.sql(
          'create table t (x int primary key); alter table t enable row level security; grant select on t to pasted_policed',
        )
      }
    },
  },
  {
    ids: ['destination-rights', 'database-owner', 'apply-rights'],
    wishes: follow,
    fault: async ({ source, destination }) => {
      await source.database.sql(
        'create table t (x int primary key); create schema "Odd ""one"""; create table "Odd ""one""".t (x int primary key)',
      )
      await asPlain(destination, 'pasted "writer"')
      await destination.database.sql(
        'revoke create on schema public from public; create schema "Odd ""one"""',
      )
    },
    after: ({ destination }) =>
      destination.database.sql(`
        revoke set on parameter session_replication_role from "pasted ""writer""";
        alter database "${destination.database.name}" owner to postgres`),
  },
  ...(['nothing is there', 'the schema of another role', 'the table of another role'] as const).map(
    (about, stage): Case => ({
      ids: ['position'],
      about,
      wishes: follow,
      fault: async ({ destination }) => {
        await asPlain(destination, 'pasted_keeper')
        if (stage > 0) await destination.database.sql('create schema pgtrek')
        if (stage > 1)
          await destination.database.sql(
            'create table pgtrek.position (name text primary key, lsn pg_lsn not null)',
          )
      },
    }),
  ),
  {
    ids: ['connections'],
    about: 'CONNECTION LIMIT',
    wishes: { options: { workers: 4, indexWorkers: 2 } },
    fault: async ({ source, destination }) => {
      await asPlain(source, 'pasted "few"')
      await source.database.sql('alter role "pasted ""few""" connection limit 4')
      await asPlain(destination, 'pasted_few')
      await destination.database.sql(`alter database "${destination.database.name}" connection limit 3`)
    },
    said: (printed) => {
      expect(printed).toContain('alter role "pasted ""few""" connection limit')
      expect(printed).toMatch(/alter database "\w+" connection limit/)
      expect(printed).not.toContain('max_connections')
    },
  },
  {
    ids: ['large-objects'],
    fault: async ({ source, destination }) => {
      for (const { database } of [source, destination]) await database.sql('select lo_create(4711)')
    },
  },
  {
    ids: ['unlogged-tables'],
    wishes: follow,
    fault: ({ source }) =>
      source.database.sql(`
        create unlogged table z (x int primary key, up int references z);
        create unlogged table y (x int primary key references z);
        create unlogged table a (x int primary key references y)`),
  },
  {
    ids: ['tables-without-key'],
    wishes: { options: { existingDataMode: 'upsert' } },
    fault: ({ source }) =>
      source.database.sql(`
        create schema "Odd ""one"""; create table ${odd} (x int, "Y" int not null, z int, unique (x, "Y"), unique (z));
        insert into ${odd} values (1, 1, null), (2, 2, 2); analyze ${odd}`),
  },
  {
    ids: ['partition-trees'],
    fault: ({ source }) =>
      source.database.sql(`
        create table tree (x int) partition by range (x);
        create table twig partition of tree for values from (0) to (100) partition by range (x);
        create table "Leaf" partition of twig for values from (0) to (10);
        update pg_inherits set inhdetachpending = true where inhrelid = '"Leaf"'::regclass`),
  },
  {
    ids: ['unqualified-names'],
    fault: ({ source }) =>
      source.database.sql(`
        create schema "Ext 1"; create extension unaccent with schema "Ext 1";
        create schema app;
        create type app.mood as enum ('good', 'bad');
        create table app.factor (x int);
        set search_path = app, "Ext 1";
        create function app.plain(text) returns text language sql immutable as 'select unaccent($1)';
        create function app.called(x text) returns text language sql immutable as 'select app.plain(x) || x';
        create function app.checked(x text) returns bool language plpgsql immutable as
          'declare m mood; begin m := x; return m is not null; end';
        create function app.times(int) returns int language plpgsql stable as
          'begin return (select $1 * x from factor limit 1); end';
        create function app."Set"(x text) returns text language sql immutable set search_path = "Ext 1", app
          as 'select unaccent(x) || plain(x)';
        create function app.broken(x text) returns text language sql as 'select 1::text';
        create table app.t (x text check (app.checked(x)), y text generated always as (app."Set"(x)) stored);
        insert into app.t values ('good');
        create table app.u (x text);
        create index on app.u (app.called(x));
        create materialized view app.m as select app.times(1) as x;
        alter database "${source.database.name}" set search_path = app, "Ext 1"`),
    proof: unqualifiedProof,
    said: (printed) => {
      expect(printed).toContain('alter function app.plain(text) set search_path = pg_catalog, "Ext 1"')
      expect(printed).toContain('alter function app.checked(text) set search_path = pg_catalog, app')
      expect(printed).toContain('alter function app.times(integer) set search_path = pg_catalog, app')
      expect(printed).not.toContain('"Set"')
      expect(printed).not.toContain('app.called')
    },
  },
  {
    ids: ['unqualified-names'],
    about: 'of an extension',
    major: 12,
    destination: 14,
    fault: ({ source }) =>
      source.database.sql(`
        create extension cube; create extension earthdistance;
        create table t (x float8, y float8); create index on t using gist (ll_to_earth(x, y))`),
    said: (printed) => expect(printed).toContain('-- on the destination'),
    proof: async ({ source, destination }, isFixed) => {
      const target = isFixed ? destination.database : await destination.server.createDatabase()
      const { failures } = await clone(source.database, target)
      expect(failures).toEqual(isFixed ? [] : [expect.stringContaining('uses it without a schema')])
    },
  },
  {
    ids: ['invalid-indexes'],
    fault: async ({ source }) => {
      await source.database.sql(`
        create schema "Odd ""one"""; create table ${odd} (x int, during int4range, exclude using gist (during with &&));
        insert into ${odd} values (1), (1);
        create index "t_ccnew" on ${odd} (x);
        update pg_index set indisvalid = false where indisexclusion or indexrelid = '"Odd ""one""".t_ccnew'::regclass`)
      await source.database.sql(`create unique index concurrently "Broken" on ${odd} (x)`).catch(() => {})
      await source.database.sql(`delete from ${odd} where ctid = '(0,1)'`)
    },
    said: (printed) => expect(printed).toContain('drop index concurrently "Odd ""one""".t_ccnew'),
  },
  {
    ids: ['not-valid-constraints'],
    major: 18,
    fault: ({ source }) =>
      source.database.sql(`
        create domain "Age" as int; alter domain "Age" add constraint "Pos" check (value > 0) not valid;
        create table p (x int primary key) partition by range (x);
        create table p1 partition of p for values from (0) to (100);
        create table t (x int constraint "not here" check (x > 0) not enforced, y int);
        alter table t add constraint "To P" foreign key (y) references p not valid;
        alter table t add constraint small check (y < 10) not valid;
        alter table t add constraint there not null y not valid;
        alter table p add constraint someday foreign key (x) references p not enforced`),
    said: (printed) => expect(printed).not.toMatch(/not here|someday/),
  },
  {
    ids: ['extension-changes'],
    fault: async ({ source, destination }) => {
      for (const { database } of [source, destination])
        await database.sql(
          'create table mine (x int primary key); create extension hstore; alter extension hstore add table mine',
        )
      await source.database.sql('create index "Added" on mine ((x + 1))')
    },
  },
  {
    ids: ['leftovers'],
    fault: ({ source }) =>
      source.database.sql(`select pg_create_logical_replication_slot('pgtrek_pasted', 'pgoutput')`),
  },
  {
    ids: ['destination-replication'],
    fault: ({ destination }) =>
      destination.database.sql(`
        create subscription "In ""ward" connection 'host=nowhere' publication p with (connect = false);
        update pg_subscription set subenabled = true where subname = 'In "ward'`),
    after: ({ destination }) =>
      destination.database.sql(
        'alter subscription "In ""ward" set (slot_name = none); drop subscription "In ""ward"',
      ),
  },
  {
    ids: ['event-triggers'],
    fault: ({ destination }) =>
      destination.database.sql(`
        create function see() returns event_trigger language plpgsql as 'begin end';
        create event trigger "Watch" on ddl_command_end execute function see();
        alter event trigger "Watch" enable always`),
    said: (printed) => expect(printed).toContain('-- afterwards: alter event trigger "Watch" enable always'),
  },
  {
    ids: ['long-transactions', 'locks'],
    wishes: { longTransaction: 0 },
    fault: async ({ source, destination }) => {
      for (const { database } of [source, destination]) {
        await database.sql('create table t (x int primary key)')
        const client = database.connect({ mayEnd: true })
        await client.unsafe('begin; lock table t')
      }
    },
  },
  {
    ids: ['prepared-transactions'],
    wishes: follow,
    fault: async ({ source }) => {
      await source.database.sql(`create table t (x int)`)
      await source.database.sql(`begin; insert into t values (1); prepare transaction 'it''s \\one'`)
    },
  },
  {
    ids: ['replication-right'],
    wishes: follow,
    fault: ({ source }) => asPlain(source, 'pasted "streamer"'),
  },
  {
    ids: ['replica-identity'],
    wishes: follow,
    major: 18,
    fault: ({ source }) =>
      source.database.sql(`
        create schema "Odd ""one"""; create table ${odd} (x int not null unique, y int);
        create table keyless (x int);
        create table tree (x int not null, y int) partition by range (x);
        create table "Leaf" partition of tree for values from (0) to (10);
        create unique index on tree (x);
        create table other partition of tree for values from (10) to (20);
        create table lost (x int primary key deferrable)`),
    said: (printed) => {
      expect(printed).toContain(`alter table ${odd} replica identity using index "T'x_x_key"`)
      expect(printed).toContain('alter table public."Leaf" replica identity using index "Leaf_x_idx"')
      expect(printed).toContain('alter table public.keyless replica identity full')
    },
  },
  {
    ids: ['replica-identity-full'],
    wishes: follow,
    fault: ({ source }) =>
      source.database.sql(`
        create table keyed (x int primary key); alter table keyed replica identity full;
        create table tree (x int primary key) partition by range (x);
        create table "Leaf" partition of tree for values from (0) to (10);
        alter table "Leaf" replica identity full;
        create table indexed (x int not null unique); alter table indexed replica identity full`),
  },
  {
    ids: ['both-ways-identity'],
    wishes: { follow: true, bidirectional: true },
    fault: async ({ source, destination }) => {
      await source.database.sql('create table t (x int primary key); alter table t replica identity full')
      for (const { database } of [source, destination])
        await database.sql('create table "U" (x int primary key)')
    },
  },
  {
    ids: ['computed-columns'],
    wishes: follow,
    fault: ({ source }) =>
      source.database.sql(`
        create table t (x int not null unique, y int generated always as (x * 2) stored primary key, z int);
        create table u (x int, y int generated always as (x * 2) stored primary key)`),
  },
  {
    ids: ['replica-triggers', 'replica-rules'],
    wishes: follow,
    fault: async ({ source, destination }) => {
      for (const { database } of [source, destination])
        await database.sql(`
          create schema "Odd ""one"""; create table ${odd} (x int primary key);
          create function fire() returns trigger language plpgsql as 'begin return null; end';
          create trigger "Fire" after insert on ${odd} execute function fire();
          alter table ${odd} enable always trigger "Fire";
          create rule "Rule" as on insert to ${odd} do also nothing;
          alter table ${odd} enable replica rule "Rule"`)
    },
  },
]

describe('statements are run as printed, and the check passes afterwards', () => {
  for (const one of cases) {
    const { ids, about, major = 15, destination = 18, made: options } = one
    test(`${ids.join(', ')}${about ? `: ${about}` : ''} (${major} to ${destination})`, async () => {
      const servers = { source: await cluster(major), destination: await cluster(destination) }
      const ends: Ends = {
        source: { server: servers.source, database: await servers.source.createDatabase(undefined, options) },
        destination: { server: servers.destination, database: await servers.destination.createDatabase() },
      }
      try {
        await one.fault(ends)
        await one.proof?.(ends, false)
        for (const id of ids) await fix(ends, id, one)
        await one.proof?.(ends, true)
      } finally {
        await one.after?.(ends)
      }
    })
  }
})

async function fix(ends: Ends, id: string, { wishes, afterwards, said }: Partial<Case>, executors = usual) {
  const alone = { ...wishes, chosen: checks.filter((check) => check.id === id) }
  const item = (await report(ends, alone)).item(id)
  expect(item).not.toMatchObject({ status: 'ok' })
  expect(item.error).toBeUndefined()
  expect(item.sql).not.toEqual([])
  const printed = item.sql.join(';\n')
  said?.(printed, id)
  await paste(ends, item.sql, executors)
  const fixed = afterwards?.(ends, printed) ?? ends
  // A terminated session disappears a moment later.
  await eventually(`silence of ${id}`, async () => (await report(fixed, alone)).item(id), isSilent, {
    withinMs: 10_000,
  })
}

/** Also true if the remaining finding needs no action. */
function isSilent({ id, status, objects, sql, todo }: PreflightItem): boolean {
  if (status === 'ok') return true
  const isNoted = id === 'position' ? todo === 'No action is needed.' : objects.length > 0
  return sql.length === 0 && isNoted && objects.every((name) => computedThere.has(`${id}: ${name}`))
}

/** The destination computes these columns, with any replica identity. */
const computedThere = new Set(['computed-columns: public.t: y', 'computed-columns: public.u: y'])

function report({ source, destination }: Ends, wishes?: Wishes) {
  const url = ({ server, database, user }: End) => server.url(database.name, user)
  return look(url(source), url(destination), wishes)
}

/** Maps the printed role to the URL that runs the statement. */
type Executors = (words: string) => string

const usual: Executors = (words) => {
  const [, owner] = /^"(.+)" or a superuser$/.exec(words) ?? []
  if (owner === undefined) expect(words).toMatch(/superuser|^"postgres"$/)
  return owner ?? 'postgres'
}

async function paste(ends: Ends, statements: readonly string[], executors: Executors) {
  let end: End | undefined
  let place = ''
  let user = ''
  for (const statement of statements) {
    const head = /^-- on the (source|destination)(?:, in database "(.+?)")?, as (.+)$/m.exec(statement)
    if (head) {
      end = ends[head[1] as keyof Ends]
      place = head[2] ?? end.database.name
      user = executors(head[3] ?? '')
    }
    if (!end) throw new Error(`no server is named for ${statement}`)
    const client = end.server.database(place).connect({ user })
    try {
      await client.unsafe(`${statement};`)
    } finally {
      await client.end()
    }
  }
}

/** Runs the preflight as a role without rights. */
async function asPlain(end: End, user: string) {
  end.user = user
  await end.database.sql(`
    do $$ begin create role "${user.replaceAll('"', '""')}" login; exception when duplicate_object then null; end $$`)
}

const thereMade: TestDatabase[] = []
afterAll(async () => {
  for (const database of thereMade) await database.drop()
})

/** Continues with the database that the fix has created. */
function madeThere(ends: Ends, printed: string): Ends {
  const name = /create database "(.+?)"/.exec(printed)?.[1] ?? ''
  const database = ends.destination.server.database(name)
  thereMade.push(database)
  return { ...ends, destination: { ...ends.destination, database } }
}

/** A clone reports the fix for each failure, and has no failures after it. */
async function unqualifiedProof({ source, destination }: Ends, isFixed: boolean) {
  const target = await destination.server.createDatabase()
  const { failures } = await clone(source.database, target)
  if (isFixed) return expect(failures).toEqual([])
  const advised = failures.filter((one) => one.includes('Set the search_path of the function on the source'))
  expect(advised).toEqual([
    expect.stringMatching(/^ROWS app\.t: type "mood" .* function checked uses it/),
    expect.stringMatching(/^INDEX app\.u_called_idx: function unaccent.* function plain uses it/),
    expect.stringMatching(/^MATERIALIZED VIEW DATA app\.m: .* function app\.times\(integer\) uses it/),
  ])
}

test('limits and settings of servers, which apply after a restart', async () => {
  await using server = await startCluster({
    major: 14,
    settings: {
      wal_level: 'replica',
      max_slot_wal_keep_size: '1GB',
      old_snapshot_threshold: '1h',
      max_connections: '12',
      max_prepared_transactions: '0',
      max_locks_per_transaction: '10',
      max_wal_senders: '10',
      max_replication_slots: '1',
      temp_file_limit: '8kB',
      max_worker_processes: '1',
      max_parallel_workers: '1',
    },
  })
  const source = { server, database: await server.createDatabase() }
  const destination = { server, database: await server.createDatabase() }
  const ends: Ends = { source, destination }
  const { name } = source.database
  await source.database.sql(`
    select pg_create_physical_replication_slot('taken');
    create table t (x int primary key);
    insert into t select generate_series(1, 10000);
    analyze t;
    alter database "${name}" set wal_sender_timeout = '3s';
    alter role postgres in database "${name}" set logical_decoding_work_mem = '1MB'`)
  await source.database.sql(
    `do $$ begin for i in 1..300 loop execute 'create table t' || i || ' (x int)'; if i % 100 = 0 then commit; end if; end loop; end $$`,
  )
  const wishes: Wishes = { follow: true, options: { workers: 8, parallelMaintenanceWorkers: 4 } }
  const { item } = await report(ends, wishes)
  for (const id of ofServers) {
    expect([id, item(id).status]).not.toEqual([id, 'ok'])
    expect([id, item(id).sql]).not.toEqual([id, []])
    await paste(ends, item(id).sql, usual)
  }
  await server.restart()
  const afterwards = await report(ends, wishes)
  for (const id of ofServers) expect([id, afterwards.item(id).status]).toEqual([id, 'ok'])
})

const ofServers = [
  ...['wal-level', 'replication-slots', 'wal-retention', 'wal-sender-timeout', 'logical-decoding-work-mem'],
  ...['timeouts', 'connections', 'locks-limit', 'worker-processes', 'way-back', 'disk-space'],
]

test('a standby that delays replay for its readers', async () => {
  await using server = await startCluster({ major: 15 })
  const plain = await cluster(18)
  const ends: Ends = {
    source: { server, database: await server.createDatabase() },
    destination: { server: plain, database: await plain.createDatabase() },
  }
  await makeStandby(server)
  await fix(ends, 'standby', {})
})

async function makeStandby(server: OwnCluster) {
  await server.down()
  writeFileSync(join(dirname(server.socketDir), 'data', 'standby.signal'), '')
  await server.up()
}

interface Provider {
  name: string
  major: Major
  internal: string
  admin: string
  roles: string
  settings: string
}

const providers: Provider[] = [
  {
    name: 'Amazon RDS or Aurora',
    major: 15,
    internal: 'rdsadmin',
    admin: 'rds_superuser',
    roles: 'create role rds_replication; grant rds_replication to master with admin option',
    settings: 'set rds.logical_replication = 1, in the DB parameter group of the instance',
  },
  {
    name: 'Google Cloud SQL',
    major: 18,
    internal: 'cloudsqladmin',
    admin: 'cloudsqlsuperuser',
    roles: 'alter role master replication',
    settings: 'set cloudsql.logical_decoding = on, as database flags of the instance',
  },
]

describe.each(providers)('on $name no instruction needs a role that users do not have', (provider) => {
  test('statements are run by roles that a user has there', async () => {
    const { major, admin, internal, roles, settings } = provider
    await using server = await startCluster({ major, settings: { wal_level: 'replica' } })
    const databases = [
      await server.createDatabase(),
      await server.createDatabase(),
      await server.createDatabase(),
    ]
    const [from, to, internals] = databases as [TestDatabase, TestDatabase, TestDatabase]
    await from.sql(`
      create role ${internal} superuser; create role ${admin}; create role master login createrole createdb;
      grant ${admin} to master with admin option; ${roles};
      alter database "${from.name}" owner to master; alter database "${to.name}" owner to master;
      alter database "${internals.name}" owner to ${internal}`)
    const master = from.connect({ user: 'master' })
    await master.unsafe(`
      create role owner login; create role mover login; create schema app authorization master;
      create table app.t (x int primary key); create table app.policed (x int primary key);
      alter table app.policed enable row level security`)
    await master.end()
    for (const { sql } of [to, internals]) await sql('revoke create on schema public from public')
    await from.sql(
      'alter schema app owner to owner; grant usage on schema app to master; alter table app.policed owner to owner; alter table app.policed force row level security; create table public.x (x int)',
    )
    const ends: Ends = {
      source: { server, database: from, user: 'mover' },
      destination: { server, database: to, user: 'mover' },
    }
    const executors: Executors = (words) => {
      if (words === `a member of ${admin}`) return 'master'
      if (words.startsWith('the owner of the database')) return 'master'
      const [, owner] = /^"(.+?)"/.exec(words) ?? []
      expect(owner).toMatch(/^(master|owner|postgres)$/)
      return owner ?? ''
    }
    const wishes: Wishes = { follow: true }
    const { items, item } = await report(ends, wishes)
    for (const { id, sql } of items) {
      // A statement that only a superuser may run is not printed without a superuser.
      expect([id, sql.join('; ')]).not.toEqual([
        id,
        expect.stringMatching(/, as a superuser|alter system|${internal}/),
      ])
    }
    expect(item('wal-level').todo).toContain(settings)
    for (const id of [
      'source-rights',
      'row-security',
      'replication-right',
      'destination-rights',
      'database-owner',
    ])
      await fix(ends, id, { wishes }, executors)
    const inside = await report(
      { ...ends, destination: { ...ends.destination, database: internals } },
      wishes,
    )
    for (const id of ['destination-rights', 'database-owner', 'position']) {
      expect(inside.item(id)).toMatchObject({
        sql: [],
        todo: expect.stringContaining('create a database of your own'),
      })
    }
  })
})

test('every check that can print a statement has a case here', () => {
  const covered = new Set([...cases.flatMap(({ ids }) => ids), ...ofServers, 'standby'])
  expect(checks.filter(({ id, fixable }) => fixable && !covered.has(id)).map(({ id }) => id)).toEqual([])
})
