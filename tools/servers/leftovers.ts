// Ends what a test leaves behind, and reports it as a failure of that test and no other: sessions, child processes,
// settings of a server, prepared transactions.
import { eventually } from '../eventually.ts'
import { childrenOf, commandOf, kill } from './processes.ts'
import type { ServerState, TestSession } from './server-state.ts'

/** A closed connection or a process that was signalled needs some time on a busy machine. */
const patienceMs = Number(process.env.PATIENCE_WITH_LEFTOVERS_MS ?? 20_000)

const servers = new Set<ServerState>()
const sessionsBefore = new Set<string>()
const settingsBefore = new Set<string>()
const childrenBefore = new Set<number>()

export function watchServer(server: ServerState) {
  servers.add(server)
}

export function unwatchServer(server: ServerState) {
  servers.delete(server)
}

/** It ends by itself, if it was asked to. */
interface Running {
  sessions: [ServerState, TestSession[]][]
  children: number[]
}

/** Everything that exists now does not belong to the test that begins. */
export async function rememberWhatIsThere() {
  forgetWhatWasThere()
  for (const server of servers) {
    for (const { key } of await server.sessions()) sessionsBefore.add(key)
    for (const { words } of await server.settings()) settingsBefore.add(words)
  }
  for (const pid of childrenOf(process.pid)) childrenBefore.add(pid)
}

/** At the end of a file nothing may be left. */
export function forgetWhatWasThere() {
  for (const known of [sessionsBefore, settingsBefore, childrenBefore]) known.clear()
}

/** Ends what exists now and did not before; returns a line for each. */
export async function endLeftovers(): Promise<string[]> {
  const { sessions, children } = await eventually(
    'the end of what the test has started',
    running,
    isNothing,
    {
      withinMs: patienceMs,
    },
  ).catch(running)
  const lines = [
    ...sessions.flatMap(([, some]) => some.map(({ words }) => `session ${words}`)),
    ...children.map((pid) => `process ${pid}: ${commandOf(pid)}`),
  ]
  for (const [server, some] of sessions) await server.end(some)
  for (const pid of children) kill(pid)
  for (const server of servers) {
    const settings = (await server.settings()).filter(({ words }) => !settingsBefore.has(words))
    await server.undo(settings)
    lines.push(...settings.map(({ words }) => words))
  }
  return lines
}

async function running(): Promise<Running> {
  const sessions: Running['sessions'] = []
  for (const server of servers) {
    const some = (await server.sessions()).filter(({ key }) => !sessionsBefore.has(key))
    if (some.length > 0) sessions.push([server, some])
  }
  const children = childrenOf(process.pid).filter((pid) => !childrenBefore.has(pid))
  return { sessions, children }
}

function isNothing({ sessions, children }: Running): boolean {
  return sessions.length + children.length === 0
}
