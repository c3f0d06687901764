// Sessions, locks and runs that a migration would have to wait for.

import { formatDuration } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { describeHolder, readRuns } from '../coordination/lock-holders.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { currentDatabase, isUsers, qualifiedName } from './catalog-sql.ts'
import { type Check, type CheckContext, type Finding, findingFor, type Remark } from './check.ts'
import { type End, type Fix, fixes } from './fix.ts'

const longTransactions: Check = {
  id: 'long-transactions',
  title: 'Long transactions',
  why: say`Following starts only when every transaction that is already open has ended; their locks can also block the run.`,
  fixable: true,
  async look({ source, facts, longTransaction, managed }): Promise<Finding> {
    const { seesAll } = await source.one<{ seesAll: boolean }>(
      `select ${facts.source.superuser} or pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as "seesAll"`,
    )
    const sessions = await source.query<Backend & { who: string; state: string; seconds: number }>(`
      select ${backend},
             pg_catalog.concat_ws(' ', a.usename, nullif(a.application_name, '')) as who,
             a.state,
             extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::float8 as seconds
        from pg_catalog.pg_stat_activity a
       where a.backend_type = 'client backend'
         and a.pid <> pg_catalog.pg_backend_pid()
         and a.xact_start < pg_catalog.clock_timestamp() - interval '${longTransaction} s'
       order by a.xact_start`)
    return findingFor(
      sessions.map(
        ({ pid, who, state, seconds }) => `${pid} (${who}, ${state}, for ${formatDuration(seconds)})`,
      ),
      seesAll
        ? say`none`
        : say`none, of those visible to "${facts.source.user}" (grant pg_read_all_stats to see all)`,
      {
        status: 'warning',
        found: say`the source has long-running transactions`,
        todo: say`Wait for them to end before the migration, or terminate them.`,
        sql: ended('source', sessions, managed),
      },
    )
  },
}

interface Backend {
  pid: number
  user: string | null
  startedAt: string | null
}

/** Columns for a query that has `pg_stat_activity` as a. */
const backend = `a.pid, a.usename as "user", pg_catalog.to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as "startedAt"`

/** A process number may be reused, so the start time is checked too. Only the provider can end its own sessions. */
function ended(end: End, sessions: readonly Backend[], managed: CheckContext['managed']): Fix[] {
  return sessions
    .filter(({ user }) => user === null || !managed[end]?.isInternal(user))
    .flatMap(({ pid, user, startedAt }) =>
      fixes(
        end,
        `${user === null ? 'the role of the session' : `"${user}"`}, a member of pg_signal_backend or a superuser`,
        `select pg_terminate_backend(pid) from pg_stat_activity where pid = ${pid}${startedAt === null ? '' : ` and backend_start = ${quoteLiteral(startedAt)}`}`,
      ),
    )
}

interface Lock extends Backend {
  table: string
  granted: boolean
}

/** Locks that are released within this time are not reported. */
const recheckAfterMs = 1_000

const locks: Check = {
  id: 'locks',
  title: 'Locked tables',
  why: say`The migration waits for a table that is locked exclusively, and sessions that queue behind it wait too.`,
  fixable: true,
  async look({ source, destination, managed }): Promise<Finding> {
    const ends = [
      ['source', source],
      ['destination', destination],
    ] as const
    const first: Lock[][] = []
    first.push(...(await Promise.all(ends.map(([, session]) => exclusiveLocks(session)))))
    if (first.some((list) => list.length > 0)) await Bun.sleep(recheckAfterMs)
    const objects: string[] = []
    const sql: Fix[] = []
    for (const [index, [end, session]] of ends.entries()) {
      const before = new Set((first[index] ?? []).map(({ pid, table }) => `${pid} ${table}`))
      if (before.size === 0) continue
      const still = (await exclusiveLocks(session)).filter(({ pid, table }) => before.has(`${pid} ${table}`))
      objects.push(
        ...still.map(
          ({ pid, table, granted }) =>
            `${end}: ${table}, by ${pid}${granted ? '' : ' (still waiting for it)'}`,
        ),
      )
      sql.push(...ended(end, [...new Map(still.map((one) => [one.pid, one])).values()], managed))
    }
    return findingFor(objects, say`none`, {
      status: 'warning',
      found: say`sessions hold or wait for ACCESS EXCLUSIVE locks on tables`,
      todo: say`Wait for them to end (see pg_stat_activity), or terminate them.`,
      sql,
    })
  },
}

async function exclusiveLocks(session: Session): Promise<Lock[]> {
  return await session.query<Lock>(`
    select ${backend}, ${qualifiedName} as "table", l.granted
      from pg_catalog.pg_locks l
      join pg_catalog.pg_stat_activity a on a.pid = l.pid
      join pg_catalog.pg_class c on c.oid = l.relation
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where l.locktype = 'relation'
       and l.mode = 'AccessExclusiveLock'
       and l.database = ${currentDatabase}
       and c.relkind in ('r', 'p', 'm', 'v')
       and ${isUsers}
     order by "table", a.pid`)
}

const prepared: Check = {
  id: 'prepared-transactions',
  title: 'Prepared transactions',
  why: say`They hold their locks and their snapshot until they are committed or rolled back, also across restarts; following cannot start before that.`,
  fixable: true,
  async look({ source, follow }): Promise<Finding> {
    // A slot waits for the transactions of all databases, a copy only for those of its own database.
    const rows = await source.query<{ gid: string; database: string; owner: string; at: string }>(`
      select gid, database, owner, prepared::timestamp(0)::text as at
        from pg_catalog.pg_prepared_xacts
       where ${follow} or database = current_database()
       order by prepared`)
    return findingFor(
      rows.map(({ gid, database, owner, at }) => `${gid} (of ${owner} in ${database}, since ${at})`),
      say`there are none`,
      {
        status: 'warning',
        found: follow
          ? say`transactions are prepared but not finished: the replication slot is created only after the last of them has ended`
          : say`transactions are prepared but not finished`,
        todo: say`Ask the owner of each whether to commit it or to roll it back, and do so in its database.`,
        sql: rows.map(({ gid, database, owner }) => ({
          end: 'source',
          database: quoteIdentifier(database),
          by: `"${owner}" or a superuser`,
          notes: [`or: rollback prepared ${quoteLiteral(gid)}`],
          sql: `commit prepared ${quoteLiteral(gid)}`,
        })),
      },
    )
  },
}

const runs: Check = {
  id: 'other-runs',
  title: 'Runs of pgtrek on the destination',
  why: say`A table belongs to one run at a time: a second one on the same tables is refused.`,
  // The plan reports which of them use the same tables.
  doctorOnly: true,
  async look({ destination }): Promise<Remark> {
    return findingFor((await readRuns(destination)).map(describeHolder), say`none`, {
      status: 'warning',
      found: say`other runs of pgtrek are in progress in this database`,
      todo: say`Wait for them to end (--wait does so), or choose other tables.`,
    })
  },
}

export const activityChecks: readonly Check[] = [longTransactions, locks, runs, prepared]
