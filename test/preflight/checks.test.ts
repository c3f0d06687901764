// Every check of the content reports a database with its problem, and passes on one without.
import { beforeAll, describe, expect, test } from 'bun:test'
import { everything } from '../../shared/defaults.ts'
import type { MigrationOptions } from '../../shared/request.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { look, type Wishes } from './check-context.ts'

interface Case {
  id: string
  major?: Major
  destination?: Major
  /** Creates the problem. */
  sql: string
  /** Run in a separate transaction. */
  later?: string
  /** Removes what dropping the database would leave behind. */
  after?: string
  /** Run on the destination. */
  there?: string
  wishes?: Wishes
  status?: 'warning' | 'blocker'
  objects: (string | RegExp)[]
  /** With these options the problem does not matter. */
  harmless?: Wishes
}

const follow: Wishes = { follow: true }
const merging: Wishes = { options: { existingDataMode: 'upsert' } }
const appending: Wishes = { options: { existingDataMode: 'append' } as Partial<MigrationOptions> }

const cases: Case[] = [
  {
    id: 'clock',
    // Makes the server believe that this much time has passed.
    sql: '',
    there: `alter function pg_catalog.clock_timestamp() rename to clock_timestamp_told;
            create function pg_catalog.clock_timestamp() returns timestamptz language sql
                as $$ select pg_catalog.clock_timestamp_told() - interval '1 hour' $$`,
    objects: [],
  },
  {
    id: 'collations',
    sql: `create collation foreign_order (provider = libc, locale = 'C');
          update pg_collation set collcollate = 'tlh_QO.utf8' where collname = 'foreign_order'`,
    objects: [/^collation "foreign_order" needs the operating system's locale "tlh_QO.utf8"/],
  },
  {
    id: 'tables-without-key',
    sql: 'create table keyless (x int unique); create table nullable (x int unique not null)',
    wishes: merging,
    objects: ['public.keyless'],
    harmless: { ...merging, tables: [{ table: 'keyless', key: 'keyless_x_key' }] },
  },
  {
    id: 'oversized-rows',
    sql: `create table small (id int primary key, x bytea);
          create table large (id int primary key, x bytea);
          alter table small alter x set storage external;
          alter table large alter x set storage external;
          insert into small select g, decode(repeat('00', 100000), 'hex') from generate_series(1, 30) g;
          insert into large values (1, decode(repeat('00', 2500000), 'hex'))`,
    wishes: { largeValue: 2_000_000 },
    objects: [/^public\.large: a value of about 2\.\d MB, as stored$/],
    harmless: {},
  },
  {
    id: 'types-without-binary-form',
    sql: `create type odd;
          create function odd_in(cstring) returns odd language internal immutable strict as 'textin';
          create function odd_out(odd) returns cstring language internal immutable strict as 'textout';
          create type odd (input = odd_in, output = odd_out, like = text);
          create table odd_ones (id int primary key, x odd)`,
    objects: ['public.odd, in public.odd_ones'],
  },
  {
    id: 'generated-columns',
    sql: `create function twice(int) returns int language sql immutable as 'select $1 * 2';
          create table own (x int primary key, y int generated always as (twice(x)) stored);
          create table plain (x int primary key, y int generated always as (x * 2) stored)`,
    objects: ['public.own.y, which calls public.twice'],
  },
  {
    id: 'partition-trees',
    sql: `create type mood as enum ('good', 'bad');
          create table moods (x mood) partition by hash (x);
          create table moods_0 partition of moods for values with (modulus 1, remainder 0);
          create table ages (x int primary key) partition by range (x);
          create table ages_1 partition of ages for values from (0) to (100)`,
    objects: ['public.moods: hashed by an enum: one worker copies all rows through the partitioned table'],
  },
  {
    id: 'partition-trees',
    major: 12,
    sql: `create table ages (x int primary key) partition by range (x);
          create table ages_1 partition of ages for values from (0) to (100)`,
    wishes: follow,
    objects: [/^public\.ages: PostgreSQL 12 publishes partitions one by one/],
    harmless: {},
  },
  {
    id: 'deferred-constraints',
    sql: 'create table late (x int primary key, y int unique deferrable)',
    wishes: follow,
    objects: ['late_y_key of public.late'],
    harmless: {},
  },
  {
    id: 'exclusion-constraints',
    sql: 'create table booked (x int primary key, during int4range, exclude using gist (during with &&))',
    wishes: appending,
    objects: ['booked_during_excl of public.booked'],
    harmless: follow,
  },
  {
    id: 'objects-in-system-schemas',
    sql: `create function public.helper() returns int language sql as 'select 1';
          alter function public.helper() set schema pg_catalog`,
    objects: ['function helper()'],
  },
  {
    id: 'extension-changes',
    sql: `create table mine (x int primary key); create index before_it on mine (x); create extension hstore;
          alter extension hstore add table mine`,
    later: 'create index added on mine ((x + 1))',
    objects: ['index added on public.mine'],
  },
  {
    id: 'newer-features',
    major: 18,
    destination: 14,
    sql: `create extension btree_gist;
          create table v (x int primary key, y int generated always as (x * 2) virtual);
          create table u (x int unique nulls not distinct);
          create table p (id int, during daterange, primary key (id, during without overlaps));
          create table n (x int check (x > 0) not enforced);
          create table precise (x numeric(2, 3), y numeric(5, 2), z numeric(3, -2));
          create view invoked with (security_invoker = true) as select 1 as x;
          create collation turned (provider = icu, locale = 'und', rules = '&a < b');
          create collation own (provider = builtin, locale = 'C.UTF-8')`,
    objects: [
      'NOT ENFORCED in n_x_check of public.n (since 18)',
      'NULLS NOT DISTINCT in u_x_key of public.u (since 15)',
      'WITHOUT OVERLAPS or PERIOD in p_pkey of public.p (since 18)',
      'built-in collation public.own (since 17)',
      'rules of collation public.turned (since 16)',
      'scale beyond the precision of public.precise.x (since 15)',
      'scale beyond the precision of public.precise.z (since 15)',
      'security_invoker of public.invoked (since 15)',
      'virtual generated column public.v.y (since 18)',
    ],
  },
  {
    id: 'newer-features',
    major: 14,
    destination: 12,
    sql: `create table m (x int4multirange, y text compression pglz);
          create function one() returns int begin atomic select 1; end;
          create procedure out_of(out x int) language plpgsql as 'begin x := 1; end'`,
    objects: [
      'compression of public.m.y (since 14)',
      'function with a body in SQL public.one() (since 14)',
      /^procedure with OUT parameters public\.out_of\(/,
      'type int4multirange of public.m.x',
    ],
  },
  {
    id: 'views-of-the-system',
    major: 12,
    destination: 18,
    sql: `create view busy as select procpid from (select pid as procpid from pg_stat_activity) a;
          create view own as select 1 as x;
          create view writer as select buffers_checkpoint from pg_stat_bgwriter`,
    objects: [/^public\.writer reads pg_stat_bgwriter, which no longer has .*buffers_checkpoint/],
  },
  {
    id: 'subscriptions',
    sql: 'create table t (x int primary key); create publication news for table t',
    objects: ['publication news'],
  },
  {
    id: 'destination-replication',
    sql: '',
    there: `create publication onward for all tables;
            create subscription inward connection 'host=nowhere' publication p with (connect = false);
            set role postgres; update pg_subscription set subenabled = true where subname = 'inward'`,
    after: `alter subscription inward disable; alter subscription inward set (slot_name = none); drop subscription inward`,
    objects: ['subscription inward, enabled', 'publication onward'],
  },
  {
    id: 'leftovers',
    sql: `select pg_create_logical_replication_slot('pgtrek_preflight_left', 'pgoutput')`,
    after: `select pg_drop_replication_slot('pgtrek_preflight_left')`,
    objects: [/^slot pgtrek_preflight_left in .*, which retains .* of WAL$/],
  },
  {
    id: 'replica-identity-full',
    sql: 'create table whole (x int); alter table whole replica identity full',
    wishes: follow,
    objects: ['public.whole'],
  },
  {
    id: 'computed-columns',
    sql: 'create table computed (x int primary key, y int generated always as (x * 2) stored)',
    wishes: follow,
    objects: ['public.computed: y'],
  },
  {
    id: 'computed-columns',
    sql: 'create table computed (x int, y int generated always as (x * 2) stored primary key)',
    wishes: follow,
    status: 'blocker',
    objects: ['public.computed: y'],
  },
  {
    id: 'followed-conditions',
    major: 14,
    sql: 'create table parts (x int primary key)',
    wishes: { ...follow, tables: [{ table: 'parts', where: 'x > 1' }] },
    status: 'blocker',
    objects: ['public.parts: PostgreSQL 14 cannot send only some of its rows'],
    harmless: follow,
  },
]

describe('each check reports only its own problem', () => {
  const empty = new Map<Major, TestDatabase>()
  const reports = new Map<string, ReturnType<typeof look>>()
  beforeAll(async () => {
    for (const major of [12, 14, 15, 18] as Major[])
      empty.set(major, await (await cluster(major)).createDatabase())
  })

  /** The report of two empty databases, whose findings do not depend on the check. */
  function reportOfNothing(from: Major, to: Major, wishes: Wishes) {
    const key = JSON.stringify([from, to, wishes])
    const known = reports.get(key)
    if (known) return known
    const [source, destination] = [empty.get(from), empty.get(to)]
    if (!source || !destination) throw new Error('no such database')
    const report = look(source.url, destination.url, wishes)
    reports.set(key, report)
    return report
  }

  for (const one of cases) {
    const { id, major = 15, destination = 18, wishes = {}, status = 'warning' } = one
    test(`${id}: from ${major} to ${destination}${status === 'blocker' ? ', refused' : ''}`, async () => {
      const source = await (await cluster(major)).createDatabase()
      const there = one.there ? await (await cluster(destination)).createDatabase() : empty.get(destination)
      if (!there) throw new Error('no destination')
      expect((await reportOfNothing(major, destination, wishes)).item(id)).toMatchObject({ status: 'ok' })
      if (one.sql) await source.sql(one.sql)
      if (one.later) await source.sql(one.later)
      if (one.there) await there.sql(one.there)
      const report = await look(source.url, there.url, wishes)
      if (one.after) await (one.there ? there : source).sql(one.after)
      expect(report.items.filter(({ error }) => error)).toEqual([])
      const { objects, status: found } = report.item(id)
      expect(found).toBe(status)
      expect(objects).toEqual(
        one.objects.map((name) => (typeof name === 'string' ? name : expect.stringMatching(name))),
      )
      if (one.harmless) expect((await look(source.url, there.url, one.harmless)).item(id).status).toBe('ok')
      if (one.sql && id !== 'subscriptions' && id !== 'leftovers') {
        // What is not selected is not checked.
        const none = { ...wishes, selection: { ...everything, includeSchemas: ['no_such_*'] } }
        expect((await look(source.url, there.url, none)).item(id).status).toBe('ok')
      }
    })
  }
})
