// A database is copied and followed by one process, and monitored and switched over from another terminal.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { FollowView } from '../../shared/follow-view.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { eventually } from '../../tools/eventually.ts'
import { published } from '../../tools/moves/follow-view.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { onTerminal } from '../cli/pty.ts'

const logical = { settings: { wal_level: 'logical' } }

let home: Home
let source: TestDatabase
let destination: TestDatabase

beforeAll(async () => {
  home = makeHome()
  source = await (await cluster(15, logical)).createDatabase()
  destination = await (await cluster(17, logical)).createDatabase()
  await source.sql(`
    create table orders (id int primary key, note text);
    create table lines (id int primary key, amount int);
    insert into orders select i, 'order' from generate_series(1, 1000) i`)
})

afterAll(() => home[Symbol.dispose]())

test('shown by status; paused, resumed and switched over on the dashboard', async () => {
  const ends = ['--source', source.url, '--dest', destination.url, '--name', 'shop']
  const following = home.start(['clone', '--follow', ...ends, '--ready-for', '1s'])
  await streams('shop')

  await using on = onTerminal(['tui', '--refresh', '50'], home.directory, { columns: 100, rows: 30 })
  await on.shows('▶ streaming')
  await on.shows('● ready to switch over')
  await source.sql("insert into lines values (1, 10), (2, 20); update orders set note = 'new' where id <= 5")
  await on.shows(/public\.orders +0 +5 +0/)
  await on.shows(/public\.lines +2 +0 +0/)

  on.type('p')
  await on.shows('● paused')
  await on.shows('○ not ready: it is paused')
  await source.sql('delete from orders where id > 990')
  expect((await home.run(['status'])).output).toContain('shop: streaming, paused')
  expect(await destination.sql('select count(*)::int as count from orders')).toEqual([{ count: 1000 }])
  on.type('r')
  await on.shows('● running')
  await on.shows(/public\.orders +0 +5 +10/)

  await on.shows('● ready to switch over')
  on.type('s')
  await on.shows('Switch over to')
  on.type('3\r')
  await on.shows('Switch over now?')
  on.type('y')
  await on.shows('✓ switched over')
  await on.shows(/2 tables( with 992 rows)? compared by checksums: equal/)
  await on.shows('x end the watch')
  expect((await home.run(['status'])).output).toMatch(/watched +.* for late writes, until/)
  on.type('x')
  await on.shows('End the watch?')
  on.type('y')
  await on.shows('● stopped')
  on.type('q')
  expect(await on.exited).toBe(0)
  expect(on.terminal.faults).toEqual([])

  const { code, said } = await following.finished
  expect(said).toContain('switched over from')
  expect(code).toBe(0)
  const after = await home.run(['status'])
  expect(after.code).toBe(0)
  expect(after.output).toContain('shop: done, stopped')
  expect(after.output).toMatch(/2 tables( with 992 rows)? compared by checksums: equal/)
  expect(await destination.sql('select count(*)::int as count from orders')).toEqual([{ count: 990 }])
  const cleanup = await home.run(['cleanup', ...ends])
  expect(cleanup.code).toBe(0)
  expect((await home.run(['status', 'shop'])).code).toBe(2)
})

test('a conflict is shown, retried without success, and skipped', async () => {
  const other = await (await cluster(17, logical)).createDatabase()
  const ends = ['--source', source.url, '--dest', other.url, '--name', 'conflict']
  const following = home.start(['clone', '--follow', ...ends, '--log-dir', 'logs-of-conflict'])
  await streams('conflict')
  await other.sql('insert into lines values (500, 0)')
  await source.sql('insert into lines values (500, 1)')
  await using tui = onTerminal(['tui', 'conflict', '--refresh', '50'], home.directory, { rows: 30 })
  await tui.shows('insert into public.lines, row id = 500')
  const { code, output } = await home.run(['status', 'conflict'])
  expect(code).toBe(1)
  expect(output).toContain('  pgtrek skip conflict: skip the whole transaction\n')
  const isAsked = () => tui.terminal.screen.join('\n').includes('Skip this transaction?')
  tui.type('t')
  await tui.shows('trying again')
  await published(
    state(),
    'the conflict to come again',
    (view) => view.state === 'conflict' && view.log.filter(({ level }) => level === 'error').length > 1,
    'conflict',
  )
  // The dashboard may not have read that yet; while it shows the retry, the key does nothing.
  await eventually('the question', () => {
    if (!isAsked()) tui.type('k')
    return isAsked()
  })
  tui.type('y')
  await tui.shows('the transaction is skipped')
  await tui.shows('● running')
  await source.sql('insert into lines values (501, 1)')
  await tui.shows(/public\.lines +1 +0 +0/)
  expect(await other.sql('select amount from lines where id in (500, 501) order by id')).toEqual([
    { amount: 0 },
    { amount: 1 },
  ])
  tui.type('x')
  await tui.shows('Stop following?')
  tui.type('y')
  await tui.shows('● stopped')
  await tui.shows('no process reads the slot pgtrek_conflict')
  expect((await following.finished).code).toBe(0)
  expect((await home.run(['cleanup', ...ends])).code).toBe(0)
})

test('a new column of the source is added on the dashboard', async () => {
  const other = await (await cluster(17, logical)).createDatabase()
  const ends = ['--source', source.url, '--dest', other.url, '--name', 'altered']
  const following = home.start(['clone', '--follow', ...ends, '--log-dir', 'logs-of-altered'])
  await streams('altered')
  await using tui = onTerminal(['tui', 'altered', '--refresh', '50'], home.directory, { rows: 30 })
  await tui.shows('no changes so far')
  await source.sql('alter table lines add column unit text')
  await source.sql("insert into lines values (600, 1, 'kg')")
  await tui.shows('a  apply the change of the source table')
  tui.type('a')
  await tui.shows('Change the table of the destination?')
  tui.type('y')
  await tui.shows('● running')
  await tui.shows(/public\.lines +1 +0 +0/)
  expect(await other.sql('select unit from lines where id = 600')).toEqual([{ unit: 'kg' }])
  tui.type('xy')
  await tui.shows('Stop following?')
  tui.type('y')
  expect((await following.finished).code).toBe(0)
  expect((await home.run(['cleanup', ...ends])).code).toBe(0)
})

test('the process that follows shows the dashboard itself, and continues without it', async () => {
  const other = await (await cluster(17, logical)).createDatabase()
  const ends = ['--source', source.url, '--dest', other.url, '--name', 'own']
  await using on = onTerminal(['clone', '--follow', '--tui', ...ends], home.directory, { rows: 30 })
  await on.shows('▶ streaming')
  expect(on.terminal.isFullScreen).toBe(true)
  on.type('q')
  await on.shows('Stop following too?')
  on.type('n')
  await on.shows('following continues; Ctrl-C stops it, "pgtrek tui" shows it again')
  expect(on.terminal.isFullScreen).toBe(false)
  await on.shows(/streaming: lag \d/)
  on.type('\x03')
  expect(await on.exited).toBe(0)
  expect(on.terminal.lines.join('\n')).toContain('"pgtrek follow" continues from here')

  await using again = onTerminal(['follow', '--tui', ...ends], home.directory, { rows: 30 })
  await again.shows('▶ streaming')
  await source.sql('insert into lines select i, i from generate_series(100, 109) i')
  await again.shows(/public\.lines +10 +0 +0/)
  again.type('q')
  await again.shows('Stop following too?')
  again.type('y')
  expect(await again.exited).toBe(0)
  expect(again.terminal.isFullScreen).toBe(false)
  expect(again.terminal.isCursorShown).toBe(true)
  expect(again.terminal.faults).toEqual([])
  expect(again.terminal.lines.join('\n')).toContain('"pgtrek follow" continues from here')
  expect((await home.run(['cleanup', ...ends])).code).toBe(0)
})

const state = () => join(home.directory, '.pgtrek')

async function streams(name: string) {
  const isStreaming = ({ stage, state }: FollowView) => stage === 'streaming' && state === 'running'
  await published(state(), `${name} to stream`, isStreaming, name)
}
