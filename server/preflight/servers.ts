// The two servers themselves: which they are, whether they are two, and whether somebody stands between.
import { supportedMajors, whichDatabase } from '../catalog/server.ts'
import type { Session } from '../postgres/session.ts'
import { type Check, type Finding, fine, isExtensions, namesOf, type Sight } from './check.ts'

const versions: Check = {
  id: 'versions',
  title: 'Versions and direction',
  why: 'Towards a newer server everything arrives; an older one does not know all that a newer one has.',
  look({ facts: { source, destination } }) {
    const { oldest, newest } = supportedMajors
    const found = `from PostgreSQL ${source.major} to ${destination.major}`
    if (source.major < oldest || destination.major < oldest) {
      return {
        status: 'fail',
        found: `${found}: ${oldest} is the oldest that is supported`,
        todo: 'Use an older tool.',
      }
    }
    if (source.major > newest) {
      return {
        status: 'fail',
        found: `${found}: this version of pgtrek reads up to ${newest}`,
        todo: 'Use a newer pgtrek.',
      }
    }
    if (destination.major < source.major) {
      return {
        status: 'warn',
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
    return (await whichDatabase(source)) === (await whichDatabase(destination))
      ? {
          status: 'fail',
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
  async look({ source, facts, follow }) {
    if (facts.destination.inRecovery) {
      return { status: 'fail', found: 'the destination is a standby', todo: 'Connect to its primary.' }
    }
    if (!facts.source.inRecovery) return fine('both are primaries')
    if (follow && facts.source.major < 16) {
      return {
        status: 'fail',
        found: `the source is a standby, and PostgreSQL ${facts.source.major} sends changes from primaries only`,
        todo: 'Connect to its primary.',
      }
    }
    const { delay } = await source.one<{ delay: string }>(
      "select current_setting('max_standby_streaming_delay') as delay",
    )
    if (delay === '-1' && !follow) return fine('the source is a standby that waits for its readers')
    return {
      status: 'warn',
      found: `the source is a standby with max_standby_streaming_delay = ${delay}`,
      todo: 'Connect to its primary, or let it wait for its readers while the copy runs.',
      sql: ["alter system set max_standby_streaming_delay = '-1'", 'select pg_reload_conf()'],
    }
  },
}

const pooler: Check = {
  id: 'pooler',
  title: 'Direct connections',
  why: 'A connection pooler may give statements of one session to several; snapshots and settings are lost then.',
  async look({ source, destination }) {
    const pooled: string[] = []
    for (const [name, session] of [
      ['source', source],
      ['destination', destination],
    ] as const) {
      if (await isPooled(session)) pooled.push(name)
    }
    return pooled.length === 0
      ? fine('both servers are reached without a pooler')
      : {
          status: 'warn',
          found: `between us and the ${pooled.join(' and the ')} stands a pooler`,
          todo: "Use the server's own port, or a pool in session mode.",
        }
  },
}

/** A pooler hands out numbers of its own, by which it recognises cancel requests. */
async function isPooled(session: Session): Promise<boolean> {
  const { pid } = await session.one<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid')
  return pid !== session.pid
}

const clock: Check = {
  id: 'clock',
  title: 'Time of the servers',
  why: 'Rows that are written after the move get the time of the new server: it should not be an earlier one.',
  async look({ source, destination }) {
    const [one, other] = [await clockOf(source), await clockOf(destination)]
    const seconds = (other.ahead - one.ahead) / 1000
    const doubt = (one.doubt + other.doubt) / 1000
    const found = `the destination's clock is ${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? 'behind' : 'ahead'} (measured to ${doubt.toFixed(1)} s)`
    return Math.abs(seconds) <= 2 + doubt
      ? fine(found)
      : { status: 'warn', found, todo: 'Set the clocks of both machines by NTP.' }
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

/** https://www.postgresql.org/docs/14/release-14.html: what pg_upgrade looks for as well. */
const removedFeatures: Check = {
  id: 'removed-features',
  title: 'Features that newer servers no longer have',
  why: 'Objects that use them cannot be created on the destination, nor what needs them.',
  async look({ source, facts }: Sight): Promise<Finding> {
    if (facts.source.major >= 14 || facts.destination.major < 14) return fine('none between these versions')
    const postfix = await namesOf(
      source,
      `select o.oid::regoperator::text as name
         from pg_catalog.pg_operator o
        where o.oprright = 0 and o.oprleft <> 0 and o.oid >= 16384 and not ${isExtensions('pg_operator', 'o.oid')}`,
    )
    const arrays = await namesOf(
      source,
      `select a.aggfnoid::regprocedure::text as name
         from pg_catalog.pg_aggregate a
        where a.aggfnoid::oid >= 16384
          and (a.aggtransfn::text ~ '(^|[.])array_(append|prepend|cat|position|positions|remove|replace)$'
            or a.aggtransfn::text ~ '(^|[.])width_bucket$')
          and a.aggtranstype = 'anyarray'::regtype
          and not ${isExtensions('pg_proc', 'a.aggfnoid')}`,
    )
    const objects = [
      ...postfix.map((name) => `operator ${name}`),
      ...arrays.map((name) => `aggregate ${name}`),
    ]
    if (objects.length === 0) return fine('none is used')
    return {
      status: 'fail',
      found: 'postfix operators, or aggregates over anyarray, which PostgreSQL 14 and later do not take',
      todo: 'Replace them on the source before the move: a function instead of the operator, anycompatiblearray instead of anyarray.',
      objects,
    }
  },
}

export const serverChecks = [versions, sameDatabase, standby, pooler, clock, removedFeatures]
