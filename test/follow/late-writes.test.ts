// Late writes to the old primary are never lost silently.
import { expect, test } from 'bun:test'
import { within } from '../../tools/eventually.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }
const tables = `
  create table entry (id int primary key);
  create sequence counter;
  create table account (id int primary key, balance int not null);
  insert into account select g, 0 from generate_series(1, 100) g;`

test('late writes to the old primary stop a switchover, and are reported by cleanup afterwards', async () => {
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  await source.sql(tables)
  await using moving = move({ source, destination })
  await moving.until('readiness', ({ ready }) => ready.green)
  // The switchover waits for this sequence after everything was confirmed.
  const holder = destination.connect()
  await holder.unsafe('begin; alter sequence counter cache 5')
  const switching = moving.switchover({ verify: false })
  await moving.until('the values of sequences', ({ switchover }) => switchover?.step === 'sequences')
  await source.sql('set synchronous_commit = off; update account set balance = 9 where id = 5')
  await holder.end()
  const refused = await switching
  expect(refused.state).toBe('failed')
  expect(refused.error?.message).toContain('still being written to: 1 transaction in public.account')
  await moving.untilStreaming()

  expect((await moving.switchover()).error).toBeUndefined()
  expect(await destination.sql('select balance from account where id = 5')).toEqual([{ balance: 9 }])
  await within('the end of following', moving.run.done)
  await source.sql(
    'set synchronous_commit = off; update account set balance = 9 where id = 50; truncate entry',
  )
  await source.sql("select pg_logical_emit_message(true, 'other', 'no row'); create table other (id int)")
  expect(await moving.cleanUpLate()).toContain('1 transaction in public.account, public.entry. ')
})

test('a switchover waits for an open transaction that has written, and reports it when it takes too long', async () => {
  const source = await (await cluster(18, logical)).createDatabase()
  const destination = await (await cluster(15, logical)).createDatabase()
  await source.sql(tables)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  const open = source.connect()
  await open.unsafe('begin; insert into account values (500, 1)')
  const [{ pid } = {}] = await open.unsafe<{ pid: number }[]>('select pg_backend_pid() as pid')
  const refused = await moving.switchover({ timeout_seconds: 1 })
  expect(refused.state).toBe('failed')
  expect(refused.error?.message).toMatch(new RegExp(`process ${pid} of .*select pg_backend_pid\\(\\)`))
  await moving.untilStreaming()

  const switching = moving.switchover()
  await moving.until('the wait for it', ({ log }) => {
    return log.filter(({ message }) => message.startsWith('waiting for 1 open transaction')).length > 1
  })
  await open.unsafe('commit')
  await open.end()
  expect((await switching).error).toBeUndefined()
  expect(await destination.sql('select balance from account where id = 500')).toEqual([{ balance: 1 }])
})
