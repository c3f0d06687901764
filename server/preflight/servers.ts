// The two servers themselves: which they are, whether they are two, and whether somebody stands between.
import { formatCount, formatRows } from '../../shared/format.ts'
import type { PreflightItem } from '../../shared/preflight.ts'
import { supportedMajors, whichDatabase } from '../catalog/server.ts'
import type { Session } from '../postgres/session.ts'
import { serverName } from '../postgres/settings.ts'
import { type Check, fine, itemOf } from './check.ts'
import { changeSettings } from './settings.ts'

const versions: Check = {
  id: 'versions',
  title: 'Versions and direction',
  planned: true,
  why: 'Towards a newer server everything arrives; an older one does not know all that a newer one has.',
  look({ facts: { source, destination } }) {
    const { oldest, newest } = supportedMajors
    const found = `from PostgreSQL ${source.major} to ${destination.major}`
    if (source.major < oldest || destination.major < oldest) {
      return {
        status: 'blocker',
        found: `${found}: ${oldest} is the oldest that is supported`,
        todo: 'Use an older tool.',
      }
    }
    if (source.major > newest) {
      return {
        status: 'blocker',
        found: `${found}: this version of pgtrek reads up to ${newest}`,
        todo: 'Use a newer pgtrek.',
      }
    }
    if (destination.major < source.major) {
      return {
        status: 'warning',
        found: `${found}: the destination is older`,
        todo: 'Choose a newer destination, or expect objects with newer features to fail one by one.',
      }
    }
    return fine(found)
  },
}

const sameDatabase: Check = {
  id: 'same-database',
  title: 'Two databases',
  why: 'A database that is copied onto itself would be destroyed.',
  async look({ source, destination }) {
    const [one, other] = await Promise.all([whichDatabase(source), whichDatabase(destination)])
    return one === other
      ? {
          status: 'blocker',
          found: 'source and destination are the same database',
          todo: 'Check host, port and database of both.',
        }
      : fine('source and destination are not the same')
  },
}

const standby: Check = {
  id: 'standby',
  title: 'Primary or standby',
  why: 'Nothing can be written to a standby, and what is read from one can be cancelled by its primary.',
  mends: true,
  async look(context) {
    const { source, facts, follow } = context
    if (facts.destination.inRecovery) {
      return { status: 'blocker', found: 'the destination is a standby', todo: 'Connect to its primary.' }
    }
    if (!facts.source.inRecovery) return fine('both are primaries')
    if (follow) {
      return {
        status: 'blocker',
        found: 'the source is a standby, on which no publication can be made',
        todo: 'Connect to its primary.',
      }
    }
    const { delay } = await source.one<{ delay: string }>(
      "select current_setting('max_standby_streaming_delay') as delay",
    )
    if (delay === '-1') return fine('the source is a standby that waits for its readers')
    const { sql, words } = await changeSettings(context, 'source', { max_standby_streaming_delay: '-1' })
    return {
      status: 'warning',
      found: `the source is a standby with max_standby_streaming_delay = ${delay}`,
      todo: `Connect to its primary, or let it wait for its readers while the copy runs: it falls behind meanwhile.${words}`,
      sql,
    }
  },
}

const pooler: Check = {
  id: 'pooler',
  title: 'Direct connections',
  why: 'A pooler uses its server processes for other clients as well: settings, snapshots, locks and the position of changes belong to a process.',
  look({ source, destination, follow }) {
    const ends = Object.entries({ source, destination })
    const pooled = ends.filter(([, session]) => session.isPooled)
    if (pooled.length === 0) return fine('both servers are reached without a pooler')
    const names = pooled.map(([side, { settings }]) => `${side} ${serverName(settings)}`)
    const found = `a connection pooler in session mode is between pgtrek and the ${names.join(' and the ')}`
    if (!follow) {
      return {
        status: 'warning',
        found,
        todo: 'A direct connection is safer: when pgtrek is killed, its settings are reset by the pooler alone (PgBouncer: server_reset_query, which must not be empty).',
      }
    }
    return {
      status: 'blocker',
      found: `${found}: changes cannot be followed through it, since its server process would keep the slot or the position when pgtrek ends`,
      todo: 'Connect to the PostgreSQL server directly.',
    }
  },
}

/** All that is known when a session could not be opened for that reason. */
export function poolerItem(found: readonly string[]): PreflightItem {
  return itemOf(pooler, {
    status: 'blocker',
    found: found.join('; '),
    todo: 'Correct the connection, then run the preflight checks again: no other check was made.',
  })
}

const clock: Check = {
  id: 'clock',
  title: 'Time of the servers',
  isMeasured: true,
  doctorOnly: true,
  why: 'Rows that are written after the move get the time of the new server: it should not be an earlier one.',
  async look({ source, destination }) {
    const [one, other] = await Promise.all([clockOf(source), clockOf(destination)])
    const seconds = (other.ahead - one.ahead) / 1000
    const doubt = (one.doubt + other.doubt) / 1000
    const found = `the destination's clock is ${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? 'behind' : 'ahead'} (measured to ${doubt.toFixed(1)} s)`
    return Math.abs(seconds) <= 2 + doubt
      ? fine(found)
      : { status: 'warning', found, todo: 'Set the clocks of both machines by NTP.' }
  },
}

async function clockOf(session: Session): Promise<{ ahead: number; doubt: number }> {
  const begun = Date.now()
  const { now } = await session.one<{ now: number }>(
    'select (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8 as now',
  )
  const doubt = (Date.now() - begun) / 2
  return { ahead: now - begun - doubt, doubt }
}

const reachable: Check = {
  id: 'reachability',
  title: 'Both servers answer',
  why: 'Every statement waits for one way there and back.',
  isMeasured: true,
  async look({ source, destination, facts }) {
    const ends = await Promise.all([
      describeEnd(source, facts.source.user),
      describeEnd(destination, facts.destination.user),
    ])
    return fine(`the source as ${ends[0]}; the destination as ${ends[1]}`)
  },
}

async function describeEnd(session: Session, user: string): Promise<string> {
  const begun = performance.now()
  await session.query('select')
  const took = performance.now() - begun
  return `"${user}" (PostgreSQL ${session.major}, ${session.tlsVersion ?? 'not encrypted'}, ${took.toFixed(1)} ms there and back)`
}

/** What the selection leaves of the source, so that a report is not taken for one of everything. */
const selection: Check = {
  id: 'selection',
  // The plan refuses such names itself.
  doctorOnly: true,
  title: 'What is looked at',
  why: 'Checks of tables and other objects look only at what would be moved.',
  look({ scope }) {
    const { isEverything, tables, of, unknown } = scope
    const count = `${formatRows(tables)} of ${formatCount(of, 'table')}`
    if (unknown.length > 0) {
      return {
        status: 'blocker',
        found: `${count} selected, and some names mean nothing in the source`,
        todo: 'Correct these names: a run refuses them before it begins.',
        objects: unknown,
      }
    }
    if (isEverything) return fine(`everything: ${formatCount(tables, 'table')}`)
    return { status: 'ok', found: `${count} selected: what is not moved is not looked at` }
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
