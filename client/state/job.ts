// The running job, or the last one, as the server sends it.

import { batch, createRoot, createSignal } from 'solid-js'
import type { JobProgress, LogLine } from '../../shared/api.ts'
import { messageOf } from '../../shared/message-of.ts'
import type { TableProgress } from '../../shared/progress.ts'
import { Curve, type Speeds } from '../../shared/speeds.ts'
import { api } from '../api/calls.ts'
import { listen, type SocketState } from '../api/progress-socket.ts'
import { fleet, readFleet, takeFleet } from './fleet.ts'
import { readFollows, takeFollow, watchSilence } from './follows.ts'

export type Overview = Omit<JobProgress, 'tables' | 'log' | 'speeds'>

/** Few enough to search at once; the log file has all lines. */
const keptLines = 50_000
const logPage = 1_000

const [overview, setOverview] = createSignal<Overview>()
const [connection, setConnection] = createSignal<SocketState>('connecting')
const [version, setVersion] = createSignal(0)
const [logVersion, setLogVersion] = createSignal(0)
const [now, setNow] = createSignal(Date.now())
let lastMessageAt = Date.now()

const tables = new Map<string, TableProgress>()
let log: LogLine[] = []
let readLogOf: string | undefined
let curve = new Curve()

export const job = {
  overview,
  connection,
  tables(): TableProgress[] {
    version()
    return [...tables.values()]
  },
  log(): readonly LogLine[] {
    logVersion()
    return log
  },
  speeds(): Speeds {
    version()
    return curve.speeds
  },
  isRunning: () => overview()?.running === true,
  /** Advances between two messages. */
  elapsed(): number {
    const known = overview()
    if (!known) return 0
    return (known.elapsed_ms + (known.running ? Math.max(0, now() - lastMessageAt) : 0)) / 1000
  },
}

export function watchJob() {
  createRoot(() => {
    const socket = listen(
      (message) => {
        if (message.type === 'progress') take(message.data)
        else if (message.type === 'fleet') takeFleet(message.data, socket.say)
        else takeFollow(message)
      },
      (state) => {
        setConnection(state)
        // Moves that were cleaned up while disconnected are not in the messages any more.
        if (state !== 'live') return
        void readFollows()
        if (fleet.facts()) void readFleet()
      },
    )
    watchSilence()
    setInterval(() => job.isRunning() && setNow(Date.now()), 250)
  })
}

export function take({ tables: changed, log: lines, speeds, ...rest }: JobProgress) {
  batch(() => {
    const before = overview()
    const isOther = rest.id !== before?.id
    if (isOther) start()
    lastMessageAt = Date.now()
    setNow(lastMessageAt)
    if (!rest.partial) tables.clear()
    for (const table of changed) tables.set(`${table.schema}\0${table.name}`, table)
    // Only full messages contain what does not change.
    setOverview(isOther ? rest : { ...pick(before), ...rest })
    // The server also has the lines that this page has missed.
    if (speeds) curve = new Curve(speeds)
    else curve.add({ ...rest, elapsed_seconds: rest.elapsed_ms / 1000 })
    setVersion((count) => count + 1)
    if (lines.length > 0) append(lines)
  })
}

function pick(before: Overview | undefined): Partial<Overview> {
  const { request, plan } = before ?? {}
  return { ...(request !== undefined && { request }), ...(plan && { plan }) }
}

function start() {
  tables.clear()
  log = []
  readLogOf = undefined
  curve = new Curve()
  setLogVersion((count) => count + 1)
}

/** The lines from before this page connected, read when somebody looks at them. */
export async function readLog(id: string) {
  if (readLogOf === id) return
  readLogOf = id
  const earlier: LogLine[] = []
  try {
    let after: number | null = 0
    while (after !== null && earlier.length < keptLines) {
      const page: Awaited<ReturnType<typeof api.log>> = await api.log(id, { after, limit: logPage })
      if (overview()?.id !== id) return
      earlier.push(...page.lines)
      after = page.next
    }
  } catch (error) {
    // A failure to read the log must not hide the run, but it must be visible.
    readLogOf = undefined
    append([{ at: Date.now(), level: 'warn', message: messageOf(error) }])
    return
  }
  const known = new Set(earlier.map(lineKey))
  log = [...earlier, ...log.filter((line) => !known.has(lineKey(line)))]
  setLogVersion((count) => count + 1)
}

function lineKey({ at, message }: LogLine): string {
  return `${at}\0${message}`
}

function append(lines: readonly LogLine[]) {
  log = [...log, ...lines].slice(-keptLines)
  setLogVersion((count) => count + 1)
}
