// Names and values with a meaning in SQL, wherever a name or a value is part of a statement.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { compareEverything, compareRows } from '../../tools/comparison/compare.ts'
import { casesOf } from '../../tools/long.ts'
import { type Cluster, cluster } from '../../tools/servers/clusters.ts'
import { type Owned, ownedDatabase } from './owners.ts'
import { type Faulty, faultyHome, keysAndTriggers } from './running.ts'

let from: Cluster
let to: Cluster
let home: Faulty

beforeAll(async () => {
  // A server where a backslash in a plain string begins an escape.
  const settings = { standard_conforming_strings: 'off', escape_string_warning: 'off' }
  ;[from, to] = await Promise.all([cluster(15, { settings }), cluster(17, { settings })])
  home = faultyHome()
  for (const server of [from, to]) {
    await server.sql('postgres', `create role ${quoted(hostileRole)} login password 'postgres'`)
  }
})

afterAll(() => home[Symbol.dispose]())

const names = [
  `it's "quoted"`,
  'a.b.c',
  `back\\slash\\'`,
  'line\nbreak\r\n-- drop',
  `'; drop table victim; --`,
  '$$ $body$ $1 ${',
  'ünïcödé 日本 🐘',
  'x'.repeat(63),
  '  spaces  ',
  'pg_temp',
  'tab\there*?',
  '%s %I $pgtrek$',
  '/* comment',
  'select',
  'a=b,c',
] as const

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
/** Valid with any setting of the server. */
const literal = (text: string) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`

/** Everything that has a name, with the hostile one, including the schema. */
function objects(name: string, role: string): string {
  // A schema may not begin with pg_.
  const schema = quoted(name.startsWith('pg_') ? ` ${name}` : name)
  const it = quoted(name)
  const short = (suffix: string) => quoted(`${[...name].slice(0, 12).join('')} ${suffix}`)
  return `
    create schema ${schema};
    create type ${schema}.${short('type')} as enum (${literal(name)}, 'other');
    create sequence ${schema}.${short('seq')};
    create table ${schema}.${it} (${it} int constraint ${short('pk')} primary key, ${short('col')} ${schema}.${short('type')},
                                  value text default ${literal(name)});
    create table ${schema}.${short('child')} (id int primary key, constraint ${short('fk')} foreign key (id) references ${schema}.${it} deferrable);
    comment on constraint ${short('fk')} on ${schema}.${short('child')} is ${literal(name)};
    create table ${schema}.${short('parts')} (${it} text primary key) partition by list (${it});
    create table ${schema}.${short('part')} partition of ${schema}.${short('parts')} for values in (${literal(name)});
    create index ${short('index')} on ${schema}.${it} (${short('col')}, value);
    create view ${schema}.${short('view')} as select ${it} from ${schema}.${it};
    create materialized view ${schema}.${short('mat')} as select count(*) as ${it} from ${schema}.${it};
    create function ${schema}.${short('f')}() returns trigger language plpgsql as ${literal(`begin return new; end -- ${name.replaceAll('\n', ' ').replaceAll('\r', ' ')}`)};
    create trigger ${short('trigger')} after insert on ${schema}.${it} for each row execute function ${schema}.${short('f')}();
    grant select on ${schema}.${it} to ${quoted(role)};
    comment on table ${schema}.${it} is ${literal(name)};`
}

function rows(name: string): string {
  const schema = quoted(name.startsWith('pg_') ? ` ${name}` : name)
  const short = (suffix: string) => quoted(`${[...name].slice(0, 12).join('')} ${suffix}`)
  return `
    insert into ${schema}.${quoted(name)} values (1, ${literal(name)}), (2, 'other');
    insert into ${schema}.${short('child')} values (1);
    insert into ${schema}.${short('parts')} values (${literal(name)});
    refresh materialized view ${schema}.${short('mat')};
    select setval(${literal(`${schema}.${short('seq')}`)}, 42);`
}

const hostileRole = `ro"le'; \\ 日`
const all = (text: (name: string) => string) => names.map(text).join('\n')

test('a clone copies them all, and drop and truncate recognise them', async () => {
  const source = await from.createDatabase()
  await source.sql(`create table victim (id int); ${all((name) => objects(name, hostileRole) + rows(name))}`)
  const destination = await to.createDatabase()
  const ends = ['clone', '--source', source.url, '--dest', destination.url]
  expect(await home.run(ends)).toMatchObject({ code: 0 })
  expect(await compareEverything(source, destination)).toEqual([])
  const there = await keysAndTriggers(source)
  expect(await keysAndTriggers(destination)).toEqual(there)
  for (const mode of ['--truncate', '--drop-existing']) {
    expect(await home.run([...ends, mode, '--yes', '--verify'])).toMatchObject({ code: 0 })
    expect(await compareEverything(source, destination)).toEqual([])
    expect(await keysAndTriggers(destination)).toEqual(there)
  }
})

describe('a copy by an owner of a hostile name', () => {
  let source: Owned
  const structure = all((name) => objects(name, hostileRole))
  beforeAll(async () => {
    source = await ownedDatabase(from, quoted(hostileRole), structure + all(rows))
  })

  test.each(casesOf(['--truncate', '--upsert'], ['--append']))(
    '%s suspends foreign keys and triggers, and restores them',
    async (mode) => {
      const destination = await ownedDatabase(to, quoted(hostileRole), structure)
      const before = await keysAndTriggers(destination)
      const url = (server: Cluster, { name }: Owned) => server.url(name, hostileRole)
      const ends = ['--source', url(from, source), '--dest', url(to, destination)]
      expect(await home.run(['copy', mode, '--yes', ...ends])).toMatchObject({ code: 0 })
      expect((await compareRows(source, destination)).filter((line) => !line.includes(' mat"'))).toEqual([])
      expect(await keysAndTriggers(destination)).toEqual(before)
    },
  )
})

test('mapping, constants, conditions and keys are treated as names and values, never as SQL', async () => {
  const source = await from.createDatabase()
  const destination = await to.createDatabase()
  const hostile = `o'; drop table victim; --\\ "$$`
  await source.sql(`create table t (id int, ${quoted(names[0])} text); insert into t values (1, ${literal(hostile)}), (2, 'no');
                    create table victim (id int);`)
  await destination.sql(`create table t (id int, ${quoted(names[4])} text, ${quoted(names[2])} text not null,
                         constraint ${quoted(names[2])} unique (id)); create table victim (id int);`)
  const config = {
    source: source.url,
    dest: destination.url,
    existing_rows: 'upsert',
    include: ['t'],
    tables: [
      {
        table: 't',
        key: names[2],
        where: `${quoted(names[0])} = ${literal(hostile)} -- the end`,
        columns: { [names[4]]: { from: names[0] }, [names[2]]: { value: hostile } },
      },
    ],
    hooks: [{ when: 'after', phase: 'run', on: 'destination', file: `it's; $(touch broken) "x".sql` }],
  }
  await Bun.write(`${home.directory}/it's; $(touch broken) "x".sql`, 'create table public.hooked (id int)')
  await Bun.write(`${home.directory}/move.yaml`, JSON.stringify(config))
  expect(await home.run(['copy', '--config', 'move.yaml'])).toMatchObject({ code: 0 })
  expect(await destination.sql('select * from t')).toEqual([
    { id: 1, [names[4]]: hostile, [names[2]]: hostile },
  ])
  expect(await destination.sql('select from victim, hooked')).toEqual([])
  expect(await Bun.file(`${home.directory}/broken`).exists()).toBe(false)
})

test('each name is selected by --include literally, and nothing else is', async () => {
  const source = await from.createDatabase()
  await source.sql(
    names
      .map((name) => `create table ${quoted(name)} (id int); insert into ${quoted(name)} values (1);`)
      .join('\n'),
  )
  const chosen = names.filter((_, index) => index % 2 === 0)
  const flags = chosen.flatMap((name) => ['--include', `public.${quoted(name)}`])
  const destination = await to.createDatabase()
  const result = await home.run(['clone', '--source', source.url, '--dest', destination.url, ...flags])
  expect(result).toMatchObject({ code: 0 })
  const there = await destination.sql<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  )
  expect(there.map(({ name }) => name).sort()).toEqual([...chosen].sort())
})
