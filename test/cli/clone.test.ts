// `pgtrek clone` as a process: signals, environment, output, and servers with few free connections.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, makeHome } from '../../tools/command.ts'
import { CannotHappen, eventually } from '../../tools/eventually.ts'
import { type Cluster, cluster, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'

let home: Home
let directory: string
let from: Cluster
let to: Cluster
let source: TestDatabase

const rows = 5000
/** An advisory lock on the destination: while it is held, the index on t waits. */
const gate = 4711

beforeAll(async () => {
  home = makeHome()
  directory = home.directory
  from = await cluster(14)
  to = await cluster(17)
  source = await from.createDatabase()
  await source.sql(`
    create function gated(v text) returns text language plpgsql immutable as $$
      begin
        perform pg_catalog.pg_advisory_xact_lock_shared(${gate});
        return v;
      end $$;
    create table t (id int primary key, v text);
    insert into t select i, repeat('v', 100) from generate_series(1, ${rows}) i;
    create table u (id int references t);
    create index on t (gated(v));`)
})

afterAll(() => home[Symbol.dispose]())

function start(args: string[], environment: Record<string, string> = {}) {
  return home.start(['clone', ...args], environment)
}

/** Waits until it runs such a statement on the destination. */
async function runs(
  { child, finished }: ReturnType<typeof start>,
  destination: TestDatabase,
  statement: string,
) {
  await eventually(
    statement,
    async () => {
      const active = await to.sql<{ query: string }>(
        'postgres',
        `select query from pg_stat_activity
          where datname = $1 and application_name = 'pgtrek' and state = 'active'`,
        [destination.name],
      )
      if (active.length === 0 && child.exitCode !== null) throw new CannotHappen((await finished).said)
      return active.map(({ query }) => query.toLowerCase())
    },
    (queries) => queries.some((query) => query.includes(statement)),
  )
}

describe('Ctrl-C', () => {
  test.each([
    ['among the rows', 'copy ', ['--max-rate', '50KB']],
    ['among the indexes', 'create index', []],
  ])('once, %s, stops cleanly with code 130', async (_, statement, flags) => {
    const destination = await to.createDatabase()
    const holder = destination.connect()
    await holder`select pg_advisory_lock(${gate})`
    const run = start(['--source', source.url, '--dest', destination.url, '--json', ...flags])
    try {
      await runs(run, destination, statement)
      run.child.kill('SIGINT')
      const { code, output, said } = await run.finished
      expect(said).toContain('stopping')
      expect(code).toBe(130)
      expect(JSON.parse(output).status).toBe('cancelled')
    } finally {
      await holder.end()
    }
    const [row] = await destination.sql('select count(*)::int as count from t')
    expect(row?.count).toBe(statement === 'copy ' ? 0 : rows)
  })
})

test('takes both connections from the environment, and writes log and state to the given directories', async () => {
  const destination = await to.createDatabase()
  const { finished } = start(['--log-dir', 'my/logs', '--state-dir', 'my/state', '--quiet'], {
    PGTREK_SOURCE: source.url,
    PGTREK_DEST: destination.url,
  })
  const { code, output, said } = await finished
  expect(said).toContain('Done in')
  expect(code).toBe(0)
  expect(output).toBe('')
  const [file] = readdirSync(join(directory, 'my/logs'))
  const lines = readFileSync(join(directory, 'my/logs', file ?? ''), 'utf8')
    .trim()
    .split('\n')
  expect(lines.map((line) => JSON.parse(line)).length).toBeGreaterThan(5)
  expect(existsSync(join(directory, 'my/state/pgtrek.sqlite'))).toBe(true)
})

test('without --yes and a terminal, existing rows are not deleted', async () => {
  const destination = await to.createDatabase()
  await destination.sql('create table u (id int); insert into u values (7)')
  const ends = ['--source', source.url, '--dest', destination.url]
  const refused = await start(ends).finished
  expect(refused.code).toBe(3)
  expect(refused.said).toContain('public.u')
  expect(refused.said).toContain('--yes')
  expect(await destination.sql('select id from u')).toEqual([{ id: 7 }])
  const agreed = await start([...ends, '--yes']).finished
  expect(agreed.code).toBe(0)
  expect(await destination.sql('select id from u')).toEqual([])
})

test('no output contains a password', async () => {
  const destination = await to.createDatabase()
  const secret = 'sEcr3t/pass word'
  const url = new URL(destination.url)
  url.password = encodeURIComponent(secret)
  const { output, said } = await start(['--source', source.url, '--dest', url.href, '--verbose', '--json'])
    .finished
  const logs = readdirSync(join(directory, 'logs')).map((file) =>
    readFileSync(join(directory, 'logs', file), 'utf8'),
  )
  for (const text of [output, said, ...logs]) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain(encodeURIComponent(secret))
  }
})

test('works with hardly any free connection', async () => {
  const settings = { max_connections: '9', max_wal_senders: '2' }
  await using crowded = await startCluster({ major: 17, settings })
  const destination = await crowded.createDatabase()
  const { finished } = start(['--source', source.url, '--dest', destination.url, '--workers', '8'])
  const { code, said } = await finished
  expect(said).toContain('Done in')
  expect(code).toBe(0)
})
