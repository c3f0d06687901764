// Room: connections, disk, locks, and settings that end long work.
import { formatBytes, formatCount } from '../../shared/format.ts'
import {
  mostCopyWorkers,
  ownDestinationSessions,
  ownSourceSessions,
  usualIndexWorkers,
} from '../engine/sizes.ts'
import type { Session } from '../postgres/session.ts'
import { type Check, type Finding, fine, foundIn, isUsers, type Sight } from './check.ts'

const connections: Check = {
  id: 'connections',
  title: 'Free connections',
  why: 'Every worker needs a session on each side; with fewer the copy takes longer, with too few it cannot start.',
  look({ facts, options, follow }): Finding {
    const workers = options.workers || mostCopyWorkers
    const builders = options.indexWorkers || usualIndexWorkers
    const ends = [
      // The stream of changes has sessions of its own; ours are open already, and the run goes on with as many.
      {
        name: 'source',
        free: facts.source.freeConnections,
        least: ownSourceSessions - 1 + (follow ? 2 : 0),
        want: ownSourceSessions + workers + (follow ? 2 : 0),
      },
      {
        name: 'destination',
        free: facts.destination.freeConnections,
        least: ownDestinationSessions,
        want: ownDestinationSessions + workers + builders,
      },
    ]
    const found = ends
      .map(({ name, free, want }) => `${free} free on the ${name}, up to ${want} wanted`)
      .join('; ')
    const sql = ends.flatMap(({ free, want, name }) =>
      free < want ? [`-- on the ${name}\nalter system set max_connections = ${(want - free) * 2 + 100}`] : [],
    )
    if (ends.some(({ free, least }) => free < least)) {
      return {
        status: 'blocker',
        found,
        todo: 'End other sessions, or raise max_connections (needs a restart).',
        sql,
      }
    }
    return ends.some(({ free, want }) => free < want)
      ? {
          status: 'warning',
          found,
          todo: 'Fewer workers will be used. End other sessions, or lower --workers and --index-workers.',
          sql,
        }
      : fine(found)
  },
}

const space: Check = {
  id: 'disk-space',
  title: 'Disk space',
  why: 'A destination whose disk runs full stops, with all its databases.',
  async look(sight): Promise<Finding> {
    const { destination, facts, scope } = sight
    const [{ all, indexes, largest }, { limit, wal, present }] = await Promise.all([
      readNeed(sight),
      readRoom(destination),
    ])
    // Building an index sorts its entries on disk besides the index itself.
    const need = all + largest + wal
    const found =
      `${scope.isEverything ? 'the source has' : 'what is moved takes'} ${formatBytes(all)}, of it about ${formatBytes(indexes)} of indexes; ` +
      `the destination needs up to ${formatBytes(need)} free (it has ${formatBytes(present)} now; how much is free no server tells)`
    if (limit >= 0 && limit < largest) {
      return {
        status: 'warning',
        found: `${found}; its temp_file_limit of ${formatBytes(limit)} is less than the largest index takes to build`,
        todo: 'Raise temp_file_limit on the destination for the time of the move.',
        sql: facts.destination.superuser
          ? ['alter system set temp_file_limit = -1', 'select pg_reload_conf()']
          : [],
      }
    }
    return { status: 'ok', found, todo: "Compare it with what is free on the destination's machine (df)." }
  },
}

interface Need {
  all: number
  indexes: number
  largest: number
}

async function readNeed(sight: Sight): Promise<Need> {
  const { source, scope } = sight
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
    sight,
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
  title: 'Room for locks',
  why: 'Reading the definitions locks every table at once; when the room for locks is used up, that fails.',
  async look({ source, destination }): Promise<Finding> {
    const [ours, theirs] = await Promise.all([lockRoom(source), lockRoom(destination)])
    const ends = [
      { name: 'source', ...ours },
      { name: 'destination', ...theirs },
    ]
    const found = ends
      .map(
        ({ name, tables, room }) =>
          `${formatCount(tables, 'table')} on the ${name}, room for ${formatCount(room, 'lock')}`,
      )
      .join('; ')
    const tight = ends.filter(({ tables, room }) => tables > room / 2)
    if (tight.length === 0) return fine(found)
    // Above its number the table of locks grows into what memory the server has left over: some hundred locks.
    const isFull = ours.tables > ours.room * 1.2 + 700
    return {
      status: isFull ? 'blocker' : 'warning',
      found,
      todo: 'Raise max_locks_per_transaction (needs a restart).',
      sql: tight.map(
        ({ name, tables, sessions }) =>
          `-- on the ${name}\nalter system set max_locks_per_transaction = ${Math.max(64, Math.ceil((tables * 3) / sessions))}`,
      ),
    }
  },
}

/** https://www.postgresql.org/docs/current/runtime-config-locks.html; every process may have locks, not only sessions. */
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
  title: 'Helpers for index builds',
  why: 'An index of a large table is built by several processes, as far as max_worker_processes and max_parallel_workers allow.',
  async look({ destination, facts, options }): Promise<Finding> {
    const { processes, parallel } = await destination.one<{ processes: number; parallel: number }>(`
      select current_setting('max_worker_processes')::int as processes,
             current_setting('max_parallel_workers')::int as parallel`)
    const each =
      options.parallelMaintenanceWorkers >= 0
        ? options.parallelMaintenanceWorkers
        : facts.destination.maxParallelMaintenanceWorkers
    const room = Math.min(processes, parallel)
    const found = `the destination has room for ${formatCount(room, 'helper')}, each build wants ${each}`
    if (room >= each) return fine(found)
    return {
      status: 'warning',
      found: `${found}: large indexes take longer`,
      todo: 'Raise max_worker_processes (needs a restart) and max_parallel_workers on the destination.',
      sql: [
        ...(processes < each ? [`alter system set max_worker_processes = ${Math.max(8, each)}`] : []),
        ...(parallel < each
          ? [`alter system set max_parallel_workers = ${Math.max(8, each)}`, 'select pg_reload_conf()']
          : []),
      ],
    }
  },
}

const timeouts: Check = {
  id: 'timeouts',
  title: 'Limits on long work',
  why: 'Everything is read under one snapshot, in statements that may take hours.',
  async look({ source }): Promise<Finding> {
    // Statement and transaction timeouts of servers, databases and roles are switched off by our sessions.
    const { threshold } = await source.one<{ threshold: string | null }>(
      "select current_setting('old_snapshot_threshold', true) as threshold",
    )
    if (threshold === null || threshold === '-1') {
      return fine('nothing that our sessions cannot switch off for themselves')
    }
    return {
      status: 'warning',
      found: `old_snapshot_threshold is ${threshold} on the source: reading fails with "snapshot too old" after that time`,
      todo: 'Switch it off for the time of the move (needs a restart).',
      sql: ['alter system set old_snapshot_threshold = -1'],
    }
  },
}

export const capacityChecks: readonly Check[] = [connections, space, locks, helpers, timeouts]
