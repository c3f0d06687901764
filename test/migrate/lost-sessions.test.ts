// A session that is lost in the middle of the rows costs time and no row.
import { beforeAll, describe, expect, test } from 'bun:test'
import { eventually, within } from '../../tools/eventually.ts'
import { clone } from '../../tools/moves/clone.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { noSessionsAreLeft } from '../support/sessions.ts'
import { holding, waitersFor } from './gates.ts'

let from: Cluster
let to: Cluster
let source: TestDatabase

const bigRows = 40_000
/** Divides the large table into five parts. */
const splitBytes = 1024 * 1024
/** The advisory lock on which the source waits in the middle of the rows. */
const gate = 7

beforeAll(async () => {
  from = await cluster(14)
  to = await cluster(17)
  source = await from.createDatabase()
  await source.sql(`
    create table big (id int primary key, payload text not null);
    insert into big select i, repeat('x', 100) from generate_series(1, ${bigRows}) i;
    create table small (id int primary key, big int references big);
    insert into small select i, i from generate_series(1, 1000) i;
    create function may_pass(id int) returns bool language plpgsql as $$
      begin
        if id = ${bigRows / 2} then perform pg_catalog.pg_advisory_xact_lock_shared(${gate}); end if;
        return true;
      end $$;
    analyze;`)
})

describe.each(['source', 'destination'] as const)(
  'a backend of the %s that is terminated in the middle of COPY',
  (end) => {
    test.each([0, splitBytes])('costs time and no row, split at %d', async (split) => {
      const destination = await to.createDatabase()
      const { cloning } = await holding(gate, source, async () => {
        const cloning = clone(source, destination, {
          options: { splitBytes: split },
          tables: [{ table: 'big', where: 'public.may_pass(id)' }],
        })
        const reader = await one('that waits in the middle of its rows', () => waitersFor(gate, source))
        // Other workers have copied their parts by then, and wait for this one.
        const writer = await one('that writes rows', () => copying('active', destination))
        await terminate(...(end === 'source' ? ([from, reader] as const) : ([to, writer] as const)))
        return { cloning }
      })
      const { failures, summary } = await cloning
      expect(failures).toEqual([])
      expect(summary.warnings.join()).toMatch(/(lost|terminat).* starts again in 0\.5 s/)
      expect(await countOf(destination, 'big')).toBe(bigRows)
      expect(await countOf(destination, 'small')).toBe(1000)
      expect(summary.tables.find(({ name }) => name === 'big')?.rows).toBe(bigRows)
      await noSessionsAreLeft(source, destination)
    })
  },
)

test('a connection that is lost between two parts of a table is replaced', async () => {
  const destination = await to.createDatabase()
  await clone(source, destination, { options: { schemaOnly: true } })
  const locks = { first: 1, last: 2 }
  await destination.sql(`
    create function wait() returns trigger language plpgsql as
      $$ begin perform pg_catalog.pg_advisory_xact_lock_shared(tg_argv[0]::int); return new; end $$;
    create trigger first before insert on big for each row when (new.id = 1) execute function wait(${locks.first});
    create trigger last before insert on big for each row when (new.id = ${bigRows}) execute function wait(${locks.last});`)
  const { cloning } = await holding(locks.last, destination, async () => {
    const started = await holding(locks.first, destination, async () => {
      const cloning = clone(source, destination, {
        options: { dataOnly: true, disableTriggers: false, splitBytes: 3 * splitBytes },
        selection: { include: ['big'] },
      })
      await one('in the first of two parts', () => waitersFor(locks.first, destination))
      await one('in the last of two parts', () => waitersFor(locks.last, destination))
      return { cloning }
    })
    const idle = await one('that has copied its part', () => copying('idle in transaction', destination))
    await terminate(to, idle)
    // Its part goes to the worker whose connection is lost, and which has not noticed that yet.
    await terminate(to, await one('that writes rows', () => copying('active', destination)))
    return started
  })
  const { failures } = await within('the end of the clone', cloning)
  expect(failures).toEqual([])
  expect(await countOf(destination, 'big')).toBe(bigRows)
})

type Sessions = { pid: number }[]

async function one(what: string, look: () => Promise<Sessions>): Promise<number | undefined> {
  const [session] = await eventually(`one session ${what}`, look, ({ length }) => length === 1)
  return session?.pid
}

/** Sessions whose last or current statement is a COPY of the large table. */
function copying(state: 'active' | 'idle in transaction', { sql }: TestDatabase): Promise<Sessions> {
  return sql(
    `select pid, state, query from pg_stat_activity
      where datname = current_database() and state = $1 and query like 'copy %"big"%'`,
    [state],
  )
}

async function terminate(server: Cluster, pid: number | undefined) {
  await server.sql('postgres', 'select pg_terminate_backend($1)', [pid])
  await eventually(
    `the end of the session ${pid} that was terminated`,
    () =>
      server.sql('postgres', 'select state, wait_event, query from pg_stat_activity where pid = $1', [pid]),
    (sessions) => sessions.length === 0,
  )
}

async function countOf(database: TestDatabase, table: string): Promise<unknown> {
  const [row] = await database.sql(`select count(*)::int as count from ${table}`)
  return row?.count
}
