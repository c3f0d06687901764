// Processor time of a server, from /proc.
import { readdirSync, readFileSync } from 'node:fs'
import type { Cluster } from '../servers/clusters.ts'

/** Linux counts in hundredths of a second. */
const ticksPerSecond = 100

/** All processes since the start of the server, running and ended. */
export async function serverCpuSeconds(server: Cluster): Promise<number> {
  const postmaster = await postmasterOf(server)
  if (postmaster === undefined) return Number.NaN
  let ticks = 0
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    const process = stat(Number(name))
    if (process?.pid === postmaster) ticks += process.own + process.ended
    else if (process?.parent === postmaster) ticks += process.own
  }
  return ticks / ticksPerSecond
}

/** Only the sessions that have ended: running background processes do not count. */
export async function endedSessionsCpuSeconds(server: Cluster): Promise<number> {
  const postmaster = await postmasterOf(server)
  // The postmaster counts a session when it has ended. After this wait it counts the one of the query above, too.
  await Bun.sleep(300)
  const ticks = postmaster === undefined ? undefined : stat(postmaster)?.ended
  return ticks === undefined ? Number.NaN : ticks / ticksPerSecond
}

async function postmasterOf(server: Cluster): Promise<number | undefined> {
  const [row] = await server.sql<{ pid: number }>(
    'postgres',
    "select pid from pg_stat_activity where backend_type = 'checkpointer'",
  )
  return stat(row?.pid ?? 0)?.parent
}

function stat(pid: number) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [, parent, , , , , , , , , , user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields
    return { pid, parent, own: user + system, ended: endedUser + endedSystem }
  } catch {
    // It has ended, and the postmaster counts it.
    return undefined
  }
}
