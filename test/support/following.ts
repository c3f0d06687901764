// Two databases with the workload's tables, and all that following from one to the other needs.
import { Session } from '../../server/postgres/session.ts'
import { resolveSettings } from '../../server/postgres/settings.ts'
import { tableKey } from '../../server/replication/destination-tables.ts'
import { markEnd } from '../../server/replication/end-mark.ts'
import { Follower, type FollowOptions } from '../../server/replication/follow.ts'
import type { Lsn } from '../../server/replication/lsn.ts'
import { createPosition, type PositionKind } from '../../server/replication/position.ts'
import {
  createPublication,
  type PublishedTable,
  readPublication,
} from '../../server/replication/publication.ts'
import { createSlot } from '../../server/replication/slot.ts'
import type { TestDatabase } from './clusters.ts'
import { compareRows } from './compare.ts'

let made = 0

export interface Pair {
  source: TestDatabase
  destination: TestDatabase
}

export function settingsOf(database: TestDatabase) {
  return resolveSettings({ url: database.url })
}

export async function inSession<T>(
  database: TestDatabase,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  await using session = await Session.open(settingsOf(database))
  return await work(session)
}

export interface LinkOptions {
  kind?: PositionKind
  viaRoot?: boolean
  /** Instead of all tables of the schema public. */
  published?: PublishedTable[]
  /** One that is there. */
  publication?: string
}

/** Publication, slot and position for two databases that have the same rows; nobody may write meanwhile. */
export async function link(
  { source, destination }: Pair,
  { kind, viaRoot = false, published, publication }: LinkOptions = {},
): Promise<FollowOptions> {
  const name = `pgtrek_test_${process.pid}_${++made}`
  const tables = await source.sql<{ schema: string; name: string; kind: string; parted: boolean }>(`
    select relnamespace::regnamespace::text as schema, relname as name, relkind as kind, relispartition as parted
      from pg_class
     where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`)
  // Below 13 partitions are published one by one.
  const followed = await inSession(source, async (session) => {
    const whole = session.major >= 13
    const list = published ?? tables.filter(({ kind, parted }) => (whole ? !parted : kind === 'r'))
    if (!publication) await createPublication(session, name, list, { viaRoot })
    return (await readPublication(session, publication ?? name))?.tables ?? []
  })
  const slot = await createSlot(settingsOf(source), name)
  await slot.session.close()
  await inSession(destination, (session) => createPosition(session, name, slot.consistentPoint, kind))
  const keys = new Map(followed.map(({ schema, name }) => [tableKey({ schema, name }), { schema, name }]))
  return {
    source: settingsOf(source),
    destination: settingsOf(destination),
    slot: name,
    publication: publication ?? name,
    positionName: name,
    tables: [...keys.values()],
  }
}

export function compareFollowed({ source, destination }: Pair): Promise<string[]> {
  return compareRows(source, destination)
}

/** Everything that is committed by now has arrived, and no conflict stopped it. */
export async function arrival(follower: Follower, source: TestDatabase) {
  const end = await endOf(source)
  const stopped = Promise.withResolvers<never>()
  const timer = setInterval(() => {
    const { conflict } = follower.status
    if (conflict) stopped.reject(new Error(conflict.message))
  }, 50)
  await Promise.race([follower.stopAt(end), stopped.promise]).finally(() => clearInterval(timer))
}

export function endOf(source: TestDatabase): Promise<Lsn> {
  return inSession(source, markEnd)
}

/** Everything committed on the source by now is on the destination when this resolves. */
export async function followToEnd(options: FollowOptions, source: TestDatabase) {
  const follower = await Follower.start(options)
  await follower.stopAt(await endOf(source))
  return follower
}
