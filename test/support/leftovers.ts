// What a test leaves behind is ended after it, and is a failure of that test and of no other: sessions, child
// processes, settings of a server, prepared transactions.
import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from './eventually.ts'
import type { ServerState, TestSession } from './server-state.ts'

/** A connection that was closed, or a process that was told to end, takes its time on a busy machine. */
const patienceMs = 20_000

const servers = new Set<ServerState>()
const sessionsBefore = new Set<string>()
const settingsBefore = new Set<string>()
const childrenBefore = new Set<number>()
const lasting = new Set<number>()

export function watchServer(server: ServerState) {
  servers.add(server)
}

export function unwatchServer(server: ServerState) {
  servers.delete(server)
}

interface Leftovers {
  sessions: [ServerState, TestSession[]][]
  settings: string[]
  children: number[]
}

/** Everything that is there now belongs to somebody else than the test that begins. */
export async function rememberWhatIsThere() {
  forgetWhatWasThere()
  for (const server of servers) {
    for (const { key } of await server.sessions()) sessionsBefore.add(key)
    for (const setting of await server.settings()) settingsBefore.add(setting)
  }
  for (const pid of childProcesses()) childrenBefore.add(pid)
}

/** At the end of a file nothing may be there any more. */
export function forgetWhatWasThere() {
  for (const known of [sessionsBefore, settingsBefore, childrenBefore]) known.clear()
}

/** A child process that ends with this process. */
export function lastsAsLongAsWeDo(pid: number | undefined) {
  if (pid !== undefined) lasting.add(pid)
}

/** Ends what is there now and was not before; returns a line for each. */
export async function endLeftovers(): Promise<string[]> {
  const left = await eventually('the end of what the test has started', look, isNothing, {
    withinMs: patienceMs,
  }).catch(look)
  const lines = [
    ...left.sessions.flatMap(([, sessions]) => sessions.map(({ words }) => `session ${words}`)),
    ...left.settings,
    ...left.children.map((pid) => `process ${pid}: ${commandOf(pid)}`),
  ]
  for (const [server, sessions] of left.sessions) await server.end(sessions)
  for (const pid of left.children) kill(pid)
  return lines
}

async function look(): Promise<Leftovers> {
  const left: Leftovers = { sessions: [], settings: [], children: [] }
  for (const server of servers) {
    const sessions = (await server.sessions()).filter(({ key }) => !sessionsBefore.has(key))
    if (sessions.length > 0) left.sessions.push([server, sessions])
    left.settings.push(...(await server.settings()).filter((setting) => !settingsBefore.has(setting)))
  }
  left.children = childProcesses().filter((pid) => !childrenBefore.has(pid) && !lasting.has(pid))
  return left
}

function isNothing({ sessions, settings, children }: Leftovers): boolean {
  return sessions.length + settings.length + children.length === 0
}

/** Of this process; where the system does not tell, none. */
function childProcesses(): number[] {
  try {
    return readdirSync('/proc/self/task')
      .flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' '))
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 300)
  } catch {
    return 'has ended by now'
  }
}

function kill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
