// Roles of a typical team, and queries that show whether two servers have the same ones.
import { Value } from '@sinclair/typebox/value'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { moveRoles, type RoleMove } from '../../server/roles/move.ts'
import { RoleOptions } from '../../shared/roles.ts'
import type { Cluster, Row } from '../../tools/servers/clusters.ts'

export const hostile = `O'Brien "the\\ boss"; drop role x --\n\u00e9`

const quoted = `"${hostile.replaceAll('"', '""')}"`

/** Every role must log in with a password, except the superuser. */
export function passwordsNeeded(method: 'md5' | 'scram-sha-256') {
  return `
local all         all                     trust
host  all         postgres 127.0.0.1/32   trust
host  all         all      127.0.0.1/32   ${method}
`
}

export async function createRoles(server: Cluster) {
  const { major } = server
  await server.createDatabase('shop')
  await server.sql(
    'shop',
    `
    create role readers noinherit;
    create role writers connection limit 7 valid until '2040-05-06 07:08:09+02';
    create role dba superuser createdb createrole replication bypassrls;
    create role app login password 'geheim ''"\\ x';
    create role reports login noinherit connection limit 3 password 'berichte' valid until 'infinity';
    create role nobody login;
    create role ${quoted} login password 'hostile';
    create role "PUBLIC " login password 'x';
    create role "Readers";
    grant readers to writers;
    grant writers to app with admin option;
    grant readers to reports;
    grant pg_monitor, pg_read_all_settings to reports with admin option;
    grant "Readers" to ${quoted};
    grant postgres to dba;
    comment on role app is 'It''s the "app"\\';
    comment on role ${quoted} is 'odd';
    alter role app set search_path = "$user", public, "a ""b"" , c", pg_temp;
    alter role app set work_mem = '7MB';
    alter role app set timezone = 'Europe/Vienna';
    alter role app set shop.tenant = 'one, two';
    alter role app set shop.api_key = 'very-secret';
    alter role app set temp_tablespaces = '';
    alter role ${quoted} set datestyle = 'SQL, DMY';
    alter role app in database shop set statement_timeout = '3min';
    alter role all set shop.every = 'body';
    alter database shop set lock_timeout = '9s';
    revoke connect on database shop from public;
    grant connect on database shop to readers;
    grant create, temporary on database shop to writers with grant option;`,
  )
  if (major >= 15) {
    await server.sql('shop', 'grant set on parameter log_min_duration_statement to app with grant option')
    await server.sql('shop', `grant alter system on parameter shop.level to readers`)
  }
  if (major >= 16) {
    await server.sql('shop', 'grant readers to app with inherit false, set false, admin true')
    await server.sql('shop', 'grant "Readers" to app with inherit true, set false')
  }
}

/** What the servers report, without the roles of the servers themselves. */
export async function facts(server: Cluster) {
  const session = server.database('shop').connect({ settings: { timezone: 'UTC' } })
  try {
    return await factsIn(async (text) => [...(await session.unsafe(text))])
  } finally {
    await session.end()
  }
}

async function factsIn(ask: (text: string) => Promise<Row[]>) {
  const mine = (name: string) => `${name} !~ '^pg_' and ${name} <> 'postgres'`
  return {
    roles: await ask(`
      select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
             rolconnlimit, rolvaliduntil::text, rolpassword, shobj_description(oid, 'pg_authid') as comment
        from pg_authid where ${mine('rolname')} order by 1`),
    memberships: await ask(`
      select roleid::regrole::text as role, member::regrole::text as member, admin_option
        from pg_auth_members where ${mine('member::regrole::text')} order by 1, 2`),
    settings: await ask(`
      select setrole::regrole::text as role, datname, c as setting
        from pg_db_role_setting left join pg_database d on d.oid = setdatabase, unnest(setconfig) c
       order by 1, 2, 3`),
    grants: await ask(`
      select grantee::regrole::text as grantee, privilege_type, is_grantable
        from pg_database, aclexplode(datacl) where datname = 'shop' and grantee not in (0, 10) order by 1, 2`),
  }
}

export async function membershipOptions(server: Cluster) {
  return await server.sql(
    'shop',
    `select roleid::regrole::text as role, member::regrole::text as member, inherit_option, set_option
       from pg_auth_members where member::regrole::text !~ '^pg_' order by 1, 2`,
  )
}

export async function parameterGrants(server: Cluster) {
  return await server.sql(
    'shop',
    `select parname, grantee::regrole::text as grantee, privilege_type, is_grantable
       from pg_parameter_acl, aclexplode(paracl) where grantee <> 10 order by 1, 2, 3`,
  )
}

export function move(
  source: string,
  destination: string,
  wishes: Partial<RoleOptions> & Partial<RoleMove> = {},
) {
  const { dryRun = false, commonPassword, confirm = () => true, ...options } = wishes
  return moveRoles({
    source: resolveSettings({ url: source }),
    destination: resolveSettings({ url: destination }),
    options: { ...Value.Create(RoleOptions), ...options },
    commonPassword,
    dryRun,
    signal: new AbortController().signal,
    confirm,
  })
}
