// Two databases with the workload's tables, and the helpers to follow one with the other.

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
 * Removes everything from the schema public, and all publications: a test can use the database of the previous one,
 * which is much faster than a new one.
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
  /** Default: all tables of the schema public. */
  published?: PublishedTable[]
  /** An existing publication. */
  publication?: string
  /**
   * The test servers flush the log a moment after each commit, and send it only then. By default the source flushes at
   * the commit, so that tests do not wait for that moment.
   */
  flushAtCommit?: boolean
}

/** Creates publication, slot and position for two databases with the same rows; there must be no writes meanwhile. */
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
  // Before 13 each partition is published separately.
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

/** Waits for a status that fulfils the condition. Fails at once when the follower has ended, or has a conflict. */
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

/** Waits until everything committed so far is applied; fails at a conflict. */
export async function arrival(follower: Follower, source: TestDatabase) {
  await stopsAt(follower, await endOf(source))
}

/** As `stopAt`, with a deadline; fails at a conflict. */
export async function stopsAt(follower: Follower, end: Lsn) {
  const stopped = follower.stopAt(end)
  const what = `the follower to stop at ${showLsn(end)}`
  await Promise.race([stopped, reaches(follower, what, ({ phase }) => phase === 'stopped')])
  await stopped
}

export function endOf(source: TestDatabase): Promise<Lsn> {
  return inSession(source, markEnd)
}

/** Everything committed on the source so far is on the destination when this resolves. */
export async function followToEnd(options: FollowerOptions, source: TestDatabase) {
  const follower = await Follower.start(options)
  await arrival(follower, source)
  return follower
}

/** A position in the source's log after everything committed so far, which the source will send. */
/**
 * For `stopAt`. The source sends only what is on its disk, and a commit waits for the disk only when its transaction
 * has written something: here a logical message.
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
