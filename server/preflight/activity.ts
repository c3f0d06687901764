// What other sessions do right now that the move would wait for.
import { formatDuration } from '../../shared/format.ts'
import { describeHolder, readRuns } from '../engine/run-lock.ts'
import type { Session } from '../postgres/session.ts'
import { type Check, type Finding, isUsers, qualifiedName, unless } from './check.ts'

const longTransactions: Check = {
  id: 'long-transactions',
  title: 'Long transactions',
  why: 'A stream of changes starts only when every transaction before it has ended; their locks may be in the way too.',
  async look({ source, facts, longTransaction }): Promise<Finding> {
    const { seesAll } = await source.one<{ seesAll: boolean }>(
      `select ${facts.source.superuser} or pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as "seesAll"`,
    )
    const sessions = await source.query<{ pid: number; who: string; state: string; seconds: number }>(`
      select a.pid,
             pg_catalog.concat_ws(' ', a.usename, nullif(a.application_name, '')) as who,
             a.state,
             extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::float8 as seconds
        from pg_catalog.pg_stat_activity a
       where a.backend_type = 'client backend'
         and a.pid <> pg_catalog.pg_backend_pid()
         and a.xact_start < pg_catalog.clock_timestamp() - interval '${longTransaction} s'
       order by a.xact_start`)
    return unless(
      sessions.map(
        ({ pid, who, state, seconds }) => `${pid} (${who}, ${state}, for ${formatDuration(seconds)})`,
      ),
      `none${seesAll ? '' : `, as far as "${facts.source.user}" may see (grant pg_read_all_stats shows all)`}`,
      {
        status: 'warning',
        found: 'the source has transactions that have been open for long',
        todo: 'Let them end before the move, or end them.',
        sql: sessions.map(({ pid }) => `select pg_terminate_backend(${pid})`),
      },
    )
  },
}

interface Lock {
  pid: number
  table: string
  granted: boolean
}

/** What passes by in this time is nothing to wait for. */
const glance = 1_000

const locks: Check = {
  id: 'locks',
  title: 'Tables that somebody holds locked',
  why: 'The move waits for a table that is locked exclusively, and everything behind it waits too.',
  async look({ source, destination }): Promise<Finding> {
    const ends = [
      ['source', source],
      ['destination', destination],
    ] as const
    const first: Lock[][] = []
    first.push(...(await Promise.all(ends.map(([, session]) => exclusiveLocks(session)))))
    if (first.some((list) => list.length > 0)) await Bun.sleep(glance)
    const objects: string[] = []
    const sql: string[] = []
    for (const [index, [end, session]] of ends.entries()) {
      const before = new Set((first[index] ?? []).map(({ pid, table }) => `${pid} ${table}`))
      if (before.size === 0) continue
      for (const { pid, table, granted } of await exclusiveLocks(session)) {
        if (!before.has(`${pid} ${table}`)) continue
        objects.push(`${end}: ${table}, by ${pid}${granted ? '' : ' (still waiting for it)'}`)
        sql.push(`select pg_terminate_backend(${pid})`)
      }
    }
    return unless(objects, 'none', {
      status: 'warning',
      found: 'sessions hold tables exclusively, or wait to',
      todo: 'Let them end first: look at them in pg_stat_activity.',
      sql: [...new Set(sql)],
    })
  },
}

async function exclusiveLocks(session: Session): Promise<Lock[]> {
  return await session.query<Lock>(`
    select l.pid, ${qualifiedName} as "table", l.granted
      from pg_catalog.pg_locks l
      join pg_catalog.pg_class c on c.oid = l.relation
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where l.locktype = 'relation'
       and l.mode = 'AccessExclusiveLock'
       and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
       and l.pid is not null
       and c.relkind in ('r', 'p', 'm', 'v')
       and ${isUsers}
     order by 2, 1`)
}

const prepared: Check = {
  id: 'prepared-transactions',
  title: 'Prepared transactions',
  why: 'They keep their locks and their snapshot until somebody ends them, over restarts too; a stream of changes waits for them.',
  async look({ source, follow }): Promise<Finding> {
    // A slot waits for those of all databases; a copy meets those of this one only.
    const rows = await source.query<{ gid: string; database: string; owner: string; at: string }>(`
      select gid, database, owner, prepared::timestamp(0)::text as at
        from pg_catalog.pg_prepared_xacts
       where ${follow} or database = current_database()
       order by prepared`)
    return unless(
      rows.map(({ gid, database, owner, at }) => `${gid} (of ${owner} in ${database}, since ${at})`),
      'there are none',
      {
        status: 'warning',
        found: follow
          ? 'transactions are prepared and not ended: the slot is made when the last of them has ended, and the move waits for that'
          : 'transactions are prepared and not ended',
        todo: 'Ask whoever prepared them; then commit them or roll them back, each in its own database.',
        sql: rows.flatMap(({ gid, database }) => [
          `-- in ${database}:`,
          `commit prepared '${gid.replaceAll("'", "''")}'`,
          `-- or: rollback prepared '${gid.replaceAll("'", "''")}'`,
        ]),
      },
    )
  },
}

const runs: Check = {
  id: 'other-runs',
  title: 'Runs of pgtrek on the destination',
  why: 'A table belongs to one run at a time: a second one on the same tables is refused.',
  // The plan says which of them are on the same tables.
  doctorOnly: true,
  async look({ destination }): Promise<Finding> {
    return unless((await readRuns(destination)).map(describeHolder), 'none', {
      status: 'warning',
      found: 'other runs are at work in this database',
      todo: 'Let them end first, or choose other tables; --wait waits for them.',
    })
  },
}

export const activityChecks: readonly Check[] = [longTransactions, locks, runs, prepared]
