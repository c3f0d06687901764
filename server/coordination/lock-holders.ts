// Which runs and moves are active on a server, and which of them hold locks that another run needs.
import type { Session } from '../postgres/session.ts'
import {
  activityLock,
  type Lock,
  type LockedObject,
  locksFor,
  moveLock,
  presenceLock,
  rowsOf,
  runClass,
} from './advisory-locks.ts'

const mostNamed = 5

/** Another session that holds a lock, with what our role may see of it. */
export interface Holder {
  pid: number
  application: string
  user: string | null
  address: string | null
  since: string | null
}

export function describeHolder({ pid, application, user, address }: Holder): string {
  const role = [user && `role ${user}`, address && `from ${address}`].filter(Boolean).join(' ')
  return `"${application}" (server process ${pid}${role && `, ${role}`})`
}

export function describeHolders(holders: readonly Holder[]): string {
  return holders.map(describeHolder).join('; ')
}

/** For a dry run: which runs would refuse this one. */
export async function busyWith(
  session: Session,
  objects: readonly LockedObject[],
): Promise<{ names: string[]; holders: Holder[] }> {
  const locks = await locksFor(session, objects)
  const names: string[] = []
  const holders = new Map<number, Holder>()
  for (const one of await conflicts(session, locks)) {
    names.push(...locks.filter(({ key }) => key === one.key).map(({ what }) => what))
    holders.set(one.pid, one)
  }
  return { names: [...new Set(names)], holders: [...holders.values()] }
}

export function describeBusy({ names, holders }: Awaited<ReturnType<typeof busyWith>>): string {
  return `another run of pgtrek is working on ${listNames(names)}: ${describeHolders(holders)}`
}

export function listNames(names: readonly string[]): string {
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ''
  return names.slice(0, mostNamed).join(', ') + more
}

/** Every run that is active in this database. */
export async function readRuns(session: Session): Promise<Holder[]> {
  return await readHolders(session, `classid = ${runClass} and objid = ${presenceLock} and objsubid = 2`)
}

/** The processes that work on a move of this name, on any machine. */
export async function processesOf(session: Session, name: string): Promise<Holder[]> {
  return await holdersOf(session, [moveLock(name)])
}

/** For each name whether a process works on a move of this name, in any database of the server. */
export async function movesAtWork(session: Session, names: readonly string[]): Promise<boolean[]> {
  return await areHeld(session, names.map(moveLock))
}

/** Those of these runs that are still active in some database of the server. */
export async function runsAtWork(session: Session, runs: readonly string[]): Promise<Set<string>> {
  const held = await areHeld(session, runs.map(activityLock))
  return new Set(runs.filter((_, index) => held[index]))
}

async function areHeld(session: Session, locks: readonly Lock[]): Promise<boolean[]> {
  if (locks.length === 0) return []
  const rows = await session.query<{ key: string }>(`
    select distinct key::text as key
      from ${rowsOf(locks)} as wanted(key, shared)
      join pg_catalog.pg_locks l
        on l.locktype = 'advisory' and l.objsubid = 1 and l.granted
       and (l.classid::int8 << 32) | l.objid::int8 = wanted.key`)
  const held = new Set(rows.map(({ key }) => key))
  return locks.map(({ key }) => held.has(key))
}

export async function holdersOf(session: Session, locks: readonly Lock[]): Promise<Holder[]> {
  const byPid = new Map((await conflicts(session, locks)).map((one) => [one.pid, one]))
  return [...byPid.values()]
}

/** The locks of other sessions in this database that exclude these. */
export async function conflicts(
  session: Session,
  locks: readonly Lock[],
): Promise<(Holder & { key: string })[]> {
  if (locks.length === 0) return []
  return await session.query<Holder & { key: string }>(`
    select wanted.key::text as key, ${holderColumns}
      from ${rowsOf(locks)} as wanted(key, shared)
      join pg_catalog.pg_locks l
        on ${inThisDatabase} and l.objsubid = 1 and l.granted
       and (l.classid::int8 << 32) | l.objid::int8 = wanted.key
       and (l.mode = 'ExclusiveLock' or not wanted.shared)
      left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.pid <> pg_catalog.pg_backend_pid()
     order by l.pid`)
}

export async function readHolders(session: Session, condition: string): Promise<Holder[]> {
  return await session.query<Holder>(`
    select ${holderColumns}
      from pg_catalog.pg_locks l
      left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where ${inThisDatabase} and ${condition} and l.granted and l.pid <> pg_catalog.pg_backend_pid()
     order by l.pid`)
}

const inThisDatabase = `locktype = 'advisory'
  and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`

const holderColumns = `l.pid, coalesce(nullif(a.application_name, ''), 'unknown') as application, a.usename as "user",
  pg_catalog.host(a.client_addr) as address, a.backend_start::text as since`
