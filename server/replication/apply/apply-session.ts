// The session on the destination that changes are applied in. No setting of the server, the database or the role may
// change the meaning of a value, or let triggers fire a second time.

import { appliesSetting } from '../../catalog/own.ts'
import type { Session } from '../../postgres/session.ts'
import { exactValues } from '../stream/stream.ts'

export interface ApplySession {
  /** With replica role, triggers and foreign keys do not fire for what this session writes. */
  replicaRole: boolean
}

/** Types are read with an empty search path, so that their names are qualified. */
export async function prepareApplySession(session: Session): Promise<ApplySession> {
  const replicaRole = await maySetReplicaRole(session)
  await session.execute(`
    ${exactValues}
    set search_path = '';
    set row_security = off;
    set jit = off;
    -- Without keepalives the server would hold the position of a lost machine for two hours.
    set tcp_keepalives_idle = 30;
    set tcp_keepalives_interval = 10;
    set tcp_keepalives_count = 3;
    set default_transaction_isolation = 'read committed';
    set default_transaction_deferrable = off;
    -- The plans are kept, and may be made while a table is still small: they must use its index.
    set enable_seqscan = off;
    set plan_cache_mode = force_generic_plan;
    -- A database that a switchover made read-only accepts our changes with this setting.
    set ${appliesSetting} = on;
    ${replicaRole ? 'set session_replication_role = replica;' : ''}`)
  return { replicaRole }
}

/**
 * Triggers and functions may rely on the search path of the database or the role. Our own statements qualify all
 * names. If the path puts other schemas before pg_catalog, pg_catalog is put first.
 */
export async function useOwnSearchPath(session: Session): Promise<void> {
  await session.execute('reset search_path')
  await session.query(`
    select pg_catalog.set_config('search_path', 'pg_catalog, ' || pg_catalog.current_setting('search_path'), false)
     where (pg_catalog.current_schemas(true))[1] not in ('pg_catalog', pg_catalog.pg_my_temp_schema()::regnamespace::text)`)
}

/** From 15 on the right can be granted to a role. */
export async function maySetReplicaRole(session: Session): Promise<boolean> {
  const { superuser } = await session.one<{ superuser: boolean }>(
    'select rolsuper as superuser from pg_catalog.pg_roles where rolname = current_user',
  )
  if (superuser || session.major < 15) return superuser
  const { may } = await session.one<{ may: boolean }>(
    `select pg_catalog.has_parameter_privilege('session_replication_role', 'set') as may`,
  )
  return may
}
