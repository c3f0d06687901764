// With a state directory that cannot be written, the state on the servers counts, and the problem is reported once.
import { describe, expect, test } from 'bun:test'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FollowStore } from '../../server/store/follows.ts'
import { History } from '../../server/store/history.ts'
import { Profiles } from '../../server/store/profiles.ts'
import { RunStore } from '../../server/store/runs.ts'
import { StateUnusable } from '../../server/store/state-database.ts'
import { cleanEnvironment } from '../../tools/command.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { program } from '../../tools/program.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { emptySummary, ends, plannedRun, serverAndHome } from '../support/run-records.ts'

const seal = {
  close: () => Promise.reject(new Error('nothing is sealed here')),
  open: () => Promise.reject(new Error('nothing is sealed here')),
  forget: async () => {},
}

describe('a state directory that disappears while it is used', () => {
  const directory = join(scratchDirectory(), 'state')
  const aside = `${directory}-aside`
  const said: string[] = []
  const open = () => new RunStore(directory, { report: (message) => said.push(message), retryMs: 20 })

  test('is reported once, its data is kept in memory, and written when it is back', async () => {
    {
      using store = open()
      const follows = new FollowStore(store.database)
      const history = new History(store.database)
      plannedRun(store, 'before', ['t'])
      // A file in its place keeps the directory from being created again.
      renameSync(directory, aside)
      writeFileSync(directory, '')
      await eventually(
        'the news of it',
        async () => store.begin(`r${crypto.randomUUID().slice(0, 6)}`, ends) && said.length > 0,
        (isSaid) => isSaid,
      )
      expect(said[0]).toMatch(/^the state directory .*\/state cannot be used: .*The work continues/)
      const memory = plannedRun(store, 'during', ['t'])
      memory.done('a step', { rows: 7, bytes: 8 })
      store.end('during', emptySummary('cancelled'))
      follows.take('shop')
      expect(follows.worker('shop')).toMatchObject({ pid: process.pid })
      expect(await follows.controller('shop').act({ type: 'stop' })).toMatchObject({
        ok: false,
        message: expect.stringMatching(/cannot be used: .*request cannot be sent to the process.*SIGTERM/s),
      })
      expect(history.list({ limit: 100, offset: 0 }).map(({ id }) => id)).toEqual(
        expect.arrayContaining(['before', 'during']),
      )
      // A write that is useless without the disk is refused with the reason.
      expect(() =>
        memory.save(1, { kind: 'triggers', table: { schema: 's', name: 't', triggers: [] } }),
      ).toThrow(StateUnusable)
      const request = { source: { host: 'h' }, destination: { host: 'h' } } as never
      const profiles = new Profiles(store.database, seal)
      await expect(profiles.put('mine', { request })).rejects.toThrow(StateUnusable)
      expect(profiles.list()).toEqual([])
      const { since, reason, missed } = store.database.failure ?? {}
      expect({ since, reason, missed }).toEqual({
        since: expect.any(Number),
        reason: expect.stringContaining(`the state directory ${directory} cannot be used: `),
        missed: expect.any(Number),
      })
      expect(missed).toBeGreaterThan(4)
      expect(said).toHaveLength(1)
      rmSync(directory)
      renameSync(aside, directory)
      await eventually(
        'its return',
        async () => store.database.failure,
        (failure) => failure === undefined,
      )
      expect(said[1]).toContain('is written there')
    }
    using store = open()
    expect(store.unfinished(ends)).toMatchObject({
      run: 'during',
      done: new Map([['a step', { rows: 7, bytes: 8 }]]),
    })
    expect(new FollowStore(store.database).names()).toEqual(['shop'])
  })

  test('and that was removed is created again with all data', async () => {
    using store = open()
    rmSync(directory, { recursive: true })
    await eventually(
      'a new directory',
      async () => {
        store.begin(crypto.randomUUID(), ends)
        return said.filter((line) => line.includes('is written there')).length
      },
      (times) => times === 2,
    )
    using other = open()
    expect(new History(other.database).find('during')).toMatchObject({ id: 'during' })
  })
})

describe('a run whose state directory', () => {
  const made = serverAndHome()

  const tables = `
    create table parent (id int primary key);
    create table child (id int primary key, parent int constraint belongs references parent);`

  async function pair() {
    const source = await made.server.createDatabase()
    await source.sql(
      `${tables} insert into parent select generate_series(1, 100); insert into child select n, n from generate_series(1, 100) n`,
    )
    const destination = await made.server.createDatabase()
    await destination.sql(tables)
    return { destination, ends: ['--source', source.url, '--dest', destination.url, '--yes'] }
  }

  test('cannot be created copies everything, with one warning; other commands report it, too', async () => {
    const { destination, ends } = await pair()
    writeFileSync(join(made.home.directory, 'no-directory'), '')
    const state = ['--state-dir', 'no-directory/state']
    const { code, said } = await made.home.run(['copy', ...ends, '--append', ...state])
    expect({ code, said }).toMatchObject({ code: 0 })
    expect(said.match(/cannot be used/g)).toHaveLength(2)
    expect(said).toMatch(/warning: the state directory .*no-directory\/state cannot be used: .*ENOTDIR/)
    expect(await destination.sql('select count(*)::int as n from child')).toEqual([{ n: 100 }])
    const stop = await made.home.run(['stop', 'shop', ...state])
    expect(stop.code).not.toBe(0)
    expect(stop.said).toContain('cannot be used')
  })

  /** The state exists already. Its file cannot grow beyond the limit. */
  function withFullDisk(state: string, ...command: string[]) {
    mkdirSync(join(made.home.directory, state))
    new RunStore(join(made.home.directory, state))[Symbol.dispose]()
    const limited = ['bash', '-c', 'ulimit -f 1; exec "$@"', 'bash', ...program]
    return Bun.spawn([...limited, ...command, '--state-dir', state], {
      cwd: made.home.directory,
      env: cleanEnvironment(),
      stdout: 'pipe',
      stderr: 'pipe',
    })
  }

  test.each(['truncate', 'append'])(
    'becomes full in the middle continues to its end (--%s), with the dropped foreign keys restored',
    async (mode) => {
      const { destination, ends } = await pair()
      const child = withFullDisk(`full-${mode}`, 'copy', ...ends, `--${mode}`, '--log-dir', `logs-${mode}`)
      const said = await within('the end of the copy', new Response(child.stderr).text())
      expect({ code: await child.exited, said }).toMatchObject({ code: 0 })
      expect(said).toMatch(/the state directory \S*full-\S* cannot be used: /)
      expect(said).toMatch(/logs-.*\/.* cannot be written \(.*EFBIG.*the run continues/)
      expect(said).toMatch(/the log file \S* is not complete: lines missing: \d+/)
      expect(said).not.toContain('failed')
      expect(
        await destination.sql("select convalidated from pg_constraint where conname = 'belongs'"),
      ).toEqual([{ convalidated: true }])
      expect(await destination.sql('select count(*)::int as n from child')).toEqual([{ n: 100 }])
    },
  )
  test('is full while a database is followed still applies the changes, and another process continues the move', async () => {
    const logical = { settings: { wal_level: 'logical' } }
    const source = await (await cluster(17, logical)).createDatabase()
    const destination = await (await cluster(18, logical)).createDatabase()
    await source.sql(
      'create table item (id int primary key); insert into item select generate_series(1, 100)',
    )
    const ends = ['--source', source.url, '--dest', destination.url]
    const arrived = (rows: number) =>
      eventually(
        `${rows} rows`,
        async () => (await destination.sql('select count(*)::int as n from item'))[0]?.n,
        (n) => n === rows,
      )
    const child = withFullDisk('full-follow', 'clone', '--follow', ...ends, '--yes')
    const said = new Response(child.stderr).text()
    await arrived(100)
    await source.sql('insert into item select generate_series(101, 200)')
    await arrived(200)
    child.kill('SIGTERM')
    expect(await within('its end', said)).toMatch(/the state directory \S*full-follow cannot be used: /)
    await child.exited
    await source.sql('insert into item select generate_series(201, 300)')
    const other = [...ends, '--state-dir', 'fresh']
    const over = await made.home.run(['switchover', ...other, '--verify', '--watch', '0'])
    expect(over).toMatchObject({ code: 0 })
    await arrived(300)
    const { said: cleaned, code } = await made.home.run(['cleanup', ...other])
    expect({ code, cleaned }).toMatchObject({ code: 0 })
  })

  test('cannot be created still serves the page, and requests that must be stored there are refused with 507', async () => {
    const url = Promise.withResolvers<string>()
    const child = Bun.spawn([...program, 'serve', '--port', '0', '--state-dir', 'no-directory/state'], {
      cwd: made.home.directory,
      env: cleanEnvironment({ DISPLAY: '', WAYLAND_DISPLAY: '' }),
      stdout: 'pipe',
      stderr: 'pipe',
    })
    void (async () => {
      let said = ''
      for await (const chunk of child.stdout) {
        said += new TextDecoder().decode(chunk)
        const [, found] = /listens on (\S+)/.exec(said) ?? []
        if (found) url.resolve(found)
      }
    })()
    const base = await within('the server to listen', url.promise)
    const ask = (path: string, options?: RequestInit) => fetch(new URL(path, base), options)
    const saved = await ask('/api/profiles/mine', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ request: { source: { host: 'h' }, destination: { host: 'h' } } }),
    })
    expect([saved.status, await saved.text()]).toEqual([507, expect.stringContaining('cannot be used')])
    expect((await ask('/api/migrations')).status).toBe(200)
    child.kill('SIGTERM')
    expect(await within('its end', child.exited)).toBe(0)
  })
})
