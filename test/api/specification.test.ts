// A client that knows only the JSON of the specification: every message of the WebSocket is complete, and has these
// fields with these types. It is written without the project's types and schemas on purpose.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { within } from '../../tools/eventually.ts'
import { type Cluster, cluster } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

interface Data {
  overall_percent: number
  elapsed_seconds: number
  tables: {
    schema: string
    name: string
    status: string
    total_rows: number
    migrated_rows: number
    percent: number
  }[]
  current_phase: string
  log_message: string
  failedTables: { schema: string; name: string; error: string }[]
}

const rows = 20_000
let api: Api
let from: Cluster
let to: Cluster

beforeAll(async () => {
  ;[api, from, to] = await Promise.all([startApi(), cluster(15), cluster(18)])
})

afterAll(() => api.server.close())

const filled = `
  create table users (id int primary key, v text);
  insert into users select n, repeat('u', 300) from generate_series(1, ${rows}) n;
  create table orders (id int primary key, v text);
  insert into orders select n, repeat('o', 300) from generate_series(1, ${rows}) n;
  analyze`

/** The messages of a run. Another one before them shows the last run, or none: it is checked too. */
async function messagesOf(body: object): Promise<string[]> {
  const socket = new WebSocket(`${api.server.url.replace('http', 'ws').replace(/\/$/, '')}/ws/progress`)
  const messages: string[] = []
  const opened = Promise.withResolvers<void>()
  socket.onmessage = ({ data }) => {
    messages.push(String(data))
    opened.resolve()
  }
  try {
    await within('the first message', opened.promise)
    const { json } = await api.post('/api/migrate', body)
    const ended = Promise.withResolvers<void>()
    const isLast = (text: string) => {
      const { data } = JSON.parse(text)
      return data.id === json.id && data.running === false
    }
    socket.onmessage = ({ data }) => {
      messages.push(String(data))
      if (isLast(String(data))) ended.resolve()
    }
    if (messages.some(isLast)) ended.resolve()
    await within('the last message', ended.promise)
    expect(messages.flatMap(faultsOf)).toEqual([])
    return messages.filter((text) => JSON.parse(text).data.id === json.id)
  } finally {
    socket.close()
  }
}

const whole = (value: unknown) => Number.isInteger(value) && Number(value) >= 0
const percent = (value: unknown) => whole(value) && Number(value) <= 100
const texts = (value: object, ...names: string[]) =>
  names.every((name) => typeof (value as Record<string, unknown>)[name] === 'string')

/** What of a message is not as specified. */
function faultsOf(text: string): string[] {
  const { type, data } = JSON.parse(text) as { type: string; data: Data }
  const table = (one: Data['tables'][number]) =>
    texts(one, 'schema', 'name', 'status') &&
    percent(one.percent) &&
    whole(one.total_rows) &&
    whole(one.migrated_rows) &&
    one.migrated_rows <= one.total_rows
  const checks = {
    type: type === 'progress',
    overall_percent: percent(data.overall_percent),
    elapsed_seconds: whole(data.elapsed_seconds),
    tables: Array.isArray(data.tables) && data.tables.every(table),
    words: texts(data, 'current_phase', 'log_message'),
    failedTables:
      Array.isArray(data.failedTables) &&
      data.failedTables.every((one) => texts(one, 'schema', 'name', 'error')),
  }
  return Object.entries(checks).flatMap(([name, holds]) => (holds ? [] : [`${name}: ${text}`]))
}

const dataOf = (text: string): Data => JSON.parse(text).data

test('every message of a run that completes is complete, and its numbers are whole', async () => {
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(filled)
  // Slow enough for several messages while rows are copied.
  const options = { maxBytesPerSecond: 8_000_000 }
  const messages = await messagesOf({
    source: { url: source.url },
    destination: { url: destination.url },
    options,
  })
  const all = messages.map(dataOf)
  const planned = all.slice(all.findIndex(({ tables }) => tables.length > 0))
  expect(planned.length).toBeGreaterThan(3)
  for (const { tables } of planned) expect(tables.map(({ name }) => name).sort()).toEqual(['orders', 'users'])
  expect(
    planned.some(({ tables }) =>
      tables.some(({ status, percent }) => status === 'in_progress' && percent > 0),
    ),
  ).toBe(true)
  const percents = planned.map((one) => one.overall_percent)
  expect(percents).toEqual(percents.toSorted((one, other) => one - other))
  expect(percents.slice(0, -1).filter((one) => one === 100)).toEqual([])
  const last = planned.at(-1)
  expect(last).toMatchObject({ overall_percent: 100, failedTables: [] })
  for (const table of last?.tables ?? []) {
    expect(table).toMatchObject({ status: 'completed', percent: 100, total_rows: rows, migrated_rows: rows })
  }
})

test('a run in which a table fails never reaches 100, and every message from then on names the table', async () => {
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(filled)
  await destination.sql('create table orders (id int primary key check (id < 0), v text)')
  const messages = await messagesOf({ source: { url: source.url }, destination: { url: destination.url } })
  const all = messages.map(dataOf)
  expect(all.filter(({ overall_percent }) => overall_percent === 100)).toEqual([])
  const failed = all.slice(all.findIndex(({ failedTables }) => failedTables.length > 0))
  for (const { failedTables } of failed) {
    expect(failedTables).toEqual([
      { schema: 'public', name: 'orders', error: expect.stringContaining('check constraint') },
    ])
  }
  const last = failed.at(-1)
  expect(last?.tables.find(({ name }) => name === 'orders')).toMatchObject({
    status: 'failed',
    migrated_rows: 0,
    percent: 0,
  })
  expect(last?.tables.find(({ name }) => name === 'users')).toMatchObject({
    status: 'completed',
    percent: 100,
  })
})

test.each([
  ['', false],
  ['?partial=0', false],
  ['?partial=false', false],
  ['?partial=1', true],
  ['?partial=true', true],
])('/ws/progress%s: messages have only what changed: %p', async (query, isPartial) => {
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(filled)
  const socket = new WebSocket(
    `${api.server.url.replace('http', 'ws').replace(/\/$/, '')}/ws/progress${query}`,
  )
  const seen: { id: string; running: boolean; partial?: boolean }[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  try {
    const opened = Promise.withResolvers<void>()
    socket.onopen = () => opened.resolve()
    await within('the WebSocket to open', opened.promise)
    const { json } = await api.post('/api/migrate', {
      source: { url: source.url },
      destination: { url: destination.url },
    })
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)).data
      if (message.id !== json.id) return
      seen.push(message)
      if (!message.running) resolve()
    }
    await within('the end of the run', promise)
    expect(seen.some(({ partial }) => partial === true)).toBe(isPartial)
  } finally {
    socket.close()
  }
})
