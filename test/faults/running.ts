// A run of the real command that is watched through its own log file, and killed where the test wants it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, type Home, makeHome } from '../cli/process.ts'
import type { Cluster, TestDatabase } from '../support/clusters.ts'

interface Line {
  type: string
  kind?: string
  object?: string
  message?: string
}

export interface Running {
  finished: Promise<Ended>
  /** Fails when the run ends before. */
  reaches(moment: Promise<unknown>): Promise<void>
  /** Resolves when a line of the log says so; fails when the run ends before. */
  until(isIt: (line: Line) => boolean): Promise<void>
  signal(name: NodeJS.Signals): void
  /** `kill -9`, and the process is gone when it returns. */
  kill(): Promise<void>
}

export interface Faulty extends Home {
  watch(args: string[]): Running
}

export function faultyHome(): Faulty {
  const home = makeHome()
  const children: Bun.Subprocess[] = []
  return {
    ...home,
    watch(args) {
      const { child, ...running } = watch(home, args)
      children.push(child)
      return running
    },
    [Symbol.dispose]() {
      // A test that failed may have left one.
      for (const child of children) child.kill('SIGKILL')
      home[Symbol.dispose]()
    },
  }
}

const longestWaitMs = 60_000

function watch(home: Home, args: string[]): Running & { child: Bun.Subprocess } {
  const before = new Set(logsOf(home))
  const { child, finished } = home.start([...args, '--no-progress'])
  let isOver = false
  finished.then(() => (isOver = true))
  return {
    child,
    finished,
    async until(isIt) {
      await waitFor('the log says so', async () => {
        const over = isOver
        const files = logsOf(home).filter((name) => !before.has(name))
        if (files.some((name) => linesOf(home, name).some(isIt))) return true
        if (over) throw new Error(`the run ended before: ${(await finished).said}`)
        return false
      })
    },
    async reaches(moment) {
      const early = finished.then(({ said }) => {
        throw new Error(`the run ended before: ${said}`)
      })
      // Of the one that comes second nobody wants to hear.
      early.catch(() => {})
      moment.catch(() => {})
      await Promise.race([moment, early])
    },
    signal: (name) => child.kill(name),
    async kill() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}

/** Polls, since a server tells nobody; how long it takes decides nothing. */
export async function waitFor(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + longestWaitMs; Date.now() < end; ) {
    if (await isSo()) return
    await Bun.sleep(20)
  }
  throw new Error(`waited in vain: ${what}`)
}

function logsOf({ directory }: Home): string[] {
  try {
    return readdirSync(join(directory, 'logs'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return []
  }
}

/** The last line may be half written. */
function linesOf({ directory }: Home, name: string): Line[] {
  const lines = readFileSync(join(directory, 'logs', name), 'utf8')
    .split('\n')
    .slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Line)
}

export const begins =
  (kind: string, object?: string) =>
  (line: Line): boolean =>
    line.type === 'step_started' && line.kind === kind && (object === undefined || line.object === object)

/** Waits until a session of the command waits for a lock. */
export function waitsForLock(server: Cluster, database: TestDatabase, statement = '%'): Promise<void> {
  return waitFor(`a session waits for a lock in ${statement}`, async () => {
    const rows = await server.sql(
      'postgres',
      `select from pg_stat_activity
        where datname = $1 and application_name = 'pgtrek' and wait_event_type = 'Lock' and query ilike $2`,
      [database.name, statement],
    )
    return rows.length > 0
  })
}

/** No session of ours is left, nor anything that one has made for itself. */
export async function expectNothingLeft(server: Cluster, database: TestDatabase): Promise<void> {
  let left: { what: string }[] = []
  const noneIsLeft = async () => {
    left = await server.sql<{ what: string }>(
      'postgres',
      `select concat_ws(' ', pid, state, wait_event_type, query) as what
         from pg_stat_activity where datname = $1 and application_name = 'pgtrek'`,
      [database.name],
    )
    return left.length === 0
  }
  await waitFor(`no session is left in ${database.name}`, noneIsLeft).catch((error: Error) => {
    throw new Error(`${error.message}: ${left.map(({ what }) => what).join('; ')}`)
  })
  const things = await database.sql<{ name: string }>(`
    select relname as name from pg_class
     where relpersistence = 't' and relkind = 'r' or relname like '%pgtrek%'
    union all select nspname from pg_namespace where nspname like '%pgtrek%'
    union all select tgname from pg_trigger where tgname like '%pgtrek%'
    union all select slot_name from pg_replication_slots where database = current_database()`)
  if (things.length > 0) throw new Error(`left behind: ${things.map(({ name }) => name).join(', ')}`)
}

/** Foreign keys and triggers as a person would see them. */
export async function keysAndTriggers(database: TestDatabase): Promise<unknown> {
  const [state] = await database.sql(`
    select (select json_agg(t.tgrelid::regclass || '.' || t.tgname || ' ' || t.tgenabled::text order by 1)
              from (select * from pg_trigger order by tgrelid::regclass::text, tgname) t where not tgisinternal) as triggers,
           (select json_agg(concat_ws(' ', k.conrelid::regclass, k.conname, k.convalidated, pg_get_constraintdef(k.oid),
                                      obj_description(k.oid, 'pg_constraint')))
              from (select * from pg_constraint where conparentid = 0 order by conrelid::regclass::text, conname) k
             where contype = 'f') as keys`)
  return state
}

/** A session that holds a lock until it is let go. */
export async function hold(database: TestDatabase, statement: string): Promise<{ letGo(): Promise<void> }> {
  const session = database.connect()
  const reserved = await session.reserve()
  await reserved.unsafe(`begin; ${statement}`)
  return {
    async letGo() {
      await reserved.unsafe('rollback')
      reserved.release()
      await session.end()
    },
  }
}
