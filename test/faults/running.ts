// A run of the real command, observed through its log file, and killed at a moment that the test chooses.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, type Home, makeHome } from '../../tools/command.ts'
import { CannotHappen, eventually, within } from '../../tools/eventually.ts'
import type { Cluster, TestDatabase } from '../../tools/servers/clusters.ts'

interface Line {
  type: string
  kind?: string
  object?: string
  message?: string
}

export interface Running {
  readonly finished: Promise<Ended>
  /** Fails when the run ends before. */
  reaches(moment: Promise<unknown>): Promise<void>
  /** Resolves when a line of the log matches; fails when the run ends before. */
  until(isIt: (line: Line) => boolean): Promise<void>
  signal(name: NodeJS.Signals): void
  /** `kill -9`; when it returns, the process has ended. */
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
    run: (args, environment) => within(`the end of ${args[0]}`, home.run(args, environment)),
    watch(args) {
      const { child, ...running } = watch(home, args)
      children.push(child)
      return running
    },
    [Symbol.dispose]() {
      // A failed test may have left one.
      for (const child of children) child.kill('SIGKILL')
      home[Symbol.dispose]()
    },
  }
}

function watch(home: Home, args: string[]): Running & { child: Bun.Subprocess } {
  const before = new Set(logsOf(home))
  const { child, finished } = home.start([...args, '--no-progress'])
  let isOver = false
  void finished.then(() => (isOver = true))
  const logged = () =>
    logsOf(home)
      .filter((name) => !before.has(name))
      .flatMap((name) => linesOf(home, name))
  return {
    child,
    get finished() {
      return within(`the end of ${args[0]}`, finished, undefined, () => logged().slice(-5))
    },
    async until(isIt) {
      await eventually(
        'a line of the log',
        async () => {
          const over = isOver
          const lines = logged()
          if (over && !lines.some(isIt)) throw new CannotHappen(`the run ended: ${(await finished).said}`)
          return lines
        },
        (lines) => lines.some(isIt),
      )
    },
    async reaches(moment) {
      const early = finished.then(({ said }) => {
        throw new Error(`the run ended before: ${said}`)
      })
      // The result of the slower one is not used.
      early.catch(() => {})
      moment.catch(() => {})
      await Promise.race([moment, early])
    },
    signal: (name) => child.kill(name),
    async kill() {
      child.kill('SIGKILL')
      await within('the end of the killed process', child.exited)
      if (child.signalCode !== 'SIGKILL') {
        throw new Error(`the run ended before it was killed: ${(await finished).said}`)
      }
    },
  }
}

function logsOf({ directory }: Home): string[] {
  try {
    return readdirSync(join(directory, 'logs'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return []
  }
}

/** The last line may be incomplete. */
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
export async function waitsForLock(server: Cluster, database: TestDatabase, statement = '%'): Promise<void> {
  await eventually(
    `a session that waits for a lock in ${statement}`,
    () => sessionsIn(server, database, statement),
    (sessions) => sessions.some(({ isMeant, waits }) => isMeant && waits === 'Lock'),
  )
}

interface RunSession {
  pid: number
  state: string
  waits: string | null
  event: string | null
  query: string
  isMeant: boolean
}

/** The command's sessions with such a statement as their current or last one. */
export function sessionsIn(server: Cluster, database: TestDatabase, statement = '%'): Promise<RunSession[]> {
  return server.sql<RunSession>(
    'postgres',
    `select pid, state, wait_event_type as waits, wait_event as event, query, query ilike $2 as "isMeant"
       from pg_stat_activity where datname = $1 and application_name = 'pgtrek'`,
    [database.name, statement],
  )
}

/** The command has no sessions, and no object of a session is left except for notes of what is suspended. */
export async function expectNothingLeft(
  server: Cluster,
  database: TestDatabase,
  { butNotes = false } = {},
): Promise<void> {
  await eventually(
    `the end of all sessions in ${database.name}`,
    () => sessionsIn(server, database),
    (sessions) => sessions.length === 0,
  )
  const things = await database.sql<{ name: string }>(`
    select relname as name from pg_class
     where relpersistence = 't' and relkind = 'r' or relname like '%pgtrek%'
    union all select nspname from pg_namespace where nspname like '%pgtrek%'
    union all select tgname from pg_trigger where tgname like '%pgtrek%'
    union all select slot_name from pg_replication_slots where database = current_database()`)
  const notes = butNotes ? ['pgtrek', 'taken_away', 'taken_away_pkey'] : []
  const names = things.map(({ name }) => name).filter((name) => !notes.includes(name))
  if (names.length > 0) throw new Error(`left behind: ${names.join(', ')}`)
}

/** Foreign keys and triggers as a user sees them. */
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

export interface Held {
  letGo(): Promise<void>
  /** The error, when the server has ended the session. */
  isLost(): Promise<void>
}

/** A session that holds a lock until it is released. */
export async function hold(database: TestDatabase, statement: string): Promise<Held> {
  const session = database.connect()
  const reserved = await session.reserve()
  await reserved.unsafe(`begin; ${statement}`)
  return {
    async letGo() {
      await reserved.unsafe('rollback')
      reserved.release()
      await session.end()
    },
    isLost: () => session.end({ timeout: 0 }),
  }
}
