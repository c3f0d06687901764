// `switchover --back` by its own process, in every state of a move: it returns, or reports why it cannot and what to do
// instead, and the record of the move stays the same.
import { afterEach, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { makeHome } from '../../tools/command.ts'
import { published } from '../../tools/moves/follow-view.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { MovedByCommands } from '../support/moved.ts'

const logical = { settings: { wal_level: 'logical' } }
const made: Moved[] = []

afterEach(() => {
  for (const moved of made.splice(0)) moved[Symbol.dispose]()
})

class Moved extends MovedByCommands {
  static async make(remembers: boolean): Promise<Moved> {
    const source = await (await cluster(14, logical)).createDatabase()
    const destination = await (await cluster(18, logical)).createDatabase()
    await source.sql(
      'create table item (id int primary key, name text); insert into item values (1); create publication pgtrek_mine for table item',
    )
    const moved = new Moved(makeHome(), source, destination, remembers)
    made.push(moved)
    return moved
  }

  async run(...args: string[]): Promise<[code: number | null, words: string]> {
    const { code, said, output } = await this.home.run([...args, ...this.flags()])
    return [code, said + output]
  }

  async back(...args: string[]) {
    return await this.run('switchover', '--back', '--watch', '0', ...args)
  }

  /** The objects of pgtrek in both. */
  async expectSame() {
    for (const what of ['schema', 'data']) {
      const { code, said, output } = await this.home.run(['compare', what, ...this.ends])
      expect([code, said + output]).toEqual([0, expect.stringContaining('Same')])
    }
  }

  /** Copies, and returns the process that follows. */
  async copy() {
    const flags = this.flags()
    const { child, finished } = this.home.start(['clone', '--follow', '--yes', ...flags])
    const directory = join(this.home.directory, flags.at(-1) ?? '')
    await published(directory, 'streaming', ({ stage }) => stage === 'streaming')
    return async () => {
      child.kill('SIGTERM')
      expect((await finished).code).toBe(0)
    }
  }
}

describe.each([
  { remembers: true, how: 'with its state directory' },
  { remembers: false, how: 'from an empty state directory' },
])('$how', ({ remembers }) => {
  test('it returns when changes flow back, and reports in every other state why it cannot', async () => {
    const moved = await Moved.make(remembers)
    const { source, destination } = moved
    expect(await moved.back()).toEqual([2, expect.stringContaining('the servers have no move from')])
    const stop = await moved.copy()
    const [whileFollowed, words] = await moved.back('--timeout', '20')
    expect([whileFollowed, words]).toEqual(
      remembers
        ? [1, expect.stringContaining('it was not switched over: changes flow from')]
        : [3, expect.stringMatching(/running in another process: "pgtrek: move \w+ \S+ pid \d+ since/)],
    )
    await stop()
    expect(await moved.back()).toEqual([1, expect.stringContaining('it was not switched over')])
    const over = await moved.run('switchover', '--read-only-source', '--keep-reverse', '--watch', '0')
    expect(over).toEqual([0, expect.stringContaining('no process applies changes in the return direction')])
    expect(await moved.run('switchover')).toEqual([1, expect.stringContaining('"switchover --back" returns')])
    await moved.expectSame()
    await destination.sql("insert into item values (2, 'on the destination')")
    expect(await moved.back('--read-only-source')).toEqual([0, expect.stringContaining('switched over from')])
    expect(await source.sql('select name from item where id = 2')).toEqual([{ name: 'on the destination' }])
    for (const again of [['--back'], []]) {
      const [code, said] = await moved.run('switchover', ...again)
      expect([code, said]).toEqual([2, expect.stringContaining('has returned: the application belongs on')])
    }
    const [status, shown] = await moved.run('status')
    expect([status, shown]).toEqual([0, expect.stringContaining('returned')])
    expect(shown.includes('switched over from')).toBe(remembers)
    await moved.expectSame()
    await source.sql('drop publication pgtrek_mine')
    const { code, output } = await moved.home.run(['compare', 'schema', ...moved.ends])
    expect([code, output]).toEqual([
      1,
      expect.stringContaining('only on the destination: PUBLICATION pgtrek_mine'),
    ])
    expect(await moved.run('cleanup', '--writable')).toEqual([0, expect.stringContaining('can be written')])
    expect(await moved.back()).toEqual([2, expect.stringContaining('the servers have no move from')])
  }, 180_000)

  test('without a way back it reports the consequences, and leaves the report', async () => {
    const moved = await Moved.make(remembers)
    await (await moved.copy())()
    expect(await moved.run('switchover', '--read-only-source', '--watch', '0')).toEqual([
      0,
      expect.stringContaining('switched over from'),
    ])
    for (const command of [['switchover', '--back'], ['switchover'], ['follow']]) {
      const [code, said] = await moved.run(...command)
      expect([command, code, said]).toEqual([command, 2, expect.stringContaining('without --keep-reverse')])
      expect(said).toContain('clean up with --writable, then move from')
    }
    const [status, shown] = await moved.run('status')
    expect([status, shown]).toEqual([0, expect.stringContaining('was switched over')])
    expect(shown.includes('switched over from')).toBe(remembers)
  }, 120_000)
})

test('it waits for an unavailable server for at most --timeout', async () => {
  const moved = await Moved.make(true)
  const nowhere = new URL(moved.destination.url)
  nowhere.port = '1'
  const { code, said } = await moved.home.run([
    ...['switchover', '--back', '--timeout', '1', '--source', moved.source.url, '--dest', nowhere.href],
    ...['--state-dir', 'state'],
  ])
  expect([code, said]).toEqual([1, expect.stringContaining('nothing listens')])
  expect(said).toContain('Timed out after 1 s (--timeout); nothing was handed over')
}, 60_000)
