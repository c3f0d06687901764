import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  compareDatabaseSettings,
  compareEverything,
  compareLargeObjects,
  compareOwnersAndGrants,
  compareRows,
  compareSequences,
  textDifference,
} from '../../tools/comparison/compare.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { createKitchenSinkRoles } from '../support/kitchen-sink.ts'

let original: TestDatabase

beforeAll(async () => {
  const server = await cluster(15)
  await createKitchenSinkRoles(server)
  original = await server.createDatabase()
  await original.sql(`
    create schema s;
    create type s.mood as enum ('sad', 'ok', 'happy');
    create table s."T 1" (id int primary key, f float8);
    insert into s."T 1" values (1, 1.5), (2, null);
    create table s."T 2" as table s."T 1";
    create table s."T 3" as table s."T 1";
    create table s."T 4" as table s."T 1";
    create table s.nothing ();
    insert into s.nothing default values;
    create table s.dropped ();
    create table s.parent (id int);
    create table s.child () inherits (s.parent);
    create table s.parted (id int, at date) partition by range (at);
    create table s.leaf partition of s.parted for values from ('2024-01-01') to ('2025-01-01');
    create table s.by_mood (mood s.mood) partition by hash (mood);
    create table s.by_mood_0 partition of s.by_mood for values with (modulus 2, remainder 0);
    create table s.by_mood_1 partition of s.by_mood for values with (modulus 2, remainder 1);
    insert into s.by_mood select unnest(enum_range(null::s.mood));
    create materialized view s.m as select * from s.parent;
    create sequence s.q; create sequence s.q2; create sequence s.q3;
    create view s.v as select 1 as one;
    create function s.f() returns int language sql as 'select 1';
    create domain s.d as int;
    create statistics s.st on id, f from s."T 1";
    create publication p;
    grant usage on schema s to ks_writer;
    grant select on s."T 1", s."T 2", s."T 3", s."T 4" to ks_writer with grant option;
    select lo_from_bytea(oid, 'contents') from generate_series(4241, 4245) oid;`)
})

afterAll(() => original.drop())

/** A copy of the original after a change, compared with it. */
async function after(
  change: string,
  compare: (source: TestDatabase, destination: TestDatabase) => Promise<string[]> = compareEverything,
): Promise<string[]> {
  const server = await cluster(15)
  const copy = await server.createDatabase(undefined, { template: original.name })
  try {
    await copy.sql(change.replaceAll(':database', copy.name))
    return await compare(original, copy)
  } finally {
    await copy.drop()
  }
}

test('a copy does not differ', async () => {
  expect(await after('select 1')).toEqual([])
})

type Change = [what: string, change: string, difference: RegExp]

/** All changes are made to one copy: each is one difference, and there is no other. */
function noticed(
  what: string,
  compare: (source: TestDatabase, destination: TestDatabase) => Promise<string[]>,
  changes: Change[],
) {
  describe(`a difference in ${what} is noticed`, () => {
    let differences: string[] = []

    beforeAll(async () => {
      differences = await after(changes.map(([, change]) => change).join(';\n'), compare)
    })

    test.each(changes)('%s', (_, __, difference) => {
      expect(differences.filter((one) => difference.test(one))).toHaveLength(1)
    })

    test('and nothing else is', () => {
      const unexpected = differences.filter(
        (one) => !changes.some(([, , difference]) => difference.test(one)),
      )
      expect(unexpected).toEqual([])
    })
  })
}

noticed('rows', compareRows, [
  ['a row too many', `insert into s."T 1" values (3, 1)`, /^rows of s\."T 1": 2 .* 3 /],
  ['another value', `update s."T 2" set f = 1.5000000000000002 where id = 1`, /^rows of s\."T 2": 2 .* 2 /],
  ['null for a value', `update s."T 3" set f = null`, /^rows of s\."T 3"/],
  ['a row without columns', 'insert into s.nothing default values', /^rows of s\.nothing: 1 .* 2 /],
  ['a row of a parent', 'insert into s.parent values (1)', /^rows of s\.parent/],
  ['a row of a child', 'insert into s.child values (1)', /^rows of s\.child/],
  ['a row of a partition', `insert into s.parted values (1, '2024-05-05')`, /^rows of s\.leaf/],
  ['a row by the hash of an enum', `delete from s.by_mood where mood = 'ok'`, /^rows of s\.by_mood: 3 .* 2 /],
  ['a view not populated', 'refresh materialized view s.m with no data', /^rows of s\.m: .* not populated/],
  ['no table', 'drop table s.dropped', /^rows of s\.dropped: only in the source/],
  ['a table too many', 'create table s.more ()', /^rows of s\.more: only in the destination/],
])

test('another order of the rows is no difference, nor are other settings of the database', async () => {
  const change = `
    create temporary table kept as select * from s."T 1";
    truncate s."T 1"; insert into s."T 1" select * from kept order by id desc;
    alter database :database set extra_float_digits to -15;
    alter database :database set search_path to s`
  expect(await after(change, compareRows)).toEqual([])
})

noticed('sequences', compareSequences, [
  ['another value', 'select setval($$s.q$$, 5)', /^sequence s\.q: 1 \(not called\).* 5 \(called\)/],
  ['called or not', 'select nextval($$s.q2$$)', /^sequence s\.q2: 1 \(not called\).* 1 \(called\)/],
  ['no sequence', 'drop sequence s.q3', /^sequence s\.q3: only in the source/],
])

noticed('large objects', compareLargeObjects, [
  ['contents', `select lo_put(4241, 0, 'x')`, /^large object 4241: /],
  ['owner', 'alter large object 4242 owner to ks_owner', /^large object 4242: /],
  ['grants', 'grant select on large object 4243 to public', /^large object 4243: /],
  ['comment', `comment on large object 4244 is 'x'`, /^large object 4244: /],
  ['absence', 'select lo_unlink(4245)', /^large object 4245: /],
  ['one too many', `select lo_from_bytea(4246, '')`, /^large object 4246: /],
])

const compareOwners = differencesOf('owner of ')
const compareGrants = differencesOf('privileges on ')

noticed('owners', compareOwners, [
  ['table', 'alter table s."T 1" owner to ks_owner', /^owner of relation s\."T 1": postgres .* ks_owner /],
  ['sequence', 'alter sequence s.q owner to ks_owner', /^owner of relation s\.q: /],
  ['view', 'alter view s.v owner to ks_owner', /^owner of relation s\.v: /],
  ['function', 'alter function s.f() owner to ks_owner', /^owner of function s\.f\(\): /],
  ['type', 'alter type s.mood owner to ks_owner', /^owner of type s\.mood: /],
  ['domain', 'alter domain s.d owner to ks_owner', /^owner of type s\.d: /],
  ['schema', 'alter schema s owner to ks_owner', /^owner of schema s: /],
  ['schema public', 'alter schema public owner to ks_owner', /^owner of schema public: /],
  ['statistics', 'alter statistics s.st owner to ks_owner', /^owner of statistics s\.st: /],
  ['publication', 'alter publication p owner to ks_owner', /^owner of publication p: /],
  ['database', 'alter database :database owner to ks_owner', /^owner of the database/],
])

noticed('grants', compareGrants, [
  ['table', 'grant update on s."T 1" to ks_owner', /relation s\."T 1": .*UPDATE to ks_owner by postgres/],
  [
    'grant option',
    'revoke grant option for select on s."T 2" from ks_writer',
    /s\."T 2": .*SELECT\* to ks_writer/,
  ],
  ['owner', 'revoke delete on s."T 3" from postgres', /relation s\."T 3"/],
  [
    'grantor',
    'set role ks_writer; grant select on s."T 4" to ks_login; reset role',
    /relation s\."T 4": .*SELECT to ks_login by ks_writer/,
  ],
  ['column', 'grant select (id) on s."T 1" to public', /column s\."T 1"\.id: .*SELECT to public/],
  ['sequence', 'grant usage on sequence s.q to public', /relation s\.q: .*USAGE to public/],
  ['function', 'revoke execute on function s.f() from public', /function s\.f\(\): .*EXECUTE to public/],
  ['type', 'revoke usage on type s.mood from public', /type s\.mood: /],
  ['schema', 'grant usage on schema s to public', /schema s: /],
  ['language', 'create trusted language l handler plpgsql_call_handler', /language l: /],
  ['database', 'revoke connect on database :database from public', /the database/],
  ['new objects', 'alter default privileges in schema s grant select on tables to public', /new objects/],
])

test('privileges that are only the default, written out, are no difference', async () => {
  expect(await after('grant execute on function s.f() to public', compareOwnersAndGrants)).toEqual([])
})

noticed('the settings of the database', compareDatabaseSettings, [
  ['setting', `alter database :database set work_mem to '3MB'`, /^settings of the database:/],
  [
    'setting of a role',
    `alter role ks_login in database :database set work_mem to '3MB'`,
    /^settings of the database for ks_login:/,
  ],
  ['comment', `comment on database :database is 'x'`, /^comment of the database:/],
  ['connection limit', 'alter database :database connection limit 7', /^connection limit of the database:/],
])

function differencesOf(kind: string) {
  return async (source: TestDatabase, destination: TestDatabase) => {
    const differences = await compareOwnersAndGrants(source, destination)
    return differences.filter((one) => one.startsWith(kind))
  }
}

describe('the difference of texts', () => {
  test('shows what went and what came, with two lines around', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].join('\n')
    const now = ['1', '2', '3', '4', 'five', '6', '7', '8', '9', '10'].join('\n')
    expect(textDifference(before, now)).toEqual([
      ...['@@ -3 +3 @@', ' 3', ' 4', '-5', '+five', ' 6', ' 7'],
      ...[' 8', ' 9', '+10'],
    ])
  })

  test('is empty for the same text', () => {
    expect(textDifference('a\nb', 'a\nb')).toEqual([])
  })

  test('leads from one text to the other, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(text, text, (old, now) => {
        const lines = textDifference(old.join('\n'), now.join('\n'))
        const [gone, come] = ['-', '+'].map((mark) => lines.filter((line) => line.startsWith(mark)))
        expect(lines.length === 0).toBe(old.join('\n') === now.join('\n'))
        expect(now.length - old.length).toBe((come?.length ?? 0) - (gone?.length ?? 0))
        expect(apply(old, lines)).toEqual(now)
      }),
    )
  })
})

/** Follows the marks: what is shown is taken from the difference, what is not is taken over. */
function apply(old: string[], lines: string[]): string[] {
  if (lines.length === 0) return old
  const result: string[] = []
  let next = 0
  for (const line of lines) {
    const hunk = /^@@ -(\d+) \+(\d+) @@$/.exec(line)
    if (hunk) {
      while (result.length < Number(hunk[2]) - 1) result.push(old[next++] ?? '')
      continue
    }
    if (line[0] !== '-') result.push(line.slice(1))
    if (line[0] !== '+') next++
  }
  return [...result, ...old.slice(next)]
}
