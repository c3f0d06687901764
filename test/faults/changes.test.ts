// Other sessions change tables while a run is under way, and users stop the run.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cleanEnvironment } from '../../tools/command.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { program } from '../../tools/program.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { onTerminal } from '../cli/pty.ts'
import { type Owned, ownedDatabase, plainRole } from './owners.ts'
import { expectNothingLeft, type Faulty, faultyHome, hold, keysAndTriggers, waitsForLock } from './running.ts'

let from: Cluster
let to: Cluster
let home: Faulty
let role: string
let source: Owned

/** Number of rows of `big`. */
const many = 12_000

/** `big` is copied first; its first row waits for a lock of the destination. `late` waits for its turn. */
const tables = `
  create function gate() returns boolean language plpgsql as
    'begin perform pg_advisory_xact_lock_shared(1); return true; end';
  create table big (id int primary key, v text, check (id <> 1 or gate()));
  create table late (id int primary key, big int constraint late_big references big, v text);
  create table other (id int primary key, v text);
  create function note() returns trigger language plpgsql as 'begin return new; end';
  create trigger noted after insert on late for each row execute function note();`
// At any end of the run, the foreign key holds for the copied rows.
const rows = `
  insert into big select n, repeat('x', 1000) from generate_series(1, ${many}) n;
  insert into late select n, null, 'v' from generate_series(1, 1000) n;
  insert into other select n, 'v' from generate_series(1, 10) n;`
const alone = 'create table alone (id int);'

beforeAll(async () => {
  ;[from, to] = await Promise.all([cluster(15), cluster(17)])
  home = faultyHome()
  role = await plainRole(from, to)
  source = await ownedDatabase(from, role, tables + alone + rows)
})

afterAll(() => home[Symbol.dispose]())

const holdRows = (destination: TestDatabase) => hold(destination, 'select pg_advisory_xact_lock(1)')
const rowsWait = (destination: TestDatabase) => waitsForLock(to, destination, 'copy%big%')

/** Waits for rows of a slow run; before, the table has one page at most. */
async function rowsArrive(destination: TestDatabase) {
  await eventually(
    'rows to arrive',
    () => destination.sql<{ bytes: number }>("select pg_relation_size('big')::int as bytes"),
    ([row]) => (row?.bytes ?? 0) > 20_000,
  )
}
const slowly = ['--workers', '1', '--max-rate', '2MB/s']

test('tables of the source are copied completely while another session waits to change them', async () => {
  const destination = await to.createDatabase()
  const lock = await holdRows(destination)
  const running = clone(source, destination, { options: { workers: 1 } })
  await rowsWait(destination)
  // Such sessions wait for the run's locks. Until they give up, every reader of the table waits for them.
  const statements = ['drop table late', 'alter table late add column more int default 5', 'truncate late']
  for (const statement of statements) {
    const theirs = source.sql(`set lock_timeout = '100ms'; ${statement}`)
    expect([statement, await theirs.catch(String)]).toEqual([
      statement,
      expect.stringContaining('due to lock timeout'),
    ])
  }
  await lock.letGo()
  const { failures } = await within('the end of the run', running)
  expect(failures).toEqual([])
  expect(await compareRows(source, destination)).toEqual([])
})

describe('tables of the destination that another session', () => {
  test("drops or alters during the run fail alone, with the server's reason", async () => {
    const destination = await to.createDatabase()
    await destination.sql(tables + alone)
    const lock = await holdRows(destination)
    const running = clone(source, destination, { options: { workers: 1, dataOnly: true } })
    await rowsWait(destination)
    await destination.sql('drop table other; alter table late drop column v')
    await lock.letGo()
    const { failures, result } = await within('the end of the run', running)
    expect(result.status).toBe('completed_with_failures')
    expect(failures.join('\n')).toMatch(/ROWS public\.other: .*does not exist/)
    expect(failures.join('\n')).toMatch(/ROWS public\.late: .*column "v".*does not exist/)
    expect(failures).toHaveLength(2)
    expect(await destination.sql('select count(*)::int as n from big')).toEqual([{ n: many }])
    await expectNothingLeft(to, destination)
  })

  test('empties after they were filled are found by --verify', async () => {
    const destination = await to.createDatabase()
    const { failures } = await clone(source, destination, {
      options: { verify: true },
      hooks: [{ when: 'after', phase: 'indexes', run: { on: 'destination', sql: 'truncate public.late' } }],
    })
    expect(failures.join()).toMatch(/public\.late has 1,?000 rows on the source, 0 on the destination/)
  })
})

test('foreign keys and triggers whose tables were dropped meanwhile are given up, and reported once', async () => {
  const destination = await ownedDatabase(to, role, tables + alone)
  const run = home.watch(['copy', '--source', source.loginUrl, '--dest', destination.loginUrl, ...slowly])
  await run.reaches(rowsArrive(destination))
  await run.kill()
  await expectNothingLeft(to, destination, { butNotes: true })
  await destination.sql('drop table big')
  const first = await home.run(['repair', '--dest', destination.loginUrl])
  expect(first.code).toBe(1)
  expect(first.said).toMatch(
    /"late_big" of public\.late is not restored, since public\.big no longer exists: FOREIGN KEY/,
  )
  const second = await home.run(['repair', '--dest', destination.loginUrl])
  expect(second).toMatchObject({ code: 0 })
})

describe('Ctrl-C, SIGTERM and SIGHUP', () => {
  async function plain() {
    const destination = await ownedDatabase(to, role, `${tables} ${alone} insert into big values (-1, 'old')`)
    const ends = ['--source', source.loginUrl, '--dest', destination.loginUrl, '--yes']
    return { destination, ends, before: await keysAndTriggers(destination) }
  }

  async function expectClean(destination: Owned, before: unknown) {
    expect(await keysAndTriggers(destination)).toEqual(before)
    await expectNothingLeft(to, destination)
    await expectNothingLeft(from, source)
  }

  interface Moment {
    held?: string
    reached(destination: TestDatabase): Promise<void>
  }
  const release: Moment = {
    held: 'lock table late in row exclusive mode',
    reached: (destination) => waitsForLock(to, destination, '%alter table%'),
  }
  const truncate: Moment = {
    held: 'lock table alone in access share mode',
    reached: (destination) => waitsForLock(to, destination, 'truncate%'),
  }
  const arrival: Moment = { reached: rowsArrive }
  const cases = casesOf<[NodeJS.Signals, string, Moment]>(
    [
      ['SIGINT', 'the release', release],
      ['SIGTERM', 'truncate', truncate],
      ['SIGTERM', 'rows', arrival],
      ['SIGHUP', 'rows', arrival],
    ],
    [
      ['SIGTERM', 'the release', release],
      ['SIGINT', 'truncate', truncate],
      ['SIGINT', 'rows', arrival],
    ],
  )
  test.each(cases)(
    '%s during %s stops cleanly, with everything restored',
    async (signal, _, { held, reached }) => {
      const { destination, ends, before } = await plain()
      const lock = held ? await hold(destination, held) : undefined
      const run = home.watch(['copy', ...ends, ...slowly])
      await run.reaches(reached(destination))
      run.signal(signal)
      // Restoring may need the lock.
      await run.until(({ message = '' }) => message.includes('cancel')).catch(() => {})
      await lock?.letGo()
      const { code, said } = await run.finished
      expect(code).toBe(130)
      expect(said).toContain('stopping; repeat to stop immediately')
      await expectClean(destination, before)
      const [row] = await destination.sql<{ n: number }>('select count(*)::int as n from big')
      expect([0, 1, many]).toContain(row?.n as number)
    },
  )

  test('end a run cleanly, as do a closed terminal and a closed pipe', async () => {
    const { destination, ends, before } = await plain()
    const on = onTerminal(['copy', ...ends, ...slowly], home.directory)
    await rowsArrive(destination)
    on.child.terminal?.close()
    expect([129, 130, 'SIGHUP']).toContain(await within('the end', on.child.exited))
    await expectClean(destination, before)
    const piped = Bun.spawn(['sh', '-c', '"$@" --json 2>&1 | head -c 1', 'sh', ...program, 'copy', ...ends], {
      cwd: home.directory,
      env: cleanEnvironment(),
      stdout: 'ignore',
      stderr: 'ignore',
    })
    await within('the end of the pipe', piped.exited)
    await expectClean(destination, before)
    expect(await destination.sql('select count(*)::int as n from big')).toEqual([{ n: many }])
  })

  test('sent twice stop the run immediately; a repair restores what was suspended', async () => {
    const { destination, ends, before } = await plain()
    const run = home.watch(['copy', ...ends, ...slowly])
    await run.reaches(rowsArrive(destination))
    const lock = await hold(destination, 'lock table late in row exclusive mode')
    run.signal('SIGINT')
    await run.reaches(waitsForLock(to, destination, '%alter table%'))
    run.signal('SIGINT')
    expect((await run.finished).code).toBe(130)
    await lock.letGo()
    expect(await home.run(['repair', '--dest', destination.loginUrl])).toMatchObject({ code: 0 })
    await expectClean(destination, before)
  })
})

test('a run whose role may not create a schema there reports it, and a repair from the same directory knows what is suspended', async () => {
  const destination = await ownedDatabase(to, role, tables + alone)
  await destination.sql(`revoke create on database "${destination.name}" from ${role}`)
  const before = await keysAndTriggers(destination)
  const run = home.watch(['copy', '--source', source.loginUrl, '--dest', destination.loginUrl, ...slowly])
  await run.reaches(rowsArrive(destination))
  await run.kill()
  expect((await run.finished).said).toContain('To store it on the destination, GRANT CREATE ON DATABASE')
  expect(await keysAndTriggers(destination)).not.toEqual(before)
  expect(await home.run(['repair', '--dest', destination.loginUrl])).toMatchObject({ code: 0 })
  expect(await keysAndTriggers(destination)).toEqual(before)
})
