// Those who watch a fleet: each hears of all of it when something has changed, or once of all and then of the changes.
// States come at the next look, numbers as often as the watcher wants them.
import type { FleetController, FleetDatabase, FleetMappingView, FleetView } from '../../shared/fleet.ts'
import type { FleetMessage, FleetUpdate } from '../../shared/fleet-api.ts'
import type { Completeness } from './jobs.ts'

/** False when the last message is still on its way: it is told the newest state later. */
export type FleetListener = (message: FleetMessage) => boolean

export interface FleetWatch {
  refreshEvery(seconds: number): void
  end(): void
}

interface Watcher {
  listener: FleetListener
  wants: Completeness
  everyMs: number
  /** When it was last told of numbers. */
  toldAt: number
  /** Up to which change it knows everything, and up to which it knows the states. */
  heard: number
  heardStates: number
}

/** A mapping without its databases, or a database. */
interface Known<Thing> {
  thing: Thing
  text: string
  state: string
  changed: number
  stateChanged: number
}

type Head = Omit<FleetMappingView, 'databases'>
interface KnownMapping {
  head: Known<Head>
  databases: Map<string, Known<FleetDatabase>>
}
type Line = FleetView['log'][number]

const betweenLooksMs = 500
const mostLines = 1_000

export class FleetWatches {
  readonly #watchers = new Set<Watcher>()
  #timer: ReturnType<typeof setInterval> | undefined
  readonly #mappings = new Map<string, KnownMapping>()
  #lines: { line: Line; changed: number }[] = []
  #view: FleetView
  /** Every change has a number. */
  #last = 1
  /** Who knows less than this hears of everything: something is gone. */
  #wholeSince = 1

  constructor(readonly controller: FleetController) {
    this.#view = controller.view()
  }

  watch(listener: FleetListener, wants: Completeness = 'all'): FleetWatch {
    const watcher: Watcher = { listener, wants, everyMs: betweenLooksMs, toldAt: 0, heard: 0, heardStates: 0 }
    this.#watchers.add(watcher)
    this.#timer ??= setInterval(() => this.look(), betweenLooksMs)
    this.#take(this.controller.view())
    this.#tell(watcher, Date.now())
    return {
      refreshEvery: (seconds) => {
        watcher.everyMs = Math.max(betweenLooksMs, seconds * 1000)
      },
      end: () => this.#leave(watcher),
    }
  }

  /** Somebody has asked for something: what comes of it is told without waiting. */
  look() {
    if (this.#watchers.size === 0) return
    this.#take(this.controller.view())
    const now = Date.now()
    for (const watcher of this.#watchers) this.#tell(watcher, now)
  }

  close() {
    for (const watcher of this.#watchers) this.#leave(watcher)
  }

  #leave(watcher: Watcher) {
    this.#watchers.delete(watcher)
    if (this.#watchers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tell(watcher: Watcher, now: number) {
    // A timer that is a little early must not cost a whole look.
    const isDue = now >= watcher.toldAt + watcher.everyMs - betweenLooksMs / 2
    const whole = watcher.heard < this.#wholeSince
    const changes = whole ? undefined : this.#since(watcher, isDue)
    const data = whole || (changes && watcher.wants === 'all') ? this.#whole() : changes
    if (!data || !watcher.listener({ type: 'fleet', data })) return
    watcher.heardStates = this.#last
    if (!whole && !isDue) return
    watcher.heard = this.#last
    watcher.toldAt = now
  }

  #whole(): FleetUpdate {
    const mappings = [...this.#mappings.values()].map(({ head, databases }) => ({
      ...head.thing,
      databases: [...databases.values()].map(({ thing }) => thing),
    }))
    return { ...this.#view, mappings }
  }

  /** Nothing when there is nothing to tell. When it is due, also that nothing has changed. */
  #since({ heard, heardStates }: Watcher, isDue: boolean): FleetUpdate | undefined {
    const isNew = (known: Known<unknown>) =>
      isDue ? known.changed > heard : known.stateChanged > heardStates
    const mappings = [...this.#mappings.values()].flatMap(({ head, databases }) => {
      const changed = [...databases.values()].filter(isNew).map(({ thing }) => thing)
      return changed.length > 0 || isNew(head) ? [{ ...head.thing, databases: changed }] : []
    })
    if (!isDue && mappings.length === 0) return undefined
    const log = isDue ? this.#lines.filter(({ changed }) => changed > heard).map(({ line }) => line) : []
    return { ...this.#view, mappings, log, partial: true }
  }

  #take(view: FleetView) {
    const number = this.#last + 1
    for (const { databases, ...head } of view.mappings) {
      const known = this.#mappings.get(head.name)
      const mapping = { head: next(known?.head, head, number), databases: known?.databases ?? new Map() }
      this.#mappings.set(head.name, mapping)
      for (const one of databases) {
        const database = next(mapping.databases.get(one.name), withoutReport(one), number)
        mapping.databases.set(one.name, database)
      }
      if (mapping.databases.size > databases.length) this.#forget(mapping.databases, databases, number)
    }
    if (this.#mappings.size > view.mappings.length) this.#forget(this.#mappings, view.mappings, number)
    this.#takeLines(view.log, number)
    this.#view = view
    this.#last = number
  }

  #forget(known: Map<string, unknown>, present: readonly { name: string }[], number: number) {
    const names = new Set(present.map(({ name }) => name))
    for (const name of known.keys()) if (!names.has(name)) known.delete(name)
    this.#wholeSince = number
  }

  /** The log loses its oldest lines: what comes after the last one known is new. */
  #takeLines(log: readonly Line[], number: number) {
    const last = this.#lines.at(-1)?.line
    const known = log.findLastIndex((line) => line.at === last?.at && line.message === last.message)
    const fresh = log.slice(known + 1).map((line) => ({ line, changed: number }))
    this.#lines = [...this.#lines, ...fresh].slice(-mostLines)
  }
}

function next<Thing extends Head | FleetDatabase>(
  before: Known<Thing> | undefined,
  thing: Thing,
  number: number,
): Known<Thing> {
  const text = JSON.stringify(thing)
  if (before?.text === text) return before
  const state = stateOf(thing)
  const stateChanged = before?.state === state ? before.stateChanged : number
  return { thing, text, state, changed: number, stateChanged }
}

/** What somebody who waits wants to see at once. */
function stateOf(thing: Head | FleetDatabase): string {
  const { state, error } = thing
  const more =
    'roles' in thing
      ? [thing.roles.state, thing.instructions.length]
      : [thing.switchover?.state, thing.switchover?.step, thing.ready?.green, thing.failed_tables.length]
  return JSON.stringify([state, error?.message, ...more])
}

function withoutReport(database: FleetDatabase): FleetDatabase {
  if (!database.switchover?.report) return database
  const { report: _, ...switchover } = database.switchover
  return { ...database, switchover }
}
