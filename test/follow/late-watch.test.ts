// The old primary is watched after a switchover, and late writes are reported at once.
import { expect, test } from 'bun:test'
import { makeLink } from '../../server/follow/link.ts'
import { linkNames } from '../../server/follow/names.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster, type Major, startCluster } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }
const tables = `
  create table account (id int primary key, balance int not null);
  create table entry (id int primary key);
  create sequence numbers;
  insert into account select g, 0 from generate_series(1, 100) g;`

async function pair(from: Major, to: Major) {
  const source = await (await cluster(from, logical)).createDatabase()
  const destination = await (await cluster(to, logical)).createDatabase()
  await source.sql(tables)
  return { source, destination }
}

test('changed rows and objects of the old primary are reported while it is watched, and make the command fail', async () => {
  const { source, destination } = await pair(18, 14)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  const { error } = await moving.switchover({ watch_seconds: 600 })
  expect(error).toBeUndefined()
  const quiet = await moving.until('the watch', ({ watch }) => watch?.until !== undefined)
  expect(quiet.late_writes).toBeUndefined()
  expect(quiet.state).toBe('running')

  await source.sql(`
    insert into entry values (1), (2);
    update account set balance = 5 where id in (1, 2, 3)`)
  const rows = await moving.until('the late rows', ({ late_writes: late }) => late?.changes === 5)
  expect(rows.late_writes?.tables).toEqual([
    { schema: 'public', name: 'account', changes: 3 },
    { schema: 'public', name: 'entry', changes: 2 },
  ])
  await source.sql(`
    alter table account rename to old_account;
    alter table entry rename to account;
    alter table old_account rename to entry;
    create table brand_new (id int);
    select nextval('numbers')`)
  const objects = await moving.until('the late objects', ({ late_writes: late }) => {
    const words = late?.objects.join() ?? ''
    return ['brand_new', 'account', 'entry'].every((name) => words.includes(name))
  })
  await moving.until('the sequence', ({ warnings }) =>
    warnings.some(
      (line) => line.includes('advanced after the switchover') && line.includes('public.numbers'),
    ),
  )
  const said = objects.log.filter(({ level }) => level === 'error').map(({ message }) => message)
  expect(
    said.some((line) => /was written to after the switchover, and only there: .*public\.entry/.test(line)),
  ).toBe(true)
  expect(said.some((line) => /were changed after the switchover: .*brand_new/.test(line))).toBe(true)

  await source.sql('insert into brand_new values (1); delete from entry where id = 50')
  await moving.run.act({ type: 'stop' })
  expect((await within('the end of the watch', moving.run.done)).status).toBe('switched_over')
  // The last check has found later changes.
  expect(moving.run.view().late_writes?.changes).toBe(6)
  expect(await moving.cleanUpLate()).toContain('public.account')
  expect(
    await source.sql('select slot_name from pg_replication_slots where database = current_database()'),
  ).toHaveLength(1)
})

test('while changes flow back only writes of others are late, also after a restart, and a return needs a decision', async () => {
  const { source, destination } = await pair(14, 18)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  expect((await moving.switchover({ keep_reverse: true })).error).toBeUndefined()
  const slot = async () =>
    (
      await source.sql<{ lsn: string }>(
        'select confirmed_flush_lsn::text as lsn from pg_replication_slots where database = current_database()',
      )
    )[0]
  const before = await slot()
  await destination.sql('insert into entry select g from generate_series(1, 11000) g')
  await destination.sql('update account set balance = 1 where id = 1')
  await eventually(
    'the change on the old primary',
    () => source.sql('select balance from account where id = 1'),
    (rows) => rows[0]?.balance === 1,
  )
  // The slot is advanced past changes that flow back.
  await eventually('a later position of its slot', slot, (now) => now?.lsn !== before?.lsn)
  await moving.restart()
  const flowing = await moving.until(
    'the way back',
    ({ streams, watch }) => streams.length > 0 && watch !== undefined,
  )
  expect([flowing.direction, flowing.late_writes]).toEqual(['back', undefined])

  await source.sql('update account set balance = 7 where id = 70')
  await moving.restart()
  await moving.until('the late row', ({ late_writes: late }) => late?.changes === 1)
  await expect(moving.switchover({ back: true })).rejects.toThrow(
    'only there: 1 transaction in public.account',
  )
  // Its row is applied by hand, as the message advises.
  await destination.sql('update account set balance = 7 where id = 70')
  const back = await moving.switchover({ back: true, keep_reverse: true, discard_late_writes: true })
  expect(back.error).toBeUndefined()
  await moving.untilStreaming()
  await source.sql('update account set balance = 8 where id = 80')
  await eventually(
    'the change on the new side',
    () => destination.sql('select balance from account where id = 80'),
    (rows) => rows[0]?.balance === 8,
  )
  const again = await moving.switchover()
  expect(again.error).toBeUndefined()
  await within('the end of following', moving.run.done)
  expect(moving.run.view().late_writes).toBeUndefined()
})

test('without a record the servers show that it was switched over', async () => {
  const { source, destination } = await pair(14, 14)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  expect((await moving.switchover()).error).toBeUndefined()
  await within('the end of following', moving.run.done)
  await source.sql('insert into entry values (1)')
  moving.store.forget(moving.run.name)
  await moving.restart()
  const { error } = await moving.run.done
  expect(String(error)).toContain('was switched over')
  expect(await destination.sql('select from entry')).toEqual([])
  expect(await moving.cleanUpLate()).toContain('1 transaction in public.entry')
})

test.each(['all of it', 'its publication'] as const)(
  'where nothing is remembered, a way back of which a killed switchover has made %s is dropped, and made anew by the next',
  async (part) => {
    const { source, destination } = await pair(15, 18)
    await using moving = move({ source, destination })
    await moving.untilStreaming()
    const { name } = moving.run
    await moving.run.act({ type: 'stop' })
    await within('the end of following', moving.run.done)
    const mark = await source.sql<{ mark: string }>(`
      select obj_description(oid, 'pg_publication') as mark from pg_publication`)
    const names = linkNames(name, 'back')
    await makeLink({
      move: (mark[0]?.mark ?? '').split('\n')[0]?.replace('pgtrek move ', '') ?? '',
      ...{ direction: 'back', names, isWayBack: true, insertsOnly: [], say() {} },
      from: resolveSettings({ url: destination.url }),
      to: resolveSettings({ url: source.url }),
      tables: [{ schema: 'public', name: 'account' }],
      signal: new AbortController().signal,
    })
    if (part === 'its publication') await destination.sql(`select pg_drop_replication_slot('${names.slot}')`)
    moving.store.forget(name)
    await moving.restart()
    const { bidirectional, direction } = await moving.untilStreaming()
    expect([bidirectional, direction]).toEqual([false, 'forward'])
    expect(await destination.sql('select from pg_publication')).toEqual([])
    expect((await moving.switchover({ keep_reverse: true })).error).toBeUndefined()
  },
)

test('cleanup finds a late row after very many changes that flowed back', async () => {
  const { source, destination } = await pair(14, 17)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  expect((await moving.switchover({ keep_reverse: true })).error).toBeUndefined()
  await moving.until('the way back', ({ streams }) => streams[0]?.status.phase === 'streaming')
  const { name } = moving.run
  await moving.run.act({ type: 'stop' })
  await within('the end of following', moving.run.done)
  // As after a kill before the next check.
  await source.sql(`
    select pg_replication_origin_session_setup('pgtrek_${name}_back');
    insert into entry select g from generate_series(1, 11000) g`)
  await source.sql('insert into entry values (20000)')
  expect(await moving.cleanUpLate()).toContain('only there: 1 transaction in public.entry. ')
})

test('an old primary that is shut down while it is watched is reported, and is no failure', async () => {
  await using server = await startCluster({ major: 17, ...logical })
  const source = await server.createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  await source.sql(tables)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  expect((await moving.switchover({ watch_seconds: 600 })).error).toBeUndefined()
  await server.down('fast')
  const { watch } = await moving.until('the trouble', ({ watch }) => watch?.trouble !== undefined)
  expect(watch?.trouble).toContain('cannot determine whether')
  await moving.run.act({ type: 'stop' })
  expect((await within('the end of the watch', moving.run.done)).status).toBe('switched_over')
  expect(moving.run.view().switchover?.state).toBe('done')
  await server.up()
})

test('an old primary that cannot be checked is no success', async () => {
  const { source, destination } = await pair(17, 17)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  expect((await moving.switchover({ watch_seconds: 600 })).error).toBeUndefined()
  await source.sql(`select pg_drop_replication_slot(slot_name) from pg_replication_slots
    where database = current_database() and not active`)
  const view = await moving.until('the trouble', ({ watch }) => watch?.trouble !== undefined)
  expect(view.watch?.trouble).toContain('does not exist')
  await moving.run.act({ type: 'stop' })
  await within('the end of the watch', moving.run.done)
  expect(moving.run.view().watch?.trouble).toContain('cannot determine whether')
})

test('both directions at once: the old primary is watched, and changes flow there and back again after a return', async () => {
  const { source, destination } = await pair(17, 15)
  await source.sql('alter table account replica identity full; alter table entry replica identity full')
  await using moving = move({ source, destination }, { bidirectional: true })
  await moving.untilStreaming()
  expect((await moving.switchover()).error).toBeUndefined()
  const balances = async (side: typeof source, id: number) =>
    (await side.sql<{ balance: number }>(`select balance from account where id = ${id}`))[0]?.balance
  await destination.sql('update account set balance = 1 where id = 1')
  await eventually(
    'the change on the old primary',
    () => balances(source, 1),
    (balance) => balance === 1,
  )
  await moving.restart()
  await moving.until('the way back', ({ streams }) => streams[0]?.status.phase === 'streaming')
  await source.sql('update account set balance = 2 where id = 2')
  const late = await moving.until('the late row', ({ late_writes: found }) => found !== undefined)
  expect(late.late_writes?.tables).toEqual([{ schema: 'public', name: 'account', changes: 1 }])
  // It is applied by hand, and comes back as a change of a row that exists already.
  await source.sql('update account set balance = 0 where id = 2')
  const back = await moving.switchover({ back: true, keep_reverse: true, discard_late_writes: true })
  expect(back.error).toBeUndefined()
  await source.sql('update account set balance = 3 where id = 3')
  await eventually(
    'the change on the new side',
    () => balances(destination, 3),
    (balance) => balance === 3,
  )
  const quiet = await moving.until('the watch', ({ watch }) => watch !== undefined)
  expect(quiet.late_writes).toBeUndefined()
})
