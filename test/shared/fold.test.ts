import { describe, expect, test } from 'bun:test'
import { foldEvents, ProgressFold } from '../../shared/fold.ts'
import type { Progress, TableProgress } from '../../shared/progress.ts'
import { publicTable, Recording } from './runs.ts'

const megabyte = 1024 * 1024

describe('a table', () => {
  test('goes from pending over in progress to completed, and its estimate becomes the exact number', () => {
    const run = new Recording().started().planned([['users', 90, megabyte]], { data: 1 })
    expect(tableOf(run, 'users')).toMatchObject({ status: 'pending', total_rows: 90, migrated_rows: 0 })

    const rows = run.rowsStep('users')
    run
      .start(rows)
      .wait(1)
      .rows('users', 45, megabyte / 2)
    expect(tableOf(run, 'users')).toMatchObject({ status: 'in_progress', percent: 50, copy_seconds: 1 })

    run.rows('users', 100, 1000).finish(rows, 1.5)
    expect(tableOf(run, 'users')).toMatchObject({
      status: 'completed',
      total_rows: 100,
      migrated_rows: 100,
      total_bytes: 1000,
      percent: 100,
      copy_seconds: 1.5,
    })
  })

  test('with more rows than estimated shows neither 100% nor more rows than there are', () => {
    const run = new Recording().started().planned([['users', 10, 10 * megabyte]], { data: 1 })
    run.start(run.rowsStep('users')).rows('users', 5_000_000, 50 * megabyte)
    const progress = progressOf(run)
    expect(progress.tables[0]).toMatchObject({ total_rows: 5_000_000, percent: 99 })
    expect(progress.overall_percent).toBe(99)
    expect(progress.total_bytes).toBeGreaterThanOrEqual(progress.migrated_bytes)
  })

  test('counts the rows that were left out with those that it has read, and not with those that it has', () => {
    const run = new Recording().started().planned([['users', 100, megabyte]], { data: 1 })
    const rows = run.rowsStep('users')
    const moved = (count: number, collided: number) =>
      run.add({ type: 'rows', at: run.now, table: publicTable('users'), rows: count, bytes: 500, collided })
    run.start(rows)
    moved(20, 30)
    expect(progressOf(run).tables[0]).toMatchObject({ migrated_rows: 20, collided: 30, percent: 50 })
    // A part starts again.
    moved(5, 10)
    moved(60, 40)
    run.finish(rows, 1)
    const [table] = progressOf(run).tables
    expect(table).toMatchObject({ migrated_rows: 60, collided: 40, total_rows: 100, percent: 100 })
    expect(foldEvents(run.events).summary(run.now).tables[0]).toMatchObject({ rows: 60, collided: 40 })
  })

  test('that fails has no rows, and is named with the server’s words', () => {
    const run = new Recording().started().planned([['users', 10, megabyte]], { data: 1 })
    const rows = run.rowsStep('users')
    run.start(rows).rows('users', 5, 500).wait(2)
    run.fail(rows, {
      message: 'duplicate key',
      sqlstate: '23505',
      detail: 'Key (id)=(1).',
      hint: 'Look closer',
    })
    const progress = progressOf(run)
    expect(progress.tables[0]).toMatchObject({ status: 'failed', migrated_rows: 0, copy_seconds: 2 })
    expect(progress.migrated_rows).toBe(0)
    const error = 'duplicate key (SQLSTATE 23505). Detail: Key (id)=(1). Hint: Look closer'
    expect(progress.failedTables).toEqual([{ schema: 'public', name: 'users', error }])
    expect(progress.failed).toMatchObject([
      {
        schema: 'public',
        name: 'users',
        kind: 'ROWS',
        error,
        cause: { sqlstate: '23505', hint: 'Look closer' },
      },
    ])
  })

  test('that cannot be created is failed, not skipped, when its rows are skipped for it', () => {
    const run = new Recording().started().planned([['users', 10, megabyte]], { tables: 1, data: 1 })
    run.fail(run.step('tables', 'TABLE', 'users'), { message: 'type does not exist' })
    run.skip(run.rowsStep('users'), 'table public.users failed')
    const progress = progressOf(run)
    expect(progress.tables[0]?.status).toBe('failed')
    expect(progress.failedTables).toHaveLength(1)
    expect(progress.skipped).toEqual([
      { schema: 'public', name: 'users', kind: 'ROWS', reason: 'table public.users failed' },
    ])
  })

  test('whose rows are skipped is skipped, also when they were never started', () => {
    const run = new Recording().started().planned([['users', 10, megabyte]], { data: 1 })
    run.skip(run.rowsStep('users'), 'the destination has rows')
    expect(tableOf(run, 'users').status).toBe('skipped')
  })

  test('collects the time of its indexes and constraints, side by side or not', () => {
    const run = new Recording().started().planned([['users', 10, megabyte]], { indexes: 2, constraints: 1 })
    const one = run.step('indexes', 'INDEX', 'one', 'users')
    const other = run.step('indexes', 'INDEX', 'other', 'users')
    run.start(one).start(other).wait(3).finish(one, 3).finish(other, 3)
    run.finish(run.step('constraints', 'FK CONSTRAINT', 'three', 'users'), 0.5)
    expect(tableOf(run, 'users').index_seconds).toBe(6.5)
  })

  test('with a failed index is complete itself: only the index has failed', () => {
    const run = new Recording().started().planned([['users', 1, megabyte]], { data: 1, indexes: 1 })
    run.finish(run.rowsStep('users'), 1)
    run.fail(run.step('indexes', 'INDEX', 'users_email', 'users'), { message: 'duplicate' })
    const progress = progressOf(run)
    expect(progress.tables[0]?.status).toBe('completed')
    expect(progress.failedTables).toEqual([])
    expect(progress.failed).toEqual([
      {
        schema: 'public',
        name: 'users_email',
        kind: 'INDEX',
        error: 'duplicate',
        cause: { message: 'duplicate' },
      },
    ])
  })

  test('is complete when it is created, in a run that moves no rows', () => {
    const run = new Recording().started().planned([['users', 10, megabyte]], { tables: 1 })
    run.finish(run.step('tables', 'TABLE', 'users', 'users'), 0.1)
    const progress = progressOf(run)
    expect(progress.tables[0]).toMatchObject({ status: 'completed', total_rows: 0, total_bytes: 0 })
    expect(progress.total_bytes).toBe(0)
  })

  test('is told apart from one of the same spelling in another schema', () => {
    const fold = new ProgressFold()
    const at = 0
    fold.apply({ type: 'rows', at, table: { schema: 'a.b', name: 'c' }, rows: 1, bytes: 1 })
    fold.apply({ type: 'rows', at, table: { schema: 'a', name: 'b.c' }, rows: 2, bytes: 2 })
    expect(fold.progress(at).tables.map((table) => table.migrated_rows)).toEqual([1, 2])
  })
})

describe('the end', () => {
  test('of a cancelled run cancels what was not complete, and leaves none of its rows', () => {
    const run = new Recording().started()
    run.planned(
      [
        ['whole', 5, megabyte],
        ['half', 10, megabyte],
        ['waiting', 10, megabyte],
      ],
      { data: 3 },
    )
    const whole = run.rowsStep('whole')
    run.start(whole).rows('whole', 5, 50).finish(whole, 1)
    run.start(run.rowsStep('half')).rows('half', 5, 50).finished('cancelled')
    const progress = progressOf(run)
    expect(progress.tables.map((table) => table.status)).toEqual(['completed', 'cancelled', 'cancelled'])
    expect(progress.migrated_rows).toBe(5)
    expect(progress.overall_percent).toBeLessThan(100)
    expect(progress.phases.every((phase) => phase.running === 0)).toBe(true)
  })

  test('of a completed run is 100%, also of an empty database', () => {
    const run = new Recording().started().planned([], {})
    expect(progressOf(run).overall_percent).toBe(0)
    run.finished('completed')
    expect(progressOf(run)).toMatchObject({ overall_percent: 100, status: 'completed', tables: [] })
  })

  test('with failures is as far as things are really there, and events after it change nothing', () => {
    const run = new Recording().started().planned([['users', 1, 1]], { data: 1 })
    run.fail(run.rowsStep('users'), { message: 'no' }).finished('completed_with_failures')
    const before = progressOf(run)
    expect(before.overall_percent).toBe(0)
    run.wait(5).warn('late')
    expect(progressOf(run)).toEqual(before)
  })

  test.each([['completed_with_failures'], ['failed'], ['cancelled']] as const)(
    '%s: tables and steps that failed, were skipped or never began are no part of the percentage',
    (status) => {
      const run = new Recording().started()
      run.planned(
        [
          ['whole', 5, megabyte],
          ['fails', 10, megabyte],
          ['half', 10, megabyte],
          ['waiting', 10, megabyte],
        ],
        { data: 4, indexes: 1 },
      )
      const [whole, fails, half] = [run.rowsStep('whole'), run.rowsStep('fails'), run.rowsStep('half')]
      run.start(whole).rows('whole', 5, 50).finish(whole, 1)
      run.start(fails).rows('fails', 9, 50).fail(fails, { message: 'no' })
      run.start(half).rows('half', 9, 50)
      expect(progressOf(run).overall_percent).toBeGreaterThan(50)
      run.finished(status)
      const progress = progressOf(run)
      // A quarter of the rows, without any of the index.
      expect(progress.overall_percent).toBeGreaterThan(20)
      expect(progress.overall_percent).toBeLessThan(25)
      expect(progress.migrated_rows).toBe(5)
    },
  )

  test('with an error says in the summary what went wrong', () => {
    const run = new Recording()
      .started()
      .wait(2)
      .finished('failed', { message: 'no such host', hint: 'Look' })
    expect(foldEvents(run.events).summary(run.now)).toMatchObject({
      status: 'failed',
      elapsed_seconds: 2,
      error: 'no such host. Hint: Look',
    })
  })

  test('that never came counts as failed in the summary', () => {
    const run = new Recording().started().planned([['users', 1, 1]], { data: 1 })
    expect(foldEvents(run.events).summary(run.now).status).toBe('failed')
  })
})

describe('the pace', () => {
  test('is measured over the last five seconds of moving rows', () => {
    const run = new Recording().started().planned([['users', 10_000, 100_000]], { data: 1 })
    run.wait(60).start(run.rowsStep('users'))
    for (let second = 1; second <= 4; second++) run.wait(1).rows('users', second * 100, second * 1000)
    expect(progressOf(run)).toMatchObject({ rows_per_second: 100, bytes_per_second: 1000 })
    for (let second = 1; second <= 6; second++) {
      run.wait(1).rows('users', 400 + second * 500, 4000 + second * 5000)
    }
    expect(progressOf(run).rows_per_second).toBeCloseTo(500)
  })

  test('is zero when rows have not moved for a while, or move no more', () => {
    const run = new Recording().started().planned([['users', 10_000, 100_000]], { data: 1, indexes: 1 })
    const rows = run.rowsStep('users')
    run.start(rows).wait(1).rows('users', 100, 1000)
    const fold = foldEvents(run.events)
    expect(fold.progress(run.now).rows_per_second).toBe(100)
    expect(fold.progress(run.now + 6_000).rows_per_second).toBe(0)
    run.finish(rows, 1).start(run.step('indexes', 'INDEX', 'one', 'users'))
    expect(progressOf(run).rows_per_second).toBe(0)
  })

  test('gives a time left once there is something to go by', () => {
    const run = new Recording().started().planned([['users', 1000, 100 * megabyte]], { data: 1 })
    run.start(run.rowsStep('users')).wait(1).rows('users', 10, megabyte)
    expect(progressOf(run).remaining_seconds).toBeUndefined()
    for (let second = 2; second <= 10; second++) run.wait(1).rows('users', second * 10, second * megabyte)
    expect(progressOf(run).remaining_seconds).toBeCloseTo(90, 0)
  })
})

describe('a phase', () => {
  test('counts its steps and knows its own and its steps’ time', () => {
    const run = new Recording().started().planned([], { indexes: 4 })
    const [one, other] = [run.step('indexes', 'INDEX', 'one'), run.step('indexes', 'INDEX', 'other')]
    run.wait(1).start(one).start(other).wait(2).finish(one, 2).wait(1).fail(other, { message: 'no' })
    run.skip(run.step('indexes', 'INDEX', 'third'), 'because')
    expect(progressOf(run).phases.find(({ phase }) => phase === 'indexes')).toEqual({
      phase: 'indexes',
      total: 4,
      done: 1,
      failed: 1,
      skipped: 1,
      running: 0,
      wall_seconds: 3,
      cumulative_seconds: 5,
    })
  })

  test('is the current one as long as rows move in it, whatever starts besides', () => {
    const run = new Recording().started()
    expect(progressOf(run).current_phase).toBe('reading')
    run.planned([['users', 10, 10]], { data: 1, indexes: 2 })
    const rows = run.rowsStep('users')
    run.start(rows).start(run.step('indexes', 'INDEX', 'one', 'users'))
    expect(progressOf(run).current_phase).toBe('data')
    run.finish(rows, 1)
    expect(progressOf(run).current_phase).toBe('indexes')
  })
})

test('the last message is one that a person can read', () => {
  const run = new Recording().started().planned([['users', 10, 10]], { data: 1, indexes: 1 })
  const rows = run.rowsStep('users')
  run.start(rows).rows('users', 1_234_567, 10).finish(rows, 3.21)
  expect(progressOf(run).log_message).toBe('public.users: 1,234,567 rows in 3.2 s')
  run.finish(run.step('indexes', 'INDEX', 'users_pkey', 'users'), 1)
  expect(progressOf(run).log_message).toBe('index public.users_pkey built in 1.0 s')
  run.add({ type: 'log', at: run.now, level: 'debug', message: 'chatter' })
  expect(progressOf(run).log_message).toBe('index public.users_pkey built in 1.0 s')
})

test('ten thousand tables and half a million events are folded (anything quadratic would run into the time limit)', () => {
  const fold = new ProgressFold()
  const names = Array.from({ length: 10_000 }, (_, index) => ({ schema: 'public', name: `t${index}` }))
  const tables = names.map((name) => ({ ...name, rows: 1000, bytes: 1000 }))
  fold.apply({ type: 'planned', at: 0, tables, steps: { data: 10_000 }, warnings: [] })
  for (let round = 1; round <= 50; round++) {
    for (const table of names) fold.apply({ type: 'rows', at: round * 100, table, rows: round, bytes: round })
    for (let frame = 0; frame < 100; frame++) fold.overview(round * 100)
  }
  expect(fold.overview(5_000).migrated_rows).toBe(500_000)
})

function progressOf(run: Recording): Progress {
  return foldEvents(run.events).progress(run.now)
}

function tableOf(run: Recording, name: string): TableProgress {
  const table = progressOf(run).tables.find((candidate) => candidate.name === name)
  if (!table) throw new Error(`no table ${name}`)
  return table
}
