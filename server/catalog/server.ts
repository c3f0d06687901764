// Facts about a server and the connecting role, read once before anything is planned.
import type { Session } from '../postgres/session.ts'

export interface ServerFacts {
  version: number
  major: number
  database: string
  user: string
  superuser: boolean
  /** The role may disable triggers and foreign keys for a session. */
  mayReplicate: boolean
  encoding: string
  inRecovery: boolean
  /** The number of further sessions that the server accepts from this role, without the reserve for superusers. */
  freeConnections: number
  /** The number within each limit: of the server, of the database and of the role (CONNECTION LIMIT). */
  freeWithin: { server: number; database: number | null; role: number | null }
  sharedBuffersKb: number
  maintenanceWorkMemKb: number
  maxParallelMaintenanceWorkers: number
  databaseOwner: string
  ownsDatabase: boolean
}

export async function readServer(session: Session): Promise<ServerFacts> {
  const row = await session.one<Omit<ServerFacts, 'version' | 'major' | 'mayReplicate' | 'freeConnections'>>(`
    select current_database()                                         as "database",
           current_user                                               as "user",
           r.rolsuper                                                 as "superuser",
           pg_catalog.pg_encoding_to_char(d.encoding)                 as "encoding",
           pg_catalog.pg_is_in_recovery()                             as "inRecovery",
           json_build_object(
             'server', current_setting('max_connections')::int
               - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0)
               - s.here,
             'database', case when d.datconnlimit >= 0 and not r.rolsuper then d.datconnlimit - s.here_in_database end,
             'role', case when r.rolconnlimit >= 0 and not r.rolsuper then r.rolconnlimit - s.here_as_role end
           )                                                          as "freeWithin",
           (select setting::bigint * 8 from pg_catalog.pg_settings where name = 'shared_buffers')::float8
                                                                      as "sharedBuffersKb",
           (select setting from pg_catalog.pg_settings where name = 'maintenance_work_mem')::float8
                                                                      as "maintenanceWorkMemKb",
           current_setting('max_parallel_maintenance_workers')::int   as "maxParallelMaintenanceWorkers",
           pg_catalog.pg_get_userbyid(d.datdba)                       as "databaseOwner",
           pg_catalog.pg_has_role(d.datdba, 'usage')                  as "ownsDatabase"
      from pg_catalog.pg_database d,
           pg_catalog.pg_roles r,
           -- Only members of pg_read_all_stats can read the details of sessions of other roles.
           lateral (select count(*) as here,
                           count(*) filter (where a.datid = d.oid) as here_in_database,
                           count(*) filter (where a.usesysid = r.oid) as here_as_role
                      from pg_catalog.pg_stat_activity a
                     where a.datid <> 0 and coalesce(a.backend_type, 'client backend') = 'client backend') s
     where d.datname = current_database()
       and r.rolname = current_user`)
  return {
    ...row,
    freeConnections: Math.min(...Object.values(row.freeWithin).filter((free) => free !== null)),
    version: session.version,
    major: session.major,
    mayReplicate: await maySetReplicationRole(session, row.superuser),
  }
}

/** From 15 on the right can be granted to a role. Whether it was granted shows only an attempt. */
async function maySetReplicationRole(session: Session, superuser: boolean): Promise<boolean> {
  if (superuser) return true
  if (session.major < 15) return false
  const { may } = await session.one<{ may: boolean }>(
    `select pg_catalog.has_parameter_privilege('session_replication_role', 'set') as may`,
  )
  return may
}

/** The newest is the version of the packaged pg_dump, which cannot dump newer servers. */
export const supportedMajors = { oldest: 12, newest: 18 } as const

export async function whichDatabase(session: Session): Promise<string> {
  const { name } = await session.one<{ name: string }>('select current_database() as name')
  return `${await whichServer(session)} ${name}`
}

/** Two names may lead to the same server. The start time of a server, in microseconds, identifies it. */
export async function whichServer(session: Session): Promise<string> {
  const { identity } = await session.one<{ identity: string }>(
    `select concat_ws(' ', pg_catalog.pg_postmaster_start_time(), current_setting('port')) as identity`,
  )
  return identity
}
