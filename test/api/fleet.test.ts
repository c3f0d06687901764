// A fleet through the API: its view, its actions, its messages, and its metrics.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { defaultSwitchoverOptions } from '../../shared/defaults.ts'
import { type FleetAction, FleetView } from '../../shared/fleet.ts'
import { FleetMessage, type FleetUpdate } from '../../shared/fleet-api.ts'
import { FollowView } from '../../shared/follow-view.ts'
import { eventually } from '../../tools/eventually.ts'
import { type Api, startApi } from '../support/api.ts'
import { switchoverReport } from '../support/example-views.ts'
import { SeenFleet } from '../support/fleet-controller.ts'
import { ReadMetrics } from './prometheus.ts'

let controller: SeenFleet
let api: Api

beforeEach(async () => {
  controller = new SeenFleet(3, 4)
  api = await startApi({ fleet: controller })
})

afterEach(() => api.server.close())

const [mapping, database] = ['shops-001', 'shop_001_01']
const names = ({ mappings }: FleetUpdate) =>
  mappings.flatMap(({ name, databases }) => databases.map((one) => `${name}/${one.name}`))

describe('the view', () => {
  test('of the whole fleet, and of one database in full', async () => {
    const all = await api.get('/api/fleet')
    expect(all.status).toBe(200)
    expect(Value.Errors(FleetView, all.json).First()).toBeUndefined()
    expect(all.json.mappings.map(({ name }: { name: string }) => name)).toEqual([
      'shops-001',
      'shops-002',
      'shops-003',
    ])
    const one = await api.get(`/api/fleet/${mapping}/${database}`)
    expect(Value.Errors(FollowView, one.json).First()).toBeUndefined()
    expect(one.json.name).toBe('fleet_shop_001_01')
  })

  test('a database with a name that is not valid in a path', async () => {
    const name = 'läden/2024 %41'
    controller.find(mapping, database).name = name
    const { status, json } = await api.get(`/api/fleet/${mapping}/${encodeURIComponent(name)}`)
    expect([status, json.streams?.[0].status.tables[0].name]).toEqual([200, `orders of ${name}`])
  })

  test('an unknown name is a typed 404', async () => {
    const wrong = await api.get('/api/fleet/nowhere/shop')
    expect([wrong.status, wrong.json.error, wrong.json.path]).toEqual([404, 'not_found', '/mapping'])
    const none = await api.get(`/api/fleet/${mapping}/shop`)
    expect([none.status, none.json.path]).toEqual([404, '/database'])
    delete controller.find(mapping, database).follow
    const early = await api.get(`/api/fleet/${mapping}/${database}`)
    expect([early.status, early.json.error]).toEqual([404, 'not_found'])
  })

  test('without a fleet: 404, no message, no metric', async () => {
    await using plain = await startApi()
    for (const answer of [
      await plain.get('/api/fleet'),
      await plain.get('/api/fleet/a/b'),
      await plain.post('/api/fleet/pause'),
      await plain.post('/api/fleet/switchover', {}),
    ]) {
      expect([answer.status, answer.json.error]).toEqual([404, 'not_found'])
    }
    expect((await plain.get('/metrics')).text).not.toContain('pgtrek_fleet')
  })

  test('the guard protects it like every route', async () => {
    await using guarded = await startApi({ fleet: controller, token: 'token-of-the-tests' })
    expect((await guarded.get('/api/fleet')).status).toBe(401)
    expect((await guarded.post('/api/fleet/switchover', {})).status).toBe(401)
    const foreign = await api.post('/api/fleet/switchover', {}, { origin: 'http://evil.example' })
    expect(foreign.status).toBe(403)
    expect(controller.actions).toEqual([])
  })

  test('the API describes it', async () => {
    const { json } = await api.get('/openapi/json')
    for (const path of ['', '/{mapping}/{database}', '/pause', '/switchover', '/complete']) {
      expect(Object.keys(json.paths)).toContain(`/api/fleet${path}`)
    }
  })
})

describe('actions', () => {
  test('arrive with their fields', async () => {
    const asked: [string, object | undefined, FleetAction][] = [
      ['pause', undefined, { type: 'pause' }],
      ['pause', { mapping }, { type: 'pause', mapping }],
      ['resume', { mapping, database }, { type: 'resume', mapping, database }],
      ['retry', {}, { type: 'retry' }],
      ['switchover', {}, { type: 'switchover' }],
      [
        'switchover',
        { mapping, read_only_source: true, keep_reverse: true, verify: true, timeout_seconds: 60 },
        {
          type: 'switchover',
          mapping,
          read_only_source: true,
          keep_reverse: true,
          verify: true,
          timeout_seconds: 60,
        },
      ],
      ['complete', { mapping, database }, { type: 'complete', mapping, database }],
    ]
    for (const [name, body] of asked) {
      const { status, json } = await api.post(`/api/fleet/${name}`, body)
      expect([name, status, json]).toEqual([name, 200, { ok: true, message: 'taken up' }])
    }
    expect(controller.actions).toEqual(asked.map(([, , action]) => action))
  })

  test('an invalid one selects nothing, least of all everything', async () => {
    const refused: [string, unknown, number, string | undefined][] = [
      ['switchover', undefined, 400, undefined],
      ['switchover', { maping: 'shops-001' }, 400, '/maping'],
      ['switchover', { database }, 400, '/mapping'],
      ['switchover', { mapping: 'shop' }, 404, '/mapping'],
      ['switchover', { mapping, database: 'shop' }, 404, '/database'],
      ['switchover', { mapping, timeout_seconds: 0 }, 400, '/timeout_seconds'],
      ['complete', {}, 400, '/mapping'],
      ['pause', { mapping: 7 }, 400, '/mapping'],
    ]
    for (const [name, body, status, path] of refused) {
      const answer = await api.post(`/api/fleet/${name}`, body)
      expect([name, body, answer.status]).toEqual([name, body, status])
      if (path) expect(answer.json.path).toBe(path)
    }
    expect(controller.actions).toEqual([])
  })

  test('one that is not possible has a reason', async () => {
    controller.answer = { ok: false, message: 'it is paused: resume it first' }
    const { status, json } = await api.post('/api/fleet/switchover', { mapping })
    expect([status, json.error, json.message]).toEqual([409, 'not_now', 'it is paused: resume it first'])
  })
})

describe('messages', () => {
  test('contain everything, whenever something has changed', async () => {
    using watched = await api.watch({}, 'complete')
    await watched.untilFleet(() => true)
    controller.find(mapping, database).lag_bytes = 78
    const next = await watched.untilFleet((update) => JSON.stringify(update).includes('"lag_bytes":78'))
    expect([next.partial, names(next).length]).toEqual([undefined, 12])
  })

  test('contain everything once, then only changes', async () => {
    controller.log.push({ at: 1, level: 'info', message: 'started' })
    using watched = await api.watch()
    const first = await watched.untilFleet(() => true)
    expect(first.partial).toBeUndefined()
    expect(names(first)).toHaveLength(12)
    expect(first.log).toEqual(controller.log)

    controller.find(mapping, database).lag_bytes = 77
    controller.log.push({ at: 2, level: 'warn', mapping, message: 'slow' })
    const second = await watched.untilFleet((update) => names(update).length === 1)
    expect(second.partial).toBe(true)
    expect(second.mappings).toMatchObject([{ name: mapping, databases: [{ name: database, lag_bytes: 77 }] }])
    expect(watched.fleets.slice(1).flatMap(({ log }) => log)).toEqual([
      { at: 2, level: 'warn', mapping, message: 'slow' },
    ])
    for (const data of watched.fleets) {
      expect(Value.Errors(FleetMessage, { type: 'fleet', data }).First()).toBeUndefined()
    }
  })

  test('with numbers come as often as requested, with states immediately', async () => {
    using watched = await api.watch()
    await watched.untilFleet(() => true)
    for (const nonsense of ['no JSON', '{"type":"fleet","refresh_seconds":-1}', '{"type":"other"}', '7']) {
      watched.say(nonsense)
    }
    watched.say(JSON.stringify({ type: 'fleet', refresh_seconds: 3600 }))
    // After this message, a database with only new numbers waits.
    const [moved, broken] = [controller.find('shops-003', 'shop_003_02'), controller.find(mapping, database)]
    const changeBoth = async () => {
      const before = watched.fleets.length
      moved.rows++
      broken.state = broken.state === 'problem' ? 'copying' : 'problem'
      const { state } = broken
      const holds = ({ mappings }: FleetUpdate) =>
        mappings.some(({ databases }) =>
          databases.some((one) => one.name === database && one.state === state),
        )
      await watched.untilFleet((update) => watched.fleets.indexOf(update) >= before && holds(update))
      return watched.fleets.slice(before).flatMap(names)
    }
    const onlyStates = (lines: string[]) => lines.length === 1
    await eventually('a message about the state and not the numbers', changeBoth, onlyStates)
    watched.say(JSON.stringify({ type: 'fleet', refresh_seconds: 0 }))
    await watched.untilFleet(({ mappings }) =>
      mappings.some(({ databases }) => databases.some(({ rows }) => rows === moved.rows)),
    )
  })

  test('contain everything again when a database is removed', async () => {
    using watched = await api.watch()
    await watched.untilFleet(() => true)
    controller.mappings[0]?.databases.pop()
    const whole = await watched.untilFleet((update) => names(update).length === 11)
    expect(whole.partial).toBeUndefined()
  })

  test('contain the report of a switchover only on request', async () => {
    using watched = await api.watch()
    await watched.untilFleet(() => true)
    controller.find(mapping, database).switchover = {
      state: 'done',
      options: defaultSwitchoverOptions,
      step: 'report',
      started_at: 1,
      report: switchoverReport(),
    }
    const update = await watched.untilFleet(({ mappings }) =>
      mappings.some(({ databases }) => databases.some(({ switchover }) => switchover)),
    )
    expect(update.mappings[0]?.databases[0]?.switchover).toMatchObject({ state: 'done' })
    expect(JSON.stringify(update)).not.toContain('sentinel')
    const { json } = await api.get('/api/fleet')
    expect(json.mappings[0].databases[0].switchover.report.sentinel.id).toBe('a1')
  })
})

test('of five thousand databases contain all of them once, and then the changed one', async () => {
  const large = new SeenFleet(100, 50)
  await using many = await startApi({ fleet: large })
  using watched = await many.watch()
  const first = await watched.untilFleet(() => true)
  expect(names(first)).toHaveLength(5_000)
  large.find('shops-042', 'shop_042_07').lag_bytes = 42
  const next = await watched.untilFleet(({ mappings }) => mappings.length === 1)
  expect(names(next)).toEqual(['shops-042/shop_042_07'])
  expect(JSON.stringify(next).length).toBeLessThan(4_000)
  large.move()
  const all = await watched.untilFleet((update) => update.partial === true && names(update).length === 5_000)
  expect(all.mappings).toHaveLength(100)
  const { text } = await many.get('/metrics')
  const samples = new ReadMetrics(text).samples.length
  expect(samples).toBeLessThan(5_000 * 12 + 100 * 40)
})

test('metrics by mapping and database: states, lag, rates, tables, rows, readiness', async () => {
  const broken = controller.find(mapping, 'shop_001_03')
  broken.state = 'problem'
  broken.failed_tables = [{ schema: 'public', name: 'secret_table', error: 'disk full' }]
  const metrics = new ReadMetrics((await api.get('/metrics')).text)
  expect(metrics.value('pgtrek_fleet_mapping_state', { mapping, state: 'problem' })).toBe(1)
  expect(metrics.value('pgtrek_fleet_mapping_databases', { mapping, state: 'ready' })).toBe(1)
  expect(metrics.value('pgtrek_fleet_mapping_databases', { mapping, state: 'complete' })).toBe(0)
  expect(metrics.value('pgtrek_fleet_mapping_roles_needing_password', { mapping })).toBe(2)
  const copying = { mapping, database }
  expect(metrics.value('pgtrek_fleet_database_state', { ...copying, state: 'copying' })).toBe(1)
  expect(metrics.value('pgtrek_fleet_database_bytes_per_second', copying)).toBe(3 * 2 ** 20)
  expect(metrics.value('pgtrek_fleet_database_tables_done', copying)).toBe(10)
  // Before following there is no lag, instead of a lag of zero.
  expect(metrics.all('pgtrek_fleet_database_lag_bytes', copying)).toEqual([])
  const ready = { mapping, database: 'shop_001_04' }
  expect(metrics.value('pgtrek_fleet_database_lag_bytes', ready)).toBe(4096)
  expect(metrics.value('pgtrek_fleet_database_lag_seconds', ready)).toBe(3)
  expect(metrics.value('pgtrek_fleet_database_ready', ready)).toBe(1)
  expect(metrics.value('pgtrek_fleet_database_row_difference', ready)).toBe(0)
  const failed = { mapping, database: 'shop_001_03' }
  expect(metrics.value('pgtrek_fleet_database_failed_tables', failed)).toBe(1)
  expect(metrics.all('pgtrek_fleet_database_lag_bytes', failed)).toEqual([])
  expect(metrics.all('pgtrek_fleet_database_ready', failed).every(({ value }) => value === 0)).toBe(true)
  expect(JSON.stringify(metrics.samples)).not.toContain('secret_table')
})
