// `pgtrek copy` and dry runs, as processes against real servers.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, makeHome } from '../../tools/command.ts'
import { casesOf } from '../../tools/long.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

let home: Home
let from: Cluster
let to: Cluster
let source: TestDatabase

const schema = `
  create table t (id int primary key, v text);
  create table u (id int primary key references t);
  create sequence s;`

beforeAll(async () => {
  home = makeHome()
  from = await cluster(14)
  to = await cluster(17)
  source = await from.createDatabase()
  await source.sql(schema)
  await source.sql(`
    insert into t select i, 'v' || i from generate_series(1, 1000) i;
    insert into u select i from generate_series(1, 10) i;
    select setval('s', 77);
    create view w as select * from t;
    analyze;`)
})

afterAll(() => home[Symbol.dispose]())

const ends = (destination: TestDatabase) => ['--source', source.url, '--dest', destination.url]

describe('copy', () => {
  test('fills existing tables, and creates none', async () => {
    const destination = await to.createDatabase()
    await destination.sql(schema)
    const { code, output, said } = await home.run(['copy', ...ends(destination), '--json'])
    expect(said).not.toContain('error')
    expect(code).toBe(0)
    expect(JSON.parse(output)).toMatchObject({ status: 'completed' })
    const [row] = await destination.sql(`
      select (select count(*)::int from t) as t, (select count(*)::int from u) as u,
             (select last_value::int from s) as s, to_regclass('w') as w`)
    expect(row).toEqual({ t: 1000, u: 10, s: 77, w: null })
  })

  test('asks before it deletes rows, as clone does', async () => {
    const destination = await to.createDatabase()
    await destination.sql(schema)
    await destination.sql("insert into t values (0, 'mine')")
    const refused = await home.run(['copy', ...ends(destination)])
    expect(refused.code).toBe(3)
    expect(await destination.sql('select v from t')).toEqual([{ v: 'mine' }])
    expect((await home.run(['copy', ...ends(destination), '--yes'])).code).toBe(0)
    expect(await destination.sql('select count(*)::int as n from t')).toEqual([{ n: 1000 }])
  })

  test.each([
    ['yes\r', 0, 1000],
    ['no\r', 3, 1],
    // Ctrl-C at the question.
    ['\x03', 130, 1],
  ])('on a terminal it asks, with the names; the answer %p counts', async (answer, code, rows) => {
    const destination = await to.createDatabase()
    await destination.sql(schema)
    await destination.sql("insert into t values (0, 'mine')")
    const talk = await home.talk(['copy', ...ends(destination)], 'Type yes to continue', answer)
    expect(talk.screen).toContain('The rows of these tables of the destination will be deleted:')
    expect(talk.screen).toMatch(/^ {2}public\.t\r?$/m)
    expect(talk.code).toBe(code)
    expect(await destination.sql('select count(*)::int as n from t')).toEqual([{ n: rows }])
  })

  test('takes everything from a file', async () => {
    const destination = await to.createDatabase()
    await destination.sql(schema)
    writeFileSync(
      join(home.directory, 'copy.yaml'),
      `source: ${source.url}\ndest: "\${DEST}"\nworkers: 1\nlog_dir: of/file\n`,
    )
    const { code, said } = await home.run(['copy', '--config', 'copy.yaml'], { DEST: destination.url })
    expect(said).toContain('with 1 copy')
    expect(code).toBe(0)
    expect(existsSync(join(home.directory, 'of/file'))).toBe(true)
  })

  const mistakes = casesOf<[string[], string]>(
    [
      [['copy', '--schema-only'], "unknown option '--schema-only'"],
      [['copy', '--source', 'postgres://a/b'], 'no dest'],
      [['clone', '--config', 'no.toml'], 'no.toml cannot be read'],
    ],
    [
      [['copy'], 'no source'],
      [['clone', '--quiet', '--verbose'], '--quiet and --verbose exclude each other'],
    ],
  )
  test.each(mistakes)('%p is an error, and nothing is tried', async (args, message) => {
    const { code, output, said } = await home.run(args, { PGTREK_SOURCE: '', PGTREK_DEST: '' })
    expect(said).toContain(message)
    expect(output).toBe('')
    expect(code).toBe(2)
  })
})

describe('a dry run', () => {
  test('shows what would be created, destroyed and copied, and writes nothing', async () => {
    const destination = await to.createDatabase()
    await destination.sql("create table t (id int primary key, v text); insert into t values (0, 'mine')")
    const { code, output } = await home.run(['clone', ...ends(destination), '--dry-run'])
    expect(code).toBe(0)
    expect(output).toContain('\n  1 schema, 1 sequence, 2 tables, 1 view, 2 constraints, 1 foreign key\n')
    expect(output).toContain('The rows of these tables of the destination will be deleted:\n  public.t\n')
    expect(output).toContain('Copied: 2 tables, about 1,010 rows')
    expect(output).toContain('nothing was written')
    expect(output).not.toContain('CREATE TABLE')
    expect(await destination.sql('select v from t')).toEqual([{ v: 'mine' }])
    expect(await destination.sql("select to_regclass('u') as u")).toEqual([{ u: null }])
  })

  test('shows its SQL with --verbose', async () => {
    const destination = await to.createDatabase()
    const { code, output } = await home.run(['clone', ...ends(destination), '--dry-run', '--verbose'])
    expect(code).toBe(0)
    expect(output).toContain('CREATE TABLE public.t (')
    expect(output).toContain('copy "public"."t"')
    expect(await destination.sql("select to_regclass('t') as t")).toEqual([{ t: null }])
  })

  test('is one JSON object with --json', async () => {
    const destination = await to.createDatabase()
    const { code, output } = await home.run(['clone', ...ends(destination), '--json'], {
      PGTREK_DRY_RUN: 'true',
    })
    expect(code).toBe(0)
    const plan = JSON.parse(output)
    expect(plan).toMatchObject({ status: 'planned', destroyed: [], warnings: [] })
    expect(plan.tables).toEqual([
      expect.objectContaining({ schema: 'public', name: 't', rows: 1000 }),
      expect.objectContaining({ schema: 'public', name: 'u', rows: 10 }),
    ])
    expect(plan.created).toContainEqual({ kind: 'VIEW', schema: 'public', name: 'w' })
  })

  test('that cannot be planned fails like a run', async () => {
    const { code, output, said } = await home.run([
      'clone',
      '--source',
      source.url,
      '--dest',
      source.url,
      '--dry-run',
    ])
    expect(said).toContain('source and destination are the same database')
    expect(output).toBe('')
    expect(code).toBe(3)
  })
})
