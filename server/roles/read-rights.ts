// Reads settings of roles and databases, and grants that belong to the instance instead of one database.
import type { Session } from '../postgres/session.ts'

export interface RoleSetting {
  /** Null: for all roles. */
  role: string | null
  /** Null: in all databases. */
  database: string | null
  name: string
  value: string
}

export interface DatabaseGrant {
  database: string
  /** Null: PUBLIC. */
  grantee: string | null
  privilege: string
  grantable: boolean
}

export interface ParameterGrant {
  parameter: string
  grantee: string | null
  privilege: string
  grantable: boolean
}

export const parameterGrantsSince = 15

export async function readRoleSettings(session: Session): Promise<RoleSetting[]> {
  const rows = await session.query<{ role: string | null; database: string | null; setting: string }>(`
    select r.rolname as role,
           d.datname as database,
           c.setting
      from pg_catalog.pg_db_role_setting s
      cross join unnest(s.setconfig) with ordinality c (setting, place)
      left join pg_catalog.pg_roles r on r.oid = s.setrole
      left join pg_catalog.pg_database d on d.oid = s.setdatabase
     where (s.setrole = 0 or r.oid is not null)
       and (s.setdatabase = 0 or d.oid is not null)
     order by r.rolname nulls first, d.datname nulls first, c.place`)
  return rows.map(({ role, database, setting }) => {
    const at = setting.indexOf('=')
    return { role, database, name: setting.slice(0, at), value: setting.slice(at + 1) }
  })
}

export async function readDatabases(session: Session) {
  const rows = await session.query<{ name: string; owner: string; mayChange: boolean }>(`
    select datname                                  as name,
           pg_catalog.pg_get_userbyid(datdba)       as owner,
           pg_catalog.pg_has_role(datdba, 'usage')  as "mayChange"
      from pg_catalog.pg_database
     where datallowconn
     order by datname`)
  return new Map(rows.map(({ name, ...facts }) => [name, facts]))
}

/** Without the implicit rights of owners, who may have other names on the other server. */
export function readDatabaseGrants(session: Session): Promise<DatabaseGrant[]> {
  return session.query<DatabaseGrant>(`
    select d.datname                as database,
           ${granteeName}           as grantee,
           a.privilege_type         as privilege,
           bool_or(a.is_grantable)  as grantable
      from pg_catalog.pg_database d
      cross join pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
     where d.datallowconn
       and a.grantee <> d.datdba
     group by 1, 2, 3
     order by 1, 2, 3`)
}

export async function readParameterGrants(session: Session): Promise<ParameterGrant[]> {
  if (session.major < parameterGrantsSince) return []
  return await session.query<ParameterGrant>(`
    select p.parname                as parameter,
           ${granteeName}           as grantee,
           a.privilege_type         as privilege,
           bool_or(a.is_grantable)  as grantable
      from pg_catalog.pg_parameter_acl p
      cross join pg_catalog.aclexplode(p.paracl) a
     where a.grantee <> 10
     group by 1, 2, 3
     order by 1, 2, 3`)
}

const granteeName = 'case when a.grantee = 0 then null else pg_catalog.pg_get_userbyid(a.grantee) end'

/** A setting as the destination defines it. */
export interface KnownSetting {
  name: string
  /** What a role may change: https://www.postgresql.org/docs/current/view-pg-settings.html */
  context: string
  /** Our role may store the setting for another role. */
  maySet: boolean
}

export async function readKnownSettings(session: Session): Promise<Map<string, KnownSetting>> {
  const granted =
    session.major >= parameterGrantsSince ? "pg_catalog.has_parameter_privilege(name, 'set')" : 'false'
  const rows = await session.query<KnownSetting>(`
    select name,
           context,
           context in ('user', 'backend')
             or (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
             or ${granted} as "maySet"
      from pg_catalog.pg_settings`)
  return new Map(rows.map((row) => [row.name.toLowerCase(), row]))
}
