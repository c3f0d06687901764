// Two databases with the workload's tables, and all that following from one to the other needs.

import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { Follower, type FollowerOptions } from '../../server/replication/apply/follower.ts'
import { createPosition, type PositionKind } from '../../server/replication/apply/position.ts'
import { type Lsn, parseLsn, showLsn } from '../../server/replication/stream/lsn.ts'
import {
  createPublication,
  type PublishedTable,
  readPublication,
} from '../../server/replication/stream/publication.ts'
import { createSlot } from '../../server/replication/stream/slot.ts'
import type { FollowConflict, FollowStatus } from '../../shared/follow.ts'
import { tableKey } from '../../shared/table-name.ts'
import { compareRows } from '../comparison/compare.ts'
import { CannotHappen, eventually } from '../eventually.ts'
import type { TestDatabase } from '../servers/clusters.ts'

let made = 0

export interface Pair {
  source: TestDatabase
  destination: TestDatabase
}

/**
 * Leaves nothing in the schema public and no publication: a test can use the database of the one before, which
 * costs much less than a new one.
 */
export async function makeEmpty({ source, destination }: Pair) {
  for (const side of [source, destination]) {
    await side.sql(`
      do $$ declare publication name;
      begin
        for publication in select pubname from pg_publication loop
          execute format('drop publication %I', publication);
        end loop;
      end $$;
      drop schema public cascade;
      create schema public`)
  }
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
  kind?: PositionKind | undefined
  viaRoot?: boolean
  /** Instead of all tables of the schema public. */
  published?: PublishedTable[]
  /** One that is there. */
  publication?: string
  /**
   * The test servers flush the log a moment after each commit, and only then is it sent. By default the source
   * flushes it at the commit, which saves every test that moment.
   */
  flushAtCommit?: boolean
}

/** Publication, slot and position for two databases that have the same rows; nobody may write meanwhile. */
export async function link(
  { source, destination }: Pair,
  { kind, viaRoot = false, published, publication, flushAtCommit = true }: LinkOptions = {},
): Promise<FollowerOptions> {
  const name = `pgtrek_test_${process.pid}_${++made}`
  const flush = flushAtCommit ? `alter database "${source.name}" set synchronous_commit = on;` : ''
  const tables = await source.sql<{ schema: string; name: string; kind: string; parted: boolean }>(`
    ${flush}
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

/** The status in which something holds. Fails at once when the follower has ended or stands at a conflict before. */
export async function reaches(
  follower: Pick<Follower, 'status'>,
  what: string,
  holds: (status: FollowStatus) => boolean,
): Promise<FollowStatus> {
  const look = () => {
    const { status } = follower
    if (!holds(status)) failIfOver(status)
    return status
  }
  return await eventually(what, look, holds)
}

function failIfOver({ phase, conflict, lastError }: FollowStatus) {
  if (conflict) throw new CannotHappen(`a conflict came first: ${conflict.message}`)
  if (phase === 'stopped') throw new CannotHappen('the follower has stopped')
  if (phase === 'failed') throw new CannotHappen(`the follower has failed: ${lastError?.message}`)
}

export async function conflictOf(follower: Pick<Follower, 'status'>): Promise<FollowConflict> {
  const { conflict } = await reaches(follower, 'a conflict', ({ conflict }) => conflict !== undefined)
  if (!conflict) throw new Error('unreachable: the status has a conflict')
  return conflict
}

/** Everything that is committed by now has arrived, and no conflict stopped it. */
export async function arrival(follower: Follower, source: TestDatabase) {
  await stopsAt(follower, await endOf(source))
}

/** As `stopAt`, with a deadline; a conflict on the way is a failure. */
export async function stopsAt(follower: Follower, end: Lsn) {
  const stopped = follower.stopAt(end)
  const what = `the follower to stop at ${showLsn(end)}`
  await Promise.race([stopped, reaches(follower, what, ({ phase }) => phase === 'stopped')])
  await stopped
}

export function endOf(source: TestDatabase): Promise<Lsn> {
  return inSession(source, markEnd)
}

/** Everything committed on the source by now is on the destination when this resolves. */
export async function followToEnd(options: FollowerOptions, source: TestDatabase) {
  const follower = await Follower.start(options)
  await arrival(follower, source)
  return follower
}

/** A position in the source's log behind everything committed so far, which will be sent. */
/**
 * For `stopAt`. Changes are sent only when they are on disk, which a commit waits for only when its transaction
 * has written something: a message that nobody reads.
 */
async function markEnd(session: Session): Promise<Lsn> {
  await session.execute(`
    begin read write;
    set local synchronous_commit = on;
    select pg_catalog.pg_logical_emit_message(true, 'pgtrek_end', '');
    commit`)
  const { lsn } = await session.one<{ lsn: string }>(
    'select pg_catalog.pg_current_wal_flush_lsn()::text as lsn',
  )
  return parseLsn(lsn)
}
