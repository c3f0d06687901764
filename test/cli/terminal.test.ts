import { afterEach, describe, expect, jest, test } from 'bun:test'
import fc from 'fast-check'
import { frame } from '../../server/cli/render/bars.ts'
import { styleFor } from '../../server/cli/render/style.ts'
import { widthOf } from '../../server/cli/render/text.ts'
import { chooseView, liveView, plainView } from '../../server/cli/render/view.ts'
import type { View, ViewOptions } from '../../server/cli/render/view-types.ts'
import { foldEvents } from '../../shared/fold.ts'
import { within } from '../../tools/eventually.ts'
import { Recording } from '../shared/runs.ts'
import { VirtualTerminal } from './virtual-terminal.ts'

const megabyte = 1024 * 1024
const environment = { LANG: 'C.UTF-8' }
const evilName = 'evil\x1b[2J\x1b]0;title\x07\n\r\x9b31m\u202ename'

const opened: View[] = []
afterEach(() => {
  for (const view of opened.splice(0)) view[Symbol.dispose]()
  jest.useRealTimers()
})

describe('the live view', () => {
  test('shows the whole run at the bottom and a bar for each table that is being copied', () => {
    const { terminal } = live(moving('users', 'orders'))
    expect(terminal.screen).toEqual([
      planLine,
      expect.stringMatching(/^ +\d+% ━+╸?─+$/),
      'data · 60 rows · 40 MB · 40 MB/s · 0 of 3 tables · 1.0 s',
      expect.stringMatching(/^ {2}public\.users {2}━+╸?─+ {2}30% {2}30 rows {2}1\.0 s$/),
      expect.stringMatching(/^ {2}public\.orders ━+╸?─+ {2}30% {2}30 rows {2}1\.0 s$/),
      '',
    ])
  })

  test('scrolls messages above the bars, which stay at the bottom', () => {
    const { terminal, view, run } = live(moving('users', 'orders'))
    for (let index = 0; index < 50; index++) {
      feed(view, run.warn(`something strange, number ${index}`))
      if (index % 10 === 0) nextFrame()
    }
    nextFrame()
    const bars = terminal.screen.filter((line) => line.includes('%'))
    expect(bars).toHaveLength(3)
    expect(terminal.screen.at(-6)).toBe('warning: something strange, number 49')
    expect(terminal.lines.filter((line) => line.startsWith('warning'))).toHaveLength(50)
  })

  test('shows what is built after the rows, and for how long', () => {
    const run = moving('users')
    run
      .finish(run.rowsStep('users'), 3)
      .start(run.step('indexes', 'INDEX', 'users_pkey', 'users'))
      .wait(2)
    const { terminal } = live(run)
    expect(terminal.screen).toContain('✓ public.users: 30 rows in 3.0 s')
    expect(terminal.screen).toContain('  index public.users_pkey  2.0 s')
  })

  test('shows as many as fit, and the number of the others', () => {
    const names = Array.from({ length: 20 }, (_, index) => `table_${index}`)
    const tall = live(moving(...names), {}, [80, 24])
    expect(tall.terminal.screen.filter((line) => line.includes('public.table_'))).toHaveLength(7)
    expect(tall.terminal.screen).toContain('  and 13 more')
    const low = live(moving(...names), {}, [80, 6])
    expect(low.terminal.screen.filter((line) => line.includes('public.table_'))).toHaveLength(1)
    expect(low.terminal.lines.length).toBeLessThanOrEqual(6)
  })

  test('neutralises control sequences in names and messages', () => {
    const run = moving(evilName)
    run.warn(`look at ${evilName}`)
    run.fail(run.step('indexes', 'INDEX', evilName, evilName), { message: evilName, detail: '\x1b[H' })
    const { terminal, view } = live(run)
    expect(terminal.screen.join('\n')).toContain('public.evil\\x1b[2J\\x1b]0;title\\x07\\n\\r�31m�name')
    feed(view, run.finished('completed_with_failures'))
    view.end(foldEvents(run.events).summary(run.now))
    expect(terminal.faults).toEqual([])
  })

  test('never writes a line wider than the terminal, whatever its size and the names', () => {
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom(...wideNames))
    const size = fc.record({
      columns: fc.integer({ min: 1, max: 200 }),
      rows: fc.integer({ min: 1, max: 50 }),
    })
    const style = styleFor(true, environment)
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 10 }), size, (names, size) => {
        const run = moving(...names)
        for (const name of names.slice(3)) run.start(run.step('indexes', 'INDEX', name, name))
        for (const line of frame(foldEvents(run.events), run.now, size, style)) {
          expect(widthOf(line)).toBeLessThanOrEqual(Math.max(1, size.columns - 1))
          expect(Bun.stripANSI(line)).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })

  test('is still useful in 40 columns', () => {
    const { terminal } = live(moving('a_table_with_a_rather_long_name'), {}, [40, 12])
    expect(terminal.faults).toEqual([])
    expect(terminal.screen.slice(-4)).toEqual([
      expect.stringMatching(/^ +\d+% ━*╸?─+$/),
      'data · 30 rows · 20 MB · 20 MB/s',
      expect.stringMatching(/^ {2}public\.a_table_w… ━+╸?─+ {2}30%$/),
      '',
    ])
  })

  test('follows the terminal when it is made narrower or wider', () => {
    const { terminal } = live(moving('users'))
    terminal.columns = 50
    nextFrame()
    expect(terminal.faults).toEqual([])
    terminal.columns = 120
    nextFrame()
    expect(widthOf(terminal.screen.at(-4) ?? '')).toBe(119)
  })

  test('writes a frame in one piece, and nothing while nothing changes', () => {
    const { terminal, view, run } = live(moving('users'))
    const writes = terminal.writes.length
    nextFrame()
    expect(terminal.writes).toHaveLength(writes)
    feed(view, run.rows('users', 40, 30 * megabyte))
    nextFrame()
    expect(terminal.writes).toHaveLength(writes + 1)
  })

  test('hides the cursor while it draws, and restores it at the end', () => {
    const { terminal, view, run } = live(moving('users'))
    expect(terminal.isCursorShown).toBe(false)
    feed(view, run.finished('completed'))
    view.end(foldEvents(run.events).summary(run.now))
    expect(terminal.isCursorShown).toBe(true)
  })

  test('removes its bars and listeners when it is disposed without an end', () => {
    const listeners = () => ['exit', 'SIGINT', 'SIGTERM'].map((name) => process.listenerCount(name))
    const before = listeners()
    const { terminal, view } = live(moving('users'))
    expect(listeners()).not.toEqual(before)
    view[Symbol.dispose]()
    expect(terminal.isCursorShown).toBe(true)
    expect(terminal.screen).toEqual([planLine, ''])
    expect(listeners()).toEqual(before)
  })

  test('restores the cursor when it is interrupted', async () => {
    const script = `
      import { liveView } from '${import.meta.dir}/../../server/cli/render/view.ts'
      const view = liveView({ isTTY: true, columns: 80, rows: 24, write })
      view.event({ type: 'planned', at: 0, tables: [], steps: { data: 1 }, warnings: [] })
      function write(text) {
        process.stdout.write(text)
        if (text.includes('\\x1b[?25l')) setTimeout(() => process.kill(process.pid, 'SIGINT'), 0)
      }
      setInterval(() => {}, 1000)`
    const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
    const written = await within('the end of its output', new Response(child.stdout).text())
    await within('its end', child.exited)
    expect(child.signalCode).toBe('SIGINT')
    expect(written).toContain('\x1b[?25l')
    expect(written).toEndWith('\x1b[?25h')
  })

  test('pauses for a question, and continues after the answer', () => {
    const { terminal, view, run } = live(moving('users'))
    {
      using _ = view.pause()
      expect(terminal.screen).toEqual([planLine, ''])
      expect(terminal.isCursorShown).toBe(true)
      terminal.write('Sure? yes\n')
      feed(view, run.warn('meanwhile'))
      nextFrame()
      expect(terminal.screen).toEqual([planLine, 'Sure? yes', ''])
    }
    nextFrame()
    expect(terminal.screen.slice(1, 3)).toEqual(['Sure? yes', 'warning: meanwhile'])
    expect(terminal.screen.at(-2)).toContain('public.users')
  })

  test('prints other messages without disturbing the bars', () => {
    const { terminal, view } = live(moving('users'))
    view.say('stopping; repeat to stop immediately')
    nextFrame()
    expect(terminal.screen[1]).toBe('stopping; repeat to stop immediately')
    expect(terminal.screen.at(-2)).toContain('public.users')
  })

  test('has no colours if NO_COLOR is set, and no symbols that the locale cannot show', () => {
    const { terminal } = live(moving('users'), { environment: { NO_COLOR: '1', LANG: 'C' } })
    expect(terminal.isColoured).toBe(false)
    expect(terminal.screen.join('')).toMatch(/^[\x20-\x7e]*$/)
  })
})

describe('the plain view', () => {
  test('writes lines as things happen, and a line of progress now and then', () => {
    const run = moving('users')
    const { terminal, view } = plain(run, { interval: 30 })
    jest.advanceTimersByTime(30)
    expect(terminal.lines).toEqual([
      'reading the catalogs',
      expect.stringMatching(/^planned 3 steps for 3 tables/),
      expect.stringMatching(/^\d+% \(data\): 30 rows, 20 MB, 20 MB\/s, 0 of 3 tables, 1\.0 s elapsed$/),
      '',
    ])
    feed(view, run.finish(run.rowsStep('users'), 3).warn('careful'))
    expect(terminal.lines.slice(-3)).toEqual(['public.users: 30 rows in 3.0 s', 'warning: careful', ''])
  })

  test('moves no cursor and clears no line', () => {
    const run = moving(evilName).finished('completed')
    const { terminal, view } = plain(run, {})
    view.end(foldEvents(run.events).summary(run.now))
    expect(terminal.writes.join('').replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  test('with --quiet prints only problems and the last line', () => {
    const run = moving('users').warn('careful')
    run.finish(run.rowsStep('users'), 3)
    run.fail(run.step('views', 'VIEW', 'v'), { message: 'no' }).finished('completed_with_failures')
    const { terminal, view } = plain(run, { level: 'quiet', interval: 10 })
    jest.advanceTimersByTime(30)
    view.end(foldEvents(run.events).summary(run.now))
    expect(terminal.lines).toEqual([
      'warning: careful',
      'error: view public.v failed: no',
      'Finished with 1 failure in 1.0 s: 30 rows, 20 MB in 1 table. Failed: view public.v.',
      '',
    ])
  })

  test('with --verbose prints every step', () => {
    const run = moving('users')
    const view = run.step('views', 'VIEW', 'v')
    run
      .start(view)
      .finish(view, 0.01)
      .skip(run.step('views', 'VIEW', 'w'), 'view public.v failed')
    const { terminal } = plain(run, { level: 'verbose' })
    expect(terminal.lines.slice(-4)).toEqual([
      'view public.v started',
      'view public.v done in 0.0 s',
      'view public.w skipped: view public.v failed',
      '',
    ])
  })
})

describe('the chosen view', () => {
  const drawsBars = (stream: VirtualTerminal, options: ViewOptions, progress = true) => {
    jest.useFakeTimers()
    const view = open(chooseView({ stream, progress, interval: frameMs, environment, ...options }))
    feed(view, moving('users'))
    nextFrame()
    return stream.writes.some((text) => text.includes('\x1b[?25l'))
  }

  test('is live on a terminal, unless the user or the terminal disables it', () => {
    expect(drawsBars(new VirtualTerminal(80, 24), {})).toBe(true)
    expect(drawsBars(new VirtualTerminal(80, 24), {}, false)).toBe(false)
    expect(drawsBars(new VirtualTerminal(80, 24), { level: 'quiet' })).toBe(false)
    expect(drawsBars(new VirtualTerminal(80, 24), { environment: { TERM: 'dumb' } })).toBe(false)
  })

  test('is plain outside of a terminal', () => {
    const pipe = Object.assign(new VirtualTerminal(0, 0), { isTTY: false })
    expect(drawsBars(pipe, {})).toBe(false)
  })
})

const wideNames = ['日本語のテーブル', '👨‍👩‍👧‍👦 family', '🇩🇪🇫🇷🇪🇸', 'e\u0301'.repeat(40), 'ไทยภาษา', evilName]

const planLine = 'planned 3 steps for 3 tables, about 300 rows, 210 MB'

/** A run with three planned tables; the named ones have copied 30% of their rows in one second. */
function moving(...names: string[]): Recording {
  const run = new Recording().started()
  const tables = ['users', 'orders', 'items', ...names].slice(0, Math.max(3, names.length))
  run.planned(
    tables.map((_, index) => [names[index] ?? `other_${index}`, 100, 70 * megabyte]),
    { data: tables.length },
  )
  for (const name of names) run.start(run.rowsStep(name))
  run.wait(1)
  for (const name of names) run.rows(name, 30, 20 * megabyte)
  return run
}

const frameMs = 10

/** Time passes only with `nextFrame`. */
function live(run: Recording, options: ViewOptions = {}, [columns, rows] = [100, 24]) {
  jest.useFakeTimers()
  const terminal = new VirtualTerminal(columns ?? 100, rows ?? 24)
  const view = open(liveView(terminal, { environment, now: () => run.now, interval: frameMs, ...options }))
  feed(view, run)
  nextFrame()
  return { terminal, view, run }
}

function plain(run: Recording, options: ViewOptions) {
  jest.useFakeTimers()
  const terminal = Object.assign(new VirtualTerminal(10_000, 24), { isTTY: false })
  const view = open(plainView(terminal, { environment, now: () => run.now, ...options }))
  feed(view, run)
  return { terminal, view }
}

function open(view: View): View {
  opened.push(view)
  return view
}

const fed = new WeakMap<View, number>()

/** Feeds the events of the run that the view has not had yet. */
function feed(view: View, run: Recording): void {
  for (const event of run.events.slice(fed.get(view) ?? 0)) view.event(event)
  fed.set(view, run.events.length)
}

function nextFrame() {
  jest.advanceTimersByTime(frameMs)
}
