// Runs what is due, in this process. Several processes can do so with one state directory: the store decides which one
// carries out a due time.

import type { FleetNotification } from '../../shared/fleet.ts'
import { messageOf } from '../../shared/message-of.ts'
import { Notifier } from '../fleet/notify.ts'
import { PgtrekError, UsageError } from '../postgres/errors.ts'
import type { NewEntry, StoredSchedule } from '../store/schedules.ts'
import type { Seal } from '../store/seal.ts'
import { tellMistake } from '../system/output.ts'
import { type CarryOutContext, carryOut, type Outcome } from './carry-out.ts'
import { decide } from './decide.ts'
import { webhookBond } from './manage.ts'
import { timetableOf } from './timing.ts'

export interface SchedulerOptions extends Omit<CarryOutContext, 'signal'> {
  seal: Seal
  /** Outcomes and problems. */
  say(level: 'info' | 'warn', message: string): void
}

const betweenTicksMs = 1_000
const betweenBeatsMs = 30_000

export class Scheduler {
  readonly #stop = new AbortController()
  readonly #tasks = new Set<Promise<unknown>>()
  #loop: Promise<void> | undefined
  #beatAt = 0
  /** A problem that recurs every second is reported once. */
  readonly #problems = new Map<string, string>()

  constructor(readonly options: SchedulerOptions) {}

  start() {
    this.#loop ??= this.#run()
  }

  get isBusy(): boolean {
    return this.#tasks.size > 0
  }

  /** Cancels what runs, and waits until it has cleaned up. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#loop
    await this.idle()
  }

  /** When everything that was due until now has ended. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
  }

  /** Starts a run now, in this process. Throws a UsageError while another one of the schedule has not ended. */
  runNow(name: string): { entry: number; done: Promise<Outcome> } {
    const { schedules, clock } = this.options
    if (!schedules.find(name)) throw new UsageError(`no schedule is named "${name}"`)
    if (schedules.running(name))
      throw new UsageError(`a run of schedule "${name}" has not ended: wait for it`)
    const entry = schedules.add(name, {
      ...{ due: clock.now(), trigger: 'by_hand', state: 'waiting' },
      message: 'started by hand',
    })
    const { state, message } = schedules.entry(entry) ?? {}
    // Another process was faster.
    if (state !== 'waiting') throw new UsageError(`a run of schedule "${name}" was not started: ${message}`)
    return { entry, done: this.#carryOut(name, entry) }
  }

  /** Looks once what is due, and starts it. */
  tick() {
    const { schedules, clock } = this.options
    try {
      if (clock.now() - this.#beatAt >= betweenBeatsMs) {
        this.#beatAt = clock.now()
        schedules.beat()
      }
      for (const { id, schedule } of schedules.settle()) {
        const entry = schedules.entry(id)
        if (entry) this.#report(schedule, { state: 'interrupted', message: entry.message })
      }
      for (const stored of schedules.list()) this.#look(stored)
      this.#problems.delete('')
    } catch (error) {
      this.#problem('', error)
    }
  }

  async #run() {
    const { clock } = this.options
    while (!this.#stop.signal.aborted) {
      this.tick()
      await clock.pause(betweenTicksMs, this.#stop.signal)
    }
  }

  #look(stored: StoredSchedule) {
    const { name, definition, anchor, checked } = stored
    const { schedules, clock } = this.options
    if (!definition.enabled) return
    try {
      const table = timetableOf(definition.timing, definition.zone, anchor)
      const decision = decide({ table, checked, now: clock.now(), onMissed: definition.on_missed })
      if (!decision) return
      const { missed, due } = decision
      const entries: NewEntry[] = []
      if (missed) {
        const message = `${missed.count === 1 ? 'a run was' : `${missed.count} runs were`} due while no process ran schedules`
        entries.push({
          ...{ due: missed.last, trigger: 'due', state: 'missed', reason: 'no_process' },
          ...{ count: missed.count, message },
        })
      }
      if (due) entries.push({ due: due.at, trigger: due.trigger, state: 'waiting', message: 'due' })
      const ids = schedules.decide(name, checked, decision.checked, entries)
      // Undefined: another process was faster.
      for (const id of ids ?? []) this.#begin(name, id)
      this.#problems.delete(name)
    } catch (error) {
      this.#problem(name, error)
    }
  }

  #begin(name: string, id: number) {
    const entry = this.options.schedules.entry(id)
    if (!entry) return
    if (entry.state === 'waiting') void this.#carryOut(name, id)
    else this.#report(name, entry)
  }

  #carryOut(name: string, id: number): Promise<Outcome> {
    const done = carryOut(name, id, { ...this.options, signal: this.#stop.signal })
    this.#supervise(done.then((outcome) => this.#report(name, outcome)))
    return done
  }

  #supervise(task: Promise<unknown>) {
    const watched = task
      .catch((error: unknown) => tellMistake(error, 'pgtrek: a schedule:'))
      .finally(() => this.#tasks.delete(watched))
    this.#tasks.add(watched)
  }

  #report(name: string, { state, message }: Pick<Outcome, 'state' | 'message'>) {
    const isGood = state === 'succeeded'
    this.options.say(isGood ? 'info' : 'warn', `schedule ${name}: ${state}: ${message}`)
    this.#supervise(this.#notify(name, { kind: isGood ? 'done' : 'problem', state, message }))
  }

  async #notify(name: string, event: { kind: 'done' | 'problem'; state: string; message: string }) {
    const { schedules, seal, say } = this.options
    const stored = schedules.find(name)
    const { notify } = stored?.definition ?? {}
    if (!stored?.webhook || !notify?.on.includes(event.kind)) return
    let notification: FleetNotification
    try {
      const url = await seal.open(stored.webhook, webhookBond(name))
      notification = { url, format: notify.format, on: notify.on }
    } catch (error) {
      say('warn', `schedule ${name}: the notification was not sent: ${messageOf(error)}`)
      return
    }
    const notifier = new Notifier([notification], (problem) => say('warn', `schedule ${name}: ${problem}`))
    notifier.tell({ mapping: `schedule ${name}`, ...event })
    await notifier.close()
  }

  #problem(name: string, error: unknown) {
    if (!(error instanceof PgtrekError)) tellMistake(error)
    const message = messageOf(error)
    if (this.#problems.get(name) === message) return
    this.#problems.set(name, message)
    this.options.say('warn', `${name ? `schedule ${name}` : 'schedules'}: ${message}`)
  }
}
