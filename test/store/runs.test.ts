// A state directory that several processes use.
import { Database } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { FollowStore } from '../../server/store/follows.ts'
import { RunStore } from '../../server/store/runs.ts'
import { within } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

const ends = {
  source: resolveSettings({ url: 'postgres://a@localhost/one' }),
  destination: resolveSettings({ url: 'postgres://a@localhost/two' }),
}

const open = `
  const { RunStore } = await import(${JSON.stringify(join(import.meta.dir, '../../server/store/runs.ts'))})
  new RunStore(process.argv.at(-1))[Symbol.dispose]()`

test('processes can create the same state directory at the same time', async () => {
  for (const round of casesOf([1], [2, 3])) {
    const directory = join(scratchDirectory(), `made-at-once-${round}`)
    const children = Array.from({ length: 8 }, () =>
      Bun.spawn([process.execPath, '-e', open, directory], { stdout: 'pipe', stderr: 'pipe' }),
    )
    const ends = await Promise.all(
      children.map(async (child) => [
        await within('the end of a process', child.exited),
        await new Response(child.stderr).text(),
      ]),
    )
    expect(ends).toEqual(children.map(() => [0, '']))
  }
})

describe('a state directory', () => {
  test('is readable by its owner only, also where an earlier release left it open to others', () => {
    const parent = join(scratchDirectory(), `private-${randomUUID()}`)
    const directory = join(parent, 'state')
    const modes = () =>
      readdirSync(directory).map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)])
    const before = process.umask(0o022)
    try {
      using store = new RunStore(directory)
      store.begin('r1', ends)
      expect((statSync(directory).mode & 0o777).toString(8)).toBe('700')
      for (const [name, mode] of modes()) expect([name, mode]).toEqual([name, '600'])
    } finally {
      process.umask(before)
    }
    chmodSync(directory, 0o755)
    chmodSync(join(directory, 'pgtrek.sqlite'), 0o644)
    using _ = new RunStore(directory)
    expect(modes()).toContainEqual(['pgtrek.sqlite', '600'])
    // It may be shared with other programs.
    expect((statSync(directory).mode & 0o777).toString(8)).toBe('755')
  })

  test.each([
    [
      'of another program',
      'create table run (id integer primary key, distance real)',
      /table run has no column/,
    ],
    ['whose index cannot be made', 'create table follow_ask (x int)', /does not belong to this release/],
  ])('with a database %s is not used, and said to be so', (_, sql, words) => {
    const directory = join(scratchDirectory(), `foreign-${randomUUID()}`)
    mkdirSync(directory)
    using foreign = new Database(join(directory, 'pgtrek.sqlite'))
    foreign.exec(sql)
    const said: string[] = []
    {
      using store = new RunStore(directory, { report: (message) => said.push(message) })
      new FollowStore(store.database).take('shop')
      store.begin('r1', ends)
      expect(store.database.failure?.reason).toMatch(words)
    }
    expect(said).toEqual([
      expect.stringContaining('move it elsewhere, or use another --state-dir'),
      expect.stringMatching(/is lost with this process/),
    ])
    expect(foreign.query('pragma user_version').get()).toEqual({ user_version: 0 })
    expect(
      foreign.query('select count(*) as n from sqlite_schema where sql like ?').get('%distance%'),
    ).toEqual({
      n: sql.includes('distance') ? 1 : 0,
    })
  })
})

test('a move is taken over from a machine that has written nothing for long, and from no other', () => {
  using runs = new RunStore(join(scratchDirectory(), 'taken'))
  const follows = new FollowStore(runs.database)
  follows.take('shop')
  const heardOf = (at: number) =>
    runs.database
      .query("update follow set host = 'another-machine', changed_at = ?1 where name = 'shop'")
      .run(at)
  heardOf(Date.now())
  expect(() => follows.take('shop')).toThrow('is being followed by process')
  heardOf(Date.now() - 3_600_000)
  follows.take('shop')
  expect(follows.worker('shop')).toEqual({ host: hostname(), pid: process.pid })
})
