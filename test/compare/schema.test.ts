// Compares objects by their pg_dump descriptions, also between majors.
import { describe, expect, test } from 'bun:test'
import type { Definition } from '../../server/compare/definitions.ts'
import { languageTag } from '../../server/compare/language-tag.ts'
import {
  compareDefinitions,
  compareSchema,
  type SchemaComparisonRequest,
} from '../../server/compare/schema.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { everything } from '../../shared/defaults.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { isWithoutDebian } from '../../tools/servers/debian.ts'

function compare(
  source: TestDatabase,
  destination: TestDatabase,
  options: Partial<SchemaComparisonRequest> = {},
) {
  return compareSchema({
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    signal: new AbortController().signal,
    ...options,
  })
}

async function filled(majors: [Major, Major], both: string, changes = '') {
  const source = await (await cluster(majors[0])).createDatabase()
  const destination = await (await cluster(majors[1])).createDatabase()
  await source.sql(both)
  await destination.sql(both + changes)
  return { source, destination }
}

const shop = `
  create table orders (id int primary key, price numeric(10,2) not null, note text default 'none');
  create index by_price on orders (price);
  create view cheap as select id from orders where price < 10;
  create function twice(n int) returns int language sql as 'select n * 2';
  create table "Odd ""name"".x" (a int check (a > 0));
  comment on table orders is 'all of them';`

test('missing, extra and different objects are named, with the difference', async () => {
  const changes = `
    drop view cheap;
    alter table orders alter price type numeric(12,2);
    create view cheap as select id from orders where price < 11;
    drop index by_price;
    create index by_note on orders (note);
    alter table "Odd ""name"".x" drop constraint "Odd ""name"".x_a_check";
    comment on table orders is 'some of them';`
  const { source, destination } = await filled([17, 18], shop, changes)
  const { status, differences } = await compare(source, destination)
  expect(status).toBe('different')
  expect(differences.map(({ kind, name, status: change }) => `${kind} ${name} ${change}`).sort()).toEqual([
    'COMMENT TABLE orders different',
    'INDEX by_note extra',
    'INDEX by_price missing',
    'TABLE Odd "name".x different',
    'TABLE orders different',
    'VIEW cheap different',
  ])
  const table = differences.find(({ name }) => name === 'orders')
  expect(table?.difference).toContain('-    price numeric(10,2) NOT NULL,')
  expect(table?.difference).toContain('+    price numeric(12,2) NOT NULL,')
})

test('owners and grants count unless they are excluded', async () => {
  const roles = `do $$ begin
      if not exists (select from pg_roles where rolname = 'clerk') then create role clerk; end if;
      if not exists (select from pg_roles where rolname = 'boss') then create role boss; end if;
    end $$;`
  const grants = 'grant select on orders to boss; grant insert on orders to clerk;'
  const { source, destination } = await filled([17, 18], roles + shop)
  await source.sql(grants)
  await destination.sql('grant insert on orders to clerk; grant select on orders to boss;')
  expect((await compare(source, destination)).status).toBe('same')
  await destination.sql('alter table orders owner to boss; revoke insert on orders from clerk')
  const { differences } = await compare(source, destination)
  expect(differences.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    'ACL TABLE orders',
    'TABLE orders',
  ])
  expect((await compare(source, destination, { owner: false, acl: false })).status).toBe('same')
})

test('a selection includes the objects of its tables', async () => {
  const serial = `create schema s; create table s.counted (id serial primary key, v text unique);
    create table s.other (id int); create trigger t before update on s.counted for each row
      execute function suppress_redundant_updates_trigger();`
  const { source, destination } = await filled([14, 17], shop + serial)
  const select = (include: string[]) => ({ selection: { ...everything, include } })
  const { compared, status } = await compare(source, destination, select(['s.counted']))
  // The table, its sequence and its owner, the default, two constraints, the trigger.
  expect({ compared, status }).toEqual({ compared: 7, status: 'same' })
  await destination.sql('drop trigger t on s.counted; drop table orders cascade')
  const { differences } = await compare(source, destination, select(['s.counted']))
  expect(differences.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['TRIGGER counted t'])
  await expect(compare(source, destination, select(['s.county']))).rejects.toThrow('did you mean "s.count')
})

test('a table that may not be read is named and omitted on both sides', async () => {
  const role = `do $$ begin
      if not exists (select from pg_roles where rolname = 'comparing_reader') then create role comparing_reader login; end if;
    end $$;`
  const { source, destination } = await filled(
    [14, 17],
    `${role} ${shop} grant select on "Odd ""name"".x" to comparing_reader`,
  )
  const url = new URL(source.url)
  url.username = 'comparing_reader'
  const { unreadable, differences } = await compare({ ...source, url: url.href }, destination)
  expect(unreadable).toEqual(['public.orders'])
  expect(differences.filter(({ kind }) => kind === 'TABLE')).toEqual([])
})

describe('between majors', () => {
  const definition = (kind: string, text: string): Definition => ({ kind, schema: 's', name: 'n', text })
  const compareTexts = (kind: string, older: string, newer: string, majors: [number, number] = [12, 18]) =>
    compareDefinitions([definition(kind, older)], [definition(kind, newer)], majors)

  test('a missing table name before a column is ignored, another column is not', () => {
    const view = (columns: string) => `CREATE VIEW s.n AS\n SELECT ${columns}\n   FROM s.t`
    expect(compareTexts('VIEW', view('t.a,\n    t.b'), view('a,\n    b')).status).toBe('same')
    expect(compareTexts('VIEW', view('t.a,\n    t.b'), view('a,\n    c')).status).toBe('different')
    expect(compareTexts('VIEW', view('t.a'), view('u.a')).status).toBe('different')
    expect(compareTexts('VIEW', view('t.a'), view('a'), [16, 18]).status).toBe('different')
  })

  test('NO INDENT is ignored where it is code', () => {
    const view = (option: string, text: string) =>
      `CREATE VIEW s.n AS\n SELECT XMLSERIALIZE(CONTENT x AS text${option}), '${text}'`
    expect(compareTexts('VIEW', view('', 'a'), view(' NO INDENT', 'a')).status).toBe('same')
    expect(compareTexts('VIEW', view('', 'a'), view(' INDENT', 'a')).status).toBe('different')
    expect(compareTexts('VIEW', view('', '('), view('', ' NO INDENT)')).status).toBe('different')
  })

  test('a table with a column of its name is no difference, a missing dot is one', () => {
    const view = (columns: string) => `CREATE VIEW "public"."v" AS\n SELECT ${columns}\n   FROM "public"."t"`
    for (const [older, newer] of [
      ['"t"."t"', '"t"'],
      ['"t"."t",\n "t"."u"', '"t",\n "u"'],
      ['("t"."t" > 1), "t"."t"', '("t" > 1), "t"'],
    ] as const) {
      expect(compareTexts('VIEW', view(older), view(newer)).status).toBe('same')
    }
    expect(compareTexts('VIEW', view('"t"."t"."u"'), view('"t"."u"')).status).toBe('same')
    expect(compareTexts('VIEW', view('"t"."u"'), view('"t"')).status).toBe('different')
    expect(compareTexts('VIEW', view('"a"."t"."u"'), view('"u"')).status).toBe('different')
  })

  test.each([
    ['de@collation=phonebook', 'de-u-co-phonebk'],
    ['en_US@colNumeric=yes;colCaseFirst=upper', 'en-US-u-kf-upper-kn'],
    ['en-US-u-kn-true', 'en-US-u-kn'],
    ['@colStrength=secondary', 'und-u-ks-level2'],
    ['root', 'und'],
    ['', 'und'],
    ["not 'a locale", "not 'a locale"],
  ])('the locale %p is the same as %p', (written, tag) => {
    expect(languageTag(written)).toBe(tag)
    const collation = (locale: string) =>
      `CREATE COLLATION "public"."c" (provider = icu, locale = '${locale.replaceAll("'", "''")}')`
    expect(compareTexts('COLLATION', collation(written), collation(tag)).status).toBe('same')
    expect(compareTexts('COLLATION', collation(written), collation('fr')).status).toBe('different')
  })

  test('MAINTAIN is ignored, another privilege is not', () => {
    const newer = 'GRANT ALL ON TABLE s.n TO r'
    const all = 'GRANT SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE s.n TO r'
    expect(compareTexts('ACL', all, newer).status).toBe('same')
    expect(compareTexts('ACL', all.replace('DELETE,', ''), newer).status).toBe('different')
    expect(compareTexts('ACL', all, newer, [17, 18]).status).toBe('different')
  })

  test('NOT NULL is ignored only where it is inherited', () => {
    const child = (column: string) => `CREATE TABLE s.n (\n    ${column}\n)\nINHERITS (s.p)`
    expect(compareTexts('TABLE', child('a integer'), child('a integer NOT NULL')).status).toBe('same')
    const plain = (column: string) => `CREATE TABLE s.n (\n    ${column}\n)`
    expect(compareTexts('TABLE', plain('a integer'), plain('a integer NOT NULL')).status).toBe('different')
    expect(
      compareTexts('TABLE', plain('a integer NOT NULL'), plain('a integer CONSTRAINT "x y" NOT NULL')).status,
    ).toBe('same')
  })

  test('a password is never shown', () => {
    const subscription = (password: string, name: string) =>
      `CREATE SUBSCRIPTION n CONNECTION 'host=h password=${password} dbname=d' PUBLICATION ${name}`
    const { differences } = compareTexts(
      'SUBSCRIPTION',
      subscription('secret', 'p'),
      subscription("''very secret''", 'q'),
    )
    const mapping = compareTexts(
      'USER MAPPING',
      "OPTIONS (password 'secret')",
      "OPTIONS (password 'se''cret')",
    )
    const shown = JSON.stringify([differences, mapping.differences])
    expect(shown).toContain('***')
    expect(shown).not.toContain('secret')
  })
})

test.skipIf(isWithoutDebian())('minor releases that write the same rule in two ways are equal', async () => {
  const [source, destination] = [
    await (await cluster(15, { debian: true })).createDatabase(),
    await (await cluster(15)).createDatabase(),
  ]
  for (const database of [source, destination]) {
    await database.sql(`${shop}
      create rule r as on update to orders do also update cheap as c set id = c.id where c.id = new.id;
      create rule s as on delete to orders do also delete from cheap as c where c.id = old.id`)
  }
  expect((await compare(source, destination)).differences).toEqual([])
})

const richInAmbiguity = `
  create table t (t int primary key, u text);
  create view v1 as select t from t;
  create view v2 as select t.t, t.u, count(*) from t group by t.t, t.u having t.t > 1 order by t.t;
  create view v3 as select u from t where t.t > 3 and exists (select from t z where z.t = t.t);
  create view v4 as select xmlserialize(content '<a/>' as text) as c, 'x NO INDENT)' as d;
  create view v5 as select t, (select max(z.t) from t z) as "select" from t union all select z.t, z.t from t z;
  create materialized view m as select t.t, t.u from t where t.u is not null;
  create collation phone (provider = icu, locale = 'de@collation=phonebook');
  create collation numbers (provider = icu, locale = 'en-US-u-kn-true');
  alter table t enable row level security;
  create policy "any" on t for select to zoe, adam, public using (t.t > 1);
  create policy "of TO some" on t to adam, zoe using (true)`

test.each([
  [12, 18],
  [15, 17],
  [18, 12],
  [17, 15],
] as const)('objects migrated from %d to %d are equal', async (from, to) => {
  const [here, there] = [await cluster(from), await cluster(to)]
  // Servers store the roles of a policy in the order of their creation.
  for (const role of ['adam', 'zoe']) await here.sql('postgres', `create role ${role}`)
  for (const role of ['zoe', 'adam']) await there.sql('postgres', `create role ${role}`)
  const source = await here.createDatabase()
  const destination = await there.createDatabase()
  try {
    // The owner of the schema public and the right to create objects in it differ since 15.
    for (const database of [source, destination])
      await database.sql('alter schema public owner to postgres; revoke create on schema public from public')
    await source.sql(richInAmbiguity)
    const { failures } = await clone(source, destination)
    expect(failures).toEqual([])
    const { differences, normalised } = await compare(source, destination)
    expect(differences).toEqual([])
    expect(normalised.length).toBeGreaterThan(0)
  } finally {
    for (const [server, database] of [
      [here, source],
      [there, destination],
    ] as const) {
      await database.drop()
      await server.sql('postgres', 'drop role adam, zoe')
    }
  }
})
