// `pgtrek status`: what it prints about a move, and its exit codes.
import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import fc from 'fast-check'
import { statusLines } from '../../server/cli/render/status.ts'
import { styleFor } from '../../server/cli/render/style.ts'
import { widthOf } from '../../server/cli/render/text.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { RunStore } from '../../server/store/runs.ts'
import { defaultSwitchoverOptions } from '../../shared/defaults.ts'
import { FollowView } from '../../shared/follow-view.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { within } from '../../tools/eventually.ts'
import { program } from '../../tools/program.ts'
import {
  conflictView,
  copyingView,
  followStream,
  followView,
  switchoverReport,
} from '../support/example-views.ts'
import { type Publisher, publishHere, startPublisher } from '../support/publishing.ts'
import { onTerminal } from './pty.ts'

const open: (Publisher | Home)[] = []
const directories: string[] = []
afterEach(async () => {
  for (const one of open.splice(0)) {
    if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]()
    else one[Symbol.dispose]()
  }
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'pgtrek-status-'))
  directories.push(directory)
  return directory
}

async function published(view: FollowView, directory = newDirectory()) {
  return await publishedBy(publishHere(directory), view, directory)
}

/** Publishes the view from a process that can be killed. */
async function publishedElsewhere(view: FollowView) {
  const directory = newDirectory()
  return await publishedBy(startPublisher(directory), view, directory)
}

async function publishedBy<P extends Publisher>(publisher: P, view: FollowView, directory: string) {
  open.push(publisher)
  await publisher.publish(view)
  return { directory, publisher }
}

function status(directory: string, ...args: string[]) {
  const home = makeHome()
  open.push(home)
  return home.run(['status', '--state-dir', directory, ...args])
}

const live = (changes: Partial<FollowView> = {}) => followView(Date.now(), changes)

describe('the text', () => {
  test('shows stage, lag, rates, slot, tables and readiness of a healthy move, with code 0', async () => {
    const { directory } = await published(live())
    const { code, output, said } = await status(directory)
    expect(said).toBe('')
    expect(code).toBe(0)
    expect(output).toContain('shop: streaming, running\n')
    expect(output).toMatch(new RegExp(`  process     ${process.pid} on \\S+\n`))
    expect(output).toContain('  lag         12 kB, 0.3 s\n')
    expect(output).toContain('  rate        1,203 rows/s, 240 transactions/s\n')
    expect(output).toContain("  slot        pgtrek_shop: being read, keeps 16 MB of the source's log\n")
    expect(output).toContain('public.orders  1,000,000  234,567        0\n')
    expect(output).not.toContain('public.quiet')
    expect(output).toMatch(/ {2}switchover {2}ready to switch over, for 4 min \d+ s\n/)
    expect(output).not.toContain('\x1b')
  })

  test('is printed although the servers cannot be queried, which is reported, with code 1', async () => {
    const { directory } = await publishedElsewhere(live())
    const unreachable = ['--source', 'postgres://me@127.0.0.1:1/a', '--dest', 'postgres://me@127.0.0.1:1/b']
    const { code, output } = await status(directory, ...unreachable)
    expect([code, output]).toEqual([
      1,
      expect.stringContaining('the servers cannot be queried: nothing listens on'),
    ])
    expect(output).toContain('shop: streaming, running')
  })

  test('is printed after the process has ended, with the age of its numbers', async () => {
    const { directory, publisher } = await published(live({ state: 'stopped' }))
    await publisher.end()
    const { code, output } = await status(directory, 'shop')
    expect(code).toBe(0)
    expect(output).toContain('shop: streaming, stopped')
    expect(output).toMatch(/ {2}as of {7}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+\.\d s ago\)/)
    expect(output).toContain('  rate        not streaming\n')
    expect(output).toContain('not ready: no process is running: it is stopped')
    expect(output).toContain(
      'warning: no process reads the slot pgtrek_shop: the source keeps 16 MB of log for it, and more with every change, until "pgtrek follow" continues or "pgtrek cleanup" drops it',
    )
  })

  test('reports that a killed process is lost, with code 1', async () => {
    const { directory, publisher } = await publishedElsewhere(live())
    publisher.child.kill('SIGKILL')
    await publisher.child.exited
    const { code, output } = await status(directory)
    expect(code).toBe(1)
    expect(output).toContain('shop: streaming, lost')
    expect(output).toContain('not ready: no process is running: it is lost')
    expect(output).toContain('error: its process ended unexpectedly')
  })

  test('has a conflict with its choices, with code 1', async () => {
    const { directory } = await published(conflictView(Date.now()))
    const { code, output } = await status(directory)
    expect(code).toBe(1)
    expect(output).toContain('  insert into public.orders, row id = 17\n')
    expect(output).toContain('duplicate key value violates unique constraint "orders_pkey" (23505)')
    expect(output).toContain('in "pgtrek tui shop"')
    expect(output).toContain('  pgtrek skip shop: skip the whole transaction\n')
  })

  test('names tables that could not be copied, with code 1', async () => {
    const failed_tables = [{ schema: 'public', name: 'big', error: 'the disk is full' }]
    const { directory } = await published(live({ failed_tables }))
    const { code, output } = await status(directory)
    expect(code).toBe(1)
    expect(output).toContain('  public.big: the disk is full\n')
    expect(output).toContain('error: 1 of 41 tables could not be copied and are not followed: public.big')
  })

  test('has the report of a switchover', async () => {
    const { switchover } = switched()
    const { directory } = await published(live({ stage: 'done', streams: [], switchover }))
    const { code, output } = await status(directory)
    expect(code).toBe(0)
    expect(output).toContain(
      'switched over from me@old.example.com:5432/shop to me@new.example.com:5432/shop\n',
    )
    expect(output).toContain('sentinel a1 at 16/B3750000: received through the stream')
    expect(output).toContain('1 table with 5 rows compared by counts: equal')
    expect(output).toContain('  - Point the application at me@new.example.com:5432/shop.\n')
    expect(output).not.toContain('ready')
  })

  test('shows the progress of the copy', async () => {
    const { directory } = await published(copyingView(Date.now()))
    const { output } = await status(directory)
    expect(output).toContain(
      '  copied      37%, data, 2,399,661 rows, 261 MB of 700 MB, 81 MB/s, 2 of 4 tables\n',
    )
  })

  test('is never wider than the terminal, whatever the names', () => {
    const now = Date.now()
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('日本語のテーブル', 'x\x1b[2J\x9b31m'),
    )
    const style = styleFor(true, { LANG: 'C.UTF-8' })
    fc.assert(
      fc.property(fc.array(name, { minLength: 1 }), fc.integer({ min: 20, max: 150 }), (names, width) => {
        const [first = ''] = names
        const views = [
          conflictView(now, { table: { schema: first, name: first }, problems: names, message: first }),
          followView(now, { name: first, source: first, destination: first, warnings: names }),
          followView(now, { failed_tables: names.map((name) => ({ schema: name, name, error: name })) }),
        ]
        for (const line of views.flatMap((view) => statusLines(view, now, width, style))) {
          expect(widthOf(line)).toBeLessThanOrEqual(width)
          expect(Bun.stripANSI(line)).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })
})

describe('selection', () => {
  test('without a state directory it says so, and creates nothing', async () => {
    const directory = join(newDirectory(), 'none')
    const { code, output } = await status(directory)
    expect(code).toBe(0)
    expect(output).toContain('no moves or runs in the state directory')
    expect(existsSync(directory)).toBe(false)
    expect((await status(directory, '--json')).output).toBe('[]\n')
  })

  test('shows all moves unless one is named', async () => {
    const { directory } = await published(live())
    await published(live({ name: 'other', state: 'paused' }), directory)
    const all = await status(directory)
    expect(all.output).toContain('shop: streaming, running')
    expect(all.output).toContain('other: streaming, paused')
    const one = await status(directory, 'other')
    expect(one.output).not.toContain('shop: streaming')
  })

  test('an unknown name is an error', async () => {
    const { directory } = await published(live())
    const { code, said } = await status(directory, 'shopp')
    expect(code).toBe(2)
    expect(said).toContain('no move is named shopp')
    expect((await status(join(directory, 'none'), 'shop')).code).toBe(2)
  })

  test('without moves it shows the last run', async () => {
    const directory = newDirectory()
    {
      using store = new RunStore(directory)
      const ends = {
        source: resolveSettings({ url: 'postgres://me@old.example.com/shop' }),
        destination: resolveSettings({ url: 'postgres://me@new.example.com/shop' }),
      }
      store.begin('1a2b3c4d', ends)
      const counts = { elapsed_seconds: 12, tables: [], skipped: [], warnings: [], phases: [] }
      const failed = [{ kind: 'INDEX', schema: 'public', name: 'i', error: 'no' }]
      store.end('1a2b3c4d', { ...counts, status: 'completed_with_failures', failed })
    }
    const { code, output } = await status(directory)
    expect(code).toBe(1)
    expect(output).toContain('No database is followed. The last run, 1a2b3c4d, began ')
    expect(output).toContain(
      'Finished with 1 failure in 12.0 s: 0 rows, 0 bytes in 0 tables. Failed: index public.i.',
    )
  })
})

describe('--json', () => {
  test('is the view; an array if there are several', async () => {
    const { directory } = await published(live())
    const one = JSON.parse((await status(directory, '--json')).output)
    expect([...Value.Errors(FollowView, one)]).toEqual([])
    expect(one.name).toBe('shop')
    await published(live({ name: 'other' }), directory)
    const both = JSON.parse((await status(directory, '--json')).output) as FollowView[]
    expect(both.map(({ name }) => name).sort()).toEqual(['other', 'shop'])
  })
})

describe('--watch', () => {
  test('writes a line a second outside of a terminal, until the switchover', async () => {
    const { directory, publisher } = await published(live())
    const args = ['status', '--watch', '--state-dir', directory]
    const child = Bun.spawn([...program, ...args], { stdout: 'pipe' })
    const chunks = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
    const read = () => within('a line of status --watch', chunks.read(), undefined, () => output)
    let output = ''
    output = (await read()).value ?? ''
    expect(child.exitCode).toBe(null)
    await publisher.publish(live({ stage: 'done', streams: [], switchover: switched().switchover }))
    for (let more = await read(); !more.done; more = await read()) output += more.value
    expect(await within('the end of status --watch', child.exited)).toBe(0)
    const lines = output.trimEnd().split('\n')
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d shop: streaming, running, lag 12 kB, 0\.3 s, .*ready to switch over/,
    )
    expect(lines.at(-1)).toMatch(/^\d\d:\d\d:\d\d shop: done, running/)
  })

  test('ends with code 1 when the process is killed', async () => {
    const { directory, publisher } = await publishedElsewhere(live())
    const home = makeHome()
    open.push(home)
    const { finished } = home.start(['status', '--watch', '--json', '--state-dir', directory])
    publisher.child.kill('SIGKILL')
    const { code, output } = await finished
    expect(code).toBe(1)
    expect(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '').state).toBe('lost')
  })

  test('redraws a terminal in place, and leaves the last output there', async () => {
    const stream = followStream()
    const { directory, publisher } = await published(live({ streams: [stream] }))
    await using on = onTerminal(['status', '--watch', '--state-dir', directory], directory, { rows: 40 })
    await on.shows('12 kB, 0.3 s')
    const status = { ...stream.status, lagBytes: 5 * 1024 }
    await publisher.publish(live({ streams: [{ ...stream, status }] }))
    await on.shows('5.0 kB, 0.3 s')
    expect(on.terminal.lines.filter((line) => line.includes('  lag '))).toHaveLength(1)
    await publisher.publish(live({ state: 'failed', last_error: { message: 'the disk is full' } }))
    expect(await on.exited).toBe(1)
    expect(on.terminal.lines.join('\n')).toContain('error: it failed: the disk is full')
    expect(on.terminal.isCursorShown).toBe(true)
    expect(on.terminal.faults).toEqual([])
  })
})

function switched(): Pick<Required<FollowView>, 'switchover'> {
  const options = { ...defaultSwitchoverOptions, read_only_source: true }
  return {
    switchover: { state: 'done', options, step: 'report', started_at: 0, report: switchoverReport() },
  }
}
