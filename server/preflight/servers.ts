// The two servers: versions, whether the databases differ, standbys, poolers, clocks.

import { formatCount, formatRows } from '../../shared/format.ts'
import type { PreflightItem } from '../../shared/preflight.ts'
import { say } from '../../shared/say.ts'
import { supportedMajors, whichDatabase } from '../catalog/server.ts'
import type { Session } from '../postgres/session.ts'
import { serverName } from '../postgres/settings.ts'
import { type Check, itemOf, passed } from './check.ts'
import { changeSettings } from './settings.ts'

const versions: Check = {
  id: 'versions',
  title: 'Server versions',
  planned: true,
  why: say`An older destination does not support all features of a newer source.`,
  look({ facts: { source, destination } }) {
    const { oldest, newest } = supportedMajors
    const found = say`from PostgreSQL ${source.major} to ${destination.major}`
    if (source.major < oldest || destination.major < oldest) {
      return {
        status: 'blocker',
        found: say`${found}: ${oldest} is the oldest supported version`,
        todo: say`Use another tool for this server.`,
      }
    }
    if (source.major > newest) {
      return {
        status: 'blocker',
        found: say`${found}: this version of pgtrek supports up to ${newest}`,
        todo: say`Use a newer version of pgtrek.`,
      }
    }
    if (destination.major < source.major) {
      return {
        status: 'warning',
        found: say`${found}: the destination is older`,
        todo: say`Choose a newer destination, or expect objects with newer features to fail one by one.`,
      }
    }
    return passed(found)
  },
}

const sameDatabase: Check = {
  id: 'same-database',
  title: 'Different databases',
  why: say`A database that is copied onto itself would be destroyed.`,
  async look({ source, destination }) {
    const [one, other] = await Promise.all([whichDatabase(source), whichDatabase(destination)])
    return one === other
      ? {
          status: 'blocker',
          found: say`source and destination are the same database`,
          todo: say`Check host, port and database of both.`,
        }
      : passed(say`source and destination are not the same`)
  },
}

const standby: Check = {
  id: 'standby',
  title: 'Primary or standby',
  why: say`A standby is read-only, and it can cancel queries that conflict with changes of its primary.`,
  fixable: true,
  async look(context) {
    const { source, facts, follow } = context
    if (facts.destination.inRecovery) {
      return {
        status: 'blocker',
        found: say`the destination is a standby`,
        todo: say`Connect to its primary.`,
      }
    }
    if (!facts.source.inRecovery) return passed(say`both are primaries`)
    if (follow) {
      return {
        status: 'blocker',
        found: say`the source is a standby, on which no publication can be created`,
        todo: say`Connect to its primary.`,
      }
    }
    const { delay } = await source.one<{ delay: string }>(
      "select current_setting('max_standby_streaming_delay') as delay",
    )
    if (delay === '-1')
      return passed(
        say`the source is a standby that does not cancel queries (max_standby_streaming_delay = -1)`,
      )
    const { sql, words } = await changeSettings(context, 'source', { max_standby_streaming_delay: '-1' })
    return {
      status: 'warning',
      found: say`the source is a standby with max_standby_streaming_delay = ${delay}`,
      todo: say`Connect to its primary, or set this to -1 while the copy runs; the standby then lags behind its primary.${words}`,
      sql,
    }
  },
}

const pooler: Check = {
  id: 'pooler',
  title: 'Direct connections',
  why: say`A pooler shares server processes between clients, but settings, snapshots, locks and the position of changes belong to one process.`,
  look({ source, destination, follow }) {
    const ends = Object.entries({ source, destination })
    const pooled = ends.filter(([, session]) => session.isPooled)
    if (pooled.length === 0) return passed(say`both servers are reached without a pooler`)
    const names = pooled.map(([side, { settings }]) =>
      side === 'source'
        ? say`the source at ${serverName(settings)}`
        : say`the destination at ${serverName(settings)}`,
    )
    const found = say`a connection pooler in session mode is between pgtrek and ${names.join('; ')}`
    if (!follow) {
      return {
        status: 'warning',
        found,
        todo: say`A direct connection is safer: if pgtrek is killed, only the pooler resets its settings (PgBouncer: server_reset_query, which must not be empty).`,
      }
    }
    return {
      status: 'blocker',
      found: say`${found}: changes cannot be followed through it, since its server process would keep the slot or the position when pgtrek ends`,
      todo: say`Connect to the PostgreSQL server directly.`,
    }
  },
}

/** The only finding if a pooler refused the session. */
export function poolerItem(found: readonly string[]): PreflightItem {
  return itemOf(pooler, {
    status: 'blocker',
    found: found.join('; '),
    todo: say`Correct the connection, then run the preflight checks again: no other check was run.`,
  })
}

const clock: Check = {
  id: 'clock',
  title: 'Server clocks',
  isMeasured: true,
  doctorOnly: true,
  why: say`Rows that are written after the migration get the time of the new server, which should not be behind.`,
  async look({ source, destination }) {
    const [one, other] = await Promise.all([clockOf(source), clockOf(destination)])
    const seconds = (other.ahead - one.ahead) / 1000
    const doubt = (one.doubt + other.doubt) / 1000
    const found = say`the destination's clock is ${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? 'behind' : 'ahead'} (measured to ${doubt.toFixed(1)} s)`
    return Math.abs(seconds) <= 2 + doubt
      ? passed(found)
      : { status: 'warning', found, todo: say`Synchronize the clocks of both hosts with NTP.` }
  },
}

async function clockOf(session: Session): Promise<{ ahead: number; doubt: number }> {
  const started = Date.now()
  const { now } = await session.one<{ now: number }>(
    'select (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8 as now',
  )
  const doubt = (Date.now() - started) / 2
  return { ahead: now - started - doubt, doubt }
}

const reachable: Check = {
  id: 'reachability',
  title: 'Server connections',
  why: say`Every statement takes at least one round trip.`,
  isMeasured: true,
  async look({ source, destination, facts }) {
    const ends = await Promise.all([
      describeEnd(source, facts.source.user),
      describeEnd(destination, facts.destination.user),
    ])
    return passed(say`the source as ${ends[0]}; the destination as ${ends[1]}`)
  },
}

async function describeEnd(session: Session, user: string): Promise<string> {
  const started = performance.now()
  await session.query('select')
  const took = performance.now() - started
  return say`"${user}" (PostgreSQL ${session.major}, ${session.tlsVersion ?? say`not encrypted`}, round trip ${took.toFixed(1)} ms)`
}

/** Reports the selection, so that users do not take the report for one of the whole database. */
const selection: Check = {
  id: 'selection',
  // The plan refuses such names itself.
  doctorOnly: true,
  title: 'Scope of the checks',
  why: say`Checks of tables and other objects cover only what would be migrated.`,
  look({ scope }) {
    const { isEverything, tables, of, unknown } = scope
    if (unknown.length > 0) {
      return {
        status: 'blocker',
        found: say`${formatRows(tables)} of ${formatCount(of, 'table')} selected, and some names match nothing in the source`,
        todo: say`Correct these names: a run with them would be refused.`,
        objects: unknown,
      }
    }
    if (isEverything) return passed(say`everything: ${formatCount(tables, 'table')}`)
    return {
      status: 'ok',
      found: say`${formatRows(tables)} of ${formatCount(of, 'table')} selected: only these are checked`,
    }
  },
}

export const serverChecks: readonly Check[] = [
  reachable,
  versions,
  sameDatabase,
  selection,
  standby,
  pooler,
  clock,
]
