// Schedules with a clock of the test: what runs, what is skipped or missed, and which of several processes runs it.
import { afterEach, describe, expect, test } from 'bun:test'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { MigrationResult } from '../../server/migrate/request.ts'
import { ConnectionLost, PlanRefused } from '../../server/postgres/errors.ts'
import type { RunChoice, Runner } from '../../server/schedule/carry-out.ts'
import { webhookBond } from '../../server/schedule/manage.ts'
import { markOf } from '../../server/schedule/profile-state.ts'
import { Scheduler } from '../../server/schedule/scheduler.ts'
import { History } from '../../server/store/history.ts'
import { RunLog } from '../../server/store/log.ts'
import { Profiles } from '../../server/store/profiles.ts'
import { RunStore } from '../../server/store/runs.ts'
import { ScheduleStore, type StoredSchedule } from '../../server/store/schedules.ts'
import { sealIn } from '../../server/store/seal.ts'
import type { ScheduleDefinition } from '../../shared/schedule-api.ts'
import { eventually } from '../../tools/eventually.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

const minute = 60_000
const start = Date.parse('2026-11-28T00:00:30Z')
const completed: MigrationResult = { status: 'completed' }
const broken: MigrationResult = {
  status: 'failed',
  error: new ConnectionLost('the server closed the connection'),
}

class TestClock {
  time = start
  readonly #waiting = new Set<{ until: number; resolve: () => void }>()

  now = () => this.time

  pause = (milliseconds: number, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add({ until: this.time + milliseconds, resolve })
    signal.addEventListener('abort', () => resolve(), { once: true })
    return promise
  }

  get waiting(): number {
    return this.#waiting.size
  }

  forward(milliseconds: number) {
    this.time += milliseconds
    for (const one of this.#waiting) {
      if (one.until > this.time) continue
      this.#waiting.delete(one)
      one.resolve()
    }
  }
}

class TestRunner implements Runner {
  readonly started: RunChoice[] = []
  readonly #ends: ((result: MigrationResult) => void)[] = []
  other: string | undefined
  #running = 0

  busy = () => this.other ?? (this.#running > 0 ? 'run own' : undefined)

  start = async (choice: RunChoice) => {
    this.started.push(choice)
    this.#running++
    const { promise, resolve } = Promise.withResolvers<MigrationResult>()
    const end = (result: MigrationResult) => {
      this.#running--
      resolve(result)
    }
    this.#ends.push(end)
    return {
      id: `${this.started.length}-${randomUUID().slice(0, 6)}`,
      done: promise,
      cancel: () => end({ status: 'cancelled' }),
    }
  }

  end(result: MigrationResult) {
    const end = this.#ends.shift()
    if (!end) throw new Error('nothing runs')
    end(result)
  }
}

const opened: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]()
})

async function process(
  directory = join(scratchDirectory(), `schedules-${randomUUID().slice(0, 8)}`),
  clock = new TestClock(),
) {
  const store = new RunStore(directory)
  new History(store.database)
  new RunLog(store.database)
  const seal = sealIn(directory, { keychain: false })
  const schedules = new ScheduleStore(store.database, clock.now)
  const profiles = new Profiles(store.database, seal)
  const runner = new TestRunner()
  const said: string[] = []
  const scheduler = new Scheduler({
    schedules,
    profiles,
    seal,
    clock,
    runner,
    say: (_, message) => void said.push(message),
  })
  opened.push({
    async [Symbol.asyncDispose]() {
      await scheduler.close()
      store[Symbol.dispose]()
    },
  })
  const save = (workers = 1, host = 'there.example') =>
    profiles.put('p', {
      request: {
        source: { host: 'here.example', database: 'a' },
        destination: { host, database: 'b' },
        options: { workers },
      },
    })
  const add = async (choices: Partial<ScheduleDefinition> = {}, rest: Partial<StoredSchedule> = {}) => {
    const profile = await save()
    schedules.put({
      name: 'nightly',
      definition: {
        ...{
          profile: 'p',
          timing: { cron: '*/10 * * * *' },
          zone: 'UTC',
          enabled: true,
          retries: 0,
          retry_minutes: 5,
        },
        ...{ on_missed: 'skip', keep_runs: null, success: 'complete', notify: null },
        ...choices,
      },
      webhook: undefined,
      profile: markOf(profile),
      confirmation: undefined,
      anchor: clock.time,
      checked: clock.time,
      ...rest,
    })
  }
  /** Latest first. */
  const states = () =>
    schedules.entries('nightly', 100).map(({ state, reason }) => (reason ? `${state}: ${reason}` : state))
  const at = (minutes: number) => {
    clock.forward(start + minutes * minute - clock.time)
    scheduler.tick()
  }
  const untilStarted = (count: number) =>
    eventually(
      `${count} runs to start`,
      () => runner.started.length,
      (seen) => seen === count,
    )
  return {
    ...{ directory, clock, store, schedules, profiles, seal, runner, said, scheduler, save, add, states, at },
    untilStarted,
  }
}

describe('a due time', () => {
  test('is run once, with what was confirmed', async () => {
    const here = await process()
    await here.add({}, { confirmation: { at: start, destination: 'there' } })
    here.at(9)
    expect(here.states()).toEqual([])
    here.at(9.5)
    here.at(9.6)
    await here.untilStarted(1)
    expect(here.runner.started).toEqual([{ profile: 'p', confirmed: true, after: undefined }])
    expect(here.states()).toEqual(['running'])
    here.runner.end(completed)
    await here.scheduler.idle()
    here.at(9.7)
    expect(here.states()).toEqual(['succeeded'])
    expect(here.said).toEqual(['schedule nightly: succeeded: completed'])
  })

  test('is skipped while the previous run has not ended', async () => {
    const here = await process()
    await here.add()
    here.at(9.5)
    await here.untilStarted(1)
    here.at(19.5)
    expect(here.states()).toEqual(['skipped: previous_runs', 'running'])
    here.runner.end(completed)
    await here.scheduler.idle()
    expect(here.states()).toEqual(['skipped: previous_runs', 'succeeded'])
    expect(here.runner.started).toHaveLength(1)
  })

  test('waits for another run of this process, and is skipped when the next one is due', async () => {
    const here = await process()
    await here.add()
    here.runner.other = 'run abc'
    here.at(9.5)
    expect(here.states()).toEqual(['waiting'])
    await eventually(
      'it to wait',
      () => here.clock.waiting,
      (seen) => seen > 0,
    )
    here.runner.other = undefined
    here.clock.forward(2_000)
    await here.untilStarted(1)
    here.runner.end(completed)
    await here.scheduler.idle()
    here.runner.other = 'run def'
    here.at(19.5)
    await eventually(
      'it to wait',
      () => here.clock.waiting,
      (seen) => seen > 0,
    )
    here.clock.forward(10 * minute)
    await here.scheduler.idle()
    expect(here.states()).toEqual(['skipped: process_busy', 'succeeded'])
    expect(here.said.at(-1)).toContain('run def was still running in this process')
  })

  test('is missed when no process ran, and caught up once by choice', async () => {
    const here = await process()
    await here.add()
    here.at(45)
    expect(here.states()).toEqual(['missed: no_process'])
    expect(here.schedules.entries('nightly', 1)[0]).toMatchObject({
      count: 4,
      due_at: '2026-11-28T00:40:00.000Z',
    })
    await here.add({ on_missed: 'once' })
    here.at(75)
    await here.untilStarted(1)
    here.runner.end(completed)
    await here.scheduler.idle()
    const [latest] = here.schedules.entries('nightly', 1)
    expect(latest).toMatchObject({
      state: 'succeeded',
      trigger: 'caught_up',
      due_at: '2026-11-28T01:10:00.000Z',
    })
  })

  test('while the schedule was disabled is neither run nor missed', async () => {
    const here = await process()
    await here.add()
    here.schedules.enable('nightly', false, here.clock.time)
    here.at(35)
    here.schedules.enable('nightly', true, here.clock.time)
    here.at(36)
    expect(here.states()).toEqual([])
  })
})

describe('a run that fails', () => {
  test('is tried again after the pause, and continues what was left', async () => {
    const here = await process()
    await here.add({ retries: 2 })
    here.at(9.5)
    await here.untilStarted(1)
    here.runner.end(broken)
    await eventually(
      'the pause',
      () => here.states()[0],
      (seen) => seen === 'retrying',
    )
    here.clock.forward(5 * minute)
    await here.untilStarted(2)
    here.runner.end(completed)
    await here.scheduler.idle()
    const [entry] = here.schedules.entries('nightly', 1)
    expect(entry).toMatchObject({ state: 'succeeded' })
    expect(entry?.runs).toHaveLength(2)
    expect(here.runner.started[1]?.after).toBe(entry?.runs[0])
  })

  test('too often has failed, with the last reason', async () => {
    const here = await process()
    await here.add({ retries: 1 })
    here.at(9.5)
    for (const attempt of [1, 2]) {
      await here.untilStarted(attempt)
      here.runner.end(broken)
      if (attempt === 1) {
        await eventually(
          'the pause',
          () => here.states()[0],
          (seen) => seen === 'retrying',
        )
        here.clock.forward(5 * minute)
      }
    }
    await here.scheduler.idle()
    expect(here.states()).toEqual(['failed: run_failed'])
    expect(here.said.at(-1)).toContain('the server closed the connection')
  })

  test('because it is not confirmed is refused, and not tried again', async () => {
    const here = await process()
    await here.add({ retries: 3 })
    here.at(9.5)
    await here.untilStarted(1)
    expect(here.runner.started[0]?.confirmed).toBe(false)
    here.runner.end({ status: 'failed', error: new PlanRefused('2 objects would be emptied') })
    await here.scheduler.idle()
    expect(here.states()).toEqual(['refused: plan_refused'])
  })

  test('with some objects is a success by choice only', async () => {
    const here = await process()
    for (const [success, state] of [
      ['complete', 'failed: run_failed'],
      ['with_failures', 'succeeded'],
    ] as const) {
      await here.add({ success })
      const before = here.runner.started.length
      here.at((here.clock.time - start) / minute + 10)
      await here.untilStarted(before + 1)
      here.runner.end({ status: 'completed_with_failures' })
      await here.scheduler.idle()
      expect(here.states()[0]).toBe(state)
    }
  })
})

describe('a profile that has changed', () => {
  test('voids the confirmation', async () => {
    const here = await process()
    await here.add({}, { confirmation: { at: start, destination: 'there' } })
    await here.save(8)
    here.at(9.5)
    await here.untilStarted(1)
    expect(here.runner.started[0]?.confirmed).toBe(false)
    here.runner.end(completed)
  })

  test('to another destination is not run', async () => {
    const here = await process()
    await here.add({}, { confirmation: { at: start, destination: 'there' } })
    await here.save(1, 'production.example')
    here.at(9.5)
    await here.scheduler.idle()
    expect(here.states()).toEqual(['refused: ends_changed'])
  })

  test('by being deleted is reported', async () => {
    const here = await process()
    await here.add()
    await here.profiles.delete('p')
    here.at(9.5)
    await here.scheduler.idle()
    expect(here.states()).toEqual(['refused: profile_deleted'])
    expect(here.runner.started).toEqual([])
  })
})

describe('with one state directory', () => {
  test('two processes run each due time once', async () => {
    const one = await process()
    const other = await process(one.directory, one.clock)
    await one.add()
    for (let round = 1; round <= 5; round++) {
      one.clock.forward(start + (round * 10 - 0.5) * minute - one.clock.time)
      const [first, second] = round % 2 === 0 ? [one, other] : [other, one]
      first.scheduler.tick()
      second.scheduler.tick()
      await eventually(
        'one run',
        () => one.runner.started.length + other.runner.started.length,
        (seen) => seen === round,
      )
      if (first.runner.busy()) first.runner.end(completed)
      if (second.runner.busy()) second.runner.end(completed)
      await Promise.all([one.scheduler.idle(), other.scheduler.idle()])
    }
    expect(one.states()).toEqual(Array(5).fill('succeeded'))
  })

  test('several processes that race for the same due times run each once', async () => {
    const here = await process()
    await here.add()
    const script = join(import.meta.dir, 'racer.ts')
    const racers = [1, 2, 3].map(() =>
      Bun.spawn([globalThis.process.execPath, script, here.directory, String(start)], { stdout: 'pipe' }),
    )
    const claimed = (await Promise.all(racers.map((racer) => new Response(racer.stdout).text())))
      .join('')
      .split('\n')
      .filter(Boolean)
    expect(await Promise.all(racers.map((racer) => racer.exited))).toEqual([0, 0, 0])
    expect([...new Set(claimed)].sort()).toEqual([...claimed].sort())
    expect(claimed).toHaveLength(200)
  }, 30_000)

  test('a killed process leaves an interrupted run, which is not started again', async () => {
    const here = await process()
    await here.add({ on_missed: 'once' })
    const script = join(import.meta.dir, 'racer.ts')
    const racer = Bun.spawn([globalThis.process.execPath, script, here.directory, String(start), 'hang'], {
      stdout: 'pipe',
    })
    const reader = racer.stdout.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('2026-11-28T00:10:00')
    here.at(9.6)
    expect(here.states()).toEqual(['waiting'])
    racer.kill('SIGKILL')
    await racer.exited
    here.at(9.7)
    expect(here.states()).toEqual(['interrupted: process_died'])
    here.at(12)
    expect(here.runner.started).toEqual([])
    here.at(19.5)
    await here.untilStarted(1)
    here.runner.end(completed)
  })
})

test('a process that is stopped cancels its run, and records it', async () => {
  const here = await process()
  await here.add({ retries: 5 })
  here.at(9.5)
  await here.untilStarted(1)
  await here.scheduler.close()
  expect(here.states()).toEqual(['cancelled: stopped'])
})

test('only older runs of this schedule are deleted from the history', async () => {
  const here = await process()
  const { database } = here.store
  await here.add({ keep_runs: 2 })
  const insert = (id: string) =>
    database
      .query(
        `insert into run (id, source, destination, started_at, status) values (?, 'a', 'b', '', 'completed')`,
      )
      .run(id)
  insert('foreign')
  for (let round = 1; round <= 4; round++) {
    here.at(round * 10 - 0.5)
    await here.untilStarted(round)
    const run = here.schedules.entries('nightly', 1)[0]?.runs[0] ?? ''
    insert(run)
    here.runner.end(completed)
    await here.scheduler.idle()
  }
  const kept = new History(database).list({ limit: 10, offset: 0 })
  const own = here.schedules.entries('nightly', 2).flatMap(({ runs }) => runs)
  expect(kept.map(({ id, schedule }) => [id, schedule])).toEqual([
    ...own.map((id) => [id, 'nightly']),
    ['foreign', null],
  ])
})

test('problems are sent to the webhook, whose URL is in no answer', async () => {
  const bodies: string[] = []
  using server = Bun.serve({
    port: 0,
    async fetch(request) {
      bodies.push(await request.text())
      return new Response('ok')
    },
  })
  const here = await process()
  const url = `http://127.0.0.1:${server.port}/sEcr3t`
  const webhook = await here.seal.close('schedule nightly', url, webhookBond('nightly'))
  await here.add({ notify: { host: 'x', format: 'json', on: ['problem'] } }, { webhook })
  for (const [round, result] of [completed, broken].entries()) {
    here.at(round * 10 + 9.5)
    await here.untilStarted(round + 1)
    here.runner.end(result)
    await here.scheduler.idle()
  }
  expect(bodies).toHaveLength(1)
  expect(bodies[0]).toContain('schedule nightly')
  expect(bodies[0]).toContain('the server closed the connection')
  expect(JSON.stringify([here.schedules.list(), here.said])).not.toContain('sEcr3t')
})
