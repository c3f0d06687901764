// Reads the roles of an instance with their memberships, settings and grants.
import type { Session } from '../postgres/session.ts'
import {
  type DatabaseGrant,
  type ParameterGrant,
  type RoleSetting,
  readDatabaseGrants,
  readDatabases,
  readParameterGrants,
  readRoleSettings,
} from './read-rights.ts'
import { readSecrets, type Secrets } from './secrets.ts'

export const attributes = [
  'superuser',
  'createDatabase',
  'createRole',
  'inherit',
  'login',
  'replication',
  'bypassRls',
] as const
export type Attribute = (typeof attributes)[number]

export interface Role extends Record<Attribute, boolean> {
  name: string
  /** -1: no limit. */
  connectionLimit: number
  /** As the server writes it, in UTC; null: no expiry. */
  validUntil: string | null
  comment: string | null
  labels: { provider: string; label: string }[]
}

/** All grants of one role to one member combined, from all grantors. */
export interface Membership {
  role: string
  member: string
  admin: boolean
  /** Before 16 the attribute of the member decides, and SET is always allowed. */
  inherit: boolean
  set: boolean
}

/** The connecting role and its rights. */
export interface Self {
  name: string
  superuser: boolean
  createRole: boolean
  createDatabase: boolean
  replication: boolean
  bypassRls: boolean
  adminOf: ReadonlySet<string>
}

export interface InstanceRoles {
  major: number
  database: string
  self: Self
  /** The role with OID 10. */
  initialSuperuser: string
  roles: ReadonlyMap<string, Role>
  memberships: readonly Membership[]
  settings: readonly RoleSetting[]
  databases: ReadonlyMap<string, { owner: string; mayChange: boolean }>
  databaseGrants: readonly DatabaseGrant[]
  parameterGrants: readonly ParameterGrant[]
  secrets: Secrets
}

/** Since this major, each grant has options. https://www.postgresql.org/docs/16/release-16.html */
export const membershipOptionsSince = 16

/** Sets the format of timestamps, so that both servers write them alike. */
export async function readInstanceRoles(session: Session): Promise<InstanceRoles> {
  await session.execute(
    "set search_path = ''; set datestyle = 'ISO, MDY'; set timezone = 'UTC'; set intervalstyle = 'postgres'",
  )
  const { database, initialSuperuser } = await session.one<{ database: string; initialSuperuser: string }>(`
    select current_database()              as database,
           pg_catalog.pg_get_userbyid(10)  as "initialSuperuser"`)
  const roles = await readRoles(session)
  return {
    major: session.major,
    database,
    initialSuperuser,
    self: await readSelf(session),
    roles: new Map(roles.map((role) => [role.name, role])),
    memberships: await readMemberships(session),
    settings: await readRoleSettings(session),
    databases: await readDatabases(session),
    databaseGrants: await readDatabaseGrants(session),
    parameterGrants: await readParameterGrants(session),
    secrets: await readSecrets(session),
  }
}

function readRoles(session: Session): Promise<Role[]> {
  return session.query<Role>(`
    select r.rolname                                      as name,
           r.rolsuper                                     as superuser,
           r.rolcreatedb                                  as "createDatabase",
           r.rolcreaterole                                as "createRole",
           r.rolinherit                                   as inherit,
           r.rolcanlogin                                  as login,
           r.rolreplication                               as replication,
           r.rolbypassrls                                 as "bypassRls",
           r.rolconnlimit                                 as "connectionLimit",
           r.rolvaliduntil::text                          as "validUntil",
           pg_catalog.shobj_description(r.oid, 'pg_authid') as comment,
           coalesce((select json_agg(json_build_object('provider', l.provider, 'label', l.label)
                                     order by l.provider)
                       from pg_catalog.pg_shseclabel l
                      where l.classoid = 'pg_catalog.pg_authid'::regclass
                        and l.objoid = r.oid), '[]')      as labels
      from pg_catalog.pg_roles r
     order by r.rolname`)
}

function readMemberships(session: Session): Promise<Membership[]> {
  const hasOptions = session.major >= membershipOptionsSince
  return session.query<Membership>(`
    select r.rolname                as role,
           m.rolname                as member,
           bool_or(a.admin_option)  as admin,
           bool_or(${hasOptions ? 'a.inherit_option' : 'm.rolinherit'}) as inherit,
           bool_or(${hasOptions ? 'a.set_option' : 'true'})             as "set"
      from pg_catalog.pg_auth_members a
      join pg_catalog.pg_roles r on r.oid = a.roleid
      join pg_catalog.pg_roles m on m.oid = a.member
     group by r.rolname, m.rolname
     order by r.rolname, m.rolname`)
}

async function readSelf(session: Session): Promise<Self> {
  const row = await session.one<Omit<Self, 'adminOf'>>(`
    select rolname        as name,
           rolsuper       as superuser,
           rolcreaterole  as "createRole",
           rolcreatedb    as "createDatabase",
           rolreplication as replication,
           rolbypassrls   as "bypassRls"
      from pg_catalog.pg_roles
     where rolname = current_user`)
  const administered = await session.query<{ name: string }>(`
    select rolname as name
      from pg_catalog.pg_roles
     where pg_catalog.pg_has_role(oid, 'member with admin option')`)
  return { ...row, adminOf: new Set(administered.map(({ name }) => name)) }
}
