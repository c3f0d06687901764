// A silent server is waited for as long as it is working, and not when it cannot answer any more.
import { beforeAll, expect, test } from 'bun:test'
import { relayCopy } from '../../server/postgres/copy-stream.ts'
import { ConnectionLost } from '../../server/postgres/errors.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type SlowWay, startProxy } from '../../tools/servers/proxy.ts'
import {
  columns,
  done,
  type Fake,
  ready,
  row,
  say,
  startFake,
  text,
  welcome,
} from '../support/fake-server.ts'

let server: Cluster
let database: TestDatabase

beforeAll(async () => {
  server = await cluster(17)
  database = await server.createDatabase()
  await database.sql('create table locked (a text); create table free (a text)')
})

const impatient = (url: string) =>
  Session.open({ ...resolveSettings({ url }), silenceMs: 100, connectTimeout: 5 })

/** Connections in addition to the present ones: each question whether the server is working opens one. */
const asked = (way: SlowWay, times: number) => {
  const before = way.taken
  return eventually('questions to the server', () => way.taken - before >= times)
}

const copyFrom = (source: Session, destination: Session, copyOut: string, table = 'free') =>
  relayCopy({ source, destination, copyOut, copyIn: `copy ${table} from stdin`, binary: false })

test('a query that waits for a lock', async () => {
  await using way = await startProxy(server)
  await using holder = await impatient(database.url)
  await holder.execute('begin; lock table locked')
  await using session = await impatient(way.to(database).url)
  const waiting = session.query('select count(*)::int as count from locked')
  await asked(way, 3)
  await holder.execute('commit')
  expect(await within('the answer', waiting)).toEqual([{ count: 0 }])
})

test('a COPY with a slow source, and one with a slow destination', async () => {
  await using way = await startProxy(server)
  const { url } = way.to(database)
  await using holder = await impatient(database.url)
  await using source = await impatient(url)
  await using destination = await impatient(url)
  for (const [copyOut, table] of [
    [`copy (select 'a' from locked right join (values (1)) v on true) to stdout`, 'free'],
    [`copy (select repeat('x', 1000) from generate_series(1, 10000)) to stdout`, 'locked'],
  ] as const) {
    await holder.execute('begin; lock table locked')
    const copying = copyFrom(source, destination, copyOut, table)
    await asked(way, 3)
    await holder.execute('commit')
    expect((await within('the copy', copying)).rows).toBeGreaterThan(0)
  }
})

test('a network that has dropped the connections ends a COPY', async () => {
  await using way = await startProxy(server)
  await using source = await impatient(way.to(database).url)
  await using destination = await impatient(database.url)
  let rows = 0
  const copying = relayCopy({
    source,
    destination,
    copyOut: `copy (select repeat('x', 1000) from generate_series(1, 30000) a, generate_series(1, 30000) b) to stdout`,
    copyIn: 'copy free from stdin',
    binary: false,
    onProgress: (copied) => {
      rows = copied
    },
  }).catch((error: unknown) => error)
  await eventually('rows', () => rows > 0)
  way.forget()
  const error = await within('the end of the copy', copying)
  expect(error).toBeInstanceOf(ConnectionLost)
  expect(String(error)).toMatch(/no data was received for .* the server is waiting for pgtrek/)
})

test('a server that is working, or accepts no more connections, is waited for', async () => {
  let silent: Fake | undefined
  let questions = 0
  const isAtWork = (fake: Fake) => {
    questions++
    fake.say(columns(['waiting', 16]), row('f'), done('SELECT 1'), ready)
    if (questions > 1) silent?.say(columns('a'), row('1'), done('SELECT 1'), ready)
    return true
  }
  using fake = startFake({
    onStart(fake) {
      // Every second connection is refused.
      if (fake.place % 2 === 0) fake.say(...welcome)
      else
        fake.say(say('E', text('SFATAL'), text('C53300'), text('Msorry, too many clients already'), text('')))
    },
    onQuery(fake, sql) {
      if (sql.includes('pg_stat_activity')) return isAtWork(fake)
      if (!sql.includes('from t')) return false
      silent = fake
      return true
    },
  })
  await using session = await impatient(`postgres://me@127.0.0.1:${fake.port}/db?sslmode=disable`)
  expect(await within('the answer', session.query('select a from t'))).toEqual([{ a: '1' }])
  expect(questions).toBe(2)
})
