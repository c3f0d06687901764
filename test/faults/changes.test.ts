// Somebody else changes tables while a run is under way, and somebody stops the run.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { clone } from '../support/clone.ts'
import { type Cluster, cluster, type TestDatabase } from '../support/clusters.ts'
import { compareRows } from '../support/compare.ts'
import { type Owned, ownedDatabase, plainRole } from './owners.ts'
import {
  expectNothingLeft,
  type Faulty,
  faultyHome,
  hold,
  keysAndTriggers,
  waitFor,
  waitsForLock,
} from './running.ts'

setDefaultTimeout(120_000)

let from: Cluster
let to: Cluster
let home: Faulty
let role: string

beforeAll(async () => {
  ;[from, to] = await Promise.all([cluster(15), cluster(17)])
  home = faultyHome()
  role = await plainRole(from, to)
})

afterAll(() => home[Symbol.dispose]())

const slowly = { maxBytesPerSecond: 4 * 1024 * 1024, workers: 1 }

/** `big` is copied first, and slowly; `late` waits behind it. */
const tables = `
  create table big (id int primary key, v text);
  create table late (id int primary key, big int constraint late_big references big, v text);
  create function note() returns trigger language plpgsql as 'begin return new; end';
  create trigger noted after insert on late for each row execute function note();`
const rows = `
  insert into big select n, repeat('x', 1000) from generate_series(1, 12000) n;
  insert into late select n, n, 'v' from generate_series(1, 1000) n;`

async function bigArrives(destination: TestDatabase) {
  await waitFor('rows arrive', async () => {
    const [row] = await destination.sql(
      `select coalesce(pg_relation_size(to_regclass('big')), 0) > 100000 as some`,
    )
    return row?.some === true
  })
}

describe('a table of the source that somebody means to', () => {
  test.each([
    ['drop', 'drop table late'],
    ['alter', 'alter table late add column more int default 5'],
    ['truncate', 'truncate late'],
  ])('%s while it waits for its turn is copied whole, and theirs waits', async (_, statement) => {
    const source = await from.createDatabase()
    await source.sql(tables + rows)
    const destination = await to.createDatabase()
    const running = clone(source, destination, { options: slowly })
    await bigArrives(destination)
    // A session that waits for the run's locks; the run waits behind it for a minute at most, and gets through.
    const theirs = source.sql(`set lock_timeout = '500ms'; ${statement}`).then(
      () => 'done',
      (error: Error) => error.message,
    )
    const { failures } = await running
    expect(await theirs).toMatch(/lock timeout/)
    expect(failures).toEqual([])
    expect(await compareRows(source, destination)).toEqual([])
  })
})

describe('a table of the destination that somebody', () => {
  test.each([
    ['drops', 'drop table late', /ROWS public\.late: .*does not exist/],
    ['alters', 'alter table late drop column v', /ROWS public\.late: .*column "v".*does not exist/],
  ])('%s during the run fails alone, with the server saying why', async (_, statement, said) => {
    const source = await from.createDatabase()
    await source.sql(tables + rows)
    const destination = await to.createDatabase()
    await destination.sql(tables)
    const running = clone(source, destination, { options: { ...slowly, dataOnly: true } })
    await bigArrives(destination)
    await destination.sql(statement)
    const { failures, result } = await running
    expect(result.status).toBe('completed_with_failures')
    expect(failures.join('\n')).toMatch(said)
    expect(await destination.sql('select count(*)::int as n from big')).toEqual([{ n: 12000 }])
    await expectNothingLeft(to, destination)
  })

  test('empties after it was filled is found by --verify', async () => {
    const source = await from.createDatabase()
    await source.sql(tables + rows)
    const destination = await to.createDatabase()
    const { failures } = await clone(source, destination, {
      options: { verify: true },
      hooks: [{ when: 'after', phase: 'indexes', run: { on: 'destination', sql: 'truncate public.late' } }],
    })
    expect(failures.join()).toMatch(/public\.late has 1,?000 rows on the source, 0 on the destination/)
  })
})

test('foreign keys and triggers whose tables somebody dropped meanwhile are given up, and said once', async () => {
  const source = await ownedDatabase(from, role, tables + rows)
  const destination = await ownedDatabase(to, role, tables)
  const run = home.watch([
    'copy',
    '--source',
    source.loginUrl,
    '--dest',
    destination.loginUrl,
    '--max-rate',
    '2MB/s',
  ])
  await run.reaches(bigArrives(destination))
  await run.kill()
  await expectNothingLeft(to, destination)
  await destination.sql('drop table big')
  const first = await home.run(['repair', '--dest', destination.loginUrl])
  expect(first.code).toBe(1)
  expect(first.said).toMatch(
    /"late_big" of public\.late is not put back, since public\.big is not there any more: FOREIGN KEY/,
  )
  const second = await home.run(['repair', '--dest', destination.loginUrl])
  expect(second).toMatchObject({ code: 0 })
})

describe('Ctrl-C and SIGTERM', () => {
  const alone = 'create table alone (id int);'

  async function plain() {
    // Whatever is copied when it ends, the foreign key holds.
    const source = await ownedDatabase(from, role, tables + alone + rows.replace('n, n,', 'n, null,'))
    const old = `${tables} ${alone} insert into big values (-1, 'old')`
    const destination = await ownedDatabase(to, role, old)
    const ends = ['--source', source.loginUrl, '--dest', destination.loginUrl, '--yes']
    return { source, destination, ends, before: await keysAndTriggers(destination) }
  }

  async function expectClean(source: Owned, destination: Owned, before: unknown) {
    expect(await keysAndTriggers(destination)).toEqual(before)
    await expectNothingLeft(to, destination)
    await expectNothingLeft(from, source)
  }

  const moments: [string, string | undefined, (destination: TestDatabase) => Promise<void>][] = [
    ['the release', 'lock table late in row exclusive mode', (one) => waitsForLock(to, one, 'alter table%')],
    ['truncate', 'lock table alone in access share mode', (one) => waitsForLock(to, one, 'truncate%')],
    ['rows', undefined, bigArrives],
  ]
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test.each(moments)(
      `${signal} during %s stops cleanly, with everything put back`,
      async (_, held, reached) => {
        const { source, destination, ends, before } = await plain()
        const lock = held ? await hold(destination, held) : undefined
        const run = home.watch(['copy', ...ends, '--max-rate', '2MB/s'])
        await run.reaches(reached(destination))
        run.signal(signal)
        // What it puts back may need the lock.
        await run.until(({ message = '' }) => message.includes('cancel')).catch(() => {})
        await lock?.letGo()
        const { code, said } = await run.finished
        expect(code).toBe(130)
        expect(said).toContain('stopping; once more stops at once')
        await expectClean(source, destination, before)
        expect([0, 1, 12000]).toContain(
          (await destination.sql<{ n: number }>('select count(*)::int as n from big'))[0]?.n as number,
        )
      },
    )
  }

  test('twice stop at once; a repair puts back what was away', async () => {
    const { source, destination, ends, before } = await plain()
    const run = home.watch(['copy', ...ends, '--max-rate', '2MB/s'])
    await run.reaches(bigArrives(destination))
    const lock = await hold(destination, 'lock table late in row exclusive mode')
    run.signal('SIGINT')
    await waitsForLock(to, destination, 'alter table%')
    run.signal('SIGINT')
    expect((await run.finished).code).toBe(130)
    await lock.letGo()
    expect(await home.run(['repair', '--dest', destination.loginUrl])).toMatchObject({ code: 0 })
    await expectClean(source, destination, before)
  })
})
