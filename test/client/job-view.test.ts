// The run view: order of tables, the curve, the parts of errors, the outcome.
import { describe, expect, test } from 'bun:test'
import { outcomeOf, phaseState } from '../../client/state/run-outcome.ts'
import { splitError } from '../../client/state/split-error.ts'
import { countStatuses, visibleTables } from '../../client/state/table-order.ts'
import { describeError } from '../../shared/describe.ts'
import type { TableProgress, TableStatus } from '../../shared/progress.ts'
import { Curve } from '../../shared/speeds.ts'

function table(name: string, status: TableStatus, bytes = 0, seconds = 0): TableProgress {
  return {
    ...{ schema: 'public', name, status, total_rows: 0, migrated_rows: 0, collided: 0, percent: 0 },
    ...{ total_bytes: bytes, migrated_bytes: 0, copy_seconds: seconds, index_seconds: 0 },
  }
}

describe('tables', () => {
  const tables = [
    table('a', 'completed', 10, 9),
    table('b', 'failed', 5),
    table('c2', 'in_progress', 1, 3),
    table('c10', 'in_progress', 7, 1),
  ]
  const names = (view: Parameters<typeof visibleTables>[1]) =>
    visibleTables(tables, view).map(({ name }) => name)

  test('that have failed are listed first, then those that are running', () => {
    expect(names({ status: 'all', sort: 'status', search: '' })).toEqual(['b', 'c10', 'c2', 'a'])
  })

  test('are sorted by name with numbers in order, by size and by time', () => {
    expect(names({ status: 'all', sort: 'name', search: 'c' })).toEqual(['a', 'b', 'c2', 'c10'])
    expect(names({ status: 'all', sort: 'size', search: '' })).toEqual(['a', 'c10', 'b', 'c2'])
    expect(names({ status: 'all', sort: 'seconds', search: '' })).toEqual(['a', 'c2', 'c10', 'b'])
  })

  test('are filtered by state and by name', () => {
    expect(names({ status: 'in_progress', sort: 'name', search: 'c1' })).toEqual(['c10'])
    expect(countStatuses(tables)).toMatchObject({ in_progress: 2, failed: 1, completed: 1, pending: 0 })
  })
})

test('a curve of any length is reduced to few points and keeps its mean', () => {
  const curve = new Curve()
  for (let second = 0; second < 5000; second++) {
    curve.add({ elapsed_seconds: second, rows_per_second: 7, bytes_per_second: second, running: true })
  }
  const { seconds, rows_per_second } = curve.speeds
  expect(seconds.length).toBeLessThanOrEqual(400)
  expect(new Set(rows_per_second)).toEqual(new Set([7]))
  expect(seconds.at(-1)).toBeGreaterThan(4900)
  expect(seconds).toEqual(seconds.toSorted((one, other) => one - other))
})

test('the text of an error is split into message, detail and hint', () => {
  const error = { message: 'no room', sqlstate: '53100', detail: 'The disk is full.', hint: 'Make room.' }
  expect(splitError(describeError(error))).toEqual({
    message: 'no room (SQLSTATE 53100).',
    detail: 'The disk is full.',
    hint: 'Make room.',
  })
  expect(splitError('just this')).toEqual({ message: 'just this' })
})

describe('the outcome of a run', () => {
  const phase = (more: Partial<Parameters<typeof phaseState>[0]>) => ({
    ...{ phase: 'data' as const, total: 3, done: 0, failed: 0, skipped: 0, running: 0 },
    ...{ wall_seconds: 0, cumulative_seconds: 0, ...more },
  })

  test('a phase is complete only when all of it is done', () => {
    expect(phaseState(phase({ done: 3 }), false)).toBe('completed')
    expect(phaseState(phase({ skipped: 3 }), false)).toBe('skipped')
    expect(phaseState(phase({ done: 2, skipped: 1 }), true)).toBe('skipped')
    expect(phaseState(phase({ done: 2, failed: 1 }), false)).toBe('failed')
    expect(phaseState(phase({ done: 2, running: 1 }), true)).toBe('in_progress')
    expect([phaseState(phase({ done: 1 }), true), phaseState(phase({ done: 1 }), false)]).toEqual([
      'pending',
      'not_reached',
    ])
  })

  test('only complete tables count, with their rows', () => {
    const done = { ...table('a', 'completed'), rows: 5, bytes: 1, seconds: 1 }
    const summary = {
      ...{ status: 'completed_with_failures' as const, elapsed_seconds: 1, warnings: [], phases: [] },
      tables: [done, { ...done, name: 'b', status: 'skipped' as const, rows: 0 }],
      failed: [{ schema: 'public', name: 'b', kind: 'TABLE', error: 'no' }],
      skipped: [],
    }
    expect(outcomeOf(summary)).toEqual({ tables: 2, whole: 1, rows: 5, failed: 1, skipped: 0 })
  })
})
