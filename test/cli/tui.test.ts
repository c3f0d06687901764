// `pgtrek tui` on a real terminal, next to another process that publishes through the store.
import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultSwitchoverOptions } from '../../shared/defaults.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { makeHome } from '../../tools/command.ts'
import { conflict, conflictView, followView, switchoverReport } from '../support/example-views.ts'
import { type Publisher, type PublisherProcess, publishHere, startPublisher } from '../support/publishing.ts'
import { type OnTerminal, onTerminal } from './pty.ts'

const open: AsyncDisposable[] = []
const directories: string[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

async function published(view: FollowView): Promise<{ directory: string; publisher: Publisher }> {
  const directory = newDirectory()
  return { directory, publisher: await publishes(publishHere(directory), view) }
}

/** Publishes the view from a process that can be killed. */
async function publishedElsewhere(
  view: FollowView,
): Promise<{ directory: string; publisher: PublisherProcess }> {
  const directory = newDirectory()
  return { directory, publisher: await publishes(startPublisher(directory), view) }
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'pgtrek-tui-'))
  directories.push(directory)
  return directory
}

async function publishes<P extends Publisher>(publisher: P, view: FollowView): Promise<P> {
  open.push(publisher)
  await publisher.publish(view)
  return publisher
}

function tui(
  directory: string,
  args: string[] = [],
  options: Parameters<typeof onTerminal>[2] = {},
): OnTerminal {
  const terminal = onTerminal(
    ['tui', '--state-dir', directory, '--refresh', '50', ...args],
    directory,
    options,
  )
  open.push(terminal)
  return terminal
}

function live(changes: Partial<FollowView> = {}): FollowView {
  return followView(Date.now(), changes)
}

describe('the display', () => {
  test('has stage, readiness, lag, slot and tables, in 80 columns and 24 rows', async () => {
    const { directory } = await published(live())
    const on = tui(directory)
    await on.shows('ready to switch over')
    const { screen } = on.terminal
    expect(screen).toHaveLength(24)
    expect(screen[0]).toMatch(/^pgtrek {2}shop .*● running$/)
    expect(screen[1]).toBe('me@old.example.com:5432/shop → me@new.example.com:5432/shop')
    expect(screen[2]).toBe('✓ preflight  ✓ schema  ✓ copy  ✓ catch-up  ▶ streaming  · switchover  · done')
    expect(screen[5]).toMatch(/^lag {4}12 kB, 0\.3 s +[▁▂▃▄▅▆▇█]{10,} {2}most 2\.0 MB in 3 min 59 s$/)
    expect(screen[7]).toBe("slot   pgtrek_shop: being read, keeps 16 MB of the source's log")
    expect(screen).toContain('public.orders  1,000,000  234,567        0')
    expect(screen.at(-1)).toBe('p pause   s switch over   Tab panes   ? help   q quit')
    expect(on.terminal.faults).toEqual([])
  })

  test('changes as views are published', async () => {
    const { directory, publisher } = await published(live())
    const on = tui(directory)
    await on.shows('streaming')
    await publisher.publish(live({ state: 'waiting', last_error: { message: 'the server went away' } }))
    await on.shows('warning: a connection was lost, reconnecting: the server went away')
  })

  test('readiness disappears when its process is killed', async () => {
    const { directory, publisher } = await publishedElsewhere(live())
    const on = tui(directory)
    await on.shows('● ready to switch over')
    publisher.child.kill('SIGKILL')
    await on.shows('○ not ready: no process is running: it is lost')
    await on.shows('no process reads the slot pgtrek_shop')
    on.type('p')
    await on.shows('no process follows it (lost): "pgtrek follow" starts one')
  })

  test('has the report of a switchover as soon as there is one', async () => {
    const { directory, publisher } = await published(live())
    const on = tui(directory)
    await on.shows('ready to switch over')
    const options = { ...defaultSwitchoverOptions, read_only_source: true }
    await publisher.publish(
      live({
        stage: 'switchover',
        switchover: { state: 'running', options, step: 'sequences', started_at: Date.now() },
      }),
    )
    await on.shows(/switching over, 5 of 9: setting sequences, \d+\.\d s so far/)
    const report = switchoverReport()
    await publisher.publish(
      live({
        stage: 'done',
        streams: [],
        switchover: { state: 'done', options, step: 'report', started_at: 0, report },
      }),
    )
    await on.shows('Point the application at me@new.example.com:5432/shop.')
    await on.shows('✓ switched over')
  })

  test('follows the size of the terminal', async () => {
    const { directory } = await published(live())
    const on = tui(directory)
    await on.shows('q quit')
    on.resize(120, 40)
    // The last of 40 rows.
    await on.shows(/(.*\n){39}p pause .* q quit/)
    await on.shows(/─{100}/)
    on.resize(40, 10)
    await on.shows(/^pgtrek.*\n(.*\n){8}.+$/)
    await on.shows('▶ streaming (5 of 7)')
    on.resize(80, 24)
    await on.shows('✓ catch-up')
    expect(on.terminal.faults).toEqual([])
  })

  test('has no colours if NO_COLOR is set, and no symbols if the locale has none', async () => {
    const { directory } = await published(live())
    const on = tui(directory, [], { environment: { NO_COLOR: '1', LANG: 'C' } })
    await on.shows('* ready to switch over')
    expect(on.terminal.isColoured).toBe(false)
    expect(on.terminal.screen.join('')).toMatch(/^[\x20-\x7e]*$/)
  })
})

describe('requests', () => {
  test('p pauses and r resumes', async () => {
    const { directory, publisher } = await published(live())
    const on = tui(directory)
    await on.shows('p pause')
    on.type('p')
    expect(await publisher.asked()).toEqual({ type: 'pause' })
    await on.shows('heard pause')
    await on.shows('● paused')
    on.type('p')
    await on.shows('it is already paused')
    on.type('r')
    expect(await publisher.asked()).toEqual({ type: 'resume' })
    await on.shows('● running')
  })

  test('s asks for the options, and then for a confirmation', async () => {
    const { directory, publisher } = await published(live())
    const on = tui(directory)
    await on.shows('s switch over')
    on.type('s')
    await on.shows('Switch over to me@new.example.com:5432/shop')
    on.type(' ')
    await on.shows('1 [x] make the source read-only')
    on.type('\x1b[B ')
    await on.shows('2 [x] keep changes flowing back')
    on.type('5')
    await on.shows('5 [x] accept known differences')
    on.type('\x1b[B\x1b[C')
    await on.shows('6 60 s')
    on.type('\r')
    await on.shows('Switch over now?')
    on.type('y')
    expect(await publisher.asked()).toEqual({
      type: 'switchover',
      options: {
        timeout_seconds: 60,
        read_only_source: true,
        keep_reverse: true,
        verify: false,
        accept_differences: true,
        refresh_materialized_views: false,
        sequence_margin: 0,
        watch_seconds: 60,
        discard_late_writes: false,
        back: false,
      },
    })
  })

  test('n, Escape and pasted text request nothing', async () => {
    const { directory, publisher } = await published(live())
    const on = tui(directory)
    await on.shows('s switch over')
    on.type('s')
    await on.shows('Enter continues')
    on.type('\r')
    await on.shows('Switch over now?')
    on.type('\x1b[200~y\ry\x1b[201~')
    on.type('n')
    await on.shows('s switch over')
    on.type('s')
    await on.shows('Enter continues')
    on.type('\x1b')
    await on.shows('public.orders')
    // Typed before the question is drawn.
    on.type('xy')
    await on.shows('Stop following?')
    on.type('n')
    // The first request that arrives is the pause, so none came before.
    on.type('p')
    expect(await publisher.asked()).toEqual({ type: 'pause' })
  })

  test('for a conflict t retries, and shows the answer', async () => {
    const { directory, publisher } = await published(conflictView(Date.now()))
    const on = tui(directory)
    await on.shows('duplicate key value violates unique constraint')
    on.type('t')
    expect(await publisher.asked()).toEqual({ type: 'retry' })
    await on.shows('heard retry')
  })

  test('k asks first, about the conflict that was shown', async () => {
    const { directory, publisher } = await published(conflictView(Date.now()))
    const on = tui(directory)
    await on.shows('k  skip')
    on.type('k')
    await on.shows('Skip this transaction?')
    await publisher.publish(conflictView(Date.now(), { lsn: '16/C0000000', xid: 992 }))
    await on.shows('the state has changed')
    on.type('y')
    on.type('k')
    await on.shows('Skip this transaction?')
    on.type('y')
    expect(await publisher.asked()).toEqual({ type: 'skip', lsn: '16/C0000000' })
  })

  test('a is offered only if columns are the cause', async () => {
    const { directory, publisher } = await published(conflictView(Date.now()))
    const on = tui(directory)
    await on.shows('k  skip')
    on.type('a')
    await on.shows('this does not resolve the conflict')
    await publisher.publish(conflictView(Date.now(), { statement: 'relation' }))
    await on.shows('a  apply the change of the source table')
    on.type('a')
    await on.shows('Change the table of the destination?')
    on.type('y')
    expect(await publisher.asked()).toEqual({ type: 'apply_schema', lsn: conflict.lsn })
  })
})

describe('many tables', () => {
  test('are scrolled by lines and pages', async () => {
    const view = live()
    const tables = Array.from({ length: 200 }, (_, index) => ({
      ...{ schema: 'public', name: `t${String(index).padStart(3, '0')}` },
      ...{ inserts: 1000 - index, updates: 0, deletes: 0, truncates: 0 },
    }))
    const [stream] = view.streams
    if (!stream) throw new Error('the view has no stream')
    const { directory } = await published({
      ...view,
      streams: [{ ...stream, status: { ...stream.status, tables } }],
    })
    const on = tui(directory)
    await on.shows(/1-\d of 200/)
    on.type('\x1b[B')
    await on.shows(/2-\d+ of 200/)
    on.type('\x1b[F')
    await on.shows('-200 of 200')
    on.type('\x1b[A')
    await on.shows('-199 of 200')
    on.type('\x1b[5~\x1b[H')
    await on.shows('public.t000')
    on.type('\x1b[6~')
    await on.shows(/[89]-\d+ of 200/)
  })
})

describe('the end', () => {
  const ends: [string, (on: OnTerminal) => void, number | NodeJS.Signals][] = [
    ['q', (on) => on.type('q'), 0],
    ['Ctrl-C', (on) => on.type('\x03'), 130],
    ['SIGTERM', (on) => on.child.kill('SIGTERM'), 'SIGTERM'],
    ['SIGHUP', (on) => on.child.kill('SIGHUP'), 'SIGHUP'],
  ]
  test.each(ends)('by %s restores the terminal, and following continues', async (_, end, code) => {
    const { directory, publisher } = await publishedElsewhere(live())
    const on = tui(directory)
    await on.shows('q quit')
    expect(on.terminal.isFullScreen).toBe(true)
    end(on)
    expect(await on.exited).toBe(code)
    expect(on.terminal.isFullScreen).toBe(false)
    expect(on.terminal.isCursorShown).toBe(true)
    expect(on.terminal.screen).toEqual([''])
    expect(on.terminal.faults).toEqual([])
    expect(publisher.child.exitCode).toBe(null)
  })

  test.each(['throw new Error("boom")', 'void Promise.reject(new Error("boom"))'])(
    'by a crash (%s) restores the terminal, and shows the reason',
    async (crash) => {
      const { directory } = await published(live())
      const script = join(directory, 'crash.ts')
      await Bun.write(
        script,
        `import { openFollowed } from '${import.meta.dir}/../../server/cli/followed.ts'
         import { showDashboard } from '${import.meta.dir}/../../server/cli/dashboard/dashboard.ts'
         process.on('SIGUSR2', () => { ${crash} })
         await showDashboard({ controller: openFollowed('${directory}').store.controller('shop') })`,
      )
      const on = onTerminal([], directory, { words: [process.execPath, script] })
      open.push(on)
      await on.shows('q quit')
      expect(on.terminal.isFullScreen).toBe(true)
      on.child.kill('SIGUSR2')
      expect(await on.exited).not.toBe(0)
      expect(on.terminal.isFullScreen).toBe(false)
      expect(on.terminal.isCursorShown).toBe(true)
      expect(on.terminal.lines.join('\n')).toContain('this is a bug in pgtrek: Error: boom')
    },
  )

  test('reports that the move was cleaned up', async () => {
    const { directory, publisher } = await published(live())
    const on = tui(directory)
    await on.shows('q quit')
    await publisher.end()
    const { openFollowed } = await import('../../server/cli/followed.ts')
    {
      using followed = openFollowed(directory)
      followed?.store.forget('shop')
    }
    expect(await on.exited).toBe(0)
    expect(on.terminal.screen.join('\n')).toContain('shop is no longer in the state directory')
  })
})

describe('an error', () => {
  test('in the name lists the known ones', async () => {
    const { directory } = await published(live())
    using home = makeHome()
    const { code, said } = await home.run(['tui', 'shopp', '--state-dir', directory])
    expect(code).toBe(2)
    expect(said).toContain('no move is named shopp')
    expect(said).toContain('known: shop')
  })

  test('without a terminal names the alternative', async () => {
    const { directory } = await published(live())
    using home = makeHome()
    const { code, said } = await home.run(['tui', '--state-dir', directory])
    expect(code).toBe(2)
    expect(said).toContain('use "pgtrek status --watch" instead')
  })
})
