// Whether others may have written to a table of the destination after it was compared. The stream does not show that.
// The server counts the rows that sessions have written. What exceeds the rows of the move was written by others.

import { pause } from '../../copy/pause.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { OwnWrites } from '../../replication/apply/own-writes.ts'
import { countsAtCommitSince } from '../../replication/apply/position.ts'
import { isForeign } from '../switchover/other-sessions.ts'

/** From version 15 on, the writes of a session that is idle for 10 s are counted. */
const idleCountedMs = 11_000
/** A session that becomes idle has its earlier writes counted, except those of so long before. */
const busyCountedMs = 1_000
const checkEveryMs = 250

/** The counts of a table before it was compared. */
export interface Seen {
  /** By the clock of the destination, in milliseconds. */
  at: number
  /** At least so many rows had been written by others. */
  others: number
  /** Rows that the move had written or was writing. */
  ours: number
  /** How often the move had done something that the server may count in another way. */
  unclear: number
}

export interface CountedStream {
  written: OwnWrites
  /** Changes when a stream starts: what the one before has sent may never have been executed. */
  epoch: () => number
  /** Runs the work while no rows are on their way, if possible. */
  atRest: <Result>(work: () => Promise<Result>) => Promise<Result>
}

export class UnseenWrites {
  readonly #known = new Map<number, { counted: number; others: number; unclear: number }>()
  #epoch: number | undefined

  constructor(readonly stream: CountedStream) {}

  /** By the table's OID on the destination. To be called before the snapshot of the comparison. */
  async sample(destination: Session, oids: readonly number[]): Promise<ReadonlyMap<number, Seen>> {
    const { stream } = this
    return await stream.atRest(async () => {
      if (this.#epoch !== stream.epoch()) this.#known.clear()
      this.#epoch = stream.epoch()
      return this.#seen(await readCounts(destination, oids))
    })
  }

  #seen({ at, counts }: Counts): ReadonlyMap<number, Seen> {
    const seen = new Map<number, Seen>()
    for (const [oid, counted] of counts) {
      const { rows: ours, unclear } = this.stream.written.of(oid)
      const known = this.#known.get(oid)
      // Statistics can be reset.
      const isComparable = known && counted >= known.counted && unclear === known.unclear
      const before = isComparable ? known.others : Number.NEGATIVE_INFINITY
      // Rows on their way are not counted yet: an earlier sample may know more.
      const others = Math.max(counted - ours, before)
      this.#known.set(oid, { counted, others, unclear })
      seen.set(oid, { at, others, ours, unclear })
    }
    return seen
  }

  /**
   * To be called when the whole stream is committed. The result is true for a table that others have certainly not
   * written to since.
   */
  async unchanged(
    destination: Session,
    oids: readonly number[],
  ): Promise<(oid: number, since: Seen) => boolean> {
    const { counts } = await readCounts(destination, oids)
    const { counting } = await destination.one<{ counting: string }>(
      "select pg_catalog.current_setting('track_counts') as counting",
    )
    if (counting !== 'on') return () => false
    const isCounted = destination.major >= countsAtCommitSince
    return (oid, since) => {
      const { rows: ours, unclear } = this.stream.written.of(oid)
      if (unclear !== since.unclear || (!isCounted && ours !== since.ours)) return false
      return counts.get(oid) === since.others + ours
    }
  }
}

interface Counts {
  /** By the clock of the server. */
  at: number
  /** Written rows by OID. */
  counts: Map<number, number>
}

/** From the server's statistics, with what was rolled back. A partitioned table has those of its partitions. */
export async function readCounts(destination: Session, oids: readonly number[]): Promise<Counts> {
  const rows = await destination.query<{ oid: number; rows: number; at: number }>(`
    select t.oid, ${millisecondsOf('pg_catalog.clock_timestamp()')} as at,
           sum(pg_catalog.pg_stat_get_tuples_inserted(leaf.oid) + pg_catalog.pg_stat_get_tuples_updated(leaf.oid)
             + pg_catalog.pg_stat_get_tuples_deleted(leaf.oid))::pg_catalog.float8 as rows
      from pg_catalog.pg_class t
      cross join lateral (
             select t.oid where t.relkind <> 'p'
             union all
             select p.relid from pg_catalog.pg_partition_tree(t.oid) p where t.relkind = 'p' and p.isleaf
           ) as leaf (oid)
     where t.oid in (${oids.join(', ') || '0'})
     group by t.oid`)
  return {
    at: rows.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY),
    counts: new Map(rows.map(({ oid, rows: counted }) => [oid, counted])),
  }
}

export interface Uncounted {
  /** Of the session, in words. */
  who: string
  /** Writes up to this time may not be counted yet, by the clock of the destination. */
  until: number
}

export interface CountingWait {
  /** The tables that matter. */
  oids: readonly number[]
  /** Whether writes up to this time matter so much that waiting is worth it. */
  matters: (until: number) => boolean
  /** Called once, before it waits. */
  onWait: (who: readonly string[]) => void
  signal: AbortSignal
}

/**
 * Waits until what other sessions have written before is counted, 11 s at most. Returns the sessions of which that is not
 * known.
 */
export async function awaitCounted(destination: Session, wait: CountingWait): Promise<Uncounted[]> {
  const { now: startedAt } = await destination.one<{ now: number }>(
    `select ${millisecondsOf('pg_catalog.clock_timestamp()')} as now`,
  )
  for (let isFirst = true; ; isFirst = false) {
    const others = await readOthers(destination, wait.oids)
    const uncounted = others.flatMap((other) => uncountedOf(other, startedAt, destination.major))
    const isOver = others.some(({ now }) => now > startedAt + idleCountedMs)
    const canChange = destination.major >= countsAtCommitSince && !isOver
    const blocking = uncounted.filter(({ until }) => Number.isFinite(until) && wait.matters(until))
    if (!canChange || blocking.length === 0) return uncounted
    if (isFirst) wait.onWait(blocking.map(({ who }) => who))
    await pause(checkEveryMs, wait.signal)
  }
}

interface Other {
  who: string
  isHidden: boolean
  /** Null for a background worker that does not report its state. */
  state: string | null
  changed: number | null
  began: number | null
  now: number
}

function uncountedOf(
  { who, isHidden, state, changed, began, now }: Other,
  startedAt: number,
  major: number,
): Uncounted[] {
  // Waiting does not change that.
  if (isHidden) return [{ who, until: Number.POSITIVE_INFINITY }]
  if (state === null || changed === null) return []
  // Counts are not updated within a transaction. What it writes itself is not committed.
  if (state !== 'idle') return [{ who, until: began ?? changed }]
  const isCounted = major >= countsAtCommitSince && now - changed >= idleCountedMs
  return isCounted || changed >= startedAt + busyCountedMs ? [] : [{ who, until: changed }]
}

/** Also background workers and subscriptions; only of roles that may write to one of the tables. */
async function readOthers(destination: Session, oids: readonly number[]): Promise<Other[]> {
  return await destination.query<Other>(`
    select pg_catalog.concat(coalesce(nullif(a.application_name, ''), 'a program without a name'), ' of ', a.usename,
                             ' (pid ', a.pid, ')') as who,
           a.backend_type is null as "isHidden", a.state, ${millisecondsOf('a.state_change')} as changed,
           ${millisecondsOf('coalesce(a.xact_start, a.query_start)')} as began,
           ${millisecondsOf('pg_catalog.clock_timestamp()')} as now
      from pg_catalog.pg_stat_activity a
     where ${isForeign(destination)}
       and coalesce(a.backend_type, '') not in ('walsender', 'parallel worker')
       and exists (
             select from pg_catalog.pg_class c
              where c.oid in (${oids.join(', ') || '0'})
                and (pg_catalog.has_table_privilege(a.usesysid, c.oid, ${quoteLiteral('insert, update, delete, truncate')})
                  or pg_catalog.pg_has_role(a.usesysid, c.relowner, 'member')))`)
}

function millisecondsOf(time: string): string {
  return `extract(epoch from ${time})::pg_catalog.float8 * 1000`
}
