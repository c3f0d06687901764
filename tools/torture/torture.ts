// Injects faults while a workload is followed, at moments that a seed chooses, and returns whether both sides are
// equal in the end.
import { join } from 'node:path'
import { showLsn } from '../../server/replication/stream/lsn.ts'
import type { FollowEvent } from '../../shared/follow.ts'
import { CannotHappen, eventually, within } from '../eventually.ts'
import { compareFollowed, endOf, link } from '../moves/following.ts'
import { type Random, seeded } from '../random.ts'
import type { Major, OwnCluster } from '../servers/clusters.ts'
import { startCluster } from '../servers/clusters.ts'
import { type SlowWay, startProxy } from '../servers/proxy.ts'
import { startWorkload, type Workload, workloadTables, workloadTypes } from './workload.ts'

export interface TortureOptions {
  seed: number
  from: Major
  to: Major
  kills: number
  /** Some of `kinds` (default: all). */
  only?: readonly Kill[]
  position?: 'origin' | 'table'
}

/** The last two are faults of the network, to one server chosen by the seed: it stalls or breaks. */
export const kinds = [
  ...(['process', 'walsender', 'applier', 'source', 'destination'] as const),
  ...(['proxy-stall', 'proxy-cut'] as const),
] as const
export type Kill = (typeof kinds)[number]

/** After the last fault. */
const longestEndMs = 90_000
/** A network that stalls for longer counts as lost. */
const silenceMs = 1500

export interface TortureResult {
  seed: number
  kills: Record<Kill, number>
  committed: number
  differences: string[]
  problems: string[]
}

export async function torture(options: TortureOptions): Promise<TortureResult> {
  const { seed, from, to } = options
  const random = seeded(seed)
  const exotic = random.chance(0.5)
  const settings = { ...(from >= 13 && { logical_decoding_work_mem: '64kB' }), wal_sender_timeout: '5s' }
  const source = await startCluster({ major: from, settings })
  const destination = await startCluster({ major: to })
  const ways = { source: await startProxy(source), destination: await startProxy(destination) }
  try {
    const pair = { source: await source.createDatabase(), destination: await destination.createDatabase() }
    for (const side of ['source', 'destination'] as const) {
      if (exotic) await pair[side].sql(workloadTypes)
      await pair[side].sql(workloadTables(side, exotic))
    }
    const linked = await link(pair, { kind: options.position, flushAtCommit: false })
    await using process = new FollowProcess({
      ...linked,
      source: ways.source.to(pair.source).url,
      destination: ways.destination.to(pair.destination).url,
      silenceMs,
    })
    await using workload = startWorkload(pair.source, { seed, exotic })
    const kills = Object.fromEntries(kinds.map((kind) => [kind, 0])) as TortureResult['kills']
    const next = inTurn(options.only ?? kinds, random)
    let connects = 0
    for (let count = 0; count < options.kills; count++) {
      // Mostly while changes are applied, sometimes before the recovery from the previous fault.
      if (random.chance(0.75)) await process.reaches('another connection', (now) => now.connects > connects)
      await workload.commits(5 + random.below(60))
      const kill = next()
      const before = process.seen.connects
      const breaksOff = await inject(kill, { process, source, destination, ways, random, workload })
      connects = breaksOff ? before : 0
      kills[kill]++
    }
    await workload.stop()
    process.stopAt(showLsn(await endOf(pair.source)))
    await within('following to come to its end', process.ended, longestEndMs, () => process.lastEvents)
    return {
      ...{ seed, kills, committed: workload.committed, problems: process.problems },
      differences: await compareFollowed(pair),
    }
  } finally {
    await Promise.all([ways.source, ways.destination].map((way) => way[Symbol.asyncDispose]()))
    await Promise.all([source.stop(), destination.stop()])
  }
}

interface Victims {
  process: FollowProcess
  source: OwnCluster
  destination: OwnCluster
  ways: { source: SlowWay; destination: SlowWay }
  random: Random
  workload: Workload
}

/** Each kind once before any is repeated. */
function inTurn(all: readonly Kill[], random: Random): () => Kill {
  let left: Kill[] = []
  return () => {
    if (left.length === 0) left = [...all]
    const [kind = 'process'] = left.splice(random.below(left.length), 1)
    return kind
  }
}

/** Whether following is interrupted by it, and has to connect again. */
async function inject(kill: Kill, victims: Victims): Promise<boolean> {
  const { process, source, destination, ways, random, workload } = victims
  const { losses } = process.seen
  const noticed = () => process.reaches('the loss to be noticed', (now) => now.losses > losses)
  if (kill === 'process') {
    process.kill()
    return true
  }
  if (kill === 'walsender') {
    await source.sql(
      'postgres',
      "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'walsender'",
    )
    return true
  }
  if (kill === 'applier') {
    await destination.sql(
      'postgres',
      "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    )
    return true
  }
  if (kill === 'proxy-stall' || kill === 'proxy-cut') {
    const way = random.chance(0.5) ? ways.source : ways.destination
    if (kill === 'proxy-cut') {
      way.cut(random.chance(0.7) ? 'within' : 'now')
      return true
    }
    way.stall()
    if (random.chance(0.3)) {
      await workload.commits(5)
      way.flow()
      return false
    }
    await noticed()
    // Either only the existing connections stall permanently, or all do for a while.
    if (random.chance(0.5)) way.forget()
    way.flow()
    return true
  }
  const server = kill === 'source' ? source : destination
  await server.down('immediate')
  if (random.chance(0.5)) await noticed()
  await server.up()
  return true
}

/** The observed events of following. */
interface Seen {
  connects: number
  /** Connections that were lost or could not be opened, and processes that have ended. */
  losses: number
}

/** Restarts the process whenever it dies, until it has been asked to stop and has stopped. */
class FollowProcess {
  readonly problems: string[] = []
  readonly ended: Promise<void>
  readonly seen: Seen = { connects: 0, losses: 0 }
  #child: Bun.Subprocess<'pipe', 'pipe', 'inherit'>
  #stopAt: string | undefined
  #lastEvents: string[] = []
  #isOver = false

  constructor(readonly options: object) {
    this.#child = this.#start()
    this.ended = this.#watch()
    // The error is thrown after the faults.
    this.ended.catch(() => {})
  }

  kill() {
    this.#child.kill('SIGKILL')
  }

  /** The process is not restarted. */
  async [Symbol.asyncDispose]() {
    this.#isOver = true
    this.kill()
    await within(
      'the end of the process that follows',
      this.ended.catch(() => {}),
    )
  }

  /** Its last events. */
  get lastEvents(): readonly string[] {
    return this.#lastEvents
  }

  async reaches(what: string, holds: (seen: Seen) => boolean) {
    const look = () => {
      const [problem] = this.problems
      if (problem) throw new CannotHappen(problem)
      return { ...this.seen, lastEvents: this.#lastEvents }
    }
    await eventually(what, look, holds)
  }

  stopAt(lsn: string) {
    this.#stopAt = lsn
    this.#sendInput()
  }

  #start() {
    return Bun.spawn(
      [process.execPath, join(import.meta.dir, 'follow-process.ts'), JSON.stringify(this.options)],
      {
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'inherit',
      },
    )
  }

  #sendInput() {
    if (!this.#stopAt) return
    this.#child.stdin.write(`${this.#stopAt}\n`)
    this.#child.stdin.flush()
  }

  async #watch() {
    for (;;) {
      await this.#listen()
      const code = await this.#child.exited
      if (code === 0 || this.#isOver) return
      this.seen.losses++
      if (code === 1) throw new Error(`following has ended: ${this.problems.at(-1)}`)
      this.#child = this.#start()
    }
  }

  async #listen() {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines.filter(Boolean)) this.#receive(JSON.parse(line))
    }
  }

  #receive(event: FollowEvent | { type: 'process'; passes: boolean; message: string }) {
    this.#lastEvents = [...this.#lastEvents.slice(-9), JSON.stringify(event)]
    // Standard input is read only from now on.
    if (event.type === 'follow_connected') this.#sendInput()
    if (event.type === 'follow_connected') this.seen.connects++
    if (event.type === 'follow_waiting' || event.type === 'process') this.seen.losses++
    if (event.type === 'process' && !event.passes) this.problems.push(event.message)
    if (event.type === 'follow_conflict') {
      this.problems.push(event.conflict.message)
      this.#child.kill('SIGTERM')
      throw new Error(event.conflict.message)
    }
  }
}
