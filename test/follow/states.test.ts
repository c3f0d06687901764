// A process is killed at every stage: the servers show the state of the move, and one command continues or undoes it, with
// two usable databases. docs/recovery.md has the same table.
import { afterEach, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { unknownRecord } from '../../server/follow/discover.ts'
import { readMove } from '../../server/follow/move-state.ts'
import { linkNames } from '../../server/follow/names.ts'
import { markPublication, readMark } from '../../server/follow/ownership.ts'
import { handOver } from '../../server/follow/switchover/handover.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { defaultFollowOptions } from '../../shared/defaults.ts'
import { isBrokenOff, type MoveState, moveStates } from '../../shared/move-state.ts'
import { makeHome } from '../../tools/command.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { published } from '../../tools/moves/follow-view.ts'
import { seeded } from '../../tools/random.ts'
import { cluster, startCluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { dyingAt, type KillPoint, mortalProgram } from '../support/killed-at.ts'
import { MovedByCommands } from '../support/moved.ts'

const logical = { settings: { wal_level: 'logical' } }
const made: Moved[] = []

afterEach(() => {
  for (const moved of made.splice(0)) moved[Symbol.dispose]()
})

class Moved extends MovedByCommands {
  constructor(source: TestDatabase, destination: TestDatabase, remembers: boolean) {
    super(makeHome(mortalProgram), source, destination, remembers)
    made.push(this)
  }

  static async make(remembers: boolean): Promise<Moved> {
    const source = await (await cluster(14, logical)).createDatabase()
    const destination = await (await cluster(18, logical)).createDatabase()
    await source.sql(`
      create table item (id int primary key, name text);
      insert into item select g, 'item ' || g from generate_series(1, 100) g`)
    return new Moved(source, destination, remembers)
  }

  /** Kills the process there. */
  async killed(args: string[], point: KillPoint) {
    const { code, said } = await this.home.run([...args, ...this.flags()], dyingAt(point))
    expect([args[0], point.statements, code, said]).toEqual([args[0], point.statements, 137, said])
  }

  async run(args: string[], expected = 0): Promise<string> {
    const { code, said, output } = await this.home.run([...args, ...this.flags()])
    expect([args[0], code, said]).toEqual([args[0], expected, said])
    return said + output
  }

  /** After the servers have noticed that the process is gone. */
  async settled() {
    const ends = {
      source: resolveSettings({ url: this.source.url }),
      destination: resolveSettings({ url: this.destination.url }),
      follow: defaultFollowOptions,
    }
    return await eventually(
      'the end of the killed process on the servers',
      () => readMove(ends),
      ({ at_work }) => at_work === undefined,
    )
  }

  async expect(state: MoveState, isBroken: boolean) {
    const move = await this.settled()
    expect([move.state, isBrokenOff(move)]).toEqual([state, isBroken])
    return move
  }

  /** Killed while changes flow. */
  async copyAndFollow() {
    const flags = this.flags()
    const { child, finished } = this.home.start(['clone', '--follow', '--yes', ...flags])
    await published(
      join(this.home.directory, flags.at(-1) ?? ''),
      'streaming',
      ({ stage }) => stage === 'streaming',
    )
    child.kill('SIGKILL')
    await finished
  }

  /** Killed when both rows have been applied. */
  async followUntil(what: string, rows: () => Promise<unknown[]>) {
    const { child, finished } = this.home.start(['follow', ...this.flags()])
    try {
      await eventually(what, rows, (found) => found.length === 2)
    } catch (error) {
      child.kill('SIGKILL')
      const { said, output } = await finished
      throw new Error(`${(error as Error).message}; it said: ${said}${output}`, { cause: error })
    }
    child.kill('SIGKILL')
    await finished
  }

  async expectUsable() {
    for (const database of [this.source, this.destination]) {
      await database.sql("insert into item values (-1, 'usable'); delete from item where id = -1")
    }
  }

  async expectNothingLeft() {
    await this.expect('none', false)
    await this.expectUsable()
  }
}

const slotMade: KillPoint = { statements: ['CREATE_REPLICATION_SLOT'], when: 'after' }
const guarded: KillPoint = { statements: ['create trigger pgtrek_read_only'], when: 'after' }
const wayBackMade: KillPoint = {
  statements: ['CREATE_REPLICATION_SLOT', 'pg_catalog.pg_replication_origin_create'],
  when: 'after',
}
const handingOver: KillPoint = { statements: ['handedOver', '^commit$'] }
const handedOver: KillPoint = { ...handingOver, when: 'after' }

const cases = [
  { remembers: true, how: 'with its state directory' },
  { remembers: false, how: 'from an empty state directory' },
]

describe.each(cases)('a move that is killed goes on $how:', ({ remembers }) => {
  test('in the copy', async () => {
    const moved = await Moved.make(remembers)
    for (const point of [
      { statements: ['CREATE_REPLICATION_SLOT'] },
      slotMade,
      { statements: ['pg_catalog.pg_replication_origin_create'] },
    ]) {
      await moved.killed(['clone', '--follow', '--yes'], point)
      const { words } = await moved.expect('copying', true)
      expect(words).toContain('was interrupted')
      expect(await moved.run(['follow'], 2)).toContain('interrupted')
      // With its state directory the next process undoes it.
      if (!remembers) await moved.run(['cleanup'])
      await moved.destination.sql('drop table if exists item')
    }
    // The position is created last, so it shows that the copy is complete.
    await moved.killed(['clone', '--follow', '--yes'], {
      statements: ['pg_catalog.pg_replication_origin_create'],
      when: 'after',
    })
    await moved.expect('following', false)
    await moved.followUntil('the rows', async () => {
      await moved.source.sql("insert into item values (500, 'later') on conflict do nothing")
      return await moved.destination.sql('select from item where id in (1, 500)')
    })
    await moved.killed(['cleanup'], { statements: ['pg_drop_replication_slot'], when: 'after' })
    await moved.expect('remains', true)
    expect(await moved.run(['follow'], remembers ? 3 : 2)).toContain('pgtrek')
    await moved.run(['cleanup'])
    await moved.expectNothingLeft()
  })

  test('in a switchover, on the way back, and while it is cleaned up', async () => {
    const moved = await Moved.make(remembers)
    const { source, destination } = moved
    await moved.copyAndFollow()
    const over = ['switchover', '--read-only-source', '--keep-reverse', '--watch', '0']
    for (const point of [guarded, wayBackMade, handingOver]) {
      await moved.killed(over, point)
      const { words } = await moved.expect('switching', true)
      expect(words).toContain('is read-only and still the primary')
      await expect(source.sql('begin read write; delete from item; commit')).rejects.toThrow('is read-only')
    }
    expect(await moved.run(['status'], 1)).toContain('switching, interrupted')
    if (remembers) {
      const { code, output } = await moved.home.run(['status', '--state-dir', 'state'])
      expect([code, output]).toEqual([1, expect.stringContaining('may be read-only')])
    }
    await moved.killed(over, handedOver)
    await moved.expect('flowing_back', false)
    await destination.sql("insert into item values (2000, 'on the new primary')")

    const back = [
      'switchover',
      '--back',
      '--read-only-source',
      '--keep-reverse',
      '--discard-late-writes',
      '--watch',
      '0',
    ]
    for (const point of [guarded, handingOver]) {
      await moved.killed(back, point)
      await moved.expect('returning', true)
      await expect(destination.sql('begin read write; delete from item; commit')).rejects.toThrow(
        'is read-only',
      )
    }
    await moved.killed(back, handedOver)
    // Changes flow forward again, and the source is still read-only from the first switchover.
    const { words, read_only } = await moved.expect('following', false)
    expect([words, read_only]).toEqual([
      expect.stringContaining('is still read-only'),
      ['source', 'destination'],
    ])
    await moved.followUntil('a source that can be written to, and changes that arrive', async () => {
      await source.sql("insert into item values (3000, 'again') on conflict do nothing").catch(() => {})
      return await destination.sql('select from item where id in (2000, 3000)')
    })
    expect(await compareRows(source, destination)).toEqual([])

    // The move cannot be continued.
    await moved.run(['switchover', '--read-only-source', '--discard-late-writes', '--watch', '0'])
    await moved.expect('switched_over', false)
    expect(await moved.run(['follow'], 2)).toContain('the application belongs on')
    for (const point of [
      { statements: ['pg_drop_replication_slot'], when: 'after' as const },
      { statements: ['drop publication'], when: 'after' as const },
    ]) {
      await moved.killed(['cleanup'], point)
    }
    await moved.run(['cleanup'])
    await moved.expect('read_only', false)
    expect(await moved.run(['status'])).toContain('still read-only')
    await moved.run(['cleanup', '--writable'])
    await moved.expectNothingLeft()
  })
})

test.each(casesOf<number>([], [1, 2]))(
  'killed at any statement of switchovers there and back, seed %d',
  async (seed) => {
    const random = seeded(seed)
    const kept = await Moved.make(true)
    const forgetful = new Moved(kept.source, kept.destination, false)
    await kept.copyAndFollow()
    for (let round = 1; round <= 40; round++) {
      const { state, read_only } = await kept.settled()
      expect(['following', 'switching', 'flowing_back', 'returning']).toContain(state)
      const isForward = state === 'following' || state === 'switching'
      const primary = isForward ? kept.source : kept.destination
      const moved = random.chance(0.5) ? kept : forgetful
      const write = `insert into item values (${1000 + round}, 'x') on conflict do nothing`
      if (read_only.includes(isForward ? 'source' : 'destination')) {
        await moved.followUntil('a primary that can be written to', async () => {
          await primary.sql(write).catch(() => {})
          return await primary.sql(`select from item where id in (1, ${1000 + round})`)
        })
      } else await primary.sql(write)
      const args = [
        ...['switchover', '--keep-reverse', '--watch', '0', '--discard-late-writes'],
        ...(isForward ? [] : ['--back']),
        ...(random.chance(0.7) ? ['--read-only-source'] : []),
      ]
      const point = { statements: Array<string>(20 + random.below(420)).fill('') }
      const { code, said } = await moved.home.run([...args, ...moved.flags()], dyingAt(point))
      expect([0, 137], said).toContain(code)
    }
    const { state } = await kept.settled()
    const back = state === 'flowing_back' || state === 'returning' ? ['--back'] : []
    await kept.run(['switchover', ...back, '--verify', '--watch', '0', '--discard-late-writes'])
    expect(await compareRows(kept.source, kept.destination)).toEqual([])
    await kept.run(['cleanup', '--writable', '--discard-late-writes'])
    await kept.expectNothingLeft()
  },
  // Enough for 40 rounds of three processes.
  600_000,
)

test('a process with a record from before several switchovers continues in the direction of the changes', async () => {
  const kept = await Moved.make(true)
  const forgetful = new Moved(kept.source, kept.destination, false)
  const over = ['switchover', '--keep-reverse', '--read-only-source', '--watch', '0']
  const written = (database: TestDatabase, id: number) => async () => {
    await database.sql(`insert into item values (${id}, 'x') on conflict do nothing`).catch(() => {})
    return await database.sql(`select from item where id in (1, ${id})`)
  }
  await kept.copyAndFollow()
  await kept.run(over)
  await forgetful.run([...over, '--back'])
  // The old way back is dropped by then, and the new one is not complete.
  await forgetful.killed(over, wayBackMade)
  await kept.expect('switching', true)
  await kept.followUntil('a source that can be written to', written(kept.source, 2001))
  await kept.expect('following', false)
  await forgetful.run(over)
  await forgetful.killed([...over, '--back'], wayBackMade)
  await kept.expect('returning', true)
  await kept.followUntil('a destination that can be written to', written(kept.destination, 2002))
  await kept.run([...over, '--back', '--verify'])
  expect(await compareRows(kept.source, kept.destination)).toEqual([])
  await kept.run(['cleanup', '--writable'])
  await kept.expectNothingLeft()
})

test('after a destination is lost for good, cleanup leaves nothing of the move on the source', async () => {
  const source = await (await cluster(14, logical)).createDatabase()
  await using lost = await startCluster({ major: 17, ...logical })
  const destination = await lost.createDatabase()
  await source.sql('create table item (id int primary key, name text)')
  const moved = new Moved(source, destination, false)
  await moved.copyAndFollow()
  await moved.killed(['switchover', '--read-only-source'], guarded)
  const gone = ['cleanup', '--gone', 'dest']
  expect(await moved.run(gone, 2)).toContain('is available. Nothing was changed')
  await lost.down()
  expect(await moved.run(['cleanup'], 3)).toContain('--gone')
  const said = await moved.run(gone)
  expect(said).toContain('dropped replication slot')
  expect(said).toContain('can be written to again')
  await source.sql("insert into item values (1, 'usable')")
  expect(
    await source.sql(
      'select slot_name from pg_replication_slots union all select pubname from pg_publication',
    ),
  ).toEqual([])
})

test('a server that is lost during the handover is asked for the outcome, which is unknown if it does not answer', async () => {
  await using server = await startCluster({ major: 15, ...logical })
  const database = await server.createDatabase()
  await database.sql('create table item (id int primary key); create publication pgtrek_p for table item')
  const from = resolveSettings({ url: database.url })
  const publication = 'pgtrek_p'
  {
    await using session = await Session.open(from)
    await markPublication(session, publication, 'one')
  }
  const link = { from, names: { ...linkNames('p', 'forward'), publication } }
  const record = unknownRecord('p', { source: from, destination: from, follow: defaultFollowOptions })
  await server.down()
  const gone = handOver(link, record, { lsn: '0/1' }, AbortSignal.abort())
  await expect(gone).rejects.toThrow('is not known')
  const asked = handOver(link, record, { lsn: '0/2' }, new AbortController().signal)
  await server.up()
  await within('the handover', asked)
  await using session = await Session.open(from)
  expect(await readMark(session, publication)).toMatchObject({ move: 'one', handedOver: { lsn: '0/2' } })
  // A comment that was changed by a user is written anew.
  await database.sql(`comment on publication ${publication} is 'of the payment team'`)
  await handOver(link, { ...record, move: 'one' }, { lsn: '0/3' }, new AbortController().signal)
  expect(await readMark(session, publication)).toMatchObject({ move: 'one', handedOver: { lsn: '0/3' } })
})

test('docs/recovery.md has every state and how to continue', async () => {
  const docs = await Bun.file(join(import.meta.dir, '../../docs/recovery.md')).text()
  for (const state of moveStates) expect(docs).toMatch(new RegExp(`^\\| \`${state}\` \\|`, 'm'))
})
