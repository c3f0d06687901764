// Capacity: connections, disk, locks, and settings that end long-running work.

import { formatBytes, formatCount } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import {
  mostCopyWorkers,
  ownDestinationSessions,
  ownSourceSessions,
  usualIndexWorkers,
} from '../copy/worker-counts.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { isUsers } from './catalog-sql.ts'
import { type Check, type CheckContext, type Finding, foundIn, passed } from './check.ts'
import { type End, type Fix, fixes, ownerOf } from './fix.ts'
import { type Change, changeSettings } from './settings.ts'

const connections: Check = {
  id: 'connections',
  title: 'Free connections',
  why: say`Every worker needs a session on each side; with fewer the copy takes longer, with too few it cannot start.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const { facts, options, follow } = context
    const workers = options.workers || mostCopyWorkers
    const builders = options.indexWorkers || usualIndexWorkers
    const ends: Wish[] = [
      // Following needs sessions of its own. The sessions of this check stay open for the run, so they are not counted
      // again.
      {
        name: 'source',
        free: facts.source.freeConnections,
        least: ownSourceSessions - 1 + (follow ? 2 : 0),
        want: ownSourceSessions + workers + (follow ? 2 : 0),
      },
      {
        name: 'destination',
        free: facts.destination.freeConnections,
        // Before a run starts, only this session is open on the destination.
        least: ownDestinationSessions + (options.schemaOnly ? 0 : 1),
        want: ownDestinationSessions + workers + builders,
      },
    ]
    const found = ends
      .map(({ name, free, want }) => say`${free} free on the ${name}, up to ${want} wanted`)
      .join('; ')
    const tight = ends.filter(({ free, want }) => free < want)
    const causes = tight.flatMap((end) => limitsOf(end, context))
    const limited = causes.length > 0 ? say`${found}; limited by ${causes.join(', ')}` : found
    const changes = await Promise.all(tight.map((end) => moreConnections(end, context)))
    const sql = changes.flatMap((change) => change.sql)
    const words = changes.map((change) => change.words).join('')
    if (ends.some(({ free, least }) => free < least)) {
      return {
        status: 'blocker',
        found: limited,
        todo: say`End other sessions, or raise the limit (max_connections needs a restart).${words}`,
        sql,
      }
    }
    return tight.length > 0
      ? {
          status: 'warning',
          found: limited,
          todo: say`Fewer workers will be used. Lower --workers and --index-workers, end other sessions, or raise the limit (max_connections needs a restart).${words}`,
          sql,
        }
      : passed(found)
  },
}

interface Wish {
  name: End
  free: number
  least: number
  want: number
}

/** The limits that apply, except the limit of the server. */
function limitsOf({ name, want }: Wish, { facts }: CheckContext): string[] {
  const { freeWithin, user, database } = facts[name]
  return [
    ...(isLess(freeWithin.role, want) ? [say`the CONNECTION LIMIT of role "${user}" on the ${name}`] : []),
    ...(isLess(freeWithin.database, want)
      ? [say`the CONNECTION LIMIT of database "${database}" on the ${name}`]
      : []),
  ]
}

/** Changes all limits that are too low: after one is raised, the next one would apply. */
async function moreConnections({ name, want }: Wish, context: CheckContext): Promise<Change> {
  const { freeWithin, user, database } = context.facts[name]
  const limits = await context[name].one<{ server: number; database: number; role: number }>(`
    select current_setting('max_connections')::int as server, d.datconnlimit as database, r.rolconnlimit as role
      from pg_catalog.pg_database d, pg_catalog.pg_roles r
     where d.datname = current_database() and r.rolname = current_user`)
  const raised = (limit: number, free: number) => limit + want - free
  const sql: Fix[] = []
  if (isLess(freeWithin.role, want)) {
    sql.push(
      ...fixes(
        name,
        'a role with CREATEROLE or a superuser',
        `alter role ${quoteIdentifier(user)} connection limit ${raised(limits.role, freeWithin.role)}`,
      ),
    )
  }
  if (isLess(freeWithin.database, want)) {
    sql.push(
      ...fixes(
        name,
        ownerOf('the database'),
        `alter database ${quoteIdentifier(database)} connection limit ${raised(limits.database, freeWithin.database)}`,
      ),
    )
  }
  if (freeWithin.server >= want) return { sql, words: '' }
  // Includes a reserve for other clients that connect in the meantime.
  const most = raised(limits.server, freeWithin.server) + 20
  const change = await changeSettings(context, name, { max_connections: `${most}` })
  return { sql: [...sql, ...change.sql], words: change.words }
}

function isLess(free: number | null, want: number): free is number {
  return free !== null && free < want
}

const space: Check = {
  id: 'disk-space',
  title: 'Disk space',
  why: say`A server whose disk is full stops, with all its databases.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const { destination, scope } = context
    const [{ all, indexes, largest }, { limit, wal, present }] = await Promise.all([
      readNeed(context),
      readRoom(destination),
    ])
    // Building an index needs disk space for the sorted entries in addition to the index itself.
    const need = all + largest + wal
    const have = scope.isEverything
      ? say`the source has ${formatBytes(all)}`
      : say`the selected objects take ${formatBytes(all)}`
    const found = say`${have}, about ${formatBytes(indexes)} of it indexes; the destination needs up to ${formatBytes(need)} of free space (its database has ${formatBytes(present)} now; PostgreSQL does not report free space)`
    if (limit >= 0 && limit < largest) {
      const { sql, words } = await changeSettings(context, 'destination', { temp_file_limit: '-1' })
      return {
        status: 'warning',
        found: say`${found}; its temp_file_limit of ${formatBytes(limit)} is less than the build of the largest index needs`,
        todo: say`Raise temp_file_limit on the destination for the duration of the migration.${words}`,
        sql,
      }
    }
    return { status: 'ok', found, todo: say`Compare it with the free space on the destination's host (df).` }
  },
}

interface Need {
  all: number
  indexes: number
  largest: number
}

async function readNeed(context: CheckContext): Promise<Need> {
  const { source, scope } = context
  if (scope.isEverything) {
    return await source.one<Need>(`
      select pg_catalog.pg_database_size(current_database())::float8 as "all",
             coalesce(sum(c.relpages) filter (where c.relkind = 'i'), 0)::float8
               * current_setting('block_size')::int as indexes,
             coalesce(max(c.relpages) filter (where c.relkind = 'i'), 0)::float8
               * current_setting('block_size')::int as largest
        from pg_catalog.pg_class c`)
  }
  const relations = await foundIn<{ kind: string; bytes: number }>(
    context,
    `select coalesce(i.indrelid, c.oid) as of, c.relkind as kind,
            (c.relpages + coalesce(t.relpages, 0))::float8 * current_setting('block_size')::int as bytes
       from pg_catalog.pg_class c
       left join pg_catalog.pg_index i on i.indexrelid = c.oid
       left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
      where c.relkind in ('r', 'm', 'i') and c.oid >= 16384`,
  )
  const sum = (list: readonly { bytes: number }[]) => list.reduce((total, { bytes }) => total + bytes, 0)
  const indexes = relations.filter(({ kind }) => kind === 'i')
  const largest = indexes.reduce((most, { bytes }) => Math.max(most, bytes), 0)
  return { all: sum(relations), indexes: sum(indexes), largest }
}

async function readRoom(destination: Session) {
  return await destination.one<{ limit: number; wal: number; present: number }>(`
    select (select setting from pg_catalog.pg_settings where name = 'temp_file_limit')::float8 * 1024 as "limit",
           pg_catalog.pg_size_bytes(current_setting('max_wal_size'))::float8 as wal,
           pg_catalog.pg_database_size(current_database())::float8 as present`)
}

const locks: Check = {
  id: 'locks-limit',
  title: 'Lock table',
  why: say`Reading the definitions locks all tables at the same time; it fails when the lock table of the server is full.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const { source, destination } = context
    const [ours, theirs] = await Promise.all([lockRoom(source), lockRoom(destination)])
    const ends = [
      { name: 'source', ...ours },
      { name: 'destination', ...theirs },
    ] as const
    const found = ends
      .map(
        ({ name, tables, room }) =>
          say`${formatCount(tables, 'table')} on the ${name}, room for ${formatCount(room, 'lock')}`,
      )
      .join('; ')
    const tight = ends.filter(({ tables, room }) => tables > room / 2)
    if (tight.length === 0) return passed(found)
    // Besides its own size, the lock table can use spare shared memory: room for some hundred locks more.
    const isFull = ours.tables > ours.room * 1.2 + 700
    const changes = await Promise.all(
      tight.map(({ name, tables, sessions }) =>
        changeSettings(context, name, {
          max_locks_per_transaction: `${Math.max(64, Math.ceil((tables * 3) / sessions))}`,
        }),
      ),
    )
    return {
      status: isFull ? 'blocker' : 'warning',
      found,
      todo: say`Raise max_locks_per_transaction (needs a restart).${changes.map(({ words }) => words).join('')}`,
      sql: changes.flatMap(({ sql }) => sql),
    }
  },
}

/**
 * https://www.postgresql.org/docs/current/runtime-config-locks.html; all processes can hold locks, not only sessions.
 */
async function lockRoom(session: Session) {
  return await session.one<{ tables: number; room: number; sessions: number }>(`
    select (select count(*)
              from pg_catalog.pg_class c
              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p') and c.relpersistence <> 't' and ${isUsers})::int as tables,
           s.sessions,
           current_setting('max_locks_per_transaction')::int * s.sessions as room
      from (select current_setting('max_connections')::int
                     + current_setting('autovacuum_max_workers')::int
                     + current_setting('max_worker_processes')::int
                     + current_setting('max_wal_senders')::int
                     + current_setting('max_prepared_transactions')::int as sessions) s`)
}

const helpers: Check = {
  id: 'worker-processes',
  title: 'Parallel workers for index builds',
  why: say`An index of a large table is built by several processes, as far as max_worker_processes and max_parallel_workers allow.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const { destination, facts, options } = context
    const { processes, parallel } = await destination.one<{ processes: number; parallel: number }>(`
      select current_setting('max_worker_processes')::int as processes,
             current_setting('max_parallel_workers')::int as parallel`)
    const each =
      options.parallelMaintenanceWorkers >= 0
        ? options.parallelMaintenanceWorkers
        : facts.destination.maxParallelMaintenanceWorkers
    const room = Math.min(processes, parallel)
    const found = say`the destination allows ${formatCount(room, 'parallel worker')}, each build uses up to ${each}`
    if (room >= each) return passed(found)
    const wanted = `${Math.max(8, each)}`
    const { sql, words } = await changeSettings(context, 'destination', {
      ...(processes < each && { max_worker_processes: wanted }),
      ...(parallel < each && { max_parallel_workers: wanted }),
    })
    return {
      status: 'warning',
      found: say`${found}: large indexes take longer`,
      todo: say`Raise max_worker_processes (needs a restart) and max_parallel_workers on the destination.${words}`,
      sql,
    }
  },
}

const timeouts: Check = {
  id: 'timeouts',
  title: 'Limits on long-running work',
  why: say`Everything is read under one snapshot, in statements that may take hours.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const { source } = context
    // Our sessions disable the statement and transaction timeouts of servers, databases and roles.
    const { threshold } = await source.one<{ threshold: string | null }>(
      "select current_setting('old_snapshot_threshold', true) as threshold",
    )
    if (threshold === null || threshold === '-1') {
      return passed(say`none that pgtrek cannot switch off for its own sessions`)
    }
    const { sql, words } = await changeSettings(context, 'source', { old_snapshot_threshold: '-1' })
    return {
      status: 'warning',
      found: say`old_snapshot_threshold is ${threshold} on the source: reading fails with "snapshot too old" after that time`,
      todo: say`Switch it off for the duration of the migration (needs a restart).${words}`,
      sql,
    }
  },
}

export const capacityChecks: readonly Check[] = [connections, space, locks, helpers, timeouts]
