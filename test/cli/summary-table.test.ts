import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { styleFor } from '../../server/cli/render/style.ts'
import { summaryLines } from '../../server/cli/render/summary-table.ts'
import { widthOf } from '../../server/cli/render/text.ts'
import type { Summary } from '../../shared/summary.ts'

const style = styleFor(false, { LANG: 'C.UTF-8' })

describe('the summary', () => {
  test('lists tables by size, phases by their order, and ends with the result', () => {
    const summary: Summary = {
      ...empty,
      tables: [table('small', 100, 1024), table('large', 5_000_000, 512 * 1024 * 1024)],
      phases: [
        phase('tables', { total: 2, done: 2, wall_seconds: 0.1, cumulative_seconds: 0.1 }),
        phase('data', { total: 2, done: 2, wall_seconds: 10, cumulative_seconds: 14.5 }),
      ],
    }
    expect(summaryLines(summary, 80, style)).toEqual([
      '',
      'Table              Rows   Bytes   Copy  Indexes',
      'public.large  5,000,000  512 MB  2.0 s    1.0 s',
      'public.small        100  1.0 kB  2.0 s    1.0 s',
      '',
      'Phase   Done    Time  Added up',
      'tables     2   0.1 s     0.1 s',
      'data       2  10.0 s    14.5 s',
      '',
      'Done in 12.3 s: 5,000,100 rows, 512 MB in 2 tables.',
    ])
  })

  test('of many tables shows the largest and all failed ones, and sums up the others', () => {
    const tables = Array.from({ length: 100 }, (_, index) => table(`t${index}`, 1, index * 1024))
    const lines = summaryLines(
      { ...empty, tables: [...tables, { ...table('broken', 0, 0), status: 'failed' }] },
      80,
      style,
    )
    expect(lines.filter((line) => line.startsWith('public.t'))).toHaveLength(20)
    expect(lines).toContainEqual(expect.stringMatching(/^public\.broken +failed$/))
    expect(lines).toContainEqual(expect.stringMatching(/^and 80 more +80 +3\.1 MB$/))
  })

  test('of a dry run claims only what was planned', () => {
    const planned = { tables: 2, rows: 1200, bytes: 2048 }
    expect(summaryLines({ ...empty, planned }, 100, style)).toEqual([
      '',
      'Dry run in 12.3 s: nothing was written. Planned: about 1,200 rows, 2.0 kB in 2 tables.',
    ])
  })

  test('of a refused run shows only the reason', () => {
    const summary: Summary = {
      ...empty,
      status: 'failed',
      tables: [{ ...table('t', 0, 0), status: 'pending' }],
      phases: [phase('reading', { wall_seconds: 0.2 }), phase('tables', { total: 3 })],
      warnings: ['look at this'],
      error: 'the destination has no room',
    }
    const lines = summaryLines(summary, 80, style)
    expect(lines).toEqual([
      '',
      '1 warning',
      '  look at this',
      '',
      'Failed after 12.3 s: the destination has no room',
    ])
    expect(summaryLines({ ...summary, tables: [table('t', 1, 1)] }, 80, style)).toContainEqual(
      expect.stringContaining('Phase'),
    )
  })

  test('shows a warning once, with its count, and at most ten', () => {
    const warnings = ['again', 'again', ...Array.from({ length: 12 }, (_, index) => `warning ${index}`)]
    const lines = summaryLines({ ...empty, warnings }, 80, style)
    expect(lines).toContain('13 warnings')
    expect(lines).toContain('  again (2 times)')
    expect(lines).toContain('  and 3 more')
  })

  test('names objects with the same reason together', () => {
    const skipped = Array.from({ length: 8 }, (_, index) => {
      return { schema: 'public', name: `i${index}`, kind: 'INDEX', reason: 'table public.t failed' }
    })
    const lines = summaryLines({ ...empty, skipped }, 200, style)
    const names = [0, 1, 2, 3, 4].map((index) => `index public.i${index}`).join(', ')
    expect(lines).toContain('8 skipped')
    expect(lines).toContain(`  table public.t failed: ${names}, and 3 more`)
  })

  test('repeats the error of the server for all failures', () => {
    const failed = { schema: 'public', name: 'a b', kind: 'FK CONSTRAINT', error: 'no. Detail: one\ntwo' }
    const lines = summaryLines({ ...empty, status: 'completed_with_failures', failed: [failed] }, 80, style)
    expect(lines.slice(0, 4)).toEqual([
      '',
      '1 failed',
      '  foreign key public.a b: no. Detail: one',
      '    two',
    ])
    expect(lines.slice(-2)).toEqual([
      'Finished with 1 failure in 12.3 s: 0 rows, 0 bytes in 0 tables. Failed:',
      '  foreign key public.a b.',
    ])
  })

  test('ends with the failures, the last first', () => {
    const failed = [0, 1, 2, 3, 4].map((n) => ({
      schema: 'public',
      name: `t${n}`,
      kind: 'TABLE',
      error: 'no',
    }))
    const lines = summaryLines({ ...empty, status: 'completed_with_failures', failed }, 200, style)
    expect(lines.at(-1)).toEndWith('Failed: table public.t4, table public.t3, table public.t2 and 2 more.')
  })

  test('of a cancelled or failed run says so', () => {
    expect(summaryLines({ ...empty, status: 'cancelled' }, 80, style).at(-1)).toBe(
      'Cancelled after 12.3 s: 0 rows, 0 bytes in 0 tables were complete.',
    )
    expect(summaryLines({ ...empty, status: 'failed', error: 'no such host' }, 80, style).at(-1)).toBe(
      'Failed after 12.3 s: no such host',
    )
  })

  test('fits every terminal, whatever the names and messages', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('日本語'.repeat(20), '\x1b[2J\n\r'))
    fc.assert(
      fc.property(text, text, fc.integer({ min: 10, max: 120 }), (name, words, width) => {
        const object = { schema: 'public', name, kind: 'INDEX' }
        const summary: Summary = {
          ...empty,
          tables: [table(name, 123_456_789, 987_654_321)],
          failed: [{ ...object, error: words }],
          skipped: [{ ...object, reason: words }],
          warnings: [words],
          phases: [phase('data', { total: 1, failed: 1 })],
        }
        for (const line of summaryLines(summary, width, style)) {
          expect(widthOf(line)).toBeLessThanOrEqual(width)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })
})

const empty: Summary = {
  status: 'completed',
  elapsed_seconds: 12.3,
  tables: [],
  failed: [],
  skipped: [],
  warnings: [],
  phases: [],
}

function table(name: string, rows: number, bytes: number): Summary['tables'][number] {
  return {
    schema: 'public',
    name,
    status: 'completed',
    rows,
    collided: 0,
    bytes,
    seconds: 2,
    index_seconds: 1,
  }
}

type Phase = Summary['phases'][number]

function phase(name: Phase['phase'], counts: Partial<Phase>): Phase {
  const none = {
    total: 0,
    done: 0,
    failed: 0,
    skipped: 0,
    running: 0,
    wall_seconds: 0,
    cumulative_seconds: 0,
  }
  return { phase: name, ...none, ...counts }
}
