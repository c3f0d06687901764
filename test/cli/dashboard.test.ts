// The dashboard without a terminal: how a view is drawn, and what keys do.
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { frame } from '../../server/cli/dashboard/frame.ts'
import { KeyReader } from '../../server/cli/dashboard/keys.ts'
import { sparkline } from '../../server/cli/dashboard/sparkline.ts'
import { newState, press, type State, withoutOutdated } from '../../server/cli/dashboard/state.ts'
import { styleFor } from '../../server/cli/render/style.ts'
import { widthOf } from '../../server/cli/render/text.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import {
  conflictView,
  copyingView,
  followStatus,
  followStream,
  followView,
} from '../support/example-views.ts'

const now = Date.UTC(2026, 10, 21, 11, 6, 12)
const colours = styleFor(true, { LANG: 'C.UTF-8' })
const plain = styleFor(false, { LANG: 'C.UTF-8' })
const evilName = 'evil\x1b[2J\x1b]0;title\x07\n\r\x9b31m\u202ename'
const wideNames = ['日本語のテーブル', '👨‍👩‍👧‍👦 family', '🇩🇪🇫🇷🇪🇸', 'e\u0301'.repeat(40), 'ไทยภาษา', evilName]

function shown(
  view: FollowView,
  { columns = 80, rows = 24, keys = [] as string[], own = false } = {},
): string[] {
  let state = newState()
  for (const key of keys) state = press(state, key, { view, own, page: 8 }).state
  return frame(view, state, { columns, rows }, now, plain).lines
}

describe('a frame', () => {
  test('is never wider or higher than the terminal, and contains no control sequences of others', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom(...wideNames))
    const number = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e18, noNaN: true }))
    const dialogs = fc.constantFrom('', '?', 's', 'k', 'x', 'q', 'tab')
    const size = fc.record({
      columns: fc.integer({ min: 1, max: 200 }),
      rows: fc.integer({ min: 1, max: 60 }),
    })
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 12 }),
        number,
        size,
        dialogs,
        fc.constantFrom('copy', 'conflict', 'streaming', 'both', 'lost'),
        (names, amount, size, key, kind) => {
          const view = viewOf(kind, names, amount)
          const around = { view, own: true, page: 3 }
          let state = press(newState(), key, around).state
          state = press(state, 'enter', around).state
          const { lines } = frame(view, state, size, now, colours)
          expect(lines).toHaveLength(size.rows)
          for (const line of lines) {
            expect(widthOf(line)).toBeLessThanOrEqual(Math.max(1, size.columns - 1))
            expect(Bun.stripANSI(line)).not.toMatch(/[\p{Cc}\u202e]/u)
          }
        },
      ),
    )
  })

  test('shows the copy with its bars while rows are copied', () => {
    const lines = shown(copyingView(now))
    expect(lines[5]).toMatch(/^ 37% ━+╸?─+ {2}6 s left$/)
    expect(lines[6]).toBe('data · 2,399,661 rows · 261 MB of 700 MB · 81 MB/s · 2 of 4 tables')
    expect(lines.join('\n')).toMatch(/public\.accounts ━+╸?─+ {2}47% +2,399,661 rows/)
    expect(lines.at(-1)).toBe('Tab panes   ? help   q quit')
  })

  test('shows both directions when changes flow in both', () => {
    const back = followStream({ direction: 'back', slot: { ...slot, name: 'pgtrek_shop_back' } })
    const lines = shown(followView(now, { bidirectional: true, streams: [followStream(), back] })).join('\n')
    expect(lines).toContain('me@old.example.com:5432/shop ←→ me@new.example.com:5432/shop')
    expect(lines).toContain('→ lag')
    expect(lines).toContain("← slot   pgtrek_shop_back: being read, keeps 16 MB of the destination's log")
  })

  test('keeps lag and cutover readiness in the smallest terminals', () => {
    const lines = shown(followView(now), { columns: 40, rows: 8 })
    expect(lines[0]).toStartWith('pgtrek')
    expect(lines.join('\n')).toContain('ready to switch over')
    expect(lines.join('\n')).toContain('lag    12 kB, 0.3 s')
  })

  test('warns of a slot that retains much WAL, is endangered, or lost', () => {
    const many = { ...slot, retained_bytes: 3 * 1024 ** 3 }
    expect(shown(followView(now, { streams: [followStream({ slot: many })] })).join('\n')).toContain(
      'warning: the source keeps 3.0 GB of log on its disk for the slot pgtrek_shop',
    )
    const endangered = followView(now, { streams: [followStream({ slot: { ...many, endangered: true } })] })
    expect(shown(endangered).join('\n')).toContain('error: the source is about to invalidate the slot')
    const lost = followView(now, { streams: [followStream({ slot: { ...slot, lost: 'wal_removed' } })] })
    expect(shown(lost).join('\n')).toContain('error: the slot pgtrek_shop on the source is lost: wal_removed')
  })

  test('does not show readiness of an outdated state', () => {
    const lines = shown(followView(now, { updated_at: now - 60_000 }))
    expect(lines[3]).toBe('○ not ready: no status from its process for 1 min 00 s')
  })

  test('the question before a switchover repeats the reasons against it', () => {
    const lines = shown(conflictView(now), { keys: ['s', 'enter'] }).join('\n')
    expect(lines).toContain('not ready: it is stopped at a conflict')
    expect(lines).toContain('Switch over now?')
  })
})

describe('keys', () => {
  const around = { view: followView(now), own: false, page: 8 }

  test('q leaves; if this process runs the move, it asks whether to stop it', () => {
    expect(press(newState(), 'q', around).effect).toEqual({ type: 'leave' })
    const asked = press(newState(), 'q', { ...around, own: true })
    expect(asked.effect).toBeUndefined()
    expect(press(asked.state, 'n', { ...around, own: true }).effect).toEqual({ type: 'leave' })
    expect(press(asked.state, 'y', { ...around, own: true }).effect).toEqual({
      ...{ type: 'act', action: { type: 'stop' } },
      saying: 'stopping',
    })
  })

  test('after a switchover with a return stream, s returns', () => {
    const view = followView(now, { stage: 'done', direction: 'back' })
    const effect = pressAll(['s', 'enter', 'y'], view)
    expect(effect).toMatchObject({ action: { type: 'switchover', options: { back: true } } })
  })

  test('c copies failed tables again, and the table in conflict', () => {
    const failed = { schema: 'public', name: 'Big', error: 'it did not fit' }
    const { table } = conflictView(now).streams[0]?.status.conflict ?? {}
    const view = { ...conflictView(now), failed_tables: [failed] }
    expect(pressAll(['c', 'y'], view)).toMatchObject({
      action: { type: 'recopy', tables: ['"public"."Big"', `"${table?.schema}"."${table?.name}"`] },
    })
    const { state } = press(newState(), 'c', around)
    expect(state.message?.text).toBe('no table has failed, and none is in conflict')
  })

  test('without a view, there is nothing to switch over', () => {
    const view = followView(now, { stage: 'done', streams: [] })
    const { state, effect } = press(newState(), 's', { ...around, view })
    expect(effect).toBeUndefined()
    expect(state.message?.text).toBe('it is switched over, and no changes flow back')
  })

  test('a form is closed when another terminal has switched over', () => {
    const { state } = press(newState(), 's', around)
    expect(withoutOutdated(state, around.view)).toBe(state)
    const after = withoutOutdated(state, followView(now, { stage: 'done', direction: 'back' }))
    expect(after.dialog).toBeUndefined()
  })

  test('only a yes to a question changes anything', () => {
    const keys = fc.constantFrom(
      ...'psxtkacyn123456? hqo',
      'enter',
      'escape',
      'tab',
      'up',
      'down',
      'left',
      'right',
    )
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 30 }), fc.boolean(), (pressed, isConflict) => {
        const view = isConflict ? conflictView(now) : followView(now)
        let state: State = newState()
        for (const key of pressed) {
          const before = state
          const { state: after, effect } = press(state, key, { ...around, view })
          if (effect?.type === 'act' && !['pause', 'resume', 'retry'].includes(effect.action.type)) {
            expect(key).toBe('y')
            expect(before.dialog).toBeDefined()
          }
          state = after
        }
      }),
    )
  })

  function pressAll(keys: string[], view: FollowView) {
    let state = newState()
    for (const key of keys) {
      const pressed = press(state, key, { ...around, view })
      if (pressed.effect) return pressed.effect
      state = pressed.state
    }
    return undefined
  }
})

describe('what a terminal sends', () => {
  test('is decoded into keys, however it is split', () => {
    const parts: [string, string][] = [
      ['\x1b[A', 'up'],
      ['\x1bOB', 'down'],
      ['\x1b[5~', 'page-up'],
      ['\r', 'enter'],
      ['\x03', 'interrupt'],
      ['q', 'q'],
      ['ü', 'ü'],
      ['😀', '😀'],
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts)), fc.array(fc.nat(9)), (typed, cuts) => {
        const reader = new KeyReader()
        const keys: string[] = []
        let rest = typed.map(([bytes]) => bytes).join('')
        for (const cut of cuts) {
          const [piece, others] = [Array.from(rest).slice(0, cut), Array.from(rest).slice(cut)]
          keys.push(...reader.read(piece.join('')))
          rest = others.join('')
        }
        keys.push(...reader.read(rest))
        expect(keys).toEqual(typed.map(([, key]) => key))
        expect(reader.isWaiting).toBe(false)
      }),
    )
  })

  test('Escape is a key that nothing follows', () => {
    const reader = new KeyReader()
    expect(reader.read('\x1b')).toEqual([])
    expect(reader.isWaiting).toBe(true)
    expect(reader.flush()).toEqual(['escape'])
  })

  test('pasted text and unknown sequences are no keys', () => {
    const reader = new KeyReader()
    expect(reader.read('a\x1b[200~y\r\x1b[A')).toEqual(['a'])
    expect(reader.read('yyy\x1b[20')).toEqual([])
    expect(reader.read('1~b\x1b[15~\x1b[1;5Cc\x07d')).toEqual(['b', 'c', 'd'])
  })
})

test('a sparkline keeps the peaks, and draws zero as the lowest character', () => {
  expect(sparkline([0, 1, 8, 4], 10, '▁▂▃▄▅▆▇█')).toBe('▁▂█▅')
  expect(sparkline([0, 0, 0], 10, '▁▂▃▄▅▆▇█')).toBe('▁▁▁')
  const long = Array.from({ length: 240 }, (_, index) => (index === 100 ? 9 : 0))
  expect(sparkline(long, 24, '▁▂▃▄▅▆▇█')).toBe(`${'▁'.repeat(10)}█${'▁'.repeat(13)}`)
})

const slot = { name: 'pgtrek_shop', active: true, retained_bytes: 16 * 1024 * 1024, endangered: false }

function viewOf(kind: string, names: string[], amount: number): FollowView {
  const name = names[0] ?? ''
  const tables = names.map((name) => ({
    ...{ schema: 'public', name, inserts: amount, updates: 1, deletes: 0, truncates: 0 },
  }))
  const stream = followStream({ status: followStatus({ tables, lagBytes: amount, rows: amount }) })
  const common: Partial<FollowView> = {
    name,
    source: name,
    destination: name.repeat(3),
    warnings: names,
    failed_tables: names.map((name) => ({ schema: name, name, error: name })),
    log: names.map((message) => ({ at: now, level: 'warn', message })),
    last_error: { message: name },
  }
  switch (kind) {
    case 'copy': {
      const view = copyingView(now)
      const running = names.map((name) => ({ schema: 'public', name, percent: 50, rows: amount }))
      const failed = names.map((name) => ({ schema: 'public', name, error: name }))
      return {
        ...view,
        ...common,
        ...(view.copy && { copy: { ...view.copy, running, failed, rows: amount } }),
      }
    }
    case 'conflict': {
      const key = Object.fromEntries(names.map((name) => [name, name]))
      const table = { schema: name, name }
      return { ...conflictView(now, { table, key, problems: names, message: name }), ...common }
    }
    case 'both':
      return followView(now, { ...common, streams: [stream, { ...stream, direction: 'back' }] })
    case 'lost':
      return followView(now, { ...common, state: 'lost', streams: [stream] })
    default:
      return followView(now, { ...common, streams: [stream] })
  }
}
