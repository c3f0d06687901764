-- Every user-defined object as (kind, name, definition): the lists of both servers must be equal.
-- Definitions only in text that is equal in all versions. The formatting of a view's text differs, so views are executed.
with own_schema as (
  select oid, nspname, nspowner, nspacl
    from pg_namespace
   where nspname !~ '^pg_' and nspname <> 'information_schema'
), of_extension as (
  select classid, objid from pg_depend where deptype = 'e'
), relation as (
  select c.*
    from pg_class c join own_schema s on s.oid = c.relnamespace
   where c.oid not in (select objid from of_extension where classid = 'pg_class'::regclass)
), function as (
  select p.*
    from pg_proc p join own_schema s on s.oid = p.pronamespace
   where p.oid not in (select objid from of_extension where classid = 'pg_proc'::regclass)
), type as (
  select t.*
    from pg_type t join own_schema s on s.oid = t.typnamespace
   where t.oid not in (select objid from of_extension where classid = 'pg_type'::regclass)
     and t.typtype in ('d', 'e', 'r') or t.oid in (select reltype from relation where relkind = 'c')
), granted as (
  select 'schema ' || nspname as object, nspowner as owner, coalesce(nspacl, acldefault('n', nspowner)) as acl
    from own_schema
   where nspname <> 'public'
  union all
  select oid::regclass::text, relowner, coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))
    from relation
   where relkind in ('r', 'p', 'v', 'm', 'S')
  union all
  select a.attrelid::regclass || '.' || quote_ident(a.attname), r.relowner, a.attacl
    from pg_attribute a join relation r on r.oid = a.attrelid
   where a.attacl is not null
  union all
  select oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner)) from function
  union all
  select 'type ' || oid::regtype, typowner, coalesce(typacl, acldefault('T', typowner)) from type
  union all
  select 'what ' || defaclrole::regrole || ' will make in ' || defaclnamespace::regnamespace || ' (' || defaclobjtype::text || ')', defaclrole, defaclacl
    from pg_default_acl
)
select 'schemas' as kind, nspname::text as name, nspowner::regrole::text as definition
  from own_schema
 where nspname <> 'public'
union all
select 'extensions', extname, extnamespace::regnamespace::text from pg_extension
union all
select 'types', oid::regtype::text,
       concat_ws(' ', typtype, typowner::regrole, nullif(typbasetype, 0)::regtype, typnotnull, typdefault,
         (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = type.oid))
  from type
union all
select 'tables', oid::regclass::text,
       concat_ws(' ', relkind, relpersistence, relowner::regrole, relreplident, relrowsecurity, relforcerowsecurity,
         reloptions, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid),
         (select inhparent::regclass from pg_inherits where inhrelid = relation.oid))
  from relation
 where relkind in ('r', 'p')
union all
select 'columns', attrelid::regclass || '.' || quote_ident(attname),
       concat_ws(' ', format_type(atttypid, atttypmod), a.attnotnull, attidentity, attgenerated, attstorage,
         (select collname from pg_collation where oid = attcollation), pg_get_expr(adbin, adrelid))
  from pg_attribute a
  join relation r on r.oid = attrelid
  left join pg_attrdef on adrelid = attrelid and adnum = attnum
 where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'v', 'm', 'c')
union all
select 'indexes', indexrelid::regclass::text,
       concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisprimary, indisreplident)
  from pg_index
 where indexrelid in (select oid from relation)
union all
select 'constraints', coalesce(nullif(conrelid, 0)::regclass::text, contypid::regtype::text) || ' ' || quote_ident(conname),
       concat_ws(' ', pg_get_constraintdef(oid), convalidated)
  from pg_constraint
 where connamespace in (select oid from own_schema) and contype not in ('n', 't')
   -- A foreign key to a partitioned table has one part for each partition, which the server names.
   and not (contype = 'f' and conparentid <> 0)
union all
select 'views', oid::regclass::text, concat_ws(' ', relkind, relowner::regrole, relispopulated, reloptions)
  from relation
 where relkind in ('v', 'm')
union all
select 'functions', oid::regprocedure::text,
       concat_ws(' ', proowner::regrole, prokind, case when prokind <> 'a' then pg_get_functiondef(oid) end)
  from function
union all
select 'triggers', tgrelid::regclass || ' ' || quote_ident(tgname), concat_ws(' ', pg_get_triggerdef(oid), tgenabled)
  from pg_trigger
 where not tgisinternal
union all
select 'rules', ev_class::regclass || ' ' || quote_ident(rulename), pg_get_ruledef(oid)
  from pg_rewrite
 where ev_class in (select oid from relation) and rulename <> '_RETURN'
union all
select 'policies', polrelid::regclass || ' ' || quote_ident(polname),
       concat_ws(' ', polcmd, polpermissive,
         array(select case role when 0 then 'public' else role::regrole::text end from unnest(polroles) role order by 1),
         pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
  from pg_policy
union all
select 'statistics', stxname, pg_get_statisticsobjdef(oid) from pg_statistic_ext
union all
select 'publications', pubname,
       concat_ws(' ', pubowner::regrole, puballtables, pubinsert, pubupdate, pubdelete, pubtruncate,
         array(select prrelid::regclass::text from pg_publication_rel where prpubid = p.oid order by 1))
  from pg_publication p
union all
select 'comments', pg_describe_object(classoid, objoid, objsubid), description
  from pg_description
 where objoid >= 16384 and (classoid, objoid) not in (select classid, objid from of_extension)
union all
select 'grants', object || ': ' || privilege_type || ' to ' || case grantee when 0 then 'public' else grantee::regrole::text end,
       concat_ws(' ', 'by', grantor::regrole, is_grantable)
  from granted, aclexplode(acl)
 -- MAINTAIN was added in 17, and is part of what an owner may do anyway.
 where grantee <> owner and privilege_type <> 'MAINTAIN'
