import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { eventually, within } from '../../tools/eventually.ts'
import { cluster, majors, startCluster } from '../../tools/servers/clusters.ts'
import { childrenOf, kill } from '../../tools/servers/processes.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

for (const major of majors) {
  test(`PostgreSQL ${major} starts and answers, over TCP and over its socket`, async () => {
    const server = await cluster(major)
    const [row] = await server.sql<{ server_version: string }>('postgres', 'show server_version')
    expect(Number.parseInt(row?.server_version ?? '', 10)).toBe(major)
    expect(existsSync(`${server.socketDir}/.s.PGSQL.${server.port}`)).toBe(true)
  })
}

test('a cluster is shared by all who ask for the same', async () => {
  expect(await cluster(15)).toBe(await cluster(15))
})

test('databases get names of their own and are dropped also while in use', async () => {
  const server = await cluster(15)
  const [one, other] = await Promise.all([server.createDatabase(), server.createDatabase()])
  expect(one.name).not.toBe(other.name)
  const latin = await server.createDatabase('odd "name" / ä', { encoding: 'LATIN1' })
  expect(await latin.sql('show server_encoding')).toEqual([{ server_encoding: 'LATIN1' }])
  expect(await latin.sql('select $1::int + 1 as sum', [2])).toEqual([{ sum: 3 }])
  const session = other.connect()
  await session`select 1`
  for (const database of [one, other, latin]) await database.drop()
  const left = await server.sql('postgres', 'select 1 from pg_database where datname = any($1)', [
    [one.name, other.name, latin.name],
  ])
  expect(left).toEqual([])
  await session.end()
})

test('a restart keeps the data and the port', async () => {
  const server = await startCluster({ major: 15, settings: { work_mem: '5MB' } })
  await server.sql('postgres', 'create table kept as select 1 as one')
  await server.restart('fast')
  expect(await server.sql('postgres', 'select one, current_setting($1) from kept', ['work_mem'])).toEqual([
    { one: 1, current_setting: '5MB' },
  ])
  await server.stop()
})

test('nothing is left after stop', async () => {
  const server = await startCluster({ major: 14 })
  expect(existsSync(server.socketDir)).toBe(true)
  await server.stop()
  await server.stop()
  expect(existsSync(server.socketDir)).toBe(false)
  expect(await reachable(server.port)).toBe(false)
})

test('a wrong password is refused where the rules ask for one', async () => {
  const server = await startCluster({ major: 12, hba: 'host all all 127.0.0.1/32 scram-sha-256\n' })
  expect(await server.sql('postgres', 'select 1 as one')).toEqual([{ one: 1 }])
  const stranger = server.database('postgres').connect({ password: 'wrong' })
  await expect(stranger`select 1`).rejects.toThrow('password authentication failed')
  await stranger.end()
  await server.stop()
})

test('servers of the same template are not the same server', async () => {
  await using other = await startCluster({ major: 15 })
  const identifier = 'select system_identifier::text as is from pg_control_system()'
  const [one, two] = [
    await (await cluster(15)).sql('postgres', identifier),
    await other.sql('postgres', identifier),
  ]
  expect(one).not.toEqual(two)
})

test('a process that is killed with all its children takes its servers with it', async () => {
  const script = `
    import { startCluster } from ${JSON.stringify(`${import.meta.dir}/../../tools/servers/clusters.ts`)}
    const server = await startCluster({ major: 15 })
    console.log(JSON.stringify({ port: server.port, socketDir: server.socketDir }))
    setInterval(() => {}, 1000)`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' })
  const { value } = await within('the server of the other process', child.stdout.getReader().read())
  const { port, socketDir } = JSON.parse(new TextDecoder().decode(value))
  expect(await reachable(port)).toBe(true)
  expect(socketDir).not.toStartWith(scratchDirectory())
  for (const pid of [...childrenOf(child.pid), child.pid]) kill(pid)
  await within('the end of the process', child.exited)
  await eventually(
    'the end of its server',
    async () => ({ files: existsSync(socketDir), answers: await reachable(port) }),
    ({ files, answers }) => !files && !answers,
  )
})

function reachable(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
