// A subscription on the destination: the server copies and applies by itself.
// https://www.postgresql.org/docs/current/logical-replication-subscription.html
import { PgtrekError } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { type Lsn, noLsn, parseLsn } from '../stream/lsn.ts'

export interface SubscriptionState {
  enabled: boolean
  tables: number
  /** Tables that are copied and whose changes are applied with those of the other tables. */
  ready: number
  /** Whether a process of the server works on it. */
  isRunning: boolean
  received: Lsn
  /** The position that is reported as applied, also where nothing had to be. */
  applied: Lsn
  /** The last transaction that changed a table here, if our role may read it. */
  changed: Lsn
  /** How often applying or copying has failed. Always 0 before 15, which does not count. */
  errors: number
}

/**
 * A subscription contains the password to the source. Where our role may, it keeps the statement out of the server's
 * log.
 */
const unlogged = `
  select pg_catalog.set_config('log_statement', 'none', false),
         pg_catalog.set_config('log_min_duration_statement', '-1', false),
         pg_catalog.set_config('log_min_error_statement', 'panic', false)
    from pg_catalog.pg_roles
   where rolname = current_user and rolsuper`

const insufficientPrivilege = '42501'

const mayReadProgress =
  "select pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_progress(text, boolean)', 'execute') as may"

/** Tests whether the destination can connect to the source and read publications there. Nothing stays. */
export async function trySubscription(destination: Session, name: string, source: ConnectionSettings) {
  const { may } = await destination.one<{ may: boolean }>(mayReadProgress)
  if (!may) {
    throw new PgtrekError(
      'the role may not read the progress of the subscription: grant execute on function pg_catalog.pg_replication_origin_progress(text, boolean)',
    )
  }
  await destination.execute(unlogged)
  await destination.execute('begin')
  try {
    await destination.execute(
      `create subscription ${quoteIdentifier(name)} connection ${quoteLiteral(connectionWords(source))}
         publication ${quoteIdentifier(name)}
         with (enabled = false, create_slot = false, slot_name = none, copy_data = false)`,
    )
  } finally {
    await destination.execute('rollback')
  }
}

export const markOfSubscription = (move: string) => `pgtrek move ${move}`

/** Null without one; undefined without a subscription. */
export async function subscriptionComment(
  destination: Session,
  name: string,
): Promise<string | null | undefined> {
  if (!(await hasSubscription(destination, name))) return undefined
  try {
    const [row] = await destination.query<{ comment: string | null }>(`
      select pg_catalog.obj_description(s.oid, 'pg_subscription') as comment
        from pg_catalog.pg_subscription s
       where s.subname = ${quoteLiteral(name)}
         and s.subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`)
    return row?.comment
  } catch (error) {
    // Before 14 an ordinary role can read the name of a subscription but not its OID. It cannot have created it
    // either.
    if ((error as { sqlstate?: string }).sqlstate === insufficientPrivilege) return ''
    throw error
  }
}

export async function hasSubscription(destination: Session, name: string): Promise<boolean> {
  const found = await destination.query(`
    select from pg_catalog.pg_subscription
     where subname = ${quoteLiteral(name)}
       and subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`)
  return found.length > 0
}

export async function createSubscription(
  destination: Session,
  name: string,
  source: ConnectionSettings,
  publications: readonly string[],
  move: string,
): Promise<void> {
  await destination.execute(unlogged)
  const list = publications.map(quoteIdentifier).join(', ')
  await destination.execute(
    `create subscription ${quoteIdentifier(name)} connection ${quoteLiteral(connectionWords(source))} publication ${list}`,
  )
  // CREATE SUBSCRIPTION creates a slot, so it cannot be in one transaction with the comment.
  await destination.execute(
    `comment on subscription ${quoteIdentifier(name)} is ${quoteLiteral(markOfSubscription(move))}`,
  )
}

export async function readSubscription(
  destination: Session,
  name: string,
): Promise<SubscriptionState | undefined> {
  const { may } = await destination.one<{ may: boolean }>(mayReadProgress)
  const progress = may ? `pg_catalog.pg_replication_origin_progress('pg_' || s.oid, true)::text` : 'null'
  const [row] = await destination.query<{
    enabled: boolean
    tables: number
    ready: number
    running: boolean
    received: string | null
    applied: string | null
    changed: string | null
    errors: number
  }>(`
    select s.subenabled as enabled,
           (select count(*) from pg_catalog.pg_subscription_rel r where r.srsubid = s.oid)::int as tables,
           (select count(*) from pg_catalog.pg_subscription_rel r
             where r.srsubid = s.oid and r.srsubstate = 'r')::int as ready,
           t.pid is not null       as running,
           t.received_lsn::text    as received,
           t.latest_end_lsn::text  as applied,
           ${progress} as changed,
           ${
             destination.major >= 15
               ? `coalesce((select (e.apply_error_count + e.sync_error_count)::float8
                   from pg_catalog.pg_stat_subscription_stats e where e.subid = s.oid), 0)`
               : '0'
           } as errors
      from pg_catalog.pg_subscription s
      left join pg_catalog.pg_stat_subscription t on t.subid = s.oid and t.relid is null
     where s.subname = ${quoteLiteral(name)}
       and s.subdbid = (select oid from pg_catalog.pg_database where datname = current_database())`)
  const lsnOf = (text: string | null) => (text === null ? noLsn : parseLsn(text))
  return (
    row && {
      enabled: row.enabled,
      tables: row.tables,
      ready: row.ready,
      isRunning: row.running,
      received: lsnOf(row.received),
      applied: lsnOf(row.applied),
      changed: lsnOf(row.changed),
      errors: row.errors,
    }
  )
}

export async function enableSubscription(destination: Session, name: string, enabled: boolean) {
  await destination.execute(`alter subscription ${quoteIdentifier(name)} ${enabled ? 'enable' : 'disable'}`)
}

/** The slot is kept. It is dropped on the source, to which we have a connection of our own. */
export async function dropSubscription(destination: Session, name: string): Promise<boolean> {
  if (!(await hasSubscription(destination, name))) return false
  const there = await readSubscription(destination, name)
  if (!there) return false
  const quoted = quoteIdentifier(name)
  if (there.enabled) await destination.execute(`alter subscription ${quoted} disable`)
  await destination.execute(`alter subscription ${quoted} set (slot_name = none)`)
  await destination.execute(`drop subscription ${quoted}`)
  return true
}

/** For libpq in the destination's server. */
function connectionWords({ host, port, database, user, password, tls }: ConnectionSettings): string {
  const words: [string, string | number | undefined][] = [
    ['host', host],
    ['port', port],
    ['dbname', database],
    ['user', user],
    ['password', password],
    ['sslmode', tls.mode],
    ['application_name', 'pgtrek'],
  ]
  return words
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}='${String(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`)
    .join(' ')
}
