// What a server and the role we are on it can do: read once, before anything is planned.
import type { Session } from '../postgres/session.ts'

export interface ServerFacts {
  version: number
  major: number
  database: string
  user: string
  superuser: boolean
  /** May switch off triggers and foreign keys for a session. */
  mayReplicate: boolean
  encoding: string
  inRecovery: boolean
  /** How many more sessions the server takes from this role, without the reserve for superusers. */
  freeConnections: number
  sharedBuffersKb: number
  maintenanceWorkMemKb: number
  maxParallelMaintenanceWorkers: number
  databaseOwner: string
  ownsDatabase: boolean
}

export async function readServer(session: Session): Promise<ServerFacts> {
  const row = await session.one<Omit<ServerFacts, 'version' | 'major' | 'mayReplicate'>>(`
    select current_database()                                         as "database",
           current_user                                               as "user",
           r.rolsuper                                                 as "superuser",
           pg_catalog.pg_encoding_to_char(d.encoding)                 as "encoding",
           pg_catalog.pg_is_in_recovery()                             as "inRecovery",
           least(
             current_setting('max_connections')::int
               - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0)
               - (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'client backend'),
             case when d.datconnlimit < 0 or r.rolsuper then 100000 else d.datconnlimit end,
             case when r.rolconnlimit < 0 or r.rolsuper then 100000 else r.rolconnlimit end
           )::int                                                     as "freeConnections",
           (select setting::bigint * 8 from pg_catalog.pg_settings where name = 'shared_buffers')::float8
                                                                      as "sharedBuffersKb",
           (select setting from pg_catalog.pg_settings where name = 'maintenance_work_mem')::float8
                                                                      as "maintenanceWorkMemKb",
           current_setting('max_parallel_maintenance_workers')::int   as "maxParallelMaintenanceWorkers",
           pg_catalog.pg_get_userbyid(d.datdba)                       as "databaseOwner",
           pg_catalog.pg_has_role(d.datdba, 'usage')                  as "ownsDatabase"
      from pg_catalog.pg_database d,
           pg_catalog.pg_roles r
     where d.datname = current_database()
       and r.rolname = current_user`)
  return {
    ...row,
    version: session.version,
    major: session.major,
    mayReplicate: await maySetReplicationRole(session, row.superuser),
  }
}

/** 15 and later can grant the right to a role; whether it was granted shows only in trying. */
async function maySetReplicationRole(session: Session, superuser: boolean): Promise<boolean> {
  if (superuser) return true
  if (session.major < 15) return false
  const { may } = await session.one<{ may: boolean }>(
    `select pg_catalog.has_parameter_privilege('session_replication_role', 'set') as may`,
  )
  return may
}

/** The newest is that of the packaged pg_dump, which reads no newer server. */
export const supportedMajors = { oldest: 12, newest: 18 } as const

export async function whichDatabase(session: Session): Promise<string> {
  const { name } = await session.one<{ name: string }>('select current_database() as name')
  return `${await whichServer(session)} ${name}`
}

/** Two names may lead to the same server; a server's start, to the microsecond, is its own. */
export async function whichServer(session: Session): Promise<string> {
  const { identity } = await session.one<{ identity: string }>(
    `select concat_ws(' ', pg_catalog.pg_postmaster_start_time(), current_setting('port')) as identity`,
  )
  return identity
}
