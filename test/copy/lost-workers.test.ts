// A worker thread that ends unexpectedly does not make the run wait: others copy what it had, or the reason is reported.
import { beforeAll, describe, expect, test } from 'bun:test'
import { PartlyCommitted } from '../../server/copy/pool.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { DumpFailed, DumpThread, pgDump } from '../../server/schema/dump.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { byRest, copying, failureOf, rowsOf } from '../../tools/moves/copying.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { holding, waitersFor } from '../migrate/gates.ts'
import { type Death, mortalWorkers } from '../support/mortal-workers.ts'

const rows = 1000
const gate = 11
const deaths = [
  ['throw', 'a copy worker crashed: a mistake of its own'],
  ['exit', 'a copy worker crashed: the thread exited (code 3)'],
] as const satisfies [Death, string][]
let source: TestDatabase

beforeAll(async () => {
  source = await (await cluster(15)).createDatabase()
  await source.sql(`create table t (id int primary key, v text);
                    insert into t select i, repeat('x', 100) from generate_series(1, ${rows}) i`)
})

/** Every worker waits at a row, or in its COMMIT, while the lock is held. */
async function gated(when: 'in the middle' | 'at the commit') {
  const destination = await (await cluster(15)).createDatabase()
  const trigger =
    when === 'at the commit'
      ? 'constraint trigger wait after insert on t deferrable initially deferred'
      : 'trigger wait before insert on t'
  await destination.sql(`
    create table t (id int primary key, v text);
    create function wait() returns trigger language plpgsql as
      $$ begin perform pg_catalog.pg_advisory_xact_lock_shared(${gate}); return new; end $$;
    create ${trigger} for each row when (new.id between 501 and 504) execute function wait();
    alter table t enable always trigger wait;`)
  return destination
}

const isWaiting = (destination: TestDatabase, many: number) =>
  eventually(
    `${many} workers that wait`,
    () => waitersFor(gate, destination),
    ({ length }) => length === many,
  )

describe.each(deaths)('a copy worker that ends unexpectedly (%s)', (how, words) => {
  test('loses nothing that other workers can copy', async () => {
    const destination = await gated('in the middle')
    using threads = mortalWorkers()
    await using work = await copying(source, destination, 2)
    const { running } = await holding(gate, destination, async () => {
      const conditions = byRest('id', 4)
      const running = work.run(rowsOf({ table: 'public.t', columns: ['id', 'v'], conditions }))
      await isWaiting(destination, 2)
      threads.end(threads.all[0], how)
      await eventually('the warning', () => work.warnings.length > 0)
      return { running }
    })
    expect((await running).rows).toBe(rows)
    expect(await destination.sql('select count(*)::int as rows from t')).toEqual([{ rows }])
    expect(work.warnings[0]).toStartWith(`continuing with one copy worker less: ${words}`)
  })

  test('ends the copy when it was the last; at its commit the outcome is unknown', async () => {
    for (const when of ['in the middle', 'at the commit'] as const) {
      const destination = await gated(when)
      using threads = mortalWorkers()
      await using work = await copying(source, destination, 1)
      const copy = () => failureOf(work.run(rowsOf({ table: 'public.t', columns: ['id', 'v'] })))
      await holding(gate, destination, async () => {
        const failing = copy()
        await isWaiting(destination, 1)
        threads.end(threads.all[0], how)
        const failure = await failing
        expect(String(failure)).toContain(words)
        expect(failure instanceof PartlyCommitted).toBe(when === 'at the commit')
      })
      expect(String(await copy())).toContain(words)
    }
  })
})

test("pg_dump's thread that ends before or during its use is a failure of the dump", async () => {
  using threads = mortalWorkers()
  await using session = await Session.open(resolveSettings({ url: source.url }))
  const early = new DumpThread()
  threads.end(threads.all[0], 'throw')
  await within('the end of the thread', early.ended)
  const dump = (thread?: DumpThread) => failureOf(pgDump(session, ['--schema-only'], undefined, thread))
  const first = await within('the failure', dump(early))
  expect(first).toBeInstanceOf(DumpFailed)
  expect(String(first)).toContain('pg_dump crashed: a mistake of its own')

  const locker = source.connect()
  await locker.unsafe('begin; lock table t')
  const dumping = dump()
  await eventually(
    'the dump to wait for the table',
    () =>
      source.sql('select pid from pg_stat_activity where pid = $1 and wait_event_type = $2', [
        session.pid,
        'Lock',
      ]),
    ({ length }) => length === 1,
  )
  // The thread receives no message while it waits for the server.
  threads.all[1]?.terminate()
  expect(await within('the failure', dumping)).toBeInstanceOf(DumpFailed)
  await locker.end()
})
