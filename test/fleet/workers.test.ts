// Rows copied by other processes, which take them from a queue: whoever dies loses nothing, and nothing comes twice.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FleetView } from '../../shared/fleet.ts'
import type { Summary } from '../../shared/summary.ts'
import type { WorkerView } from '../../shared/worker.ts'
import { type Home, makeHome } from '../cli/process.ts'
import {
  type Cluster,
  cluster,
  type OwnCluster,
  startCluster,
  type TestDatabase,
} from '../support/clusters.ts'
import { compareRows } from '../support/compare.ts'
import { startProxy, withPort } from '../support/proxy.ts'
import { appears, endWorker, startWorker, type WorkerProcess } from '../support/workers.ts'

// Servers have to start.
setDefaultTimeout(120_000)

let home: Home
let from: Cluster
let to: Cluster
let queues: OwnCluster
let source: TestDatabase
const workers: WorkerProcess[] = []

beforeAll(async () => {
  home = makeHome()
  ;[from, to, queues] = await Promise.all([cluster(14), cluster(17), startCluster({ major: 15 })])
  source = await from.createDatabase()
  // One that goes in parts, two of middling size, and small ones that go together.
  await source.sql(`
    create table big (id int primary key, v text);
    insert into big select i, repeat(md5(i::text), 8) from generate_series(1, 40000) i;
    create table middling (id int, v text);
    insert into middling select i, repeat('v', 100) from generate_series(1, 20000) i;
    create table other (id int, v text);
    insert into other select i, repeat('w', 100) from generate_series(1, 20000) i;
    create table "small ""one""" (id int references big);
    insert into "small ""one""" select generate_series(1, 100);
    create table "small two" (id serial primary key);
    insert into "small two" select from generate_series(1, 50);
    create table empty (id int);
    create index on big (v);`)
})

afterAll(async () => {
  for (const worker of workers) await endWorker(worker)
  await queues.stop()
  home[Symbol.dispose]()
})

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
  // Slow enough for something to happen meanwhile.
  return home.start(['clone', ...args, '--split', '2MB', '--max-rate', '4MB', ...more])
}

function pidsOf(processes: readonly WorkerProcess[]): number[] {
  return processes.map(({ child }) => child.pid).toSorted()
}

async function expectWhole(run: ReturnType<typeof startClone>, destination: TestDatabase) {
  const { code, output, said } = await run.finished
  expect([code, said]).toEqual([0, said])
  const { status, tables } = JSON.parse(output) as Summary
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  expect({ status, rows }).toEqual({ status: 'completed', rows: 80150 })
  expect(await compareRows(source, destination)).toEqual([])
  return said
}

test.concurrent('of three workers one is killed in the midst: all tables arrive once', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  const three = [1, 2, 3].map(() => startOn(queue, destination))
  const [victim, ...others] = three
  while (!three.every(({ said }) => said().includes('jobs at a time'))) await Bun.sleep(50)
  const status = await home.run(['status', '--queue', queue.url, '--json'])
  const seen = JSON.parse(status.output) as WorkerView[]
  expect(seen.map(({ pid }) => pid).toSorted()).toEqual(pidsOf(three))
  const run = startClone(queue, destination)
  await appears(
    queue,
    `select from pgtrek_jobs.job
      where state = 'copying' and rows between 1 and 4000 and title like 'public.big%' and worker like '%:' || $1 || ':%'`,
    [`${victim?.child.pid}`],
    run,
  )
  victim?.child.kill('SIGKILL')
  const said = await expectWhole(run, destination)
  expect(said).toContain('is gone; what it had not committed others do')
  const told = others.map(({ said }) => said()).join('')
  expect(told).toContain('(attempt 2)')
  const [left] = await queue.sql(`
    select (select count(*)::int from pgtrek_jobs.job) as jobs,
           (select count(*)::int from pgtrek_queue.job where state < 'completed') as open`)
  expect(left).toEqual({ jobs: 0, open: 0 })
  const texts = await queue.sql<{ text: string }>('select data::text as text from pgtrek_queue.job')
  expect(texts.length).toBeGreaterThan(0)
  for (const { text } of texts) expect(text).not.toContain('postgres:')
  for (const worker of others) expect(await endWorker(worker)).toBe(0)
})

test.concurrent('a worker that loses its way to the destination leaves its jobs to the others', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  await using proxy = await startProxy({ host: '127.0.0.1', port: to.port })
  const cut = startOn(queue, { url: withPort(destination.url, proxy.port) })
  const run = startClone(queue, destination)
  await appears(
    queue,
    `select from pgtrek_jobs.job where state = 'copying' and rows between 1 and 4000`,
    [],
    run,
  )
  proxy.refuse()
  const direct = startOn(queue, destination)
  await expectWhole(run, destination)
  expect(cut.said()).toContain('goes back into the queue')
  expect(direct.said()).toContain('(attempt 2)')
  for (const worker of [cut, direct]) expect(await endWorker(worker)).toBe(0)
})

test.concurrent('a worker that knows another destination by that name does not write to it', async () => {
  const destination = await to.createDatabase()
  const another = await to.createDatabase()
  const queue = await queues.createDatabase()
  const wrong = startOn(queue, another)
  const run = startClone(queue, destination)
  await appears(queue, `select from pgtrek_jobs.worker`, [], run)
  while (!wrong.said().includes('another database than')) await Bun.sleep(50)
  const right = startOn(queue, destination)
  await expectWhole(run, destination)
  for (const worker of [wrong, right]) expect(await endWorker(worker)).toBe(0)
})

test.concurrent('a run that is killed leaves workers that commit nothing into the next one', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  const both = [1, 2].map(() => startOn(queue, destination))
  const killed = startClone(queue, destination)
  await appears(
    queue,
    `select from pgtrek_jobs.job where state = 'copying' and rows between 1 and 4000`,
    [],
    killed,
  )
  killed.child.kill('SIGKILL')
  await killed.child.exited
  const run = startClone(queue, destination, '--drop-existing', '--yes')
  await expectWhole(run, destination)
  for (const worker of both) expect(await endWorker(worker)).toBe(0)
})

test.concurrent('a fleet hands the rows of its databases to workers that have the same configuration', async () => {
  const queue = await queues.createDatabase()
  const crm = await from.createDatabase('crm "1"')
  await crm.sql(
    'create table t as select i from generate_series(1, 20000) i; alter table t add primary key (i)',
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
  expect(worker.said()).toContain('first/crm "1": public.t: 20000 rows')
  expect(await endWorker(worker)).toBe(0)
})

test.concurrent('the destination may be restarted under a run and its workers', async () => {
  const own = await startCluster({ major: 18 })
  try {
    const destination = await own.createDatabase()
    const queue = await queues.createDatabase()
    const worker = startOn(queue, destination)
    const run = startClone(queue, destination)
    await appears(
      queue,
      `select from pgtrek_jobs.job where state = 'copying' and rows between 1 and 4000`,
      [],
      run,
    )
    await own.restart('immediate')
    await expectWhole(run, destination)
    expect(await endWorker(worker)).toBe(0)
  } finally {
    await own.stop()
  }
})

// The others are over by then.
test('the queue may be restarted under a run and its workers', async () => {
  const destination = await to.createDatabase()
  const queue = await queues.createDatabase()
  const both = [1, 2].map(() => startOn(queue, destination))
  const run = startClone(queue, destination)
  await appears(
    queue,
    `select from pgtrek_jobs.job where state = 'copying' and rows between 1 and 4000`,
    [],
    run,
  )
  await queues.restart('immediate')
  const said = await expectWhole(run, destination)
  expect(said).toContain('waiting for the queue')
  for (const worker of both) expect(await endWorker(worker)).toBe(0)
})
