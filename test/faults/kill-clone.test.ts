// kill -9 in the middle of a clone, and its continuation with --resume.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { compareEverything } from '../../tools/comparison/compare.ts'
import { eventually } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import {
  begins,
  expectNothingLeft,
  type Faulty,
  faultyHome,
  hold,
  type Running,
  waitsForLock,
} from './running.ts'

let from: Cluster
let to: Cluster
let source: TestDatabase
let home: Faulty

beforeAll(async () => {
  ;[from, to] = await Promise.all([cluster(14), cluster(17)])
  source = await from.createDatabase()
  home = faultyHome()
  // Steps that a lock on the destination must be able to stop request one.
  await source.sql(`
    create function gate(int, int) returns int immutable language plpgsql as
      'begin perform pg_advisory_xact_lock_shared($2); return $1; end';
    create table parent (id int primary key, v text);
    insert into parent select n, repeat('x', 1000) from generate_series(1, 6000) n;
    create table child (id int generated always as identity primary key, parent int references parent);
    insert into child (parent) select n from generate_series(1, 5000) n;
    create index gated on child (gate(parent, 1));
    create view names as select id from parent;
    create materialized view sums as select gate(1, 2), count(*) from child;
    create function note() returns trigger language plpgsql as 'begin return new; end';
    create trigger noted after insert on child for each row execute function note();
    select lo_from_bytea(0, decode(repeat('ab', 30000), 'hex'));
    analyze;`)
})

afterAll(() => home[Symbol.dispose]())

interface Moment {
  /** The lock that stops the run. */
  held?: string
  /** Until no session waits for it. */
  staysHeld?: boolean
  args?: string[]
  /** The run has reached the moment of the kill. */
  reached(run: Running, destination: TestDatabase): Promise<unknown>
}

/** So that the run does not end before it is killed. */
const beforeItsEnd = 'select pg_advisory_xact_lock(2)'
const slowly = ['--max-rate', '1MB/s']

const always: [string, Moment][] = [
  [
    'tables',
    {
      held: 'create table child (id int)',
      reached: (_, destination) => waitsForLock(to, destination, '%create table%child%'),
    },
  ],
  [
    'rows in several parts',
    {
      args: [...slowly, '--workers', '4', '--split', '1MB'],
      reached: (_, destination) => hasBytes(destination),
    },
  ],
  [
    'an index',
    {
      held: 'select pg_advisory_xact_lock(1)',
      staysHeld: true,
      reached: (_, destination) => waitsForLock(to, destination, '%create index "gated"%'),
    },
  ],
  ['a trigger', { held: beforeItsEnd, reached: (run) => run.until(begins('TRIGGER')) }],
]

const onlyLong: [string, Moment][] = [
  [
    'rows in a single part',
    {
      args: [...slowly, '--workers', '2'],
      reached: (_, destination) => hasBytes(destination),
    },
  ],
  [
    'the validation of a foreign key',
    { held: beforeItsEnd, reached: (run) => run.until(begins('VALIDATE')) },
  ],
  [
    'sequences',
    {
      held: beforeItsEnd,
      reached: (run) =>
        run.until((line) => line.type === 'step_started' && line.kind?.startsWith('SEQUENCE') === true),
    },
  ],
  [
    'a materialized view',
    {
      held: beforeItsEnd,
      staysHeld: true,
      reached: (_, destination) => waitsForLock(to, destination, '%refresh%'),
    },
  ],
]

async function hasBytes(destination: TestDatabase) {
  await eventually(
    'rows to arrive',
    () =>
      destination.sql<{ bytes: number | null }>(`
      select pg_relation_size(to_regclass('parent'))::int as bytes`),
    ([row]) => (row?.bytes ?? 0) > 0,
  )
}

describe('a clone killed in', () => {
  test.each(casesOf(always, onlyLong))('%s', async (_, moment) => {
    const destination = await to.createDatabase()
    const args = ['clone', '--source', source.url, '--dest', destination.url]
    const lock = moment.held ? await hold(destination, moment.held) : undefined
    const run = home.watch([...args, ...(moment.args ?? [])])
    await run.reaches(moment.reached(run, destination))
    await run.kill()
    if (!moment.staysHeld) await lock?.letGo()
    await expectNothingLeft(to, destination)
    if (moment.staysHeld) await lock?.letGo()
    const resumed = await home.run([...args, '--resume', '--yes'])
    expect(resumed).toMatchObject({ code: 0 })
    expect(await compareEverything(source, destination)).toEqual([])
    await expectNothingLeft(to, destination)
    await expectNothingLeft(from, source)
  })
})
