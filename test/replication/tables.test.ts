// Tables of every kind, with differences between the sides: the destination gets what the source has.
import { beforeAll, expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import { casesOf } from '../../tools/long.ts'
import {
  arrival,
  compareFollowed,
  type LinkOptions,
  link,
  makeEmpty,
  type Pair,
} from '../../tools/moves/following.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'

interface Case {
  name: string
  since?: Major
  /** Values as text, and in binary form. */
  inBothForms?: boolean
  tables: string
  onDestination?: string
  link?: LinkOptions
  write: string[]
  /** Queries that return the same on both sides (default: all rows of all tables). */
  same?: string
  /** The expected rows of the destination. */
  there?: [query: string, rows: unknown[]]
}

const t = (name: string) => ({ schema: 'public', name })

const cases: Case[] = [
  {
    name: 'only some rows: an update adds a row to them, or removes it',
    since: 15,
    tables: 'create table t (id int primary key, v int); alter table t replica identity full',
    link: { published: [{ ...t('t'), where: 'v > 10' }] },
    write: [
      'insert into t values (1, 5), (2, 20), (3, 30)',
      'update t set v = 15 where id = 1',
      'update t set v = 1 where id = 2',
      'update t set v = v + 1',
      'delete from t where id = 3',
    ],
    same: 'select * from t where v > 10 order by id',
  },
  {
    name: 'only some columns',
    since: 15,
    tables: 'create table t (id int primary key, secret text, v int)',
    onDestination: "create table t (id int primary key, v int, note text default 'none')",
    link: { published: [{ ...t('t'), columns: ['id', 'v'] }] },
    write: [
      "insert into t values (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)",
      "update t set secret = 'x', v = v + 1 where id < 3; delete from t where id = 3",
    ],
    there: [
      'select * from t order by id',
      [
        { id: 1, v: 2, note: 'none' },
        { id: 2, v: 3, note: 'none' },
      ],
    ],
  },
  {
    name: 'generated columns, computed on both sides',
    tables: `create table t (id int primary key, v int, twice int generated always as (v * 2) stored);
             create table w (a text, b text generated always as (a || '!') stored); alter table w replica identity full`,
    write: [
      'insert into t (id, v) select g, g from generate_series(1, 20) g',
      'update t set v = v + 1; delete from t where twice % 3 = 0',
      "insert into w values ('x'), ('x'), (null); update w set a = 'y' where ctid in (select ctid from w where a = 'x' limit 1)",
      'delete from w where a is null',
    ],
  },
  {
    name: 'generated columns that are published, computed on both sides or on the source only',
    since: 18,
    tables: `
      create table t (id int primary key, twice int generated always as (id * 2) stored, v text, half int generated always as (id / 2) virtual);
      create publication with_generated for table t with (publish_generated_columns = stored)`,
    onDestination:
      'create table t (id int primary key, v text, twice int generated always as (id * 2) stored, half int generated always as (id / 2) virtual)',
    link: { publication: 'with_generated' },
    write: [
      'insert into t (id, v) select g, g from generate_series(1, 20) g',
      "insert into t (id, v) values (21, 'x'); update t set v = v || '!' where id % 2 = 0",
      'update t set id = id + 100 where id < 3; delete from t where id = 5',
    ],
  },
  {
    name: 'a column that only the source computes',
    since: 18,
    tables: `
      create table t (id int primary key, twice int generated always as (id * 2) stored);
      create publication with_generated for table t with (publish_generated_columns = stored)`,
    onDestination: 'create table t (twice int, id int primary key)',
    link: { publication: 'with_generated' },
    write: [
      'insert into t (id) select g from generate_series(1, 20) g',
      'update t set id = id + 100 where id < 3',
    ],
  },
  {
    name: 'identity columns, also as the key, and with changed values',
    tables: `
      create table t (id int generated always as identity primary key, v text, big text);
      alter table t alter big set storage external;
      create table u (id int primary key, n int generated always as identity, v text);
      create table w (n int generated always as identity, v text); alter table w replica identity full;
      create table only_identity (n int generated always as identity primary key)`,
    write: [
      "insert into t (v, big) select g, repeat('x', 5000) from generate_series(1, 10) g; insert into u (id, v) values (1, 'a'), (2, 'b')",
      "update t set v = 'changed' where id > 5; update u set v = 'changed' where id = 2; update u set id = 3 where id = 1",
      "insert into w (v) values ('a'), ('a'), (null); update w set v = 'b' where n = 2; delete from w where n = 3",
      'update t set id = default where id = 2; update t set id = default, v = null where id = 3',
      'update w set n = default where n = 1',
      'insert into only_identity default values; insert into only_identity default values',
      'update only_identity set n = default where n = 1',
      'delete from t where id = 4',
    ],
  },
  {
    name: 'partitions, published as their root, in one table on the destination',
    since: 14,
    tables: `
      create table p (id int, region int, v text, primary key (id, region)) partition by list (region);
      create table p_1 partition of p for values in (1); create table p_2 (v text, region int not null, id int not null);
      alter table p attach partition p_2 for values in (2)`,
    onDestination: 'create table p (v text, id int, region int, primary key (id, region))',
    link: { viaRoot: true },
    write: [
      "insert into p select g, 1 + g % 2, 'row ' || g from generate_series(1, 30) g",
      'update p set region = 3 - region where id % 3 = 0; update p set v = null where id % 5 = 0; delete from p where id % 7 = 0',
      'truncate p_1',
      "insert into p values (1000, 1, 'behind')",
    ],
    same: 'select id, region, v from p where region = 2 or id = 1000 order by id',
  },
  {
    name: 'partitions, published one by one, in ordinary tables',
    tables: `
      create table p (id int, region int, v text, primary key (id, region)) partition by list (region);
      create table p_1 partition of p for values in (1); create table p_2 partition of p for values in (2)`,
    onDestination: `
      create table p_1 (id int, region int, v text, primary key (id, region));
      create table p_2 (v text, id int, region int, primary key (id, region))`,
    write: [
      "insert into p select g, 1 + g % 2, 'row ' || g from generate_series(1, 30) g",
      'update p set region = 3 - region where id % 3 = 0; delete from p where id % 7 = 0',
      'truncate p_1',
    ],
    same: 'select * from (select id, region, v, 1 from p_1 union all select id, region, v, 2 from p_2) all_rows order by 1, 2',
  },
  {
    name: 'one table, in partitions on the destination',
    tables: 'create table p (id int, region int, v text, primary key (id, region))',
    onDestination: `
      create table p (region int, id int, v text, primary key (id, region)) partition by hash (id);
      create table p_0 partition of p for values with (modulus 2, remainder 0);
      create table p_1 partition of p for values with (modulus 2, remainder 1)`,
    write: [
      "insert into p select g, 1 + g % 2, 'row ' || g from generate_series(1, 30) g",
      'update p set id = id + 1000 where id % 3 = 0; update p set v = null where id % 5 = 0; delete from p where id % 7 = 0',
    ],
    same: 'select id, region, v from p order by 1, 2',
  },
  {
    name: 'one table without a key, in partitions on the destination',
    tables: 'create table p (id int, v text); alter table p replica identity full',
    onDestination: `
      create table p (v text, id int) partition by range (id); alter table p replica identity full;
      create table p_1 partition of p for values from (minvalue) to (10); create table p_2 partition of p default`,
    write: [
      'insert into p select g % 15, nullif(g % 4, 0)::text from generate_series(1, 60) g; insert into p values (null, null), (null, null)',
      'update p set id = id + 5 where v is null; delete from p where ctid in (select ctid from p where id = 12 limit 1)',
      'delete from p where ctid in (select ctid from p where id is null limit 1)',
    ],
    same: 'select id, v, count(*)::int from p group by 1, 2 order by 1, 2',
  },
  {
    name: 'rows without a key: duplicates, nulls, numbers that are equal but not the same, types without equality',
    inBothForms: true,
    tables: `
      create type spot as (x float8, j json); create type mood as enum ('sad', 'ok'); create domain word as text;
      create table w (i int, f float8, g float4, n numeric, j json, jb jsonb, p point, x xml, s spot, m mood, ma mood[], d word,
                      c char(5), b bytea, iv interval, po polygon, xa xml[]);
      alter table w replica identity full`,
    write: [
      `insert into w select i % 2, f, g, n, j::json, jb::jsonb, p::point, x::xml, row(f, j)::spot, m::mood, array[m, null]::mood[], 'd', 'c', '\\x00ff', iv::interval, '((0,0),(1,1),(1,0))', array[x]::xml[]
         from generate_series(1, 4) i,
              (values ('0'::float8, '0.1'::float4, 1.0, '{"a": 1}', '{"a": 1}', '(1,2)', '<a/>', 'sad', '1 day'),
                      ('-0', '0.3', 1.00, '{"a":1}', '{"a": 1.0}', '(1,2.0000001)', '<a></a>', 'ok', '24 hours'),
                      ('NaN', 'Infinity', 'NaN', '{"a":1, "a":1}', '{"a": 1.00}', '(NaN,1)', '<b/>', 'ok', '-1 mon +30 days'),
                      (null, null, null, null, null, null, null, null, null)) v (f, g, n, j, jb, p, x, m, iv)`,
      'update w set i = 7 where ctid in (select ctid from w where n = 1 limit 1)',
      "delete from w where ctid in (select ctid from w where n::text = '1.00' limit 1)",
      "delete from w where ctid in (select ctid from w where f = 'NaN' limit 1)",
      'update w set m = null, iv = iv * 2 where ctid in (select ctid from w where iv is not null limit 3)',
      'delete from w where ctid in (select ctid from w where f is null and j is null limit 1)',
      'update w set j = \'{"b":  2}\' where ctid in (select ctid from w where j is not null limit 2)',
    ],
  },
  {
    name: 'types with other OIDs, nested',
    inBothForms: true,
    tables: `
      create type mood as enum ('sad', 'ok'); create type pair as (a mood, b int[]); create domain size as int check (value > 0);
      create domain sizes as size[]; create type span as range (subtype = float8);
      create table t (m mood, id int primary key, ms mood[], p pair, ps pair[], s size, ss sizes, sa size[], r span, ra span[], mm mood[][])`,
    onDestination: `
      create type filler as enum ('a'); create table filler_table (f filler); create type other as (a int);
      create type span as range (subtype = float8);
      create domain size as int check (value > 0); create domain sizes as size[];
      create type mood as enum ('sad', 'ok'); create type pair as (a mood, b int[]);
      create table t (id int primary key, r span, ra span[], s size, ss sizes, sa size[], p pair, ps pair[], m mood, ms mood[], mm mood[][])`,
    write: [
      `insert into t select 'ok', g, array['sad', null, 'ok']::mood[], row('sad', array[1, g])::pair, array[row('ok', null)::pair, null],
              g, array[1, g]::size[], array[g]::size[], span(0.1, g), array[span(1, null), 'empty'], array[array['ok', 'sad'], array['sad', 'ok']]::mood[][]
         from generate_series(1, 12) g`,
      "update t set m = 'sad', ps = null where id % 2 = 0; update t set p = row(null, null) where id = 3; delete from t where id = 5",
    ],
    same: 'select id, m, ms, p, ps, s, ss, sa, r, ra, mm from t order by id',
  },
  {
    name: 'extreme values of every built-in type',
    inBothForms: true,
    tables: `
      create table t (id int primary key, i2 int2, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(20, 5), t text, v varchar(9), c char(4), ch "char", na name,
        ba bytea, ts timestamp, tz timestamptz(3), d date, tm time, tt timetz, iv interval, b bool, m money, p point, l line, ls lseg, bx box, pa path,
        po polygon, ci circle, ip inet, cd cidr, ma macaddr, m8 macaddr8, bi bit(3), vb varbit, tv tsvector, tq tsquery, u uuid, x xml, j json, jb jsonb,
        jp jsonpath, ir int4range, nr numrange, tr tstzrange, ia int[], ta text[], ja jsonb[], l3 int[], lsn pg_lsn, o oid, sn txid_snapshot)`,
    write: [
      `insert into t values
        (1, -32768, -9223372036854775808, 1.17549435e-38, 5e-324, 'NaN', -99999.99999, E'a\\nb\\t\\\\N', '', 'ab', 'x', 'n', '\\x', '4713-01-01 00:00:00 BC',
         '0001-01-01 00:00:00.001+00', '4713-01-01 BC', '24:00', '00:00+15:59', '-178000000 years', true, '-92233720368547758.08', '(1e300,-0)', '{1,2,3}',
         '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1))', '<(0,0),1e10>', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
         B'101', B'', 'a:1A b:2', 'a & !b', '00000000-0000-0000-0000-000000000000', '<?xml version="1.0"?><a>ü</a>', '{"a" : 1e400}', '{"a": 123456789012345678901234567890.123}',
         '$.a[*] ? (@ > 1)', 'empty', '[1.0,1.00]', '(,2020-01-01 00:00:00+00]', '{}', '{"",NULL,"NULL","{}","\\"","\\\\\\\\"}', array['null'::jsonb, null], '[0:1]={1,2}', 'FFFFFFFF/FFFFFFFF', 4294967295, '10:20:10,14'),
        (2, 32767, 9223372036854775807, 'Infinity', '-Infinity', 1e1000, 0.00001, repeat('ü🐘', 3000), 'ü', '', '', '', '\\x00', 'infinity', '-infinity', '5874897-12-31',
         '00:00', '23:59:59.999999-15:59', '00:00:00.000001', false, '0', '(NaN,NaN)', '{-1,-1,0}', '[(0,0),(0,0)]', '(0,0),(0,0)', '((0,0))', '((0,0))', '<(0,0),0>',
         '255.255.255.255', '::/0', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', B'000', B'1', '', '', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'x', '[]', '"\\\\u00e9"',
         'strict $', '[-2147483648,2147483646]', '(,)', 'empty', '{{1,2},{3,4}}', '{a}', '{}', '{}', '0/0', 0, '1:1:')`,
      'insert into t (id) select generate_series(3, 20)',
      "update t set f8 = 0.1 + 0.2, f4 = 0.1, n = 0.10 where id = 3; update t set t = null, jb = '[1.0, 1.00]' where id = 2; update t set id = -1 where id = 1",
    ],
  },
  {
    name: 'tables with one column, and without a sent one',
    tables:
      'create table one (id int primary key); create table bare (); alter table bare replica identity full',
    write: [
      'insert into one select generate_series(1, 30); update one set id = id + 100',
      'insert into bare default values; insert into bare default values',
    ],
    same: 'select (select count(*) from bare), (select sum(id) from one)',
  },
]

/** From 12 values are sent as text, from the others in binary form. */
const pairs: [Major, Major][] = [
  [12, 18],
  [15, 14],
  [18, 18],
]

/** One pair for each case, and each pair for some cases; all combinations in a long run. */
function pairsFor({ since = 12, inBothForms }: Case, index: number): [Major, Major][] {
  const possible = pairs.filter(([from, to]) => from >= since && (since < 18 || to >= 18))
  const isChosen = (at: number) =>
    inBothForms ? at === 0 || at === possible.length - 1 : at === index % possible.length
  return casesOf(
    possible.filter((_, at) => isChosen(at)),
    possible.filter((_, at) => !isChosen(at)),
  )
}

const made = new Map<string, Pair>()
const nameOf = ([from, to]: [Major, Major]) => `from ${from} to ${to}`

beforeAll(async () => {
  for (const majors of pairs) {
    const [source, destination] = await Promise.all(
      majors.map(async (major) => (await cluster(major)).createDatabase()),
    )
    if (source && destination) made.set(nameOf(majors), { source, destination })
  }
})

for (const [index, one] of cases.entries()) {
  for (const majors of pairsFor(one, index)) {
    test(`${one.name}, ${nameOf(majors)}`, async () => {
      const pair = made.get(nameOf(majors))
      if (!pair) throw new Error('the databases were not made')
      const { source, destination } = pair
      await makeEmpty(pair)
      await source.sql(one.tables)
      await destination.sql(one.onDestination ?? one.tables)
      const follower = await Follower.start(await link(pair, one.link))
      for (const sql of one.write) await source.sql(sql)
      await arrival(follower, source)
      if (one.there) expect(await destination.sql(one.there[0])).toEqual(one.there[1] as never)
      else if (one.same) expect(await destination.sql(one.same)).toEqual(await source.sql(one.same))
      else expect(await compareFollowed(pair)).toEqual([])
    })
  }
}
