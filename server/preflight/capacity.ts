// Room: connections, disk, locks, and settings that end long work.
import { formatBytes, formatCount } from '../../shared/format.ts'
import {
  mostCopyWorkers,
  ownDestinationSessions,
  ownSourceSessions,
  usualIndexWorkers,
} from '../engine/sizes.ts'
import type { Session } from '../postgres/session.ts'
import { type Check, type Finding, fine, isUsers } from './check.ts'

const connections: Check = {
  id: 'connections',
  title: 'Free connections',
  why: 'Every worker needs a session on each side; with fewer the copy takes longer, with too few it cannot start.',
  look({ facts, options, follow }): Finding {
    const workers = options.workers || mostCopyWorkers
    const builders = options.indexWorkers || usualIndexWorkers
    const ends = [
      // The stream of changes has a session of its own.
      {
        name: 'source',
        free: facts.source.freeConnections,
        least: ownSourceSessions + 1 + (follow ? 1 : 0),
        want: ownSourceSessions + workers + (follow ? 1 : 0),
      },
      {
        name: 'destination',
        free: facts.destination.freeConnections,
        least: ownDestinationSessions + 2,
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
        status: 'fail',
        found,
        todo: 'End other sessions, or raise max_connections (needs a restart).',
        sql,
      }
    }
    return ends.some(({ free, want }) => free < want)
      ? {
          status: 'warn',
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
  async look({ source, destination, facts }): Promise<Finding> {
    const { all, indexes, largest } = await source.one<{ all: number; indexes: number; largest: number }>(`
      select pg_catalog.pg_database_size(current_database())::float8 as "all",
             coalesce(sum(c.relpages) filter (where c.relkind = 'i'), 0)::float8
               * current_setting('block_size')::int as indexes,
             coalesce(max(c.relpages) filter (where c.relkind = 'i'), 0)::float8
               * current_setting('block_size')::int as largest
        from pg_catalog.pg_class c`)
    const { limit, wal, present } = await destination.one<{ limit: number; wal: number; present: number }>(`
      select (select setting from pg_catalog.pg_settings where name = 'temp_file_limit')::float8 * 1024 as "limit",
             pg_catalog.pg_size_bytes(current_setting('max_wal_size'))::float8 as wal,
             pg_catalog.pg_database_size(current_database())::float8 as present`)
    // Building an index sorts its entries on disk besides the index itself.
    const need = all + largest + wal
    const found =
      `the source has ${formatBytes(all)}, of it about ${formatBytes(indexes)} of indexes; ` +
      `the destination needs up to ${formatBytes(need)} free (it has ${formatBytes(present)} now; how much is free no server tells)`
    if (limit >= 0 && limit < largest) {
      return {
        status: 'fail',
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

const locks: Check = {
  id: 'locks-limit',
  title: 'Room for locks',
  why: 'Reading the definitions locks every table at once; when the room for locks is used up, that fails.',
  async look({ source, destination }): Promise<Finding> {
    const ends = [
      { name: 'source', ...(await lockRoom(source)) },
      { name: 'destination', ...(await lockRoom(destination)) },
    ]
    const found = ends
      .map(
        ({ name, tables, room }) =>
          `${formatCount(tables, 'table')} on the ${name}, room for ${formatCount(room, 'lock')}`,
      )
      .join('; ')
    const tight = ends.filter(({ tables, room }) => tables > room / 2)
    if (tight.length === 0) return fine(found)
    return {
      status: ends.some(({ tables, room }) => tables > room) ? 'fail' : 'warn',
      found,
      todo: 'Raise max_locks_per_transaction (needs a restart).',
      sql: tight.map(
        ({ name, tables, sessions }) =>
          `-- on the ${name}\nalter system set max_locks_per_transaction = ${Math.max(64, Math.ceil((tables * 3) / sessions))}`,
      ),
    }
  },
}

/** https://www.postgresql.org/docs/current/runtime-config-locks.html */
async function lockRoom(session: Session) {
  return await session.one<{ tables: number; room: number; sessions: number }>(`
    select (select count(*)
              from pg_catalog.pg_class c
              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p') and c.relpersistence <> 't' and ${isUsers})::int as tables,
           s.sessions,
           current_setting('max_locks_per_transaction')::int * s.sessions as room
      from (select current_setting('max_connections')::int
                     + current_setting('max_prepared_transactions')::int as sessions) s`)
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
      status: 'warn',
      found: `old_snapshot_threshold is ${threshold} on the source: reading fails with "snapshot too old" after that time`,
      todo: 'Switch it off for the time of the move (needs a restart).',
      sql: ['alter system set old_snapshot_threshold = -1'],
    }
  },
}

export const capacityChecks = [connections, space, locks, timeouts]
