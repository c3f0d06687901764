// Runs whose state directory is on a disk that becomes full, has room again, or is read-only.
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { FollowStore } from '../../server/store/follows.ts'
import { History } from '../../server/store/history.ts'
import { RunStore } from '../../server/store/runs.ts'
import { StateUnusable } from '../../server/store/state-database.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { mayMount, type SmallDisk, smallDisk } from '../../tools/small-disk.ts'
import { hold, waitsForLock } from '../faults/running.ts'
import { startApi } from '../support/api.ts'
import { emptySummary, ends, plannedRun, serverAndHome } from '../support/run-records.ts'

const moved = { rows: 7, bytes: 8 }

/** A file can still take data that fits into its present pages. */
function failBy(store: RunStore, write: () => void) {
  for (let count = 0; count < 1000 && !store.database.failure; count++) write()
  expect(store.database.failure).toBeDefined()
}

describe.skipIf(!mayMount)('on a full disk', () => {
  let disk: SmallDisk
  let directory: string
  let reports: string[]
  const open = () => new RunStore(directory, { report: (message) => reports.push(message), retryMs: 20 })
  const begin = () => {
    disk = smallDisk()
    directory = join(disk.directory, 'state')
    reports = []
    return disk
  }
  const writable = (store: RunStore) =>
    eventually(
      'a directory that can be written',
      () => store.database.failure,
      (failure) => failure === undefined,
    )

  test('the important data of a run is written as soon as there is room, and each change of state is reported once', async () => {
    using _ = begin()
    {
      using store = open()
      const memory = store.begin('r1', ends)
      disk.fill()
      memory.planned('request', ['t'], new Map())
      for (let step = 0; step < 500; step++) memory.done(`step ${step}`, moved)
      store.end('r1', emptySummary('cancelled'))
      expect(store.database.failure).toMatchObject({ reason: expect.stringContaining('ENOSPC') })
      expect(reports).toHaveLength(1)
      disk.free()
      await writable(store)
      expect(reports).toEqual([
        expect.stringContaining('ENOSPC'),
        expect.stringMatching(/can be used again: what was kept in memory is written there$/),
      ])
    }
    using store = open()
    expect(new History(store.database).find('r1')).toMatchObject({ status: 'cancelled' })
    expect(store.unfinished(ends)?.done.size).toBe(500)
  })

  test('rows that must not be added twice are not committed when --resume could not know of them', async () => {
    using _ = begin()
    using store = open()
    const memory = plannedRun(store, 'r1')
    disk.fill()
    failBy(store, () => memory.done(crypto.randomUUID(), moved))
    expect(() => memory.committing('a step', ['7'], moved)).toThrow(StateUnusable)
    expect(() => memory.committing('a step', ['7'], moved)).toThrow(
      /ENOSPC.*were not committed.*continue with --resume/,
    )
    disk.free()
    memory.committing('a step', ['7'], moved)
    store.end('r1', emptySummary('cancelled'))
    using other = open()
    expect(other.unfinished(ends)?.committing.size).toBe(1)
  })

  test('rows of a run without data on the disk are committed, because it cannot be resumed', () => {
    using _ = begin()
    open()[Symbol.dispose]()
    disk.fill()
    using store = open()
    failBy(store, () => store.begin(crypto.randomUUID(), ends))
    const memory = plannedRun(store, 'r1')
    memory.committing('a step', ['7'], moved)
    expect(memory.unfinished()).toBeUndefined()
  })

  test('they are not committed when an earlier run is on the disk, which --resume would continue', () => {
    using _ = begin()
    using earlier = open()
    plannedRun(earlier, 'r1')
    earlier.end('r1', emptySummary('cancelled'))
    disk.fill()
    using store = open()
    failBy(store, () => store.begin(crypto.randomUUID(), ends))
    const memory = plannedRun(store, 'r2')
    expect(() => memory.committing('a step', ['7'], moved)).toThrow(StateUnusable)
  })

  test('a completed run whose end could not be written is reported at its end', () => {
    using _ = begin()
    {
      using store = open()
      const memory = plannedRun(store, 'r1')
      disk.fill()
      failBy(store, () => memory.done(crypto.randomUUID(), moved))
      store.end('r1', emptySummary('completed'))
    }
    expect(reports.slice(1)).toEqual([
      expect.stringMatching(
        /^the end of run r1 \(completed\) could not be written: "pgtrek status" will show it as interrupted; do not continue it/,
      ),
      expect.stringMatching(/ENOSPC.*since \d{4}-.*is lost with this process; the servers are not affected/),
    ])
  })

  test('a write that is refused permanently does not block others, and is reported', () => {
    using _ = begin()
    using store = new RunStore(directory, { report: (message) => reports.push(message), retryMs: 3_600_000 })
    disk.fill()
    failBy(store, () => store.begin(crypto.randomUUID(), ends))
    store.begin('same', ends)
    store.begin('mine', ends)
    disk.free()
    using other = open()
    other.begin('same', ends)
    expect(store.database.flush()).toBe(true)
    expect(reports.at(-1)).toMatch(/is written there, except 2 that were refused: UNIQUE constraint failed/)
    expect(new History(other.database).find('mine')).toMatchObject({ status: 'running' })
  })

  test('views of a move that are read in this process show it, and views that are written later do not', async () => {
    using _ = begin()
    using store = open()
    const follows = new FollowStore(store.database)
    follows.take('shop')
    const view = { name: 'shop', warnings: [], ready: { reasons: [] } } as unknown as FollowView
    follows.publish(view)
    expect(follows.lastView('shop')).not.toHaveProperty('storage_failure')
    disk.fill()
    failBy(store, () => store.begin(crypto.randomUUID(), ends))
    const { failure } = store.database
    follows.publish({ ...view, ...(failure && { storage_failure: failure }) })
    expect(follows.lastView('shop')).toMatchObject({
      storage_failure: { reason: expect.stringContaining('ENOSPC'), missed: expect.any(Number) },
    })
    disk.free()
    await writable(store)
    expect(follows.lastView('shop')).not.toHaveProperty('storage_failure')
  })
})

describe.skipIf(!mayMount)('a command whose state directory', () => {
  const made = serverAndHome()

  /** Rows are copied while the lock is free. */
  const tables = (database: TestDatabase) =>
    database.sql(`
      create function gate() returns int immutable language plpgsql as
        'begin perform pg_advisory_xact_lock_shared(1); return 1; end';
      create table item (id int primary key, check (id <> 1 or gate() = 1));`)

  const count = async (database: TestDatabase) =>
    (await database.sql('select count(*)::int as n from item'))[0]?.n

  test('becomes full while rows are appended fails before it commits them, and --resume adds them once', async () => {
    using disk = smallDisk()
    const state = ['--state-dir', join(disk.directory, 'state'), '--log-dir', join(disk.directory, 'logs')]
    const [source, destination] = [await made.server.createDatabase(), await made.server.createDatabase()]
    for (const database of [source, destination]) await tables(database)
    await source.sql('insert into item select generate_series(1, 100)')
    const command = ['copy', '--source', source.url, '--dest', destination.url, '--append', '--yes', ...state]
    const held = await hold(destination, 'select pg_advisory_xact_lock(1)')
    const finished = made.home.run(command)
    await waitsForLock(made.server, destination, '%item%')
    disk.fill()
    await held.letGo()
    const { code, said } = await finished
    expect({ code, said }).toMatchObject({ code: 1, said: expect.stringMatching(/ENOSPC/) })
    expect(said).toMatch(/The rows were not committed: after a kill, --resume would not know of them/)
    expect(said).toMatch(
      /the end of run \w+ \(completed_with_failures\) could not be written: .*--resume would copy again the/,
    )
    expect(await count(destination)).toBe(0)
    disk.free()
    const resumed = await made.home.run([...command, '--resume'])
    expect(resumed).toMatchObject({ code: 0 })
    expect(await count(destination)).toBe(100)
  })

  test('is read-only copies everything, with one warning that has the system’s message', async () => {
    using disk = smallDisk()
    disk.makeReadOnly()
    const state = ['--state-dir', join(disk.directory, 'state'), '--log-dir', join(disk.directory, 'logs')]
    const [source, destination] = [await made.server.createDatabase(), await made.server.createDatabase()]
    await source.sql(
      'create table item (id int primary key); insert into item select generate_series(1, 100)',
    )
    const { code, said } = await made.home.run([
      ...['clone', '--source', source.url, '--dest', destination.url, '--yes', ...state],
    ])
    expect({ code, said }).toMatchObject({ code: 0 })
    expect(said.match(/cannot be used: EROFS: .*The work continues/g)).toHaveLength(1)
    expect(said).not.toContain('failed')
    expect(await count(destination)).toBe(100)
  })

  test('becomes full during a migration of the API shows it with the progress, and stores the end when there is room', async () => {
    using disk = smallDisk()
    await using api = await startApi({ stateDirectory: join(disk.directory, 'state') })
    const [source, destination] = [await made.server.createDatabase(), await made.server.createDatabase()]
    for (const database of [source, destination]) await tables(database)
    await source.sql('insert into item select generate_series(1, 100)')
    const held = await hold(destination, 'select pg_advisory_xact_lock(1)')
    const { json } = await api.post('/api/migrate', {
      ...{ source: { url: source.url }, destination: { url: destination.url }, confirmed: true },
      options: { dataOnly: true },
    })
    await waitsForLock(made.server, destination, '%item%')
    disk.fill()
    await held.letGo()
    const status = async () => (await api.get('/api/migrate/status')).json
    const failing = await eventually('the failure', status, ({ storage_failure: failure }) => failure)
    expect(failing.storage_failure).toMatchObject({ since: expect.any(Number), missed: expect.any(Number) })
    expect(failing.warnings).toEqual([expect.stringMatching(/ENOSPC.*writes kept in memory: \d+/)])
    await eventually('the end', status, ({ running }) => !running)
    disk.free()
    const after = await eventually('writes', status, ({ storage_failure: failure }) => failure === undefined)
    expect(after).toMatchObject({ status: 'completed', warnings: [] })
    const { database } = new RunStore(join(disk.directory, 'state'))
    using _ = database
    expect(new History(database).find(json.id)).toMatchObject({ status: 'completed' })
  })

  test('becomes full while changes are followed: process and status report it, and a restart finds the move', async () => {
    using disk = smallDisk()
    const directory = join(disk.directory, 'state')
    const state = ['--state-dir', directory]
    const logical = { settings: { wal_level: 'logical' } }
    const source = await (await cluster(17, logical)).createDatabase()
    const to = await cluster(18, logical)
    const destination = await to.createDatabase()
    const hasRows = (rows: number) =>
      eventually(
        `${rows} rows`,
        () => count(destination),
        (n) => n === rows,
      )
    // The disk is full before the copy is complete, so the state directory has the move in the state copying.
    await tables(source)
    await tables(destination)
    await source.sql('insert into item select generate_series(1, 100)')
    const connections = ['--source', source.url, '--dest', destination.url]
    const command = ['clone', '--follow', ...connections, '--yes', '--data-only', '--truncate', ...state]
    const held = await hold(destination, 'select pg_advisory_xact_lock(1)')
    const running = made.home.start(command)
    await waitsForLock(to, destination, '%item%')
    disk.fill()
    await held.letGo()
    await hasRows(100)
    await source.sql('insert into item select generate_series(101, 200)')
    await hasRows(200)
    const seen = await made.home.run(['status', ...state])
    expect(seen.said).toMatch(/the state directory \S* cannot be used: ENOSPC/)
    running.child.kill('SIGKILL')
    await within('its end', running.child.exited)
    disk.free()
    // The disk has the state of the copy. Copying again would drop the slot and truncate the table.
    const again = await made.home.run(command)
    expect(again).toMatchObject({
      code: 2,
      said: expect.stringMatching(
        /is being copied according to this state directory, but the state on the servers is: /,
      ),
    })
    await source.sql('insert into item select generate_series(201, 300)')
    const over = await made.home.run(['switchover', ...connections, ...state, '--verify', '--watch', '0'])
    expect(over).toMatchObject({ code: 0 })
    expect(await count(destination)).toBe(300)
    expect(await made.home.run(['cleanup', ...connections, ...state])).toMatchObject({ code: 0 })
  })
})
