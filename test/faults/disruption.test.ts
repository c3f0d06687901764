// Servers that interrupt a run: an administrator's cancel, a lost backend, a restart, a full disk.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { RunStore } from '../../server/store/runs.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { clone } from '../../tools/moves/clone.ts'
import { serverUser } from '../../tools/servers/binaries.ts'
import { type OwnCluster, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { expectNothingLeft, hold, sessionsIn, waitsForLock } from './running.ts'

/** Not shared, since they are restarted. */
let from: OwnCluster
let to: OwnCluster
let source: TestDatabase
/** `big` has more rows than the buffers of all sockets on the way hold. */
let wide: TestDatabase

const manyRows = 20_000

/** Every step can wait for a lock of the destination: `big` at its first row, and one index. */
const content = (rows: number) => `
  create function gate(lock int) returns int immutable language plpgsql as
    'begin perform pg_advisory_xact_lock_shared(lock); return 1; end';
  create table big (id int primary key, v text, check (id <> 1 or gate(2) = 1));
  insert into big select n, repeat('x', 1000) from generate_series(1, ${rows}) n;
  create table small (id int primary key, big int references big, v text);
  insert into small select n, n, repeat('x', 500) from generate_series(1, 1000) n;
  create index gated on small ((gate(1) * big)); create index plain on small (big);
  create materialized view sums as select count(*) from big;
  analyze;`

beforeAll(async () => {
  ;[from, to] = await Promise.all([startCluster({ major: 17 }), startCluster({ major: 17 })])
  source = await from.createDatabase()
  await source.sql(content(1000))
  wide = await from.createDatabase()
  await wide.sql(content(manyRows))
})

afterAll(() => Promise.all([from.stop(), to.stop()]))

const holdIndex = (destination: TestDatabase) => hold(destination, 'select pg_advisory_xact_lock(1)')
const indexWaits = (destination: TestDatabase) => waitsForLock(to, destination, '%create index "gated"%')
const holdRows = (destination: TestDatabase) => hold(destination, 'select pg_advisory_xact_lock(2)')
const rowsWait = (destination: TestDatabase) => waitsForLock(to, destination, 'copy%"big"%')

type Act = 'pg_cancel_backend' | 'pg_terminate_backend'

/** Acts on one of the run's sessions with such a statement. */
async function strike(server: OwnCluster, database: TestDatabase, act: Act, statement: string) {
  const [session] = await eventually(
    `a session that does ${statement}`,
    async () =>
      (await sessionsIn(server, database, statement)).filter(
        ({ isMeant, state }) => isMeant && state === 'active',
      ),
    (sessions) => sessions.length > 0,
  )
  await server.sql('postgres', `select ${act}($1)`, [session?.pid])
}

async function validKeys(destination: TestDatabase) {
  const rows = await destination.sql<{ name: string }>(`
    select conname as name from pg_constraint
     where contype in ('p', 'f') and convalidated and connamespace = 'public'::regnamespace
    union all select relname from pg_class join pg_index on indexrelid = oid
     where indisvalid and not indisprimary and relnamespace = 'public'::regnamespace order by 1`)
  return rows.map(({ name }) => name)
}

const allKeys = ['big_pkey', 'gated', 'plain', 'small_big_fkey', 'small_pkey']

describe('an administrator cancels', () => {
  test.each(['source', 'destination'] as const)(
    'a COPY on the %s: that table fails and is empty',
    async (end) => {
      const destination = await to.createDatabase()
      const lock = await holdRows(destination)
      const running = clone(wide, destination)
      await rowsWait(destination)
      if (end === 'source') {
        await eventually(
          'a session of the source that cannot send more rows',
          () => sessionsIn(from, wide, 'copy%"big"%'),
          (sessions) => sessions.some(({ isMeant, event }) => isMeant && event === 'ClientWrite'),
        )
      }
      await (end === 'source'
        ? strike(from, wide, 'pg_cancel_backend', 'copy%"big"%')
        : strike(to, destination, 'pg_cancel_backend', 'copy%"big"%'))
      await lock.letGo()
      const { failures, summary, result } = await within('the end of the run', running)
      expect(failures).toHaveLength(1)
      expect(failures[0]).toMatch(/^ROWS public\.big: .*canceling statement due to user request/)
      expect(result.status).toBe('completed_with_failures')
      expect(summary.skipped.map(({ kind, reason }) => `${kind} ${reason}`).join()).toContain(
        'rows of public.big, which failed',
      )
      expect(await destination.sql('select from big')).toEqual([])
      expect(await destination.sql('select count(*)::int as n from small')).toEqual([{ n: 1000 }])
      await expectNothingLeft(to, destination)
    },
  )

  test('CREATE INDEX: that index fails, and --resume creates it', async () => {
    using store = new RunStore(scratchDirectory())
    const destination = await to.createDatabase()
    const ends = {
      source: resolveSettings({ url: source.url }),
      destination: resolveSettings({ url: destination.url }),
    }
    const lock = await holdIndex(destination)
    const running = clone(source, destination, { memory: store.begin('cancelled-index', ends) })
    await strike(to, destination, 'pg_cancel_backend', '%create index "gated"%')
    const { failures, summary } = await within('the end of the run', running)
    store.end('cancelled-index', summary)
    await lock.letGo()
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/^INDEX public\.gated: canceling statement due to user request/)
    const resumed = await clone(source, destination, {
      options: { resume: true },
      memory: store.begin('resumed-index', ends),
    })
    expect(resumed.failures).toEqual([])
    expect(await validKeys(destination)).toEqual(allKeys)
  })
})

describe('a backend is lost', () => {
  test('in the middle of CREATE INDEX: it is built again', async () => {
    const destination = await to.createDatabase()
    const lock = await holdIndex(destination)
    const running = clone(source, destination)
    await strike(to, destination, 'pg_terminate_backend', '%create index "gated"%')
    await lock.letGo()
    const { failures, result } = await within('the end of the run', running)
    expect(failures).toEqual([])
    expect(result.status).toBe('completed')
    expect(await validKeys(destination)).toEqual(allKeys)
    expect(await compareRows(source, destination)).toEqual([])
  })
})

describe('the destination', () => {
  test.each(['fast', 'immediate'] as const)('stops (%s) and restarts while rows are copied', async (mode) => {
    const destination = await to.createDatabase()
    const lock = await holdRows(destination)
    const running = clone(wide, destination, { options: { splitBytes: 5_000_000, workers: 3 } })
    await rowsWait(destination)
    await to.restart(mode)
    await lock.isLost()
    const { failures, result } = await within('the end of the run', running)
    // A crash may have lost confirmed transactions. Then that is reported, otherwise everything is there.
    if (result.status === 'completed') {
      expect(await compareRows(wide, destination)).toEqual([])
      expect(await validKeys(destination)).toEqual(allKeys)
    } else {
      expect(mode).toBe('immediate')
      expect(failures.join()).toMatch(/lost rows that it had confirmed|crash/)
    }
  })

  test('stops and restarts while an index is built', async () => {
    const destination = await to.createDatabase()
    const lock = await holdIndex(destination)
    const running = clone(source, destination)
    await indexWaits(destination)
    await to.restart('fast')
    await lock.isLost()
    const { failures, result } = await within('the end of the run', running)
    expect(failures).toEqual([])
    expect(result.status).toBe('completed')
    expect(await validKeys(destination)).toEqual(allKeys)
  })
})

test('a source that stops loses its snapshot: what is not copied fails, with that reason', async () => {
  const destination = await to.createDatabase()
  const lock = await holdRows(destination)
  const running = clone(wide, destination, { options: { workers: 1 } })
  await rowsWait(destination)
  await from.restart('fast')
  await lock.letGo()
  const { failures, result } = await within('the end of the run', running)
  expect(result.status).not.toBe('completed')
  expect(`${result.error} ${failures.join()}`).toMatch(/snapshot|lost|shutdown|terminating/)
  expect([undefined, 0, manyRows]).toContain(
    (await destination.sql<{ n: number }>('select count(*)::int as n from big'))[0]?.n,
  )
  await expectNothingLeft(to, destination)
})

describe('a full disk', () => {
  const directory = join(scratchDirectory(), 'small-disk')
  // The directory has to be freed even if this test is not selected.
  const mayMount = mount(directory)
  if (mayMount) unmount(directory)

  test.skipIf(!mayMount)(
    'fails the tables that do not fit, which are empty; when there is room --resume continues',
    async () => {
      using store = new RunStore(scratchDirectory())
      mount(directory)
      using _ = { [Symbol.dispose]: () => unmount(directory) }
      await to.sql('postgres', `create tablespace small_disk location '${directory}'`)
      const destination = await to.createDatabase()
      await to.sql('postgres', `alter database "${destination.name}" set tablespace small_disk`)
      const ends = {
        source: resolveSettings({ url: wide.url }),
        destination: resolveSettings({ url: destination.url }),
      }
      const options = { tablespaces: false, splitBytes: 5_000_000, workers: 3 }
      const first = await clone(wide, destination, { options, memory: store.begin('full', ends) })
      store.end('full', first.summary)
      expect(first.failures.join()).toMatch(/ROWS public\.big: .*No space left on device/)
      expect(await destination.sql('select from big')).toEqual([])
      execFileSync('mount', ['-o', 'remount,size=200m', directory])
      const second = await clone(wide, destination, {
        options: { ...options, resume: true },
        memory: store.begin('room', ends),
      })
      expect(second.failures).toEqual([])
      expect(await compareRows(wide, destination)).toEqual([])
      expect(await validKeys(destination)).toEqual(allKeys)
      await destination.drop()
      await to.sql('postgres', 'drop tablespace small_disk')
    },
  )
})

/** Needs root, and is not possible in every container. */
function mount(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', path], { stdio: 'ignore' })
    if (serverUser) chownSync(path, serverUser.uid, serverUser.gid)
    return true
  } catch {
    return false
  }
}

function unmount(path: string) {
  execFileSync('umount', ['-l', path])
}
