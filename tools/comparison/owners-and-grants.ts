// The owners of objects, and the privileges on them.
import type { Facts, Session } from './session.ts'

type Row = { name: string; fact: string }

export async function readOwners(session: Session): Promise<Facts> {
  const rows = await session.unsafe<Row[]>(`
    ${objects}
    select format('owner of %s %s', kind, name) as name, owner::regrole::text as fact
    from (select kind, name, owner from with_privileges where not of_extension
          union all select kind, name, owner from without_privileges) as owned`)
  return facts(rows)
}

/** Effective privileges, without those that were added after this major version. */
export async function readGrants(session: Session, major: number): Promise<Facts> {
  const rows = await session.unsafe<Row[]>(`
    ${objects}
    select format('privileges on %s %s', kind, name) as name,
           coalesce(string_agg(privilege, ', ' order by privilege collate "C"), 'none') as fact
    from (
      select kind, name, coalesce(acl, acldefault(defaults::"char", owner)) as acl from with_privileges
      -- Extensions differ between servers: only changed privileges of their members count.
      where not of_extension or acl is not null
      union all
      select 'column', format('%s.%I', attrelid::regclass, attname), attacl
      from pg_attribute where attacl is not null and attrelid >= 16384
      union all
      select 'new objects', format('(%s) of %s in %s', defaclobjtype, defaclrole::regrole,
               coalesce(nullif(defaclnamespace, 0)::regnamespace::text, 'any schema')), defaclacl
      from pg_default_acl
    ) as granted
    left join lateral (
      select format('%s%s to %s by %s', privilege_type, case when is_grantable then '*' else '' end,
               case when grantee = 0 then 'public' else grantee::regrole::text end, grantor::regrole) as privilege
      from aclexplode(acl)
      where privilege_type <> 'MAINTAIN' or ${major} >= 17
    ) as exploded on true
    group by kind, granted.name`)
  return facts(rows)
}

function facts(rows: Row[]): Facts {
  return new Map(rows.map(({ name, fact }) => [name, fact]))
}

// 16384 is the first OID that initdb does not use. The schema public has a lower one, but belongs to users.
const objects = `
  with members as (select classid, objid from pg_depend where deptype = 'e'),
  all_with_privileges as (
    select 'relation' as kind, c.oid::regclass::text as name, relowner as owner, relacl as acl,
           case relkind when 'S' then 's' else 'r' end as defaults, 'pg_class'::regclass as class, c.oid
    from pg_class c where relkind in ('r', 'p', 'v', 'm', 'f', 'S') and relpersistence <> 't'
    union all
    select 'function', oid::regprocedure::text, proowner, proacl, 'f', 'pg_proc'::regclass, oid from pg_proc
    union all
    select 'type', oid::regtype::text, typowner, typacl, 'T', 'pg_type'::regclass, oid
    from pg_type t
    -- No arrays, multiranges and row types: they have the owner of their type or table, or should have it:
    -- before 17 a multirange kept its owner when its range got another one.
    where t.typtype <> 'm' and not exists (select from pg_type e where e.typarray = t.oid)
      and (typrelid = 0 or (select relkind from pg_class where oid = typrelid) = 'c')
    union all
    select 'schema', oid::regnamespace::text, nspowner, nspacl, 'n', 'pg_namespace'::regclass, oid
    from pg_namespace where nspname !~ '^pg_'
    union all
    select 'language', quote_ident(lanname), lanowner, lanacl, 'l', 'pg_language'::regclass, oid from pg_language
    union all
    select 'foreign-data wrapper', quote_ident(fdwname), fdwowner, fdwacl, 'F', 'pg_foreign_data_wrapper'::regclass, oid
    from pg_foreign_data_wrapper
    union all
    select 'foreign server', quote_ident(srvname), srvowner, srvacl, 'S', 'pg_foreign_server'::regclass, oid
    from pg_foreign_server
    union all
    select 'the', 'database', datdba, datacl, 'd', 'pg_database'::regclass, 16384
    from pg_database where datname = current_database()
  ),
  with_privileges as (
    select kind, name, owner, acl, defaults, (class, oid) in (select classid, objid from members) as of_extension
    from all_with_privileges where oid >= 16384 or (kind = 'schema' and name = 'public')
  ),
  without_privileges as (
    select kind, name, owner
    from (
      select 'collation' as kind, format('%s.%I', collnamespace::regnamespace, collname) as name, collowner as owner, oid, 'pg_collation'::regclass as class from pg_collation
      union all select 'conversion', format('%s.%I', connamespace::regnamespace, conname), conowner, oid, 'pg_conversion'::regclass from pg_conversion
      union all select 'operator', oid::regoperator::text, oprowner, oid, 'pg_operator'::regclass from pg_operator
      union all select 'operator class', format('%s.%I (%s)', opcnamespace::regnamespace, opcname, opcmethod), opcowner, oid, 'pg_opclass'::regclass from pg_opclass
      union all select 'operator family', format('%s.%I (%s)', opfnamespace::regnamespace, opfname, opfmethod), opfowner, oid, 'pg_opfamily'::regclass from pg_opfamily
      union all select 'text search dictionary', oid::regdictionary::text, dictowner, oid, 'pg_ts_dict'::regclass from pg_ts_dict
      union all select 'text search configuration', oid::regconfig::text, cfgowner, oid, 'pg_ts_config'::regclass from pg_ts_config
      union all select 'statistics', format('%s.%I', stxnamespace::regnamespace, stxname), stxowner, oid, 'pg_statistic_ext'::regclass from pg_statistic_ext
      union all select 'publication', quote_ident(pubname), pubowner, oid, 'pg_publication'::regclass from pg_publication
      union all select 'subscription', quote_ident(subname), subowner, oid, 'pg_subscription'::regclass
        from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())
      union all select 'event trigger', quote_ident(evtname), evtowner, oid, 'pg_event_trigger'::regclass from pg_event_trigger
      union all select 'extension', quote_ident(extname), extowner, oid, 'pg_extension'::regclass from pg_extension
    ) as all_without_privileges
    where oid >= 16384 and (class, oid) not in (select classid, objid from members)
  )`
