// Two instances with several databases to two others: followed under load, restarted, one broken, handed over.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { FleetRun } from '../../server/fleet/fleet-run.ts'
import { FleetConfig, type FleetDatabase, type FleetView } from '../../shared/fleet.ts'
import { type Cluster, type Major, startCluster, type TestDatabase } from '../support/clusters.ts'
import { compareRows } from '../support/compare.ts'
import { startWorkload, workloadTables } from '../support/workload.ts'

// Servers have to start.
setDefaultTimeout(120_000)

const settings = { wal_level: 'logical' }
const server = (major: Major) => startCluster({ major, settings })

async function until(fleet: FleetRun, holds: (view: FleetView) => boolean): Promise<FleetView> {
  for (;;) {
    const view = fleet.view()
    if (holds(view)) return view
    await Bun.sleep(100)
  }
}

const all = (view: FleetView): FleetDatabase[] => view.mappings.flatMap(({ databases }) => databases)

function roleNames(cluster: Cluster) {
  return cluster.sql<{ name: string }>(
    'postgres',
    "select rolname as name, rolconnlimit as most from pg_roles where rolname like 'app%' order by 1",
  )
}

test('two instances to two others, stateless, restarted in the middle, one table broken, cut over one by one', async () => {
  const [a, b, c, d] = await Promise.all([server(14), server(15), server(18), server(17)])
  try {
    const databases: TestDatabase[] = []
    for (const [instance, names] of [
      [a, ['crm', 'shop "old"']],
      [b, ['stock', 'tested']],
    ] as const) {
      await instance.sql('postgres', `create role app_${names[0]} login connection limit 7 password 'x'`)
      for (const name of names) {
        const database = await instance.createDatabase(name)
        await database.sql(workloadTables('source', false))
        await database.sql(`grant select on all tables in schema public to app_${names[0]}`)
        databases.push(database)
      }
    }
    // Nothing can be done with this one: no key, and updates.
    await databases[1]?.sql('create table hopeless (a int); insert into hopeless values (1)')
    const config = Value.Default(FleetConfig, {
      mappings: [
        { name: 'first', source: { url: a.url('postgres') }, dest: { url: c.url('postgres') } },
        {
          name: 'second',
          source: { url: b.url('postgres') },
          dest: { url: d.url('postgres') },
          databases: { exclude: ['tested'] },
          engine: 'native',
        },
      ],
      readyForSeconds: 1,
      countEverySeconds: 1,
    }) as FleetConfig
    const loads = [databases[0], databases[2]].map((database, index) =>
      startWorkload(database as TestDatabase, { seed: index + 1, sessions: 1, truncates: false }),
    )
    const services = { store: undefined, signal: new AbortController().signal }
    let fleet = FleetRun.start(config, services)
    const first = await until(fleet, (view) => {
      const states = all(view).map(({ state }) => state)
      return (
        states.length === 3 &&
        states.every((state) => !['waiting', 'preflight', 'schema', 'copying'].includes(state))
      )
    })
    const broken = all(first).find(({ name }) => name === 'shop "old"')
    expect(broken?.state).toBe('problem')
    expect(broken?.error?.message).toContain('hopeless')
    expect(await roleNames(c)).toEqual(await roleNames(a))

    await fleet.stop()
    await databases[1]?.sql('alter table hopeless replica identity full')
    fleet = FleetRun.start(config, services)
    for (const load of loads) await load.stop()
    const ready = await until(
      fleet,
      (view) => all(view).length === 3 && all(view).every(({ state }) => state === 'ready'),
    )
    expect(ready.mappings.map(({ state }) => state)).toEqual(['ready', 'ready'])
    expect(all(ready).map(({ engine }) => engine)).toEqual(['pgtrek', 'pgtrek', 'native'])
    await until(fleet, (view) => all(view).every((one) => one.row_difference === 0))

    expect(await fleet.act({ type: 'complete', mapping: 'first' })).toMatchObject({ ok: false })
    expect(await fleet.act({ type: 'switchover', mapping: 'second', verify: true })).toMatchObject({
      ok: true,
    })
    await until(fleet, ({ mappings }) => mappings[1]?.state === 'done')
    expect(fleet.view().mappings[0]?.state).toBe('ready')
    expect(await fleet.act({ type: 'switchover', verify: true })).toMatchObject({ ok: true })
    await until(fleet, (view) => all(view).every(({ state }) => state === 'done'))
    for (const [index, target] of [c, c, d].entries()) {
      const source = databases[index] as TestDatabase
      const lines = await compareRows(source, target.database(source.name))
      // Our own mark is on one side only.
      expect(lines.filter((line) => !line.startsWith('rows of pgtrek.'))).toEqual([])
    }
    // A process that knows nothing does not begin anew what was handed over.
    await fleet.stop()
    fleet = FleetRun.start(config, services)
    await until(fleet, (view) => all(view).length === 3 && all(view).every(({ state }) => state === 'done'))
    for (const mapping of ['first', 'second']) {
      expect(await fleet.act({ type: 'complete', mapping })).toMatchObject({ ok: true })
    }
    await fleet.done
    for (const instance of [a, b, c, d]) {
      expect(await instance.sql('postgres', 'select slot_name from pg_replication_slots')).toEqual([])
      expect(await instance.sql('postgres', 'select roname from pg_replication_origin')).toEqual([])
    }
    expect(await c.sql('crm', "select from pg_namespace where nspname = 'pgtrek'")).toEqual([])
  } finally {
    await Promise.all([a, b, c, d].map((instance) => instance.stop()))
  }
})

test('a database that exists and is not empty is refused and left alone; the others go on', async () => {
  const [from, to] = await Promise.all([server(15), server(18)])
  try {
    for (const name of ['one', 'two']) {
      await (await from.createDatabase(name)).sql(
        'create table item (id int primary key); insert into item values (1), (2)',
      )
    }
    await (await to.createDatabase('two')).sql(
      'create table precious (id int); insert into precious values (42)',
    )
    const config = Value.Default(FleetConfig, {
      mappings: [
        {
          name: 'all',
          source: { url: from.url('postgres') },
          dest: { url: to.url('postgres') },
          follow: false,
        },
      ],
      countEverySeconds: 0,
    }) as FleetConfig
    const fleet = FleetRun.start(config, { store: undefined, signal: new AbortController().signal })
    await fleet.done
    const [one, two] = all(fleet.view())
    expect([one?.name, one?.state, two?.name, two?.state]).toEqual(['one', 'synced', 'two', 'problem'])
    expect(two?.error?.message).toContain('is not empty')
    expect(await to.sql('two', 'select id from precious')).toEqual([{ id: 42 }])
    expect(await to.sql('one', 'select count(*)::int as n from item')).toEqual([{ n: 2 }])
  } finally {
    await Promise.all([from.stop(), to.stop()])
  }
})
