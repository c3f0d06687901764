// The executable that users download, alone in an empty directory, works without other files.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { compile } from '../scripts/compile.ts'
import { writtenClient } from '../server/api/typescript/written-client.ts'
import { Summary } from '../shared/summary.ts'
import { eventually, within } from '../tools/eventually.ts'
import { type Cluster, cluster, type TestDatabase } from '../tools/servers/clusters.ts'
import { freshPage } from '../tools/test-run/fresh-page.ts'
import { endWorker, startWorker } from './support/workers.ts'

const bunfig = 'preload = ["./not-there.ts"]\n'
let temporary: string
let home: string
let pgtrek: string

beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'pgtrek-compiled-'))
  home = join(temporary, 'home')
  mkdirSync(home)
  const built = await compile({ outfile: join(temporary, 'build', 'pgtrek'), page: await freshPage() })
  expect(readdirSync(join(temporary, 'build'))).toEqual([basename(built)])
  pgtrek = join(home, basename(built))
  copyFileSync(built, pgtrek)
})

afterAll(() => rmSync(temporary, { recursive: true, force: true }))

describe('without a server', () => {
  test('it prints its version, in a directory with the settings of another project', async () => {
    writeFileSync(join(home, 'bunfig.toml'), bunfig)
    try {
      expect(await run('version')).toEqual({
        code: 0,
        stdout: expect.stringMatching(/^pgtrek \d+\.\d+\.\d+\n$/),
        stderr: '',
      })
    } finally {
      rmSync(join(home, 'bunfig.toml'))
    }
  })

  test('classes of errors, whose names are in messages, have the names of the source', () => {
    expect(readFileSync(pgtrek).includes('class PlanRefused extends')).toBe(true)
  })

  test('help names the commands', async () => {
    const { code, stdout } = await run('help')
    expect(code).toBe(0)
    expect(stdout).toContain('clone')
  })

  test('it writes the client of the API, as the source does', async () => {
    const file = join(temporary, 'client.ts')
    expect(await run('client', '--output', file)).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(file, 'utf8')).toBe(writtenClient())
  })

  test('it contains the licences of its parts', async () => {
    const { code, stdout } = await run('licenses')
    expect(code).toBe(0)
    for (const name of [
      'Bun',
      'PostgreSQL',
      'elysia',
      'solid-js',
      'postgres',
      '@electric-sql/pglite-tools',
    ]) {
      expect(stdout.includes(`\n${name} `) ? name : '').toBe(name)
    }
  })

  test.each([
    ['an unknown flag', ['clone', '--no-such-flag'], '--no-such-flag'],
    ['an unknown command', ['no-such-command'], 'no-such-command'],
    ['no source', ['clone', '--dest', 'postgres://user@127.0.0.1/nowhere'], '--source'],
    ['no destination', ['clone', '--source', 'postgres://user@127.0.0.1/nowhere'], '--dest'],
    ['a number that is none', ['clone', '--workers', 'many'], '--workers'],
  ])('%s is a mistake in the usage', async (_, words, named) => {
    const { code, stdout, stderr } = await run(...words)
    expect(stderr).toContain(named)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  test('a server that cannot be reached is reported', async () => {
    // No server listens on port 1.
    const url = 'postgres://user:secret@127.0.0.1:1/nowhere'
    const { code, stderr } = await run('clone', '--source', url, '--dest', url)
    expect(stderr).toContain('127.0.0.1')
    expect(stderr).not.toContain('secret')
    expect(code).toBe(3)
  })
})

describe('from server to server', () => {
  let source: TestDatabase
  let destination: TestDatabase
  let strict: Cluster

  beforeAll(async () => {
    const [from, to] = await Promise.all([cluster(15), cluster(18)])
    strict = await cluster(12, { hba: 'host all all 127.0.0.1/32 scram-sha-256\n' })
    source = await from.createDatabase()
    destination = await to.createDatabase()
    await source.sql(library)
  })

  afterAll(() => Promise.all([source.drop(), destination.drop()]))

  test('it clones a database, table parts and large objects included, and prints one JSON document', async () => {
    const urls = ['--source', source.url, '--dest', destination.url]
    const { code, stdout, stderr } = await run('clone', ...urls, '--split', '1MB', '--workers', '2', '--json')
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    const summary: unknown = JSON.parse(stdout)
    expect(Value.Errors(Summary, summary).First()).toBeUndefined()
    expect(summary).toMatchObject({ status: 'completed', failed: [], skipped: [], warnings: [] })
    expect((summary as Summary).tables.map(({ name, rows }) => [name, rows]).sort()).toEqual([
      ['author', 3],
      ['book', 1000],
      ['loan', 15_000],
      ['nothing', 0],
    ])
    for (const question of questions) {
      expect({ question, rows: await destination.sql(question) }).toEqual({
        question,
        rows: await source.sql(question),
      })
    }
  })

  test('it serves the page and the API from an empty directory, and migrates', async () => {
    const empty = join(temporary, 'empty')
    mkdirSync(empty)
    const child = Bun.spawn([pgtrek, 'serve', '--port', '0'], {
      cwd: empty,
      env: { HOME: empty, SystemRoot: process.env.SystemRoot },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const target = await (await cluster(18)).createDatabase()
    try {
      const url = await within('the address of the server', addressOf(child.stdout))
      const page = await (await fetch(url)).text()
      expect(page).toContain('<div id=')
      const parts = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path)
      expect(parts.some((path) => path.endsWith('.js'))).toBe(true)
      for (const path of [...parts, '/help', '/openapi', '/openapi/json']) {
        const answer = await fetch(new URL(path, url))
        expect([path, answer.status, (await answer.bytes()).length > 50]).toEqual([path, 200, true])
      }
      const post = async (path: string, body: object) => {
        const headers = { 'content-type': 'application/json' }
        return await fetch(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body) })
      }
      const ends = { source: { url: source.url }, destination: { url: target.url } }
      expect((await post('/api/browse', { conn: ends.source })).status).toBe(200)
      expect((await post('/api/plan', ends)).status).toBe(200)
      expect((await post('/api/migrate', ends)).status).toBe(200)
      const status = async () => (await fetch(new URL('/api/migrate/status', url))).json()
      const progress = await eventually('the end of the migration', status, ({ running }) => !running)
      expect(progress.status).toBe('completed')
      for (const question of questions) {
        expect(await target.sql(question)).toEqual(await source.sql(question))
      }
      expect(readdirSync(empty).sort()).toEqual(['.pgtrek', 'logs'])
    } finally {
      child.kill('SIGTERM')
      expect(await within('the end of the server after SIGTERM', child.exited)).toBe(0)
      await target.drop()
    }
  })

  test('a log file of the run exists', () => {
    const [file = '', ...others] = readdirSync(join(home, 'logs')).filter((name) =>
      readFileSync(join(home, 'logs', name), 'utf8').includes('"status":"completed"'),
    )
    expect(others).toEqual([])
    const lines = readFileSync(join(home, 'logs', file), 'utf8')
      .trimEnd()
      .split('\n')
    expect(lines.map((line) => JSON.parse(line).type)).toEqual(
      expect.arrayContaining(['started', 'planned', 'finished']),
    )
  })

  test('it contains the worker with its queue', async () => {
    const to = await cluster(18)
    const [copied, queue] = [await to.createDatabase(), await to.createDatabase()]
    const environment = { PGTREK_SOURCE: source.url, PGTREK_DEST: copied.url, PGTREK_QUEUE: queue.url }
    const worker = startWorker({ directory: home }, [], { HOME: home, ...environment }, [pgtrek])
    try {
      const { code, stderr } = await runWith(environment, 'clone')
      expect({ code, stderr }).toMatchObject({ code: 0 })
      expect(stderr).toContain('public.loan is copied by ')
      expect(await copied.sql(questions[2] ?? '')).toEqual(await source.sql(questions[2] ?? ''))
    } finally {
      expect(await within('the end of the worker after SIGTERM', endWorker(worker))).toBe(0)
      await Promise.all([copied.drop(), queue.drop()])
    }
  })

  test('errors name the database, without the password', async () => {
    const wrong = strict.url('postgres', 'postgres', 'wrong-password')
    const { code, stdout, stderr } = await run('clone', '--source', source.url, '--dest', wrong)
    expect(stderr).toContain('password authentication failed')
    expect(stderr).not.toContain('wrong-password')
    expect(stdout).toBe('')
    expect(code).toBe(3)
  })

  test('the right password is taken from the environment', async () => {
    const empty = await strict.createDatabase()
    const url = new URL(empty.url)
    url.password = ''
    const { code, stderr } = await runWith(
      { PGTREK_SOURCE: source.url, PGTREK_DEST: url.href, PGPASSWORD: 'postgres' },
      ...['clone', '--schema-only'],
    )
    await empty.drop()
    expect({ code, stderr }).toMatchObject({ code: 0 })
  })
})

/** Everything that the executable contains: rows in both formats, parts, large objects, DDL of all phases. */
const library = `
  create type genre as enum ('novel', 'poem', 'play');
  create table author (id int generated always as identity primary key, name text not null unique);
  create table book (
    id     serial primary key,
    author int not null references author,
    title  text not null,
    genre  genre not null,
    genres genre[] not null,
    cover  oid
  );
  create index book_title on book (lower(title));
  create table loan (book int not null references book, at timestamptz not null, note text, primary key (book, at));
  create table nothing ();
  create view shelf as select name, title from book join author on author.id = book.author;
  insert into author (name) values ('Ada'), ('Bob'), ('Cæsar');
  insert into book (author, title, genre, genres)
    select 1 + i % 3, 'Title ' || i, 'poem', array['play', 'novel']::genre[] from generate_series(1, 1000) i;
  insert into loan
    select 1 + i % 1000, timestamptz '2020-01-01' + i * interval '1 minute', repeat(md5(i::text), 4)
      from generate_series(1, 15000) i;
  update book set cover = lo_from_bytea(0, decode(repeat('00ff5c0a', 50000), 'hex')) where id = 7;
  analyze;`

const questions = [
  'select * from author order by id',
  'select * from book order by id',
  `select count(*), md5(string_agg(loan::text, ',' order by book, at)) from loan`,
  'select count(*), min(name), max(title) from shelf',
  'select md5(lo_get(cover)), length(lo_get(cover)) from book where id = 7',
  'select last_value, is_called from book_id_seq',
  'select indexrelid::regclass::text as index, indisvalid from pg_index where indrelid = any(array[$$book$$, $$loan$$]::regclass[]) order by 1',
  'select conname, contype, convalidated from pg_constraint where conrelid = any(array[$$book$$, $$loan$$]::regclass[]) and contype <> $$n$$ order by 1',
]

/** Leaves the stream open: the server would fail when it writes to a closed pipe. */
async function addressOf(output: ReadableStream<Uint8Array>): Promise<string> {
  const reader = output.getReader()
  const decoder = new TextDecoder()
  for (let said = ''; ; ) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`pgtrek serve ended before it listened: ${said}`)
    said += decoder.decode(value, { stream: true })
    const url = /listens on (\S+)\s/.exec(said)?.[1]
    if (url) return url
  }
}

function run(...words: string[]) {
  return runWith({}, ...words)
}

async function runWith(environment: Record<string, string>, ...words: string[]) {
  const child = Bun.spawn([pgtrek, ...words], {
    cwd: home,
    // No settings of this machine, except for some that Windows requires.
    env: { HOME: home, SystemRoot: process.env.SystemRoot, ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const text = (stream: ReadableStream) => new Response(stream).text()
  const [stdout, stderr, code] = await within(
    `the end of pgtrek ${words[0]}`,
    Promise.all([text(child.stdout), text(child.stderr), child.exited]),
  )
  return { code, stdout, stderr }
}
