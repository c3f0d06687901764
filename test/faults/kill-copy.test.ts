// kill -9 in the middle of a copy by plain owners, while foreign keys and triggers are suspended.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import {
  type Cluster,
  cluster,
  type Major,
  type Row,
  type TestDatabase,
} from '../../tools/servers/clusters.ts'
import { type Owned, ownedDatabase, plainRole } from './owners.ts'
import {
  expectNothingLeft,
  type Faulty,
  faultyHome,
  type Held,
  hold,
  keysAndTriggers,
  type Running,
  waitsForLock,
} from './running.ts'

let from: Cluster
let home: Faulty
/** Another machine, or another directory. */
let elsewhere: Faulty
let source: Owned
let role: string
const to = new Map<Major, Cluster>()

const schema = `
  create table parent (id int primary key, v text);
  create table child (id int generated always as identity primary key, parent int not null,
                      constraint belongs foreign key (parent) references parent on delete cascade deferrable initially deferred);
  comment on constraint belongs on child is 'it''s a "family"';
  create table parts (id int, parent int references parent, primary key (id)) partition by range (id);
  create table parts_1 partition of parts for values from (0) to (2000);
  create table parts_2 partition of parts for values from (2000) to (100000);
  create table pointing (id int primary key, part int references parts);
  alter table pointing add constraint unchecked foreign key (id) references parent not valid;
  create table log (what text);
  create function note() returns trigger language plpgsql as
    'begin
       if current_setting(''test.quiet'', true) is null then insert into public.log values (tg_table_name || new.id); end if;
       return new;
     end';
  create trigger origin after insert on child for each row execute function note();
  create trigger replica after insert on child for each row execute function note();
  alter table child enable replica trigger replica;
  create trigger always after insert on child for each row execute function note();
  alter table child enable always trigger always;
  create trigger off after insert on child for each row execute function note();
  alter table child disable trigger off;
  create trigger of_parts after insert on parts for each row execute function note();`

beforeAll(async () => {
  home = faultyHome()
  elsewhere = faultyHome()
  from = await cluster(15)
  for (const major of [12, 17] as const) to.set(major, await cluster(major))
  role = await plainRole(from, ...to.values())
  source = await ownedDatabase(
    from,
    role,
    `${schema}
     set test.quiet = 'on';
     insert into parent select n, repeat('x', 500) from generate_series(1, 10000) n;
     insert into child (parent) select n from generate_series(1, 6000) n;
     insert into parts select n, n from generate_series(1, 4000) n;
     insert into pointing select n, n from generate_series(1, 4000) n;
     create sequence counter; select setval('counter', 77);`,
  )
})

afterAll(() => {
  home[Symbol.dispose]()
  elsewhere[Symbol.dispose]()
})

/** Existing rows, some of which collide with copied ones. */
const old = `
  set test.quiet = 'on';
  insert into parent values (1, 'old'), (90001, 'old');
  insert into child overriding system value values (1, 1), (90001, 90001);
  insert into parts values (90001, 90001); insert into pointing values (90001, 90001);
  create sequence counter;`

interface Moment {
  major?: Major
  held?: string
  /** Until no session waits for it; a server of 12 does not notice the kill. */
  staysHeld?: boolean
  args?: string[]
  /** A lock that replaces the first one, if there is another. */
  reached(run: Running, destination: TestDatabase, lock: Held | undefined): Promise<Held | undefined>
}

const slowly = ['--max-rate', '1MB/s']

async function rowsArrive(_: Running, destination: TestDatabase) {
  await eventually(
    'rows to arrive',
    () =>
      destination.sql<{ bytes: number; isStaging: boolean }>(`
      select pg_relation_size('parent')::int as bytes,
             exists (select from pg_class where relname = 'pgtrek_staging') as "isStaging"`),
    ([row]) => row !== undefined && (row.bytes > 20_000 || row.isStaging),
  )
  return undefined
}

function waits(major: Major, statement: string): Moment['reached'] {
  return async (_, destination) => {
    await waitsForLock(clusterOf(major), destination, statement)
    return undefined
  }
}

const isEnd = (type: unknown) => type === 'step_finished'

const holdsSequences = 'alter sequence counter increment 2'
const sequencesWait = waits(17, '%setval%')

const always: [string, Moment][] = [
  [
    'the release of foreign keys',
    {
      major: 12,
      held: 'lock table pointing in access share mode',
      reached: waits(12, '%drop constraint%'),
    },
  ],
  [
    'truncate',
    { held: 'lock table log in access share mode', staysHeld: true, reached: waits(17, 'truncate%') },
  ],
  ['rows in several parts', { args: [...slowly, '--workers', '4', '--split', '1MB'], reached: rowsArrive }],
  [
    'rows that are merged',
    {
      args: [...slowly, '--upsert', '--exclude', 'log', '--workers', '3', '--split', '1MB'],
      reached: rowsArrive,
    },
  ],
  [
    'the return of foreign keys',
    {
      held: holdsSequences,
      async reached(run, destination, lock) {
        await sequencesWait(run, destination, lock)
        await run.until(
          ({ type, kind, object }) => isEnd(type) && kind === 'ROWS' && object === 'public.pointing',
        )
        const next = await hold(destination, 'lock table pointing in row exclusive mode')
        await lock?.letGo()
        await waits(17, 'alter table%pointing%')(run, destination, next)
        return next
      },
    },
  ],
]

const onlyLong: [string, Moment][] = [
  [
    'reading',
    {
      held: 'lock table parts in share mode',
      async reached(run) {
        await run.until(({ type }) => type === 'started')
        return undefined
      },
    },
  ],
  [
    'the release of triggers',
    {
      major: 12,
      held: 'lock table child in row exclusive mode',
      reached: waits(12, '%disable trigger%'),
    },
  ],
  ['rows in a single part', { args: slowly, reached: rowsArrive }],
  ['rows that are appended', { args: [...slowly, '--append'], reached: rowsArrive }],
  ['sequences', { held: holdsSequences, staysHeld: true, reached: sequencesWait }],
]

function clusterOf(major: Major): Cluster {
  return to.get(major) as Cluster
}

async function rowsOf(database: TestDatabase) {
  const counts = ['parent', 'child', 'parts', 'pointing', 'log'].map(
    (name) =>
      `(select count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' order by t::text collate "C")), '') from ${name} t) as ${name}`,
  )
  const [row] = await database.sql(`select ${counts.join(', ')}`)
  return row
}

/** The result of a copy without a fault. */
const expected = new Map<string, Row | undefined>()

async function expectedRows(args: string[]) {
  const mode = ['--append', '--upsert'].find((one) => args.includes(one)) ?? '--truncate'
  if (!expected.has(mode)) {
    const undisturbed = await ownedDatabase(clusterOf(17), role, schema + old)
    const ends = ['--source', source.loginUrl, '--dest', undisturbed.loginUrl, '--yes']
    expect(await home.run(['copy', ...ends, mode, '--exclude', 'log'])).toMatchObject({ code: 0 })
    expected.set(mode, await rowsOf(undisturbed))
  }
  return expected.get(mode) ?? {}
}

/** By commands without the state of the run. */
async function expectNamed(destination: Owned) {
  const asked = await elsewhere.run(['status', '--dest', destination.loginUrl])
  expect(asked).toMatchObject({ code: 1 })
  expect(asked.output).toMatch(/still suspended: foreign key .* dropped by run \w{8} \(.*@.*, process \d+, /)
  const listed = await elsewhere.run(['repair', '--list', '--dest', destination.loginUrl])
  expect(listed.output).toMatch(/foreign key .*, dropped by run /)
  const checked = await elsewhere.run([
    'preflight',
    '--source',
    source.loginUrl,
    '--dest',
    destination.loginUrl,
  ])
  expect(checked.output + checked.said).toContain('Suspended foreign keys and triggers')
}

describe('a copy killed in', () => {
  test.each(casesOf(always, onlyLong))(
    '%s leaves foreign keys and triggers to be restored',
    async (phase, moment) => {
      const { major = 17, args = [], held } = moment
      const server = clusterOf(major)
      const destination = await ownedDatabase(server, role, schema + old)
      // Only a superuser could disable the triggers of its partitions on that server.
      if (major < 13) await destination.sql('drop trigger of_parts on parts')
      const before = await keysAndTriggers(destination)
      const oldRows = (await rowsOf(destination)) ?? {}
      const ends = ['--source', source.loginUrl, '--dest', destination.loginUrl, '--yes']
      const first = held ? await hold(destination, held) : undefined
      const run = home.watch(['copy', ...ends, ...args])
      const reached = moment.reached(run, destination, first)
      await run.reaches(reached)
      const lock = (await reached) ?? first
      await run.kill()
      const isLetGo = major >= 14 && !moment.staysHeld
      if (isLetGo) await lock?.letGo()
      if (major >= 14) await expectNothingLeft(server, destination, { butNotes: true })

      // What a server of 12 has not noticed is known only in the run's state directory.
      const place = major >= 14 ? elsewhere : home
      if (isLetGo) await expectNamed(destination)
      const repaired = place.run(['repair', '--dest', destination.loginUrl])
      if (!isLetGo) await lock?.letGo()
      const { code, said } = await repaired
      await expectNothingLeft(server, destination, { butNotes: code !== 0 })
      // A key that holds for half of the rows only is restored nevertheless, and reported.
      if (code === 0) expect(await keysAndTriggers(destination)).toEqual(before)
      else expect(said).toMatch(/could not be restored: .* violates foreign key/)
      const [now, newRows] = [await rowsOf(destination), await expectedRows(args)]
      for (const table of ['parent', 'child', 'parts', 'pointing']) {
        expect([oldRows[table], newRows[table]]).toContain(now?.[table])
      }

      const planned = phase !== 'reading'
      const resumed = await home.run([
        'copy',
        ...ends,
        ...args.filter((one) => !slowly.includes(one)),
        ...(planned ? ['--resume'] : []),
      ])
      expect(resumed).toMatchObject({ code: 0 })
      expect(await keysAndTriggers(destination)).toEqual(before)
      expect(await rowsOf(destination)).toEqual(await expectedRows(args))
      expect(await home.run(['repair', '--list'])).toMatchObject({ output: '' })
      await expectNothingLeft(server, destination)
      await expectNothingLeft(from, source)
    },
  )
})
