// Processor time that a whole server has used since it was started: its living processes and those that ended.
import { readdirSync, readFileSync } from 'node:fs'
import type { Cluster } from '../servers/clusters.ts'

/** Linux counts in hundredths of a second. */
const ticksPerSecond = 100

export async function serverCpuSeconds(server: Cluster): Promise<number> {
  const [row] = await server.sql<{ pid: number; major: number }>(
    'postgres',
    "select pid from pg_stat_activity where backend_type = 'checkpointer'",
  )
  const postmaster = stat(row?.pid ?? 0)?.parent
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
    // It has ended meanwhile; its parent counts it.
    return undefined
  }
}
