// What holds for every run, however its steps interleave and whatever comes of them.
import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import fc from 'fast-check'
import type { MigrationEvent, StepInfo } from '../../shared/event.ts'
import { foldEvents, ProgressFold } from '../../shared/fold.ts'
import { Progress } from '../../shared/progress.ts'
import { Summary } from '../../shared/summary.ts'

type Untimed = MigrationEvent extends infer Event
  ? Event extends unknown
    ? Omit<Event, 'at'>
    : never
  : never

describe('in every run', () => {
  test('the percentage never falls while it runs, stays within 0 and 100, and reaches 100 only when it completed', () => {
    fc.assert(
      fc.property(runs, (events) => {
        const fold = new ProgressFold()
        let before = 0
        for (const event of events) {
          fold.apply(event)
          const { overall_percent: percent, status } = fold.overview(event.at)
          if (status === 'running') expect(percent).toBeGreaterThanOrEqual(before)
          expect(percent).toBeGreaterThanOrEqual(0)
          expect(percent).toBeLessThanOrEqual(status === 'running' ? 99 : 100)
          before = percent
        }
        expect(before === 100).toBe(events.at(-1)?.type === 'finished' && isCompleted(events))
      }),
    )
  })

  test('the totals are the sums of the tables, at every moment', () => {
    fc.assert(
      fc.property(runs, (events) => {
        const fold = new ProgressFold()
        for (const event of events) {
          fold.apply(event)
          const progress = fold.progress(event.at)
          const sum = (field: 'migrated_rows' | 'migrated_bytes' | 'total_bytes') =>
            progress.tables.reduce((total, table) => total + table[field], 0)
          expect(progress.migrated_rows).toBe(sum('migrated_rows'))
          expect(progress.migrated_bytes).toBe(sum('migrated_bytes'))
          expect(progress.total_bytes).toBe(sum('total_bytes'))
          for (const table of progress.tables) {
            expect(table.migrated_rows).toBeLessThanOrEqual(table.total_rows)
            expect(table.percent === 100).toBe(table.status === 'completed')
          }
        }
      }),
    )
  })

  test('each phase has room for its steps, and nothing runs after the end', () => {
    fc.assert(
      fc.property(runs, (events) => {
        const progress = foldEvents(events).progress(lastMoment(events))
        for (const phase of progress.phases) {
          expect(phase.done + phase.failed + phase.skipped + phase.running).toBeLessThanOrEqual(phase.total)
          expect(phase.wall_seconds).toBeGreaterThanOrEqual(0)
        }
        if (progress.status === 'running') return
        expect(progress.phases.filter((phase) => phase.running > 0)).toEqual([])
        expect(progress.tables.filter(({ status }) => ['pending', 'in_progress'].includes(status))).toEqual(
          [],
        )
      }),
    )
  })

  test('progress and summary are what their schemas say, and the same for the same events', () => {
    fc.assert(
      fc.property(runs, (events) => {
        const now = lastMoment(events)
        const fold = foldEvents(events)
        expect([...Value.Errors(Progress, fold.progress(now))]).toEqual([])
        expect([...Value.Errors(Summary, fold.summary(now))]).toEqual([])
        expect(foldEvents(events).progress(now)).toEqual(fold.progress(now))
      }),
    )
  })
})

const amount = fc.nat({ max: 1_000_000_000 })
const table = fc.record({ schema: fc.constantFrom('public', 'sales'), name: fc.constantFrom('a', 'b', 'c') })
const phase = fc.constantFrom('tables', 'data', 'indexes', 'constraints', 'statistics', 'views')

/** The events of one step in their order; the id is set when the run is put together. */
const stepEvents = fc
  .record({
    phase,
    table,
    counts: fc.array(fc.tuple(amount, amount), { maxLength: 5 }),
    isStarted: fc.boolean(),
    end: fc.constantFrom('finished', 'failed', 'skipped', 'running'),
    seconds: fc.nat({ max: 1000 }),
  })
  .map(({ phase, table, counts, isStarted, end, seconds }) => (id: number): Untimed[] => {
    const kind = phase === 'data' ? 'ROWS' : phase === 'tables' ? 'TABLE' : 'INDEX'
    const step: StepInfo = { id, phase, kind, ...table, table }
    const events: Untimed[] = isStarted ? [{ type: 'step_started', step }] : []
    if (kind === 'ROWS') {
      for (const [rows, bytes] of counts) events.push({ type: 'rows', table, rows, bytes })
    }
    if (end === 'finished') events.push({ type: 'step_finished', step, seconds })
    if (end === 'failed') events.push({ type: 'step_failed', step, error: { message: 'no' } })
    if (end === 'skipped') events.push({ type: 'step_skipped', step, reason: 'because' })
    return events
  })

const runs: fc.Arbitrary<MigrationEvent[]> = fc
  .record({
    planned: fc.record({
      tables: fc.uniqueArray(fc.record({ table, rows: amount, bytes: amount }), {
        selector: ({ table }) => `${table.schema}.${table.name}`,
      }),
      steps: fc.dictionary(phase, fc.nat({ max: 5 })),
    }),
    steps: fc.array(stepEvents, { maxLength: 12 }),
    order: fc.infiniteStream(fc.nat()),
    pauses: fc.infiniteStream(fc.nat({ max: 3000 })),
    status: fc.option(fc.constantFrom('completed', 'completed_with_failures', 'failed', 'cancelled')),
  })
  .map(({ planned, steps, order, pauses, status }) => {
    const events: Untimed[] = [
      { type: 'started', run: 'r1' },
      {
        type: 'planned',
        tables: planned.tables.map(({ table, rows, bytes }) => ({ ...table, rows, bytes })),
        steps: planned.steps,
        warnings: [],
      },
      ...interleave(
        steps.map((events, index) => events(index)),
        order,
      ),
    ]
    if (status !== null) events.push({ type: 'finished', status })
    return stamp(events, pauses)
  })

function interleave(queues: Untimed[][], order: Iterator<number>): Untimed[] {
  const merged: Untimed[] = []
  for (let waiting = queues; ; ) {
    waiting = waiting.filter((queue) => queue.length > 0)
    const next = waiting[Number(order.next().value) % waiting.length]?.shift()
    if (!next) return merged
    merged.push(next)
  }
}

function stamp(events: Untimed[], pauses: Iterator<number>): MigrationEvent[] {
  let at = 1_700_000_000_000
  return events.map((event) => {
    at += Number(pauses.next().value)
    return { ...event, at }
  })
}

function lastMoment(events: MigrationEvent[]): number {
  return events.at(-1)?.at ?? 0
}

function isCompleted(events: MigrationEvent[]): boolean {
  const last = events.at(-1)
  return last?.type === 'finished' && last.status === 'completed'
}
