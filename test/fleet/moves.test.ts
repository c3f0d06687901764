// Databases of a fleet across processes, attempts and external switchovers; the printed commands are run as printed.

import { afterEach, expect, test } from 'bun:test'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { FleetRun } from '../../server/fleet/fleet-run.ts'
import { lockMove } from '../../server/follow/cleanup.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { FollowStore } from '../../server/store/follows.ts'
import { RunStore } from '../../server/store/runs.ts'
import { FleetConfig, type FleetDatabase, type FleetMapping } from '../../shared/fleet.ts'
import { cleanEnvironment, makeHome } from '../../tools/command.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { program } from '../../tools/program.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { dyingAt, mortalProgram } from '../support/killed-at.ts'

const logical = { settings: { wal_level: 'logical' } }
const running = new Set<FleetRun>()

afterEach(async () => {
  await Promise.all([...running].map((fleet) => fleet.stop()))
  running.clear()
})

/** Databases for one test; what is created of them on the shared destination is dropped afterwards. */
async function databases(...names: string[]) {
  const [from, to] = [await cluster(15, logical), await cluster(17, logical)]
  const sources: TestDatabase[] = []
  const destinations: TestDatabase[] = []
  for (const name of names) {
    const source = await from.createDatabase(name)
    await source.sql('create table item (id int primary key, v text); insert into item values (1), (2)')
    sources.push(source)
    destinations.push(to.database(name))
  }
  const mapping = {
    name: 'all',
    source: { url: from.url('postgres') },
    dest: { url: to.url('postgres') },
    databases: { include: names },
    roles: 'none',
  }
  return { from, to, sources, destinations, mapping }
}

function start(
  mapping: Partial<Record<keyof FleetMapping, unknown>>,
  { store, atOnce = 4 }: { store?: FollowStore; atOnce?: number } = {},
) {
  const raw = { mappings: [mapping], readyForSeconds: 1, countEverySeconds: 0, atOnce }
  const config = Value.Default(FleetConfig, raw) as FleetConfig
  const fleet = FleetRun.start(config, { store, signal: new AbortController().signal })
  running.add(fleet)
  return fleet
}

const all = (fleet: FleetRun): FleetDatabase[] => fleet.view().mappings.flatMap(({ databases }) => databases)

async function until(fleet: FleetRun, ...states: FleetDatabase['state'][]) {
  await eventually(
    `databases that are ${states.join(', ')}`,
    () =>
      all(fleet).map(({ name, state, error, at_work, ready }) => ({ name, state, error, at_work, ready })),
    (seen) => seen.length === states.length && seen.every(({ state }, index) => state === states[index]),
  )
}

async function drop(...made: TestDatabase[]) {
  for (const fleet of running) await within('the fleet to stop', fleet.stop())
  for (const database of made) await database.drop()
}

const isWritable = (database: TestDatabase) =>
  database.sql('insert into item select max(id) + 1 from item').then(
    () => true,
    () => false,
  )

/** Runs the commands of the instruction that contains these words. */
async function paste(instructions: readonly string[], words: string) {
  const text = instructions.find((one) => one.includes(words)) ?? ''
  const [command = ''] = /(for db in .*? done|(pgtrek|psql) [^:]*".*"( -c "[^"]*")?)/.exec(text) ?? []
  expect(command, instructions.join('\n')).not.toBe('')
  const bin = join(scratchDirectory(), 'pgtrek')
  writeFileSync(bin, `#!/bin/sh\nexec ${program.join(' ')} "$@"\n`)
  chmodSync(bin, 0o755)
  const child = Bun.spawn(['sh', '-c', command], {
    cwd: scratchDirectory(),
    env: cleanEnvironment({ PATH: `${scratchDirectory()}:${process.env.PATH}`, PGPASSWORD: 'postgres' }),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const said = await within(
    `the end of ${command}`,
    Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]),
    120_000,
  )
  return { code: await child.exited, said: `${command}\n${said.join('')}` }
}

test.each(['stateless, stopped', 'with a state directory, running'])(
  'the cutover as printed: every database switched over and back, by a fleet that is %s',
  async (how) => {
    const isKept = how.includes('running')
    const { sources, destinations, mapping } = await databases('cut over', "cut'b$c")
    const runs = isKept ? new RunStore(join(scratchDirectory(), `state '${Date.now()}`)) : undefined
    const store = runs && new FollowStore(runs.database)
    try {
      let fleet = start(mapping, store && { store })
      await until(fleet, 'ready', 'ready')
      const instructions = fleet.view().mappings[0]?.instructions ?? []
      if (!isKept) await within('the fleet to stop', fleet.stop())

      const over = await paste(instructions, 'Switch over')
      expect(over.code, over.said).toBe(0)
      expect(await Promise.all(destinations.map(isWritable))).toEqual([true, true])
      expect(await Promise.all(sources.map(isWritable))).toEqual([false, false])
      if (isKept) await until(fleet, 'done', 'done')

      const back = await paste(instructions, 'you can return')
      expect(back.code, back.said).toBe(0)
      expect(await Promise.all(sources.map(isWritable))).toEqual([true, true])
      expect(await Promise.all(destinations.map(isWritable))).toEqual([false, false])
      if (!isKept) fleet = start(mapping)
      await until(fleet, 'returned', 'returned')

      const answer = await fleet.act({ type: 'complete', mapping: 'all' })
      expect(answer).toEqual({ ok: true, message: expect.stringContaining('stays read-only') })
      await within('the end of the fleet', fleet.done)
      const writable = await paste(instructions, 'To make it writable again')
      expect(writable.code, writable.said).toBe(0)
      expect(await Promise.all(destinations.map(isWritable))).toEqual([true, true])

      // A new process with nothing but the servers recognises that this is complete, and ends.
      const later = start(mapping)
      await within('the end of the next fleet', later.done)
      expect(all(later).map(({ state }) => state)).toEqual(['complete', 'complete'])
      expect(await isWritable(destinations[0] as TestDatabase)).toBe(true)
    } finally {
      await drop(...sources, ...destinations)
      runs?.[Symbol.dispose]()
    }
  },
)

test('a fleet that overlaps another takes over when that one ends; its own dashboard switches over and returns', async () => {
  const { sources, destinations, mapping } = await databases('overlap')
  try {
    const first = start(mapping)
    await until(first, 'ready')
    const second = start(mapping)
    await until(second, 'elsewhere')
    expect(all(second)[0]?.at_work).toContain('another process')
    expect(second.view().mappings[0]?.errors).toBe(0)
    await within('the first to stop', first.stop())
    await until(second, 'ready')
    expect(all(second)[0]?.error).toBeUndefined()

    const place = { mapping: 'all', database: 'overlap' }
    expect(await second.act({ type: 'switchover', ...place, back: true })).toMatchObject({ ok: false })
    const ways = { keep_reverse: true, verify: true }
    expect(await second.act({ type: 'switchover', ...place, ...ways })).toMatchObject({ ok: true })
    await until(second, 'done')
    await eventually(
      'a return that begins',
      () => second.act({ type: 'switchover', ...place, ...ways, back: true }),
      ({ ok }) => ok,
    )
    await until(second, 'ready')
    expect(await second.act({ type: 'switchover', ...place, ...ways })).toMatchObject({ ok: true })
    await until(second, 'done')
    await within('the second to stop', second.stop())

    const third = start(mapping)
    await until(third, 'done')
    // Late writes prevent marking it complete, and following continues.
    await sources[0]?.sql('insert into item values (900)')
    const late = await third.act({ type: 'complete', mapping: 'all' })
    expect(late).toEqual({ ok: false, message: expect.stringContaining('only there: 1 transaction') })
    await destinations[0]?.sql('insert into item values (901)')
    await eventually(
      'a change that has come back',
      async () => (await sources[0]?.sql('select from item where id = 901'))?.length,
    )
    await until(third, 'done')
    const answer = await third.act({ type: 'complete', mapping: 'all', discard_late_writes: true })
    expect(answer).toMatchObject({ ok: true })
    await within('the end of the fleet', third.done)
    expect(all(third)[0]?.state).toBe('complete')
  } finally {
    await drop(...sources, ...destinations)
  }
})

test('a retry copies a failed table again; a run whose lock was lost starts again without an error', async () => {
  const { sources, destinations, mapping } = await databases('retried')
  try {
    await sources[0]?.sql(`
      create function is_good(int) returns bool language sql immutable as 'select true';
      create table lost (id int primary key check (is_good(id)));
      insert into lost values (1), (2), (3);
      create or replace function is_good(int) returns bool language sql immutable as 'select false'`)
    const fleet = start(mapping)
    await until(fleet, 'problem')
    await eventually('changes that flow', () => fleet.database('all', 'retried')?.stage === 'streaming')
    await destinations[0]?.sql(
      "create or replace function is_good(int) returns bool language sql immutable as 'select true'",
    )
    await sources[0]?.sql(
      "create or replace function is_good(int) returns bool language sql immutable as 'select true'",
    )
    expect(await fleet.act({ type: 'retry' })).toMatchObject({ ok: true })
    expect(await fleet.act({ type: 'retry' })).toBeDefined()
    await until(fleet, 'ready')
    expect(await destinations[0]?.sql('select count(*)::int as n from lost')).toEqual([{ n: 3 }])

    // Another process has the lock for a while.
    const settings = resolveSettings({ url: destinations[0]?.url ?? '' })
    const name = all(fleet)[0]?.follow ?? ''
    const lock = await eventually('the lock of the move', async () => {
      await destinations[0]?.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'pgtrek: move %' and datname = current_database()",
      )
      return await lockMove(settings, name)
    })
    await until(fleet, 'elsewhere')
    await lock.close()
    await until(fleet, 'ready')
    expect(all(fleet)[0]?.error).toBeUndefined()
    await sources[0]?.sql("insert into item values (77, 'after')")
    await eventually(
      'a change that has arrived',
      async () => (await destinations[0]?.sql('select from item where id = 77'))?.length,
    )
  } finally {
    await drop(...sources, ...destinations)
  }
})

test('a database that waits for another attempt does not block others', async () => {
  const { from, to, sources, destinations, mapping } = await databases('turn_a', 'turn_b')
  await from.sql('postgres', "create role turner login createdb password 'x'")
  await to.sql('postgres', "create role turner login createdb password 'x'")
  try {
    for (const source of sources) await source.sql('alter table item owner to turner')
    await from.sql('postgres', 'alter database turn_a owner to turner')
    await from.sql('postgres', 'alter database turn_b owner to turner')
    await from.sql('postgres', 'alter database turn_a connection limit 0')
    const ends = {
      source: { url: from.url('postgres', 'turner', 'x') },
      dest: { url: to.url('postgres', 'turner', 'x') },
    }
    const fleet = start({ ...mapping, ...ends, follow: false }, { atOnce: 1 })
    await until(fleet, 'retrying', 'synced')
    expect(all(fleet)[0]?.error?.message).toContain('too many connections')
    await from.sql('postgres', 'alter database turn_a connection limit -1')
    await fleet.act({ type: 'retry' })
    await within('the end of the fleet', fleet.done)
    expect(all(fleet).map(({ state, error }) => [state, error])).toEqual([
      ['synced', undefined],
      ['synced', undefined],
    ])
  } finally {
    await drop(...sources, ...destinations)
    await from.sql('postgres', 'drop role turner')
    await to.sql('postgres', 'drop role turner')
  }
})

test('a database that waits for its turn can be paused; one that was copied in part can be copied again', async () => {
  const { from, to, sources, destinations, mapping } = await databases('part', 'paused')
  try {
    const [part, paused] = sources
    await part?.sql(`
      create function is_good(int) returns bool language sql immutable as 'select true';
      create table lost (id int primary key check (is_good(id)));
      insert into lost values (1), (2), (3);
      create or replace function is_good(int) returns bool language sql immutable as 'select false'`)
    const lock = await lockMove(resolveSettings({ url: to.url('postgres') }), 'fleet roles')
    await from.sql('postgres', "create role brought login password 'x'")
    const fleet = start({ ...mapping, roles: 'create', follow: false }, { atOnce: 1 })
    // Another process migrates roles: the fleet waits, and reports it.
    await eventually(
      'roles that wait',
      () => fleet.view().mappings[0]?.roles,
      (roles) => roles?.state === 'running' && roles.message.includes('it will be retried'),
    )
    const place = { mapping: 'all', database: 'paused' }
    expect(await fleet.act({ type: 'pause', ...place })).toMatchObject({ ok: true })
    expect(await fleet.act({ type: 'retry', ...place })).toEqual({
      ok: true,
      message: 'nothing has failed: there is nothing to retry',
    })
    await lock.close()
    await until(fleet, 'problem', 'paused')
    expect(fleet.view().mappings[0]?.roles).toMatchObject({ state: 'done' })
    expect(await to.sql('postgres', "select from pg_roles where rolname = 'brought'")).toHaveLength(1)
    const [first] = all(fleet)
    expect(first?.error?.message).toContain('public.lost could not be copied')
    expect(first?.error?.message).toContain('drop it on the destination and retry')

    await part?.sql(
      "create or replace function is_good(int) returns bool language sql immutable as 'select true'",
    )
    await destinations[0]?.drop()
    expect(await fleet.act({ type: 'retry', mapping: 'all', database: 'part' })).toMatchObject({ ok: true })
    await until(fleet, 'synced', 'paused')
    expect(await destinations[0]?.sql('select count(*)::int as n from lost')).toEqual([{ n: 3 }])
    await paused?.sql('insert into item values (5)')
    expect(await fleet.act({ type: 'resume', ...place })).toMatchObject({ ok: true })
    await within('the end of the fleet', fleet.done)
    expect(all(fleet).map(({ state }) => state)).toEqual(['synced', 'synced'])
    expect(await destinations[1]?.sql('select count(*)::int as n from item')).toEqual([{ n: 3 }])
  } finally {
    await drop(...sources, ...destinations)
    await from.sql('postgres', 'drop role if exists brought')
    await to.sql('postgres', 'drop role if exists brought')
  }
})

test('a mapping whose server refuses the connection is tried again on request', async () => {
  const { from, sources, destinations, mapping } = await databases('refused')
  await from.sql('postgres', 'create role looks superuser nologin')
  try {
    const source = { url: from.url('postgres', 'looks', 'x') }
    const fleet = start({ ...mapping, source, follow: false })
    await eventually('a mapping that is refused', () => fleet.view().mappings[0]?.error?.message)
    expect(fleet.view().mappings[0]?.state).toBe('problem')
    await from.sql('postgres', 'alter role looks login')
    expect(await fleet.act({ type: 'retry' })).toEqual({ ok: true, message: '1 mapping is retried' })
    await within('the end of the fleet', fleet.done)
    expect(all(fleet).map(({ state }) => state)).toEqual(['synced'])
  } finally {
    await drop(...sources, ...destinations)
    await from.sql('postgres', 'drop role if exists looks')
  }
})

test('a fleet that is killed between a copy and its mark continues without copying again', async () => {
  const { sources, destinations, mapping } = await databases('unmarked')
  using home = makeHome(mortalProgram)
  try {
    writeFileSync(join(home.directory, 'fleet.yaml'), JSON.stringify({ mappings: [mapping] }))
    const point = { statements: ["insert into pgtrek.move .*'copied'"] }
    const { code, said } = await home.run(['fleet', '--config', 'fleet.yaml', '--stateless'], dyingAt(point))
    expect([code, said]).toEqual([137, said])
    const [source, destination] = [sources[0] as TestDatabase, destinations[0] as TestDatabase]
    expect(await destination.sql('select state from pgtrek.move')).toEqual([{ state: 'copying' }])
    const before = await destination.sql("select 'item'::regclass::oid::int as oid")
    await source.sql('insert into item values (3)')
    const fleet = start(mapping)
    await until(fleet, 'ready')
    expect(await destination.sql("select 'item'::regclass::oid::int as oid")).toEqual(before)
    expect(await destination.sql('select count(*)::int as n from item')).toEqual([{ n: 3 }])
  } finally {
    await drop(...sources, ...destinations)
  }
})
