// Checks of the servers: settings, versions, extensions, and poolers between them.
import { afterAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { isOlder } from '../../server/preflight/extensions.ts'
import { cluster, type OwnCluster, startCluster } from '../../tools/servers/clusters.ts'
import { look } from './check-context.ts'

const open: Server[] = []
afterAll(() => {
  for (const one of open) one.close()
})

test('a newer source than destination is a warning', async () => {
  const [older, newer] = [
    await (await cluster(14)).createDatabase(),
    await (await cluster(18)).createDatabase(),
  ]
  expect((await look(newer.url, older.url)).item('versions')).toMatchObject({
    status: 'warning',
    found: 'from PostgreSQL 18 to 14: the destination is older',
  })
  expect((await look(older.url, newer.url)).item('versions').status).toBe('ok')
})

test('operators and aggregates that 14 has removed', async () => {
  const [older, newer] = [
    await (await cluster(12)).createDatabase(),
    await (await cluster(18)).createDatabase(),
  ]
  await older.sql(`
    create operator public.!@ (leftarg = int8, procedure = numeric_fac);
    create aggregate public.gather (anyelement) (sfunc = array_append, stype = anyarray, initcond = '{}')`)
  const item = (await look(older.url, newer.url)).item('removed-features')
  expect(item).toMatchObject({
    status: 'warning',
    objects: ['operator public.!@(bigint,NONE)', 'aggregate public.gather(anyelement)'],
  })
})

test('which version of an extension is older', () => {
  expect([
    isOlder('1.9', '1.10'),
    isOlder('2.0', '2'),
    isOlder('1.10', '1.9'),
    isOlder('1.1-dev', '1.2'),
  ]).toEqual([...[true, false, false, true]])
})

test('extensions that are missing, older, or created only by superusers', async () => {
  const [source, destination] = [
    await (await cluster(15)).createDatabase(),
    await (await cluster(18)).createDatabase(),
  ]
  await source.sql('create extension hstore; create extension pg_stat_statements')
  const calm = (await look(source.url, destination.url)).item('extensions')
  expect(calm.status).toBe('ok')
  expect(calm.found).toContain('hstore 1.8')
  // Simulates newer versions, and an extension that the destination does not have.
  await source.sql(`
    update pg_extension set extversion = '99.0' where extname = 'hstore';
    update pg_extension set extname = 'homemade' where extname = 'pg_stat_statements'`)
  const item = (await look(source.url, destination.url)).item('extensions')
  expect(item.status).toBe('warning')
  expect(item.objects).toEqual([
    expect.stringMatching(/^homemade .*: not available on the destination$/),
    'hstore 99.0: the destination has 1.8',
  ])
  const left = await look(source.url, destination.url, {
    options: { skipExtensions: ['homemade', 'hstore'] },
  })
  expect(left.item('extensions').status).toBe('ok')
  await source.sql(`update pg_extension set extname = 'pg_stat_statements' where extname = 'homemade'`)
  await destination.sql(`
    do $$ begin create role preflight_maker login; exception when duplicate_object then null; end $$`)
  const url = (await cluster(18)).url(destination.name, 'preflight_maker')
  expect((await look(source.url, url)).item('extensions').objects).toEqual([
    'hstore 99.0: the destination has 1.8',
    'pg_stat_statements: only a superuser may create it, unless the provider allows it',
  ])
})

test('rows in tables of extensions are not copied, except in configuration tables', async () => {
  const [source, destination] = [
    await (await cluster(15)).createDatabase(),
    await (await cluster(18)).createDatabase(),
  ]
  await source.sql(`
    create extension hstore; create table kept (x int); insert into kept values (1);
    alter extension hstore add table kept`)
  const { item } = await look(source.url, destination.url)
  expect(item('extension-data')).toMatchObject({ status: 'warning', objects: ['public.kept of hstore'] })
  await source.sql(
    `update pg_extension set extconfig = array['kept'::regclass::oid], extcondition = '{""}' where extname = 'hstore'`,
  )
  expect((await look(source.url, destination.url)).item('extension-data').status).toBe('ok')
})

test('slots and subscriptions of the source are reported', async () => {
  const [source, destination] = [
    await (await cluster(15)).createDatabase(),
    await (await cluster(18)).createDatabase(),
  ]
  await source.sql(`create subscription pull connection 'host=nowhere' publication p with (connect = false)`)
  await source.sql(`select pg_create_logical_replication_slot('preflight_slot', 'pgoutput')`)
  expect((await look(source.url, destination.url)).item('subscriptions')).toMatchObject({
    status: 'warning',
    objects: ['subscription pull', 'slot preflight_slot'],
  })
  await source.sql(`select pg_drop_replication_slot('preflight_slot')`)
})

describe('a server with unsuitable settings', () => {
  test('each setting is named with its fix', async () => {
    await using server = await startCluster({
      major: 14,
      settings: {
        wal_level: 'replica',
        max_slot_wal_keep_size: '1GB',
        old_snapshot_threshold: '1h',
        max_connections: '10',
        max_prepared_transactions: '0',
        max_locks_per_transaction: '10',
        max_wal_senders: '10',
        max_replication_slots: '1',
        temp_file_limit: '8kB',
        logical_decoding_work_mem: '1MB',
        max_worker_processes: '1',
      },
    })
    const { url } = await (await cluster(18)).createDatabase()
    const source = await server.createDatabase()
    await source.sql(`
      select pg_create_physical_replication_slot('taken');
      create table t (x int primary key);
      insert into t select generate_series(1, 10000);
      analyze t`)
    await source.sql(
      `do $$ begin for i in 1..300 loop execute 'create table t' || i || ' (x int)'; if i % 100 = 0 then commit; end if; end loop; end $$`,
    )
    const report = await look(source.url, url, { follow: true, options: { workers: 8 } })
    const statuses = Object.fromEntries(report.items.map(({ id, status }) => [id, status]))
    expect(statuses).toMatchObject({
      'wal-level': 'blocker',
      'replication-slots': 'blocker',
      'wal-retention': 'warning',
      timeouts: 'warning',
      connections: 'warning',
      'locks-limit': 'warning',
      'logical-decoding-work-mem': 'warning',
      'disk-space': 'ok',
    })
    expect(report.item('wal-level').sql).toEqual([
      "-- on the source, as a superuser\nalter system set wal_level = 'logical'",
    ])
    expect(report.item('replication-slots').found).toContain('1 of 1 slots')
    expect(report.item('locks-limit').found).toMatch(/^\d+ tables on the source, room for \d+ locks/)
    // In the other direction it is the destination.
    const { item } = await look(url, source.url)
    expect(item('locks-limit').status).toBe('warning')
    expect(item('worker-processes')).toMatchObject({
      status: 'warning',
      sql: ["-- on the destination, as a superuser\nalter system set max_worker_processes = '8'"],
    })
    expect(report.item('worker-processes').status).toBe('ok')
    const back = await look(source.url, source.url)
    expect(back.item('disk-space')).toMatchObject({
      status: 'warning',
      sql: [
        "-- on the destination, as a superuser\nalter system set temp_file_limit = '-1'",
        'select pg_reload_conf()',
      ],
    })
    await source.sql(
      `do $$ begin for i in 301..1300 loop execute 'create table t' || i || ' (x int)'; if i % 100 = 0 then commit; end if; end loop; end $$`,
    )
    expect((await look(source.url, url)).item('locks-limit').status).toBe('blocker')
    // A run would fail: the lock table is too small for all tables.
    await expect(
      source.sql(
        `do $$ begin for i in 1..1300 loop execute 'lock table t' || i || ' in access share mode'; end loop; end $$`,
      ),
    ).rejects.toThrow('out of shared memory')
    const clients = [1, 2, 3, 4, 5].map(() => source.connect())
    for (const client of clients) await client.unsafe('select')
    expect((await look(source.url, url)).item('connections').status).toBe('blocker')
    for (const client of clients) await client.end()
    await source.sql("alter system set wal_sender_timeout = '3s'")
    await source.sql('select pg_reload_conf()')
    expect((await look(source.url, url, { follow: true })).item('wal-sender-timeout').found).toContain(
      'wal_sender_timeout is 3s',
    )
  })
})

test('a standby as source or as destination', async () => {
  await using server = await startCluster({ major: 15 })
  const { url } = await (await cluster(18)).createDatabase()
  await makeStandby(server)
  const standby = server.url('postgres')
  expect((await look(url, standby)).item('standby')).toMatchObject({
    status: 'blocker',
    found: 'the destination is a standby',
  })
  expect((await look(standby, url)).item('standby').status).toBe('warning')
  expect((await look(standby, url, { follow: true })).item('standby').status).toBe('blocker')
})

async function makeStandby(server: OwnCluster) {
  await server.down()
  writeFileSync(join(dirname(server.socketDir), 'data', 'standby.signal'), '')
  await server.up()
}

test('a pooler that keeps a process for a session is a warning, and a blocker when changes are followed', async () => {
  const { url } = await (await cluster(18)).createDatabase()
  const source = await (await cluster(15)).createDatabase()
  const port = await poolerTo((await cluster(15)).port)
  const pooled = new URL(source.url)
  pooled.port = String(port)
  const found = `a connection pooler in session mode is between pgtrek and the source at 127.0.0.1:${port}`
  expect((await look(pooled.href, url)).item('pooler')).toMatchObject({ status: 'warning', found })
  const followed = (await look(pooled.href, url, { follow: true })).item('pooler')
  expect(followed.status).toBe('blocker')
  expect(followed.found).toStartWith(`${found}: changes cannot be followed through it`)
})

/** Reports another process number than the server's, as poolers do. */
async function poolerTo(port: number): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      const key = chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]))
      if (key >= 0) chunk.writeInt32BE(4_000_000, key + 5)
      client.write(chunk)
    })
    upstream.on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())
  })
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

test('tablespaces that the destination lacks', async () => {
  await using server = await startCluster({ major: 15, settings: { allow_in_place_tablespaces: 'on' } })
  const { url } = await (await cluster(18)).createDatabase()
  const source = await server.createDatabase()
  await source.sql("create tablespace fast location ''")
  await source.sql('create table t (x int primary key) tablespace fast')
  expect((await look(source.url, url)).item('tablespaces')).toMatchObject({
    status: 'warning',
    objects: ['fast'],
  })
  expect((await look(source.url, url, { options: { tablespaces: false } })).item('tablespaces').status).toBe(
    'ok',
  )
})

test('a replication connection is opened to check that it gets through', async () => {
  const server = await cluster(15)
  const { url } = await (await cluster(18)).createDatabase()
  const source = await server.createDatabase()
  await source.sql('create role plain login; create role streamer login replication')
  expect(
    (await look(server.url(source.name, 'streamer'), url, { follow: true })).item('replication-reach').status,
  ).toBe('ok')
  const refused = (await look(server.url(source.name, 'plain'), url, { follow: true })).item(
    'replication-reach',
  )
  expect(refused.status).toBe('blocker')
  expect(refused.found).toStartWith('a test connection failed: ')
})
