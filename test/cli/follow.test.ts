// `clone --follow`, `follow`, `switchover`, `cleanup` as commands.
import { afterEach, describe, expect, test } from 'bun:test'
import type { FollowView } from '../../shared/follow-view.ts'
import type { SwitchoverReport } from '../../shared/switchover.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually } from '../../tools/eventually.ts'
import { published } from '../../tools/moves/follow-view.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }

let home: Home
const made: Home[] = []

afterEach(() => {
  for (const one of made.splice(0)) one[Symbol.dispose]()
})

async function ends(sql = 'create table item (id int primary key, name text)') {
  home = makeHome()
  made.push(home)
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  await source.sql(`${sql}; insert into item select g, 'item ' || g from generate_series(1, 1000) g`)
  return { source, destination, flags: ['--source', source.url, '--dest', destination.url] }
}

function until(what: string, holds: (view: FollowView) => boolean): Promise<FollowView> {
  return published(`${home.directory}/.pgtrek`, what, holds)
}

const isStreaming = ({ stage, state }: FollowView) => stage === 'streaming' && state === 'running'

async function left(...databases: TestDatabase[]): Promise<unknown[]> {
  const rows = databases.map((database) =>
    database.sql(`
      select slot_name as name from pg_replication_slots where database = current_database()
      union all select pubname from pg_publication
      union all select nspname from pg_namespace where nspname = 'pgtrek'`),
  )
  return (await Promise.all(rows)).flat()
}

describe('a move from the command line', () => {
  test('copies, follows, survives kill -9, switches over from another terminal, and is cleaned up', async () => {
    const { source, destination, flags } = await ends()
    const first = home.start(['clone', '--follow', '--ready-for', '1s', ...flags])
    await until('streaming', isStreaming)
    await source.sql("insert into item values (2000, 'during')")
    first.child.kill('SIGKILL')
    await first.finished
    await until('news of the lost process', ({ state }) => state === 'lost')
    await source.sql(
      "insert into item values (2001, 'while nobody follows'); update item set name = 'new' where id = 1",
    )

    const second = home.start(['follow', ...flags])
    await until('streaming', isStreaming)
    const twice = await home.run(['follow', ...flags])
    expect([twice.code, twice.said]).toEqual([2, expect.stringContaining('is being followed by process')])
    const switched = await home.run(['switchover', '--timeout=30s', '--verify', '--watch=0', '--json'])
    expect([switched.code, switched.said]).toEqual([0, expect.stringContaining('switched over from')])
    const report = JSON.parse(switched.output) as SwitchoverReport
    expect(report).toMatchObject({ compared: 'checksums', tables: [{ name: 'item', equal: true }] })
    expect((await second.finished).code).toBe(0)
    expect(await compareRows(source, destination)).toEqual([])

    const over = await home.run(['follow', ...flags])
    expect([over.code, over.said]).toEqual([2, expect.stringContaining('was switched over')])
    const cleaned = await home.run(['cleanup', ...flags])
    expect([cleaned.code, cleaned.said]).toEqual([
      0,
      expect.stringContaining('dropped replication slot pgtrek_'),
    ])
    expect(await left(source, destination)).toEqual([])
    expect((await home.run(['cleanup', ...flags])).said).toContain('nothing to drop')
  })

  test('a cancelled copy leaves nothing; after a kill the next one cleans up', async () => {
    const { source, destination, flags } = await ends()
    const cancelled = home.start(['clone', '--follow', '--max-rate', '1KB/s', ...flags])
    await until('the copy', ({ stage }) => stage === 'copy')
    cancelled.child.kill('SIGINT')
    expect((await cancelled.finished).code).toBe(130)
    expect(await left(source, destination)).toEqual([])

    const killed = home.start(['clone', '--follow', '--max-rate', '1KB/s', ...flags])
    await until('the copy', ({ stage }) => stage === 'copy')
    killed.child.kill('SIGKILL')
    await killed.finished
    const refused = await home.run(['follow', ...flags])
    expect([refused.code, refused.said]).toEqual([
      2,
      expect.stringContaining('was interrupted, and its slot retains the log'),
    ])

    const again = home.start(['clone', '--follow', '--yes', ...flags])
    await until('streaming', isStreaming)
    again.child.kill('SIGTERM')
    const { code, said } = await again.finished
    expect([code, said]).toEqual([0, expect.stringContaining('earlier attempt was interrupted')])
    expect(await compareRows(source, destination)).toEqual([])
    const twice = await home.run(['clone', '--follow', '--yes', ...flags])
    expect([twice.code, twice.said]).toEqual([2, expect.stringContaining('followed already')])
    // Without a process that follows, the switchover command follows until it is complete. Also without the state
    // directory: the state is on the servers.
    await source.sql("insert into item values (2000, 'meanwhile')")
    const switched = await home.run(['switchover', '--watch=0', '--state-dir', 'third', ...flags])
    expect([switched.code, switched.said]).toEqual([0, expect.stringContaining('switched over from')])
    expect(await compareRows(source, destination)).toEqual([])
    const over = await home.run(['follow', '--state-dir', 'fourth', ...flags])
    expect([over.code, over.said]).toEqual([2, expect.stringContaining('was switched over')])
    const elsewhere = await home.run(['cleanup', '--state-dir', 'other', ...flags])
    expect(elsewhere.said).toContain('dropped')
    expect(await left(source, destination)).toEqual([])
  })

  test('a switchover that is killed while it creates the return stream can be repeated; late writes end it with code 1', async () => {
    const { source, destination, flags } = await ends()
    const first = home.start(['clone', '--follow', ...flags])
    await until('streaming', isStreaming)
    // The creation of the return slot waits for this transaction.
    const open = destination.connect()
    await open.unsafe("begin; insert into item values (5000, 'open')")
    const switching = home.start(['switchover', '--keep-reverse', '--read-only-source', ...flags])
    await until('the way back', ({ switchover }) => switchover?.step === 'reverse')
    await eventually(
      'its publication',
      () => destination.sql('select from pg_publication'),
      (rows) => rows.length === 1,
    )
    first.child.kill('SIGKILL')
    await first.finished
    const killed = await switching.finished
    expect([killed.code, killed.said]).toEqual([
      1,
      expect.stringContaining('is read-only and still the primary'),
    ])
    await open.unsafe('rollback')
    await open.end()

    const second = home.start(['follow', ...flags])
    await until('streaming', isStreaming)
    const there = await home.run(['switchover', '--keep-reverse', ...flags])
    expect([there.code, there.said]).toEqual([0, expect.stringContaining('changes flow back')])
    second.child.kill('SIGTERM')
    expect((await second.finished).code).toBe(0)

    // Without a process the command follows itself, returns, and watches the old primary.
    const back = home.start(['switchover', '--back', '--watch=10m', ...flags])
    await until('the watch', ({ watch }) => watch?.until !== undefined)
    await destination.sql("insert into item values (5001, 'late')")
    await until('the late row', ({ late_writes: late }) => late?.changes === 1)
    back.child.kill('SIGINT')
    const { code, said } = await back.finished
    expect([code, said]).toEqual([1, expect.stringContaining('only there: 1 transaction in public.item')])
    const status = await home.run(['status'])
    expect([status.code, status.output + status.said]).toEqual([
      1,
      expect.stringContaining('only there: 1 transaction in public.item'),
    ])
    const refused = await home.run(['cleanup', ...flags])
    expect([refused.code, refused.said]).toEqual([1, expect.stringContaining('Nothing was dropped')])
    const cleaned = await home.run(['cleanup', '--discard-late-writes', ...flags])
    expect(cleaned.code).toBe(0)
    expect(await left(source, destination)).toEqual([])
  })

  test('obstacles to following are found before anything is created', async () => {
    const { source, destination, flags } = await ends(
      'create table item (id int primary key, name text); create table log (line text); create unlogged table fast (a int)',
    )
    const refused = await home.run(['clone', '--follow', ...flags])
    expect([refused.code, refused.said]).toEqual([
      3,
      expect.stringMatching(/Replica identities: .*\n *public\.log\n/),
    ])
    expect(refused.said).toContain('alter table public.log replica identity full;')
    expect(refused.said.match(/Replica identities/g)).toHaveLength(1)
    const planned = await home.run(['clone', '--follow', '--dry-run', ...flags])
    expect(planned.code).toBe(0)
    expect(planned.output).toMatch(/a run would be refused: Replica identities: .*public\.log/)
    expect(planned.output).toContain('public.fast is unlogged')
    expect(await left(source, destination)).toEqual([])
    expect(await destination.sql("select from pg_tables where schemaname = 'public'")).toEqual([])
    const slip = await home.run(['clone', '--follow', '--inserts-only', 'lag', ...flags])
    expect([slip.code, slip.said]).toEqual([2, expect.stringContaining('lag')])

    const following = home.start(['clone', '--follow', '--inserts-only', 'log', ...flags])
    const view = await until('streaming', isStreaming)
    expect(view.warnings.join('\n')).toContain('public.fast is unlogged')
    // The application continues: none of its statements is rejected because of the migration.
    await source.sql(
      "insert into log values ('a'); update log set line = 'b'; delete from log; insert into log values ('c')",
    )
    await until('two rows', ({ streams }) => streams[0]?.status.rows === 2)
    following.child.kill('SIGTERM')
    await following.finished
    expect(await destination.sql('select line from log order by 1')).toEqual([{ line: 'a' }, { line: 'c' }])
  })

  test('a source without wal_level = logical is reported', async () => {
    const { destination } = await ends()
    const server = await cluster(15, { settings: { wal_level: 'replica' } })
    const plain = await server.createDatabase()
    const refused = await home.run(['clone', '--follow', '--source', plain.url, '--dest', destination.url])
    expect([refused.code, refused.said]).toEqual([
      3,
      expect.stringContaining("alter system set wal_level = 'logical';"),
    ])
  })
})
