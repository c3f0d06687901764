// A session logs in once, reports clearly why it cannot, waits as long as necessary, and stops when it is cancelled.
import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Cancelled, ConnectFailed, ConnectionLost, ServerError } from '../../server/postgres/errors.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { cluster, startCluster } from '../../tools/servers/clusters.ts'
import { startProxy, withPort } from '../../tools/servers/proxy.ts'
import { fallAsleep } from './asleep.ts'

const open = (url: string) => Session.open(resolveSettings({ url }))

async function refusal(url: string): Promise<ConnectFailed> {
  const failure = await open(url).then(
    (session) => session.close().then(() => undefined),
    (error: unknown) => error,
  )
  if (!(failure instanceof ConnectFailed)) throw new Error(`not refused: ${failure}`)
  return failure
}

describe('a refusal names the cause', () => {
  test('a database that does not exist', async () => {
    const { reason, message } = await refusal((await cluster(17)).url('nowhere'))
    expect(reason).toBe('database')
    expect(message).toContain('database "nowhere" does not exist')
  })

  test('a role that does not exist', async () => {
    const { reason, message } = await refusal((await cluster(17)).url('postgres', 'nobody here'))
    expect(reason).toBe('login')
    expect(message).toContain('role "nobody here" does not exist')
  })

  test('a port without a server', async () => {
    const { reason, message } = await refusal('postgres://me@127.0.0.1:1/db')
    expect(reason).toBe('refused')
    expect(message).toContain('127.0.0.1:1')
  })

  test('a program that is not a PostgreSQL server', async () => {
    using other = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') },
    })
    const { message } = await refusal(`postgres://me@127.0.0.1:${other.port}/db?sslmode=disable`)
    expect(message).toContain(`127.0.0.1:${other.port}`)
    expect(message).toContain('is a PostgreSQL server listening there?')
  })

  test('a server that accepts connections and never answers', async () => {
    using silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    const url = `postgres://me@127.0.0.1:${silent.port}/db?connect_timeout=0.2&sslmode=disable`
    const { message } = await refusal(url)
    expect(message).toContain(`127.0.0.1:${silent.port}`)
  })
})

test('a wrong password is sent once, and never in the clear after TLS', async () => {
  const certificate = (name: string) =>
    readFileSync(join(import.meta.dir, '../support/certificates', name), 'utf8')
  await using server = await startCluster({
    major: 17,
    ssl: { cert: certificate('server.crt'), key: certificate('server.key') },
    hba: 'local all all trust\nhost all all 127.0.0.1/32 password\n',
    settings: { log_connections: 'on' },
  })
  const { reason } = await refusal(
    `postgres://postgres:wrong@127.0.0.1:${server.port}/postgres?sslmode=prefer`,
  )
  expect(reason).toBe('login')
  expect(server.log().match(/password authentication failed/g)).toHaveLength(1)
})

test('a password of any characters works with every kind of authentication', async () => {
  const methods = ['password', 'md5', 'scram-sha-256']
  await using server = await startCluster({
    major: 17,
    hba: [
      ...methods.map((method) => `host all "by ${method}" 127.0.0.1/32 ${method}`),
      'host all postgres 127.0.0.1/32 trust',
      'local all all trust',
    ].join('\n'),
  })
  const password = 'p\u00e4ss\u00a0\uff21\ufb01 '
  for (const method of methods) {
    const role = `by ${method}`
    await server.sql(
      'postgres',
      `set password_encryption = '${method === 'md5' ? 'md5' : 'scram-sha-256'}';
       create role "${role}" login password '${password}'`,
    )
    const url = (secret: string) => {
      const who = `${encodeURIComponent(role)}:${encodeURIComponent(secret)}`
      return `postgres://${who}@127.0.0.1:${server.port}/postgres`
    }
    await using session = await open(url(password))
    expect(await session.query('select current_user::text as me')).toEqual([{ me: role }])
    expect((await refusal(url('another'))).message).toContain('Check user and password.')
  }
})

test('timeouts and read-only defaults of a role do not affect our sessions', async () => {
  const server = await cluster(17)
  const database = await server.createDatabase()
  await database.sql(`
    alter database "${database.name}" set statement_timeout = '10ms';
    alter database "${database.name}" set lock_timeout = '10ms';
    alter database "${database.name}" set idle_in_transaction_session_timeout = '10ms';
    alter database "${database.name}" set transaction_timeout = '10ms';
    alter database "${database.name}" set default_transaction_read_only = on`)
  await using session = await open(database.url)
  await session.execute('begin; create table t ()')
  // Longer than the timeouts of a statement and of a transaction.
  await session.query('select pg_sleep(0.05)')
  // A session with the role's settings that becomes idle later than ours is ended by them.
  const theirs = database.connect({ settings: { statement_timeout: '0', transaction_timeout: '0' } })
  const [them] = await theirs.unsafe('select pg_backend_pid() as pid')
  await theirs.unsafe('begin')
  await eventually(
    'the end of a session that has the defaults',
    () => server.sql('postgres', 'select pid, state from pg_stat_activity where pid = $1', [them?.pid]),
    (sessions) => sessions.length === 0,
  )
  await theirs.end()
  await session.execute('commit')
  const { name } = await session.one<{ name: string }>(`select current_setting('application_name') as name`)
  expect(name).toBe('pgtrek')
})

test('a cancel stops the statement, and the session stays usable', async () => {
  const server = await cluster(14)
  await using session = await open(server.url('postgres'))
  const { outcome } = await fallAsleep(server, session)
  await session.cancel()
  const error = await within('the end of the cancelled statement', outcome)
  expect(error).toBeInstanceOf(ServerError)
  expect((error as ServerError).sqlstate).toBe('57014')
  expect(await session.query('select 1 as one')).toEqual([{ one: 1 }])
})

test('a cancel that no server answers ends the session', async () => {
  const server = await cluster(14)
  await using way = await startProxy(server)
  const session = await open(withPort(server.url('postgres'), way.port))
  const { outcome } = await fallAsleep(server, session)
  way.stall()
  await within('the end of the cancel', session.cancel(200))
  expect(await within('the end of the statement', outcome)).toBeInstanceOf(ConnectionLost)
})

test('a session that is open until a signal cancels its statement then, and refuses new ones', async () => {
  const server = await cluster(14)
  const stop = new AbortController()
  const settings = resolveSettings({ url: server.url('postgres') })
  await using session = await Session.open(settings, { until: stop.signal })
  const { outcome } = await fallAsleep(server, session)
  stop.abort()
  expect(await within('the end of the statement', outcome)).toMatchObject({ sqlstate: '57014' })
  await expect(session.query('select 1')).rejects.toBeInstanceOf(Cancelled)
  await expect(Session.open(settings, { until: stop.signal })).rejects.toBeInstanceOf(Cancelled)
})

test('opening a session that is ended meanwhile fails, without an unhandled rejection', async () => {
  const database = await (await cluster(17)).createDatabase()
  const looking = database.connect()
  const look = (pid: number) =>
    looking.unsafe<{ pid: number }[]>(
      `select pid, pid = ${pid} and pg_terminate_backend(pid) as ended from pg_stat_activity
        where datname = current_database() and application_name = 'pgtrek' and wait_event_type = 'Lock'`,
    )
  // From here on it knows all types that it needs, which cannot be looked up any more.
  await look(0)
  const holder = database.connect()
  await holder.unsafe('begin; lock table pg_catalog.pg_type')
  const settings = resolveSettings({ url: database.url })
  const opening = Session.open(settings, { writtenJson: true }).catch((error: unknown) => error)
  const [waiting] = await eventually(
    'its first statement to wait',
    () => look(0),
    ({ length }) => length === 1,
  )
  await look(waiting?.pid ?? 0)
  const failure = await within('the end of the attempt', opening)
  await holder.end()
  await looking.end()
  expect(failure).toBeInstanceOf(ConnectFailed)
})

test('a session of the queue reads JSON and arrays', async () => {
  const url = (await cluster(17)).url('postgres')
  await using session = await Session.open(resolveSettings({ url }), { writtenJson: true })
  const id = '00000000-0000-0000-0000-000000000001'
  const rows = await session.query(`
    select '{"a": 1}'::jsonb as json, '{}'::text[] as none, array[1, null]::int[] as numbers, array['${id}']::uuid[] as ids,
           array['plain', 'NULL', null, '', 'a "b" \\ {c},' || chr(10)] as texts`)
  expect(rows).toEqual([
    {
      json: { a: 1 },
      none: [],
      numbers: [1, null],
      ids: [id],
      texts: ['plain', 'NULL', null, '', 'a "b" \\ {c},\n'],
    },
  ])
})

test('a session that the server ends reports the reason of the server', async () => {
  const server = await cluster(17)
  const session = await open(server.url('postgres'))
  const { outcome } = await fallAsleep(server, session)
  await server.sql('postgres', 'select pg_terminate_backend($1)', [session.pid])
  const error = await within('the end of the session', outcome)
  expect(error).toBeInstanceOf(ConnectionLost)
  expect(String(error)).toContain('terminating connection due to administrator command')
  await expect(session.query('select 1')).rejects.toBeInstanceOf(ConnectionLost)
})

test('a server error carries its fields', async () => {
  await using session = await open((await cluster(17)).url('postgres'))
  await session.execute('create temporary table t (id int constraint positive check (id > 0))')
  const error = await session.query('insert into t values (-1)').catch((failure: unknown) => failure)
  expect(error).toMatchObject({ sqlstate: '23514', table: 't', constraint: 'positive' })
  expect((error as ServerError).detail).toContain('Failing row contains (-1)')
})

test('a session works over a Unix socket', async () => {
  const server = await cluster(17)
  await using session = await open(
    `postgres:///postgres?host=${encodeURIComponent(server.socketDir)}&port=${server.port}&user=postgres`,
  )
  expect(await session.query('select inet_server_addr() as address')).toEqual([{ address: null }])
})

test('a statement that failed among its rows does not affect the rows of the next', async () => {
  await using session = await open((await cluster(14)).url('postgres'))
  const failed = await session
    .query('select 1 / (n - 3) as quotient from generate_series(1, 5) n')
    .catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(ServerError)
  expect(await session.query<{ n: number }>('select n from generate_series(1, 2) n')).toEqual([
    { n: 1 },
    { n: 2 },
  ])
})
