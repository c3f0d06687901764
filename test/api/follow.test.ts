// A move through the API: started, controlled, switched over, cleaned up; and moves of other processes.
import { beforeAll, describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { FollowMessage } from '../../shared/follow-api.ts'
import { FollowView } from '../../shared/follow-view.ts'
import type { SwitchoverReport } from '../../shared/switchover.ts'
import { makeHome } from '../../tools/command.ts'
import { within } from '../../tools/eventually.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Api, startApi, type Watched } from '../support/api.ts'
import { ReadMetrics } from './prometheus.ts'

let from: Cluster
let to: Cluster

beforeAll(async () => {
  ;[from, to] = await Promise.all([cluster(14), cluster(17)])
})

async function shop(): Promise<{ source: TestDatabase; destination: TestDatabase }> {
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(`
    create table orders (id int primary key, note text);
    create table customers (id serial primary key, name text);
    insert into orders select n, 'before' from generate_series(1, 500) n;
    insert into customers (name) select 'customer ' || n from generate_series(1, 100) n`)
  return { source, destination }
}

function endsOf({ source, destination }: { source: TestDatabase; destination: TestDatabase }) {
  return { source: { url: source.url }, destination: { url: destination.url } }
}

/** Waits for a view of this move that meets the condition. */
async function seen(
  watched: Watched,
  name: string,
  holds: (view: FollowView) => boolean,
): Promise<FollowView> {
  const message = await watched.untilFollow(
    (one) => one.type === 'follow' && one.data.name === name && holds(one.data),
  )
  if (message.type !== 'follow') throw new Error('no view')
  return message.data
}

const quick = { readyForSeconds: 0 }
const applied = (view: FollowView) => view.streams[0]?.status.rows ?? 0
const slots = (database: TestDatabase) =>
  database.sql<{ slot_name: string }>(
    `select slot_name from pg_replication_slots where database = current_database()`,
  )

// One test, because its sessions last from the first step to the last, and no test may leave sessions to the next.
describe('from the copy to the end', () => {
  let api: Api
  let pair: Awaited<ReturnType<typeof shop>>
  let watched: Watched
  const name = 'whole'

  test('it is started, controlled, stopped, continued, switched over and cleaned up', async () => {
    await using started = await startApi()
    api = started
    pair = await shop()
    watched = await api.watch()
    await copiesAndStreams()
    await refusesAnother()
    await countsChanges()
    await pausesAndResumes()
    await resolvesConflicts()
    await stopsAndContinues()
    await switchesOver()
    await cleansUp()
    watched[Symbol.dispose]()
  })

  const fresh = async () => {
    watched[Symbol.dispose]()
    watched = await api.watch()
  }

  /** It copies, catches up and streams, and clients get every stage. */
  async function copiesAndStreams() {
    expect((await api.get('/api/follow')).json).toEqual({ follows: [] })
    const body = { ...endsOf(pair), follow: { ...quick, name } }
    const { status, json } = await api.post('/api/follow', body)
    expect([status, json]).toEqual([200, { ok: true, name }])
    const green = await seen(watched, name, ({ ready }) => ready.green)
    expect(green).toMatchObject({ stage: 'streaming', state: 'running', tables: 2, failed_tables: [] })
    const stages = watched.follows.flatMap((one) => (one.type === 'follow' ? [one.data.stage] : []))
    expect([...new Set(stages)]).toEqual(
      expect.arrayContaining(['preflight', 'copy', 'catchup', 'streaming']),
    )
    for (const message of watched.follows)
      expect(Value.Errors(FollowMessage, message).First()).toBeUndefined()
    // The copy is a migration like any other: with its progress, its log and its place in the history.
    const copied = await watched.until(({ running, summary }) => !running && summary !== undefined)
    expect(copied).toMatchObject({ status: 'completed', migrated_rows: 600 })
    expect((await api.get(`/api/migrations/${copied.id}`)).json).toMatchObject({
      status: 'completed',
      request: { follow: { name } },
    })
  }

  /** Another move is refused while this process follows, and so is the same one. */
  async function refusesAnother() {
    const other = await api.post('/api/follow', { ...endsOf(await shop()), follow: { name: 'other' } })
    expect([other.status, other.json.error]).toEqual([409, 'busy'])
    const again = await api.post('/api/follow/continue', { ...endsOf(pair), follow: { name } })
    expect([again.status, again.json.error]).toEqual([409, 'busy'])
    const cleanup = await api.post('/api/follow/cleanup', { ...endsOf(pair), name })
    expect([cleanup.status, cleanup.json.error]).toEqual([409, 'busy'])
  }

  /** A change is applied, counted by table, and in the metrics. */
  async function countsChanges() {
    await pair.source.sql(`insert into orders values (501, 'after'); delete from orders where id = 1`)
    await seen(watched, name, (view) => applied(view) >= 2)
    const { json } = await api.get(`/api/follow/${name}`)
    expect(Value.Errors(FollowView, json).First()).toBeUndefined()
    expect(json.streams[0].status.tables).toContainEqual({
      ...{ schema: 'public', name: 'orders' },
      ...{ inserts: 1, updates: 0, deletes: 1, truncates: 0 },
    })
    expect(await pair.destination.sql('select note from orders where id = 501')).toEqual([{ note: 'after' }])
    const metrics = new ReadMetrics((await api.get('/metrics')).text)
    const of = { follow: name }
    expect(metrics.value('pgtrek_follow_stage', { ...of, stage: 'streaming' })).toBe(1)
    expect(metrics.value('pgtrek_follow_working', of)).toBe(1)
    expect(metrics.value('pgtrek_follow_rows_total', of)).toBe(2)
    const inserted = { ...of, table: 'orders', operation: 'insert' }
    expect(metrics.value('pgtrek_follow_table_changes_total', inserted)).toBe(1)
    expect(metrics.all('pgtrek_follow_lag_bytes', of)).toHaveLength(1)
    // The copy is reported once.
    expect(metrics.value('pgtrek_copy_rows')).toBe(600)
    expect(metrics.value('pgtrek_copy_tables', { ...of, status: 'completed' })).toBe(2)
  }

  /** It pauses and resumes; a refused request is answered with the reason. */
  async function pausesAndResumes() {
    await fresh()
    expect((await api.post('/api/follow/pause')).json).toMatchObject({ ok: true })
    const paused = await seen(watched, name, ({ state }) => state === 'paused')
    expect(paused.ready.green).toBe(false)
    const early = await api.post('/api/switchover')
    expect([early.status, early.json.error, early.json.message]).toEqual([
      409,
      'not_now',
      expect.stringContaining('paused'),
    ])
    await pair.source.sql(`insert into orders values (502, 'paused')`)
    await fresh()
    expect((await api.post('/api/follow/resume', { name })).status).toBe(200)
    await seen(watched, name, (view) => view.state === 'running' && applied(view) >= 3)
    const nothing = await api.post('/api/follow/retry', { name })
    expect([nothing.status, nothing.json.error]).toEqual([409, 'not_now'])
    const whole = await api.post('/api/follow/recopy', { name })
    expect([whole.status, whole.json.message]).toEqual([
      200,
      'no table has failed: there is nothing to copy again',
    ])
    const mistaken = await api.post('/api/follow/recopy', { name, tables: ['nobody'] })
    expect([mistaken.status, mistaken.json.error]).toEqual([409, 'not_now'])
    const unknown = await api.post('/api/follow/pause', { name: 'whoever' })
    expect([unknown.status, unknown.json.path]).toEqual([404, '/name'])
    expect((await api.get('/api/follow/whoever')).status).toBe(404)
    const mistyped = await api.post('/api/follow/pause', { nmae: name })
    expect([mistyped.status, mistyped.json.path]).toEqual([400, '/nmae'])
  }

  /** A conflict is reported; the change is retried once the destination is fixed, or skipped. */
  async function resolvesConflicts() {
    await fresh()
    await pair.destination.sql(`insert into orders values (600, 'in the way')`)
    await pair.source.sql(`insert into orders values (600, 'right')`)
    const stuck = await seen(watched, name, ({ state }) => state === 'conflict')
    expect(stuck.streams[0]?.status.conflict).toMatchObject({
      statement: 'insert',
      table: { schema: 'public', name: 'orders' },
    })
    const metrics = new ReadMetrics((await api.get('/metrics')).text)
    expect(metrics.value('pgtrek_follow_conflict')).toBe(1)
    await pair.destination.sql('delete from orders where id = 600')
    await fresh()
    expect((await api.post('/api/follow/retry', { name })).status).toBe(200)
    await seen(watched, name, ({ state }) => state === 'running')
    await pair.destination.sql(`insert into orders values (601, 'stays')`)
    await pair.source.sql(`insert into orders values (601, 'is left out')`)
    await fresh()
    const second = await seen(watched, name, ({ state }) => state === 'conflict')
    const lsnOf = ({ streams }: FollowView) => streams[0]?.status.conflict?.lsn
    const other = await api.post('/api/follow/skip', { name, lsn: lsnOf(stuck) })
    expect([other.status, other.json.error]).toEqual([409, 'not_now'])
    await fresh()
    expect((await api.post('/api/follow/skip', { name, lsn: lsnOf(second) })).status).toBe(200)
    await seen(watched, name, ({ state }) => state === 'running')
    expect(await pair.destination.sql('select note from orders where id in (600, 601) order by id')).toEqual([
      { note: 'right' },
      { note: 'stays' },
    ])
  }

  /** It stops after whole transactions, and continues only between the same databases. */
  async function stopsAndContinues() {
    await fresh()
    expect((await api.post('/api/follow/stop', { name })).status).toBe(200)
    const isOver = ({ state, process: worker }: FollowView) => state === 'stopped' && worker === undefined
    expect((await seen(watched, name, isOver)).ready.green).toBe(false)
    const late = await api.post('/api/follow/pause', { name })
    expect([late.status, late.json.error]).toEqual([409, 'not_now'])
    const anew = await api.post('/api/follow', { ...endsOf(pair), follow: { name } })
    expect([anew.status, anew.json.error]).toEqual([409, 'not_now'])
    const other = await shop()
    const wrong = await api.post('/api/follow/continue', { ...endsOf(other), follow: { name } })
    expect([wrong.status, wrong.json.path]).toEqual([400, '/source'])
    const needless = await api.post('/api/follow', { ...endsOf(pair), continue: true, options: {} })
    expect([needless.status, needless.json.path]).toEqual([400, '/options'])
    await pair.source.sql(`insert into orders values (700, 'while no process follows')`)
    // Skipped transactions prevent readiness until both sides are equal again.
    await pair.destination.sql(`update orders set note = 'is left out' where id = 601`)
    await fresh()
    const on = { ...endsOf(pair), continue: true, follow: { ...quick, name } }
    expect((await api.post('/api/follow', on)).json).toEqual({ ok: true, name })
    await seen(watched, name, (view) => view.ready.green && applied(view) >= 1)
    expect(await pair.destination.sql('select note from orders where id = 700')).toHaveLength(1)
  }

  /** It is switched over, with a report that counts every table. */
  async function switchesOver() {
    await fresh()
    const { status, json } = await api.post('/api/switchover', {
      ...{ name, verify: true, timeout_seconds: 20, watch_seconds: 0 },
    })
    expect([status, json.ok]).toEqual([200, true])
    const done = await seen(
      watched,
      name,
      ({ switchover, process: worker }) => switchover?.state !== 'running' && worker === undefined,
    )
    const report = done.switchover?.report as SwitchoverReport
    expect(done).toMatchObject({ stage: 'done', switchover: { state: 'done' } })
    expect(report.compared).toBe('checksums')
    expect(report.tables.map(({ name, equal }) => [name, equal]).sort()).toEqual([
      ['customers', true],
      ['orders', true],
    ])
    expect(report.next.length).toBeGreaterThan(0)
    const metrics = new ReadMetrics((await api.get('/metrics')).text)
    expect(metrics.value('pgtrek_switchover_state', { state: 'done' })).toBe(1)
    expect(metrics.value('pgtrek_switchover_different_tables')).toBe(0)
    const over = await api.post('/api/follow/continue', { ...endsOf(pair), follow: { name } })
    expect([over.status, over.json.error]).toEqual([400, 'usage'])
    // The report is kept.
    expect((await api.get(`/api/follow/${name}`)).json.switchover.report).toEqual(report)
  }

  /** It is cleaned up, and unknown afterwards. */
  async function cleansUp() {
    const { status, json } = await api.post('/api/follow/cleanup', { ...endsOf(pair), name })
    expect([status, json.ok]).toEqual([200, true])
    expect(await slots(pair.source)).toEqual([])
    await watched.untilFollow((message) => message.type === 'follow_gone' && message.name === name)
    expect((await api.get('/api/follow')).json).toEqual({ follows: [] })
    expect((await api.post('/api/follow/pause')).status).toBe(404)
    const again = await api.post('/api/follow/cleanup', { ...endsOf(pair), name })
    expect(again.status).toBe(404)
  }
})

test('a column that the destination lacks is created on request; switchover and return', async () => {
  await using api = await startApi()
  const pair = await shop()
  const name = 'there_and_back'
  const look = async (holds: (view: FollowView) => boolean) => {
    using watched = await api.watch()
    return await seen(watched, name, holds)
  }
  await api.post('/api/follow', { ...endsOf(pair), follow: { ...quick, name } })
  await look(({ ready }) => ready.green)
  await pair.source.sql(
    `alter table orders add column paid boolean; insert into orders values (800, 'x', true)`,
  )
  const stuck = await look(({ state }) => state === 'conflict')
  const { lsn } = stuck.streams[0]?.status.conflict ?? {}
  const changed = await api.post('/api/follow/apply-schema', { name, lsn })
  expect([changed.status, changed.json.ok]).toEqual([200, true])
  await look((view) => view.ready.green && applied(view) >= 1)
  expect(await pair.destination.sql('select paid from orders where id = 800')).toEqual([{ paid: true }])

  const early = await api.post('/api/switchover', { name, back: true })
  expect([early.status, early.json.error]).toEqual([409, 'not_now'])
  expect((await api.post('/api/switchover', { name, keep_reverse: true })).status).toBe(200)
  const there = await look(
    ({ stage, direction, streams }) => stage === 'done' && direction === 'back' && streams.length > 0,
  )
  expect(there.switchover?.report?.reverse).toBeDefined()
  await pair.destination.sql(`insert into orders values (801, 'written on the new side', false)`)
  await look(({ streams }) => (streams[0]?.status.rows ?? 0) >= 1)
  expect((await api.post('/api/switchover', { name, back: true, watch_seconds: 0 })).status).toBe(200)
  const back = await look(({ state, process: worker }) => state === 'stopped' && worker === undefined)
  expect(back.switchover).toMatchObject({ state: 'done', report: { direction: 'back' } })
  expect(await pair.source.sql('select note from orders where id = 801')).toHaveLength(1)
  const { json } = await api.post('/api/follow/cleanup', { ...endsOf(pair), name })
  expect(json.ok).toBe(true)
  expect([...(await slots(pair.source)), ...(await slots(pair.destination))]).toEqual([])
})

test('one that cannot start has the reason in its view and in the history, and leaves nothing', async () => {
  await using api = await startApi()
  using watched = await api.watch()
  const pair = await shop()
  await pair.source.sql('create table keyless (a int)')
  expect((await api.post('/api/follow', { ...endsOf(pair), follow: { name: 'no' } })).status).toBe(200)
  const failed = await seen(watched, 'no', ({ state }) => state === 'failed')
  expect(failed.last_error?.message).toContain('keyless')
  const job = await watched.until(({ running, summary }) => !running && summary !== undefined)
  expect(job.summary).toMatchObject({ status: 'failed', error: expect.stringContaining('keyless') })
  expect((await api.get('/api/follow')).json.follows).toMatchObject([{ name: 'no', state: 'failed' }])
  expect(await slots(pair.source)).toEqual([])
  const dry = await api.post('/api/follow', { ...endsOf(pair), options: { dryRun: true } })
  expect([dry.status, dry.json.path]).toEqual([400, '/options/dryRun'])
  const insertsOnly = { name: 'no', insertsOnly: ['keyless'], ...quick }
  expect((await api.post('/api/follow', { ...endsOf(pair), follow: insertsOnly })).status).toBe(200)
  await seen(watched, 'no', ({ ready }) => ready.green)
})

test('cancelling the copy ends it, and leaves nothing', async () => {
  await using api = await startApi()
  using watched = await api.watch()
  const pair = await shop()
  await pair.source.sql(`insert into orders select n, repeat('x', 200) from generate_series(1000, 9000) n`)
  const body = { ...endsOf(pair), options: { maxBytesPerSecond: 40_000 }, follow: { name: 'slow' } }
  expect((await api.post('/api/follow', body)).status).toBe(200)
  await seen(watched, 'slow', ({ copy }) => (copy?.rows ?? 0) > 0)
  const busy = await api.post('/api/migrate', endsOf(pair))
  expect([busy.status, busy.json.error]).toEqual([409, 'busy'])
  expect((await api.post('/api/migrate/cancel')).json).toEqual({ ok: true })
  await watched.until(({ status }) => status === 'cancelled')
  await seen(watched, 'slow', ({ state }) => state === 'stopped')
  expect(await slots(pair.source)).toEqual([])
})

test('moves of other processes are shown, controlled by name, and reported as lost after their end', async () => {
  using home = makeHome()
  const [one, other] = [await shop(), await shop()]
  const follow = (name: string, pair: typeof one) =>
    home.start([
      ...['clone', '--follow', '--name', name, '--ready-for', '0s'],
      ...['--source', pair.source.url, '--dest', pair.destination.url],
    ])
  await using api = await startApi({ stateDirectory: `${home.directory}/.pgtrek` })
  using watched = await api.watch()
  const [first, second] = [follow('one', one), follow('other', other)]
  await seen(watched, 'one', ({ ready }) => ready.green)
  await seen(watched, 'other', ({ ready }) => ready.green)
  const unnamed = await api.post('/api/follow/pause')
  expect([unnamed.status, unnamed.json.message, unnamed.json.path]).toEqual([
    400,
    expect.stringMatching(/one, other|other, one/),
    '/name',
  ])
  expect((await api.post('/api/follow/pause', { name: 'one' })).json).toMatchObject({ ok: true })
  await seen(watched, 'one', ({ state }) => state === 'paused')
  const taken = await api.post('/api/follow/cleanup', { ...endsOf(one), name: 'one' })
  expect([taken.status, taken.json.error]).toEqual([409, 'busy'])
  second.child.kill('SIGKILL')
  await within('the end of the killed process', second.finished)
  const lost = await seen(watched, 'other', ({ state }) => state === 'lost')
  expect(lost.ready.green).toBe(false)
  expect((await api.post('/api/follow/stop', { name: 'one' })).status).toBe(200)
  expect(await within('the end of the stopped process', first.finished)).toMatchObject({ code: 0 })
  await seen(watched, 'one', ({ state, process: worker }) => state === 'stopped' && worker === undefined)
  const { json } = await api.post('/api/follow/continue', { ...endsOf(other), follow: { name: 'other' } })
  expect(json).toEqual({ ok: true, name: 'other' })
  await seen(
    watched,
    'other',
    ({ state, process: worker }) => state === 'running' && worker?.pid === process.pid,
  )
})

test('the server of a process that follows shows and controls its move', async () => {
  const pair = await shop()
  await using moving = move(pair, { name: 'guest' })
  await moving.untilStreaming()
  await using api = await startApi({ follow: moving.run })
  using watched = await api.watch()
  await seen(watched, 'guest', ({ stage }) => stage === 'streaming')
  const second = await api.post('/api/follow', { ...endsOf(await shop()), follow: { name: 'other' } })
  expect([second.status, second.json.error]).toEqual([409, 'busy'])
  expect((await api.post('/api/follow/pause')).json).toMatchObject({ ok: true })
  await seen(watched, 'guest', ({ state }) => state === 'paused')
  expect(moving.run.view().state).toBe('paused')
  const metrics = new ReadMetrics((await api.get('/metrics')).text)
  expect(metrics.value('pgtrek_follow_state', { follow: 'guest', state: 'paused' })).toBe(1)
  expect(metrics.value('pgtrek_copy_rows', { follow: 'guest' })).toBe(600)
})
