// A run that is cancelled while a server does not answer any more (stopped, or behind a network that drops all packets)
// ends without waiting for that server.
import { beforeAll, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { MigrationEvent } from '../../shared/event.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { clone } from '../../tools/moves/clone.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { startProxy } from '../../tools/servers/proxy.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

let from: Cluster
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  from = await cluster(14)
  to = await cluster(17)
  source = await from.createDatabase()
  await source.sql(`
    create table big (id int primary key, payload text not null);
    insert into big select i, repeat('x', 1000) from generate_series(1, 20000) i;
    create index on big (payload);
    create table small (id int primary key references big);
    analyze`)
})

type Silent = 'source' | 'destination'
const moments: [string, Silent[], (event: MigrationEvent) => boolean][] = [
  ['the source is read', ['source'], (event) => event.type === 'log' && event.message.startsWith('reading')],
  [
    'the destination is read',
    ['destination'],
    (event) => event.type === 'log' && event.message.startsWith('reading'),
  ],
  [
    'tables are made',
    ['destination'],
    (event) => event.type === 'step_started' && event.step.phase === 'tables',
  ],
  ['rows are copied', ['source', 'destination'], (event) => event.type === 'rows'],
  [
    'indexes are built',
    ['destination'],
    (event) => event.type === 'step_started' && event.step.kind === 'INDEX',
  ],
]

test.concurrent.each(moments)('while %s', async (_, silent, isMoment) => {
  const destination = await to.createDatabase()
  await using ways = new AsyncDisposableStack()
  const way = {
    source: ways.use(await startProxy(from)),
    destination: ways.use(await startProxy(to)),
  }
  const stop = new AbortController()
  let last: MigrationEvent | undefined
  const cloning = clone(way.source.to(source), way.destination.to(destination), {
    signal: stop.signal,
    onEvent(event) {
      last = event
      if (stop.signal.aborted || !isMoment(event)) return
      for (const end of silent) way[end].stall()
      // The server is queried for what the event reports.
      setTimeout(() => stop.abort())
    },
  })
  const { result } = await within('the end of the run', cloning, undefined, () => last)
  expect(result.status).toBe('cancelled')
})

test.concurrent('while a command of the user runs that ignores signals', async () => {
  const destination = await to.createDatabase()
  const file = join(scratchDirectory(), 'deaf')
  const command = `trap "" TERM; touch '${file}'; while true; do sleep 0.1; done`
  const stop = new AbortController()
  const cloning = clone(source, destination, {
    signal: stop.signal,
    hooks: [{ when: 'before', phase: 'data', name: 'deaf', run: { command } }],
  })
  await eventually('the command to run', () => existsSync(file))
  stop.abort()
  const { result } = await within('the end of the run', cloning)
  expect(result.status).toBe('cancelled')
})
