// Clients that watch a fleet. Each gets the whole view if something has changed, or the whole view once and then the
// changes. States are sent with the next update, numbers as often as the client requests.
import type { FleetController, FleetDatabase, FleetMappingView, FleetView } from '../../shared/fleet.ts'
import type { FleetMessage, FleetUpdate } from '../../shared/fleet-api.ts'
import type { Completeness } from './jobs.ts'

/** Returns false while the last message is still being sent; the client gets the newest state later. */
export type FleetListener = (message: FleetMessage) => boolean

export interface FleetWatch {
  refreshEvery(seconds: number): void
  end(): void
}

interface Watcher {
  listener: FleetListener
  wants: Completeness
  everyMs: number
  /** When numbers were sent last. */
  sentAt: number
  /** Numbers of the last change that was sent, and of the last change of a state that was sent. */
  sent: number
  sentStates: number
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
  /** The number of the last change. */
  #last = 1
  /** A client with an older change gets the whole view: something was removed. */
  #wholeSince = 1

  constructor(readonly controller: FleetController) {
    this.#view = controller.view()
  }

  watch(listener: FleetListener, wants: Completeness = 'all'): FleetWatch {
    const watcher: Watcher = { listener, wants, everyMs: betweenLooksMs, sentAt: 0, sent: 0, sentStates: 0 }
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

  /** Called after a request, so that its result is sent at once. */
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
    // A timer that fires slightly early must not wait another interval.
    const isDue = now >= watcher.sentAt + watcher.everyMs - betweenLooksMs / 2
    const whole = watcher.sent < this.#wholeSince
    const changes = whole ? undefined : this.#since(watcher, isDue)
    const data = whole || (changes && watcher.wants === 'all') ? this.#whole() : changes
    if (!data || !watcher.listener({ type: 'fleet', data })) return
    watcher.sentStates = this.#last
    if (!whole && !isDue) return
    watcher.sent = this.#last
    watcher.sentAt = now
  }

  #whole(): FleetUpdate {
    const mappings = [...this.#mappings.values()].map(({ head, databases }) => ({
      ...head.thing,
      databases: [...databases.values()].map(({ thing }) => thing),
    }))
    return { ...this.#view, mappings }
  }

  /** Undefined if there is nothing to send. When numbers are due, it also says that nothing has changed. */
  #since({ sent, sentStates }: Watcher, isDue: boolean): FleetUpdate | undefined {
    const isNew = (known: Known<unknown>) => (isDue ? known.changed > sent : known.stateChanged > sentStates)
    const mappings = [...this.#mappings.values()].flatMap(({ head, databases }) => {
      const changed = [...databases.values()].filter(isNew).map(({ thing }) => thing)
      return changed.length > 0 || isNew(head) ? [{ ...head.thing, databases: changed }] : []
    })
    if (!isDue && mappings.length === 0) return undefined
    const log = isDue ? this.#lines.filter(({ changed }) => changed > sent).map(({ line }) => line) : []
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

  /** The log drops its oldest lines: lines after the last known one are new. */
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

/** The part of a view that is sent immediately when it changes. */
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
