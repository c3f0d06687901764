// Changes that the source cannot send any more are reported clearly, and nothing starts over silently.
import { describe, expect, test } from 'bun:test'
import { Follower, type FollowerOptions } from '../../server/replication/apply/follower.ts'
import { readPosition } from '../../server/replication/apply/position.ts'
import { showLsn } from '../../server/replication/stream/lsn.ts'
import { SlotUnusable } from '../../server/replication/stream/slot.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { followToEnd, inSession, link, type Pair, reaches } from '../../tools/moves/following.ts'
import { cluster, type Major, type OwnCluster, startCluster } from '../../tools/servers/clusters.ts'

/** With a separate server, because the tests would harm other slots. */
async function pairFrom(
  major: Major,
  settings: Record<string, string>,
): Promise<Pair & { server: OwnCluster }> {
  const server = await startCluster({ major, settings })
  const pair = {
    server,
    source: await server.createDatabase(),
    destination: await (await cluster(18)).createDatabase(),
  }
  for (const side of [pair.source, pair.destination])
    await side.sql('create table t (id int primary key, v text)')
  return pair
}

/** Writes until the server has removed the log that the slot needs. */
async function useUpLog({ source, server }: Pair & { server: OwnCluster }, slot: string) {
  const statusAfterMore = async () => {
    // In another database, so that no follower has to decode it.
    await server.sql(
      'postgres',
      "select pg_logical_emit_message(false, 'x', repeat('x', 1000)), pg_switch_wal()",
    )
    await server.sql('postgres', 'checkpoint')
    const [row] = await source.sql<{ status: string }>(
      'select wal_status as status from pg_replication_slots where slot_name = $1',
      [slot],
    )
    return row?.status
  }
  await eventually('the loss of the slot', statusAfterMore, (status) => status === 'lost')
}

async function failure(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(SlotUnusable)
  return error
}

const nothingChanged = 'Nothing was changed. Start again with a new slot and a new copy of the rows.'

describe('the log that a slot needs is removed', () => {
  for (const major of casesOf<Major>([14], [17])) {
    test(`PostgreSQL ${major}: without a follower, and with a paused one`, async () => {
      const pair = await pairFrom(major, { max_slot_wal_keep_size: '1MB', max_wal_size: '64MB' })
      const [first, second] = [await link(pair), await link(pair)]
      const paused = await Follower.start(first)
      paused.pause()
      await reaches(paused, 'the pause', ({ phase }) => phase === 'paused')
      await pair.source.sql("insert into t values (1, 'lost')")
      await useUpLog(pair, second.slot)
      const { message } = await failure(Follower.start(second))
      expect(message).toBe(
        `the source has invalidated the slot ${second.slot}: the log it needs has been removed (max_slot_wal_keep_size). ${nothingChanged}`,
      )
      // The server ends the session that uses the slot.
      expect((await failure(within('the end of the paused one', paused.done))).message).toContain(
        `has invalidated the slot ${first.slot}`,
      )
      expect(paused.status).toMatchObject({ phase: 'failed' })
      expect(await pair.destination.sql('select * from t')).toEqual([])
    })
  }
})

test('a slot that was not used for too long', async () => {
  const pair = await pairFrom(18, { idle_replication_slot_timeout: '1s' })
  const options = await link(pair)
  await followToEnd(options, pair.source)
  await eventually('the loss of the slot', async () => {
    await pair.server.sql('postgres', 'checkpoint')
    const [row] = await pair.source.sql('select invalidation_reason as reason from pg_replication_slots')
    return row?.reason
  })
  expect((await failure(Follower.start(options))).message).toBe(
    `the source has invalidated the slot ${options.slot}: it was not used for longer than idle_replication_slot_timeout. ${nothingChanged}`,
  )
})

test('a slot that is dropped during a stream', async () => {
  const source = await (await cluster(15)).createDatabase()
  const destination = await (await cluster(18)).createDatabase()
  for (const side of [source, destination]) await side.sql('create table t (id int primary key)')
  const options = await link({ source, destination })
  const follower = await Follower.start(options)
  await source.sql('insert into t values (1)')
  await reaches(follower, 'the row', ({ rows }) => rows === 1)
  // The follower connects again as soon as its session is ended.
  await eventually('a moment in which the slot is not in use', async () => {
    await source.sql(
      'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1',
      [options.slot],
    )
    await source.sql('select pg_drop_replication_slot($1)', [options.slot])
    return true
  })
  const { message } = await failure(within('the end of the follower', follower.done))
  expect(message).toContain(`the source has no replication slot ${options.slot}: changes since`)
  expect(message).toEndWith(nothingChanged)
  expect(follower.status).toMatchObject({ phase: 'failed' })
})

describe('one side is restored from an older state', () => {
  for (const kind of ['table', 'origin'] as const) {
    test(`the destination, its position in ${kind}`, async () => {
      const source = await (await cluster(15)).createDatabase()
      // From 16 on rows of a table have the position also with an origin.
      const server = await cluster(kind === 'table' ? 18 : 15)
      const destination = await server.createDatabase()
      for (const side of [source, destination]) await side.sql('create table t (id int primary key)')
      const options = await link({ source, destination }, { kind })
      await source.sql('insert into t values (1)')
      await followToEnd(options, source)
      const restored = await restore(options)
      await source.sql('insert into t values (2)')
      await followToEnd(options, source)
      const older = await restored()
      const { message } = await failure(Follower.start({ ...options, ...older }))
      expect(message).toMatch(/has been read up to .* only up to .* the destination is an older state\./)
      expect(message).toEndWith(nothingChanged)

      async function restore(of: FollowerOptions): Promise<() => Promise<Partial<FollowerOptions>>> {
        const name = of.positionName
        if (kind === 'table') {
          const copy = await server.createDatabase(`${destination.name}_older`, {
            template: destination.name,
          })
          return async () => ({ destination: { ...of.destination, database: copy.name } })
        }
        const then = await inSession(destination, (session) => readPosition(session, name))
        return async () => {
          await destination.sql(
            `select pg_replication_origin_drop($1), pg_replication_origin_create($1), pg_replication_origin_advance($1, $2::pg_lsn)`,
            [`pgtrek_${name}`, showLsn(then?.lsn ?? 0n)],
          )
          return {}
        }
      }
    })
  }

  test('the source: new changes at old positions are not left out silently', async () => {
    const source = await (await cluster(15)).createDatabase()
    const destination = await (await cluster(18)).createDatabase()
    for (const side of [source, destination]) await side.sql('create table t (id int primary key)')
    const options = await link({ source, destination }, { kind: 'table' })
    await destination.sql("update pgtrek.position set lsn = 'FF/0'")
    const { message } = await failure(Follower.start(options))
    expect(message).toContain('the source is an older state, or another server')
  })
})
