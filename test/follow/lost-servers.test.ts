// A server that is lost while a move is copied, while it is followed, or before it is continued.
import { expect, test } from 'bun:test'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { queueOf } from '../../server/queue/job.ts'
import { JobQueue } from '../../server/queue/queue.ts'
import { copiersOn } from '../../server/queue/queued-copies.ts'
import { work } from '../../server/queue/worker.ts'
import { defaultOptions } from '../../shared/defaults.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { type Moving, move } from '../../tools/moves/follow-run.ts'
import { cluster, type OwnCluster, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'

const logical = { wal_level: 'logical' }
/** Long enough for a server to stop meanwhile; short enough for buffered rows to be used up soon. */
const slowly = { options: { ...defaultOptions, maxBytesPerSecond: 2_000_000 }, slotCheckEveryMs: 100 }

async function ends(server: OwnCluster) {
  const source = await server.createDatabase()
  await source.sql(`
    create table one (id int primary key, payload text);
    create table two (id int primary key, payload text);
    insert into one select g, repeat('x', 1000) from generate_series(1, 12000) g;
    insert into two select * from one`)
  const destination = await (await cluster(18, { settings: logical })).createDatabase()
  return { source, destination }
}

async function failure(moving: Moving): Promise<string> {
  const { status, error } = await within('the end of the copy', moving.run.done, 30_000, () =>
    moving.run.view().log.map(({ message }) => message),
  )
  expect(status).toBe('failed')
  return (error as Error).message
}

async function leftOn(database: TestDatabase) {
  return await database.sql(`
    select slot_name as name from pg_replication_slots where database = current_database()
    union all select pubname from pg_publication`)
}

test('a restart of the source while rows are copied ends the copy at once, and leaves nothing there', async () => {
  await using server = await startCluster({ major: 15, settings: logical })
  const { source, destination } = await ends(server)
  await using moving = move({ source, destination }, {}, slowly)
  await moving.until('rows', ({ copy }) => (copy?.rows ?? 0) > 0)
  await server.restart('fast')
  const message = await failure(moving)
  expect(message).toContain('ended the session that held the snapshot of the copy')
  expect(message).toContain('Run the same command again')
  expect(await leftOn(source)).toEqual([])
  expect(moving.run.view().streams).toEqual([])
})

test('a restart of the source ends a copy by workers too, at the first table of a worker', async () => {
  await using server = await startCluster({ major: 15, settings: logical })
  const { source, destination } = await ends(server)
  const { url } = await (await cluster(18, { settings: logical })).createDatabase()
  await using queue = await JobQueue.open(resolveSettings({ url }), () => {})
  await using moving = move({ source, destination }, {}, { ...slowly, copiers: copiersOn(queue) })
  await moving.until('a run without a worker', ({ log }) =>
    log.some(({ message }) => message.includes('no worker is running')),
  )
  await server.restart('fast')
  const stop = new AbortController()
  const said: string[] = []
  const working = work({
    queue,
    queues: [queueOf({})],
    concurrency: 2,
    endsOf: () => ({
      source: resolveSettings({ url: source.url }),
      destination: resolveSettings({ url: destination.url }),
    }),
    signal: stop.signal,
    say: (message) => said.push(message),
  })
  const message = await failure(moving)
  stop.abort()
  await within('the end of the worker', working)
  expect(message).toContain('ended the session that held the snapshot of the copy')
  expect(said.join()).not.toContain('returns to the queue')
  expect(await leftOn(source)).toEqual([])
})

test('a slot that is lost while rows are copied ends the copy at once', async () => {
  await using server = await startCluster({
    major: 17,
    settings: { ...logical, max_slot_wal_keep_size: '1MB', max_wal_size: '64MB' },
  })
  const { source, destination } = await ends(server)
  await using moving = move({ source, destination }, {}, slowly)
  await moving.until('rows', ({ copy }) => (copy?.rows ?? 0) > 0)
  await eventually(
    'the end of the copy',
    async () => {
      await source.sql("select pg_logical_emit_message(false, 'x', repeat('x', 1000)), pg_switch_wal()")
      await source.sql('checkpoint')
      return moving.run.isRunning
    },
    (isRunning) => !isRunning,
  )
  expect(await failure(moving)).toMatch(
    /has invalidated the slot pgtrek_\w+ while rows were copied: .*max_slot_wal_keep_size/,
  )
  expect(await leftOn(source)).toEqual([])
})

test('without a copied table there is nothing to follow', async () => {
  const source = await (await cluster(15, { settings: logical })).createDatabase()
  const destination = await (await cluster(18, { settings: logical })).createDatabase()
  await source.sql(`
    create table item (id int primary key);
    insert into item values (1)`)
  await destination.sql('create table item (id int primary key, constraint only_large check (id > 1))')
  await using moving = move({ source, destination })
  expect(await failure(moving)).toMatch(/no table could be copied.*public\.item: .*only_large/)
  expect(await leftOn(source)).toEqual([])
})

test('following waits for an unavailable server, before it starts and later', async () => {
  await using from = await startCluster({ major: 15, settings: logical })
  await using to = await startCluster({ major: 17, settings: logical })
  const source = await from.createDatabase()
  const destination = await to.createDatabase()
  await source.sql('create table item (id int primary key)')
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  const arrives = async (id: number) => {
    await eventually(
      `row ${id}`,
      async () => {
        // The connections of the test are lost too.
        await source.sql(`insert into item values (${id}) on conflict do nothing`).catch(() => {})
        return await destination.sql(`select from item where id = ${id}`).catch(() => [])
      },
      (rows) => rows.length === 1,
    )
  }
  // One after the other, because the locks of the move are lost too.
  await from.restart('fast')
  await to.restart('fast')
  await arrives(1)
  for (const [id, server] of [from, to].entries()) {
    await server.down('fast')
    await moving.restart()
    const { last_error: error } = await moving.until(
      'a server that is away',
      ({ state }) => state === 'waiting',
    )
    expect(error?.message).toContain('nothing listens on')
    await server.up()
    await moving.untilStreaming()
    await arrives(10 + id)
  }
})
