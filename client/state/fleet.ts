// The fleet: a full message first, then messages with what has changed.
import { batch, createSignal } from 'solid-js'
import type { FleetDatabase, FleetView } from '../../shared/fleet.ts'
import type { FleetUpdate, FleetWish } from '../../shared/fleet-api.ts'
import { api, CallFailed } from '../api/calls.ts'
import type { BoardMapping, MappingHead } from './fleet-rows.ts'
import { recall, remember } from './memory.ts'

type Facts = Omit<FleetView, 'mappings' | 'log'>
type Line = FleetView['log'][number]

/** Older lines are dropped; the log file has all of them. */
const keptLines = 1_000

const mappings = new Map<string, { head: MappingHead; databases: Map<string, FleetDatabase> }>()
const [facts, setFacts] = createSignal<Facts>()
const [version, setVersion] = createSignal(0)
const [log, setLog] = createSignal<readonly Line[]>([])
const [isAbsent, setAbsent] = createSignal(false)
const [problem, setProblem] = createSignal<CallFailed>()
const [chosen, choose] = createSignal(rememberedRefresh())
let say: (choice: FleetWish) => void = () => {}

export const fleet = {
  /** Undefined where no fleet runs, and before the first message. */
  facts,
  log,
  /** The server runs no fleet. */
  isAbsent,
  problem,
  /** Seconds between two updates of the numbers. */
  refresh: () => chosen() ?? facts()?.refresh_seconds ?? 5,
  mappings(): BoardMapping[] {
    version()
    return [...mappings.values()].map(({ head, databases }) => ({
      head,
      databases: [...databases.values()],
    }))
  },
  mapping(name: string): BoardMapping | undefined {
    version()
    const known = mappings.get(name)
    return known && { head: known.head, databases: [...known.databases.values()] }
  },
  database(mapping: string, name: string): FleetDatabase | undefined {
    version()
    return mappings.get(mapping)?.databases.get(name)
  },
}

export function takeFleet(
  { partial, mappings: changed, log: lines, ...rest }: FleetUpdate,
  answer: typeof say,
) {
  say = answer
  batch(() => {
    if (!partial) mappings.clear()
    for (const { databases, ...head } of changed) {
      const known = mappings.get(head.name)?.databases ?? new Map<string, FleetDatabase>()
      for (const one of databases) known.set(one.name, one)
      mappings.set(head.name, { head, databases: known })
    }
    if (!partial) setLog(lines)
    else if (lines.length > 0) setLog((before) => [...before, ...lines].slice(-keptLines))
    setFacts(rest)
    setAbsent(false)
    setProblem(undefined)
    setVersion((count) => count + 1)
  })
  // A new connection does not know the interval that was chosen on the previous one.
  if (!partial) sendInterval()
}

export function setRefresh(seconds: number) {
  choose(seconds)
  remember('fleetRefresh', String(seconds))
  sendInterval()
}

/** Asks whether there is a fleet: the previous one may have ended with its process. */
export async function readFleet() {
  try {
    takeFleet(await api.fleet(), say)
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    if (error.status !== 404) {
      setProblem(error)
      return
    }
    batch(() => {
      mappings.clear()
      setFacts(undefined)
      setAbsent(true)
      setProblem(undefined)
      setVersion((count) => count + 1)
    })
  }
}

function sendInterval() {
  say({ type: 'fleet', refresh_seconds: fleet.refresh() })
}

function rememberedRefresh(): number | undefined {
  const seconds = Number(recall('fleetRefresh'))
  return seconds > 0 ? seconds : undefined
}
