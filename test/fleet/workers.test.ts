// Rows copied by workers in other processes: after a failure of a worker nothing is lost and nothing is copied twice.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FleetView } from '../../shared/fleet.ts'
import type { Summary } from '../../shared/summary.ts'
import type { WorkerView } from '../../shared/worker.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { within } from '../../tools/eventually.ts'
import {
  type Cluster,
  cluster,
  type OwnCluster,
  startCluster,
  type TestDatabase,
} from '../../tools/servers/clusters.ts'
import { startProxy, withPort } from '../../tools/servers/proxy.ts'
import { appears, endWorker, reports, startWorker, type WorkerProcess } from '../support/workers.ts'

let home: Home
let from: Cluster
let to: Cluster
let queues: OwnCluster
let source: TestDatabase
const workers: WorkerProcess[] = []

/** An advisory lock on the destination that blocks the rows of a large table during the copy. */
const gate = 4711

beforeAll(async () => {
  home = makeHome()
  ;[from, to, queues] = await Promise.all([cluster(14), cluster(17), startCluster({ major: 15 })])
  source = await from.createDatabase()
  // A table for several parts, two of middle size, and small ones that share a job.
  await source.sql(`
    create function passes(id int) returns boolean language plpgsql immutable as $$
      begin
        if id % 100 = 0 then perform pg_catalog.pg_advisory_xact_lock_shared(${gate}); end if;
        return true;
      end $$;
    create table big (id int primary key, v text, check (passes(id)));
    insert into big select i, repeat(md5(i::text), 8) from generate_series(1, 8000) i;
    create table middling (id int, v text);
    insert into middling select i, repeat('v', 100) from generate_series(1, 2000) i;
    create table other (id int, v text);
    insert into other select i, repeat('w', 100) from generate_series(1, 2000) i;
    create table "small ""one""" (id int references big);
    insert into "small ""one""" select generate_series(1, 100);
    create table "small two" (id serial primary key);
    insert into "small two" select from generate_series(1, 50);
    create table empty (id int);
    create index on big (v);`)
})

afterEach(async () => {
  await Promise.all(workers.splice(0).map(endWorker))
})

afterAll(async () => {
  await queues.stop()
  home[Symbol.dispose]()
})

interface Gate extends AsyncDisposable {
  /** Waits until this many parts of the table are blocked, half copied. */
  holds(parts: number, run: ReturnType<typeof startClone>): Promise<void>
  open(): Promise<void>
}

/** Blocks the rows of the table in parts until it is opened. */
async function closeGate(destination: TestDatabase): Promise<Gate> {
  const holder = destination.connect()
  await holder`select pg_advisory_lock(${gate})`
  // Its server may have been restarted.
  const open = async () => void (await holder.end().catch(() => {}))
  return {
    open,
    async holds(parts, run) {
      const waiting = `
        select count(*) from pg_locks
         where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())
        having count(*) >= $1`
      await appears(destination, waiting, [parts], run)
    },
    [Symbol.asyncDispose]: open,
  }
}

function startOn(queue: TestDatabase, destination: { url: string }): WorkerProcess {
  const worker = startWorker(home, ['--queue', queue.url], {
    PGTREK_SOURCE: source.url,
    PGTREK_DEST: destination.url,
  })
  workers.push(worker)
  return worker
}

function startClone(queue: TestDatabase, destination: TestDatabase, ...more: string[]) {
  const args = ['--source', source.url, '--dest', destination.url, '--queue', queue.url, '--json']
  return home.start(['clone', ...args, '--split', '300KB', ...more])
}

function pidsOf(processes: readonly WorkerProcess[]): number[] {
  return processes.map(({ child }) => child.pid).toSorted()
}

async function expectWhole(run: ReturnType<typeof startClone>, destination: TestDatabase) {
  const { code, output, said } = await run.finished
  const { status, tables, failed } = JSON.parse(output) as Summary
  // The output explains an unexpected end.
  expect([code, failed, said]).toEqual([0, [], said])
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  expect({ status, rows }).toEqual({ status: 'completed', rows: 12150 })
  expect(await compareRows(source, destination)).toEqual([])
  return said
}

test('of three workers one is killed during the copy: every row is copied once', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  const three = [1, 2, 3].map(() => startOn(queue, destination))
  const [victim, ...others] = three
  for (const worker of three) await reports(worker, 'jobs at a time')
  const status = await home.run(['status', '--queue', queue.url, '--json'])
  const seen = JSON.parse(status.output) as WorkerView[]
  expect(seen.map(({ pid }) => pid).toSorted()).toEqual(pidsOf(three))
  await using held = await closeGate(destination)
  const run = startClone(queue, destination)
  // More parts than the two others can have.
  await held.holds(5, run)
  const pid = `${victim?.child.pid}`
  const ofVictim = `worker like '%:' || $1 || ':%'`
  const taken = `select from pgtrek_jobs.job where state = 'copying' and title like 'public.big%' and ${ofVictim}`
  await appears(queue, taken, [pid], run)
  victim?.child.kill('SIGKILL')
  await within('the end of the worker', victim?.child.exited)
  await held.open()
  // Simulates that its last heartbeat was a minute ago.
  await queue.sql(
    `update pgtrek_queue.job set heartbeat_on = heartbeat_on - interval '1 minute'
      where id in (select id from pgtrek_jobs.job where ${ofVictim})`,
    [pid],
  )
  await queue.sql(
    "update pgtrek_jobs.worker set seen_at = seen_at - interval '1 minute' where pid::text = $1",
    [pid],
  )
  const said = await expectWhole(run, destination)
  expect(said).toContain('is gone; other workers take its uncommitted jobs')
  const printed = others.map(({ said }) => said()).join('')
  expect(printed).toContain(': started (attempt 2)')
  const [left] = await queue.sql(`
    select (select count(*)::int from pgtrek_jobs.job) as jobs,
           (select count(*)::int from pgtrek_queue.job where state < 'completed') as open`)
  expect(left).toEqual({ jobs: 0, open: 0 })
  const texts = await queue.sql<{ text: string }>('select data::text as text from pgtrek_queue.job')
  expect(texts.length).toBeGreaterThan(0)
  for (const { text } of texts) expect(text).not.toContain('postgres:')
  for (const worker of others) expect(await endWorker(worker)).toBe(0)
})

test('a worker that loses its connection to the destination returns its jobs to the others', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  await using proxy = await startProxy({ host: '127.0.0.1', port: to.port })
  const cut = startOn(queue, { url: withPort(destination.url, proxy.port) })
  await using held = await closeGate(destination)
  const run = startClone(queue, destination)
  await held.holds(1, run)
  const direct = startOn(queue, destination)
  await reports(direct, 'jobs at a time')
  proxy.refuse()
  await held.open()
  await expectWhole(run, destination)
  expect(cut.said()).toContain('returns to the queue')
  expect(direct.said()).toMatch(/\(attempt \d+\)/)
  for (const worker of [cut, direct]) expect(await endWorker(worker)).toBe(0)
})

test('a worker whose connection of that name leads to another destination does not write to it', async () => {
  const destination = await to.createDatabase()
  const another = await to.createDatabase()
  const queue = await queues.createDatabase()
  const wrong = startOn(queue, another)
  const run = startClone(queue, destination)
  await appears(queue, `select from pgtrek_jobs.worker`, [], run)
  await reports(wrong, 'a different database from')
  const right = startOn(queue, destination)
  await expectWhole(run, destination)
  for (const worker of [wrong, right]) expect(await endWorker(worker)).toBe(0)
})

test('workers commit nothing of a killed run into the next one', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  const both = [1, 2].map(() => startOn(queue, destination))
  await using held = await closeGate(destination)
  const killed = startClone(queue, destination)
  await held.holds(1, killed)
  killed.child.kill('SIGKILL')
  await within('the end of the run', killed.child.exited)
  await held.open()
  const run = startClone(queue, destination, '--drop-existing', '--yes')
  await expectWhole(run, destination)
  for (const worker of both) expect(await endWorker(worker)).toBe(0)
})

test('workers with the same configuration copy the rows of a fleet', async () => {
  const queue = await queues.createDatabase()
  const crm = await from.createDatabase('crm "1"')
  await crm.sql(
    'create table t as select i from generate_series(1, 5000) i; alter table t add primary key (i)',
  )
  const config = join(home.directory, 'fleet.yaml')
  writeFileSync(
    config,
    [
      `queue: ${queue.url}`,
      'count_every_seconds: 0',
      'mappings:',
      `  - { name: first, source: ${from.url('postgres')}, dest: ${to.url('postgres')}, roles: none,`,
      `      follow: false, databases: { include: ['crm*'] } }`,
    ].join('\n'),
  )
  const worker = startWorker(home, ['--config', config], {})
  workers.push(worker)
  const fleet = await home.run(['fleet', '--config', config, '--stateless', '--json'])
  expect([fleet.code, fleet.said]).toEqual([0, fleet.said])
  const view = JSON.parse(fleet.output) as FleetView
  expect(view.mappings[0]?.databases.map(({ name, state }) => [name, state])).toEqual([[crm.name, 'synced']])
  expect(view.workers?.map(({ pid }) => pid)).toEqual([worker.child.pid])
  const digest = "select count(*)::int as rows, md5(string_agg(i::text, ',' order by i)) as all from t"
  expect(await to.sql(crm.name, digest)).toEqual(await crm.sql(digest))
  expect(worker.said()).toContain('first/crm "1": public.t: 5000 rows')
  expect(await endWorker(worker)).toBe(0)
})

test('the destination may be restarted during a run with workers', async () => {
  await using own = await startCluster({ major: 18 })
  const destination = await own.createDatabase()
  const queue = await queues.createDatabase()
  const worker = startOn(queue, destination)
  await using held = await closeGate(destination)
  const run = startClone(queue, destination)
  await held.holds(1, run)
  await own.restart('immediate')
  await expectWhole(run, destination)
  expect(await endWorker(worker)).toBe(0)
})

test('the queue may be restarted during a run with workers', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  const both = [1, 2].map(() => startOn(queue, destination))
  await using held = await closeGate(destination)
  const run = startClone(queue, destination)
  await held.holds(1, run)
  await queues.restart('immediate')
  await held.open()
  const said = await expectWhole(run, destination)
  expect(said).toContain('waiting for the queue')
  for (const worker of both) expect(await endWorker(worker)).toBe(0)
})

test('a run whose queue does not answer any more can be stopped', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  await using way = await startProxy({ host: '127.0.0.1', port: queues.port })
  const run = startClone({ ...queue, url: withPort(queue.url, way.port) }, destination)
  await appears(queue, `select from pgtrek_jobs.run where state = 'open'`, [], run)
  way.stall()
  run.child.kill('SIGTERM')
  const { code, output } = await within('the end of the run', run.finished)
  expect([code, (JSON.parse(output) as Summary).status]).toEqual([130, 'cancelled'])
})

test('a snapshot that is lost before a worker starts fails all tables, each once', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  const run = startClone(queue, destination)
  await appears(queue, `select from pgtrek_jobs.run where state = 'open'`, [], run)
  await source.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'pgtrek'`,
  )
  const worker = startOn(queue, destination)
  const { code, output } = await within('the end of the run', run.finished)
  expect(code).toBe(1)
  const { failed } = JSON.parse(output) as Summary
  const errors = failed.filter(({ kind }) => kind === 'ROWS').map(({ error }) => error)
  expect(errors).toHaveLength(6)
  for (const error of errors) expect(error).toContain("the run's snapshot of the source is lost")
  expect(await endWorker(worker)).toBe(0)
  expect(worker.said()).not.toContain('(attempt 2)')
})

test('old rows are deleted in the transaction of the new ones, also of tables that only one job can replace', async () => {
  const queue = await queues.createDatabase()
  const destination = await to.createDatabase()
  await destination.sql(`
    create table big (id int primary key, v text, constraint fits check (id < 8000));
    create table "small ""one""" (id int references big);
    create table "small two" (id serial primary key);
    insert into big values (1, 'old'); insert into "small ""one""" values (1); insert into "small two" values (999);`)
  startOn(queue, destination)
  const ends = ['--source', source.url, '--dest', destination.url, '--queue', queue.url, '--json', '--yes']
  const copy = async () => {
    const args = [
      'copy',
      ...ends,
      '--keep-foreign-keys',
      '--include',
      'big',
      '--include',
      'small*',
      '--verify',
    ]
    const { code, output } = await home.run(args)
    return { code, summary: JSON.parse(output) as Summary }
  }
  const counts = `select (select count(*)::int from big) as big, (select count(*)::int from "small ""one""") as one,
                         (select count(*)::int from "small two") as two`
  const failed = await copy()
  expect(failed.code).toBe(1)
  expect(failed.summary.failed.map(({ error }) => error).join()).toMatch(
    /violates check constraint "fits".*public\.big kept its 1 row, public\.small "one" kept its 1 row\./,
  )
  expect(await destination.sql(counts)).toEqual([{ big: 1, one: 1, two: 50 }])
  await destination.sql('alter table big drop constraint fits')
  const whole = await copy()
  expect(whole).toMatchObject({ code: 0, summary: { verification: { compared: 3, different: [] } } })
  const rows = whole.summary.tables.map(({ name, rows }) => `${name} ${rows}`)
  expect(rows.toSorted()).toEqual(['big 8000', 'small "one" 100', 'small two 50'])
  expect(await destination.sql(counts)).toEqual([{ big: 8000, one: 100, two: 50 }])
})
