// Preflight checks of a fleet: a blocker of one database does not stop others.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { FleetRun } from '../../server/fleet/fleet-run.ts'
import { FleetConfig, type FleetDatabase } from '../../shared/fleet.ts'
import { FleetPreflightReport } from '../../shared/preflight.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { type OwnCluster, startCluster } from '../../tools/servers/clusters.ts'

let home: Home
let from: OwnCluster
let to: OwnCluster
beforeAll(async () => {
  home = makeHome()
  ;[from, to] = await Promise.all([startCluster({ major: 15 }), startCluster({ major: 18 })])
  for (const name of ['good', 'hopeless', 'taken']) {
    const database = await from.createDatabase(name)
    await database.sql('create table t (x int primary key); insert into t values (1)')
  }
  await from.sql('hopeless', 'create table keyless (x int)')
  await to.createDatabase('taken')
  await to.sql('taken', 'create table theirs (x int)')
})
afterAll(async () => {
  home[Symbol.dispose]()
  await Promise.all([from.stop(), to.stop()])
})

const configured = (more: object = {}) => ({
  mappings: [
    { name: 'all', source: { url: from.url('postgres') }, dest: { url: to.url('postgres') }, ...more },
  ],
})

function doctor(config: object, ...flags: string[]) {
  const file = join(home.directory, 'fleet.yaml')
  // JSON is valid YAML.
  writeFileSync(file, JSON.stringify(config))
  return home.run(['doctor', '--config', file, ...flags])
}

test('pgtrek doctor checks every mapping and every database, and its exit code is the worst of them', async () => {
  const { output, code } = await doctor(configured())
  expect(code).toBe(1)
  expect(output).toContain('3 databases')
  expect(output).toMatch(/BLOCKER Replica identities: .*\n {8}in hopeless\n {10}public\.keyless\n/)
  expect(output).toContain('          alter table public.keyless replica identity full;')
  expect(output).toMatch(
    /BLOCKER The database on the destination: it exists and is not empty\n {8}in taken\n/,
  )
  expect(output).toContain('ok      good\n')
  expect(output).toContain('Not ready. 1 mapping, 3 databases: 1 passed, 0 with warnings, 2 blocked.')

  const calm = await doctor(configured({ follow: false, databases: { exclude: ['taken'] } }), '--json')
  const report = JSON.parse(calm.output)
  expect(Value.Check(FleetPreflightReport, report)).toBe(true)
  expect([calm.code, report.status]).toEqual([0, 'ok'])
  expect(report.mappings[0].databases.map(({ arrival }: { arrival: string }) => arrival)).toEqual([
    'missing',
    'missing',
  ])
  // Nothing was changed.
  expect(await to.sql('postgres', "select from pg_database where datname in ('good', 'hopeless')")).toEqual(
    [],
  )
})

test('databases that cannot be checked, and checks that do not apply', async () => {
  const nowhere = { url: 'postgres://x:s3cret@127.0.0.1:1/x' }
  const config = configured({ databases: { include: ['good'] } })
  config.mappings.push({ name: 'lost', source: nowhere, dest: { url: to.url('postgres') } })
  const { output, said, code } = await doctor(config)
  expect(code).toBe(3)
  expect(output).toContain('ok      good\n')
  expect(output).toContain('127.0.0.1:1')
  expect(output).toContain('1 mapping could not be checked')
  expect(output + said).not.toContain('s3cret')
  const mixed = await doctor(config, '--follow')
  expect([mixed.code, mixed.said]).toEqual([
    2,
    expect.stringContaining('--follow cannot be used with a fleet'),
  ])
  expect((await doctor(configured({ databases: { include: ['nobody'] } }))).code).toBe(3)
})

test('the fix for a role that may not create databases', async () => {
  await to.sql('postgres', 'create role plain login')
  const dest = { url: to.url('postgres', 'plain') }
  const { output, code } = await doctor(
    configured({ dest, databases: { include: ['good'] }, follow: false }),
    '--quiet',
  )
  expect(code).toBe(1)
  expect(output).toContain('          alter role "plain" createdb;')
})

test('a blocked database is reported with its fix, others continue, and after the fix it starts again', async () => {
  const config = Value.Default(FleetConfig, configured({ databases: { exclude: ['taken'] }, roles: 'none' }))
  const stop = new AbortController()
  const begin = () => FleetRun.start(config as FleetConfig, { store: undefined, signal: stop.signal })
  const until = (what: string, fleet: FleetRun, holds: (databases: FleetDatabase[]) => boolean) =>
    eventually(
      what,
      () => fleet.view().mappings.flatMap((mapping) => mapping.databases),
      (databases) => databases.length === 2 && holds(databases),
    )
  const moves = ['catchup', 'synced', 'ready']
  const fleet = begin()
  const [good, hopeless] = await until(
    'one that is followed and one that is blocked',
    fleet,
    ([one, other]) => moves.includes(one?.state ?? '') && other?.state === 'problem',
  )
  expect(good?.name).toBe('good')
  expect(hopeless?.error?.message).toContain('public.keyless')
  expect(hopeless?.error?.message).toContain('alter table public.keyless replica identity full;')
  // It was not touched, and has no mark of a copy.
  expect(await to.sql('hopeless', "select from pg_class where relname in ('keyless', 'move')")).toEqual([])

  await from.sql('hopeless', 'alter table keyless replica identity full')
  await fleet.act({ type: 'retry', mapping: 'all', database: 'hopeless' })
  await until('both to be followed', fleet, (databases) =>
    databases.every(({ state }) => moves.includes(state)),
  )
  expect(await to.sql('hopeless', 'select x from t')).toEqual([{ x: 1 }])
  stop.abort()
  await within('the end of the fleet', fleet.done)
})
