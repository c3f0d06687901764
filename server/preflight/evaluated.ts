// Functions that run while a database is restored: those of index expressions and conditions, of generated columns, of
// check constraints of tables and domains, of partition keys, of statistics, and of materialized views.
import { fromConstraints, fromIndexes, isExtensions, isUsers, qualifiedName } from './catalog-sql.ts'

const relation = (words: string) => `'${words} ' || ${qualifiedName}`

/** `of` is the relation, or 0 if there is none; `what` is the object that is computed by the function `oid`. */
export const evaluatedFunctions = `
  with recursive roots (classid, objid, of, what) as (
    select 'pg_catalog.pg_class'::regclass::oid, i.indexrelid, i.indrelid,
           pg_catalog.format('index %I of %s', x.relname, ${qualifiedName})
      ${fromIndexes}
     where ${isUsers} and not ${isExtensions('pg_class', 'c.oid')}
     union all
    select 'pg_catalog.pg_attrdef'::regclass, f.oid, c.oid,
           pg_catalog.format('generated column %s.%I', ${qualifiedName}, a.attname)
      from pg_catalog.pg_attrdef f
      join pg_catalog.pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
      join pg_catalog.pg_class c on c.oid = f.adrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where a.attgenerated <> '' and ${isUsers} and not ${isExtensions('pg_class', 'c.oid')}
     union all
    select 'pg_catalog.pg_constraint'::regclass, k.oid, c.oid,
           pg_catalog.format('constraint %I of %s', k.conname, ${qualifiedName})
      ${fromConstraints}
     where k.contype = 'c' and ${isUsers} and not ${isExtensions('pg_class', 'c.oid')}
     union all
    select 'pg_catalog.pg_constraint'::regclass, k.oid, 0::oid,
           pg_catalog.format('domain %I.%I', n.nspname, t.typname)
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_type t on t.oid = k.contypid
      join pg_catalog.pg_namespace n on n.oid = t.typnamespace
     where ${isUsers} and not ${isExtensions('pg_type', 't.oid')}
     union all
    select 'pg_catalog.pg_rewrite'::regclass, w.oid, c.oid, ${relation('materialized view')}
      from pg_catalog.pg_rewrite w
      join pg_catalog.pg_class c on c.oid = w.ev_class
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'm' and ${isUsers} and not ${isExtensions('pg_class', 'c.oid')}
     union all
    select 'pg_catalog.pg_class'::regclass, c.oid, c.oid, ${relation('partition key of')}
      from pg_catalog.pg_partitioned_table p
      join pg_catalog.pg_class c on c.oid = p.partrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where ${isUsers}
     union all
    select 'pg_catalog.pg_statistic_ext'::regclass, s.oid, c.oid,
           pg_catalog.format('statistics %I of %s', s.stxname, ${qualifiedName})
      from pg_catalog.pg_statistic_ext s
      join pg_catalog.pg_class c on c.oid = s.stxrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where ${isUsers}
  ), reached (classid, objid, of, what) as (
    select classid, objid, of, what from roots
     union
    select e.classid, e.objid, r.of, r.what
      from reached r
      cross join lateral (
        select d.refclassid as classid, d.refobjid as objid
          from pg_catalog.pg_depend d
         where d.classid = r.classid and d.objid = r.objid
           and (d.refclassid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass, 'pg_catalog.pg_opclass'::regclass)
                or d.refclassid = 'pg_catalog.pg_class'::regclass
                   and exists (select from pg_catalog.pg_class v where v.oid = d.refobjid and v.relkind = 'v'))
         union all
        select 'pg_catalog.pg_proc'::regclass, a.amproc
          from pg_catalog.pg_opclass o
          join pg_catalog.pg_amproc a on a.amprocfamily = o.opcfamily and a.amproclefttype = o.opcintype
         where r.classid = 'pg_catalog.pg_opclass'::regclass and o.oid = r.objid
         union all
        select 'pg_catalog.pg_operator'::regclass, a.amopopr
          from pg_catalog.pg_opclass o
          join pg_catalog.pg_amop a on a.amopfamily = o.opcfamily and a.amoplefttype = o.opcintype
         where r.classid = 'pg_catalog.pg_opclass'::regclass and o.oid = r.objid
         union all
        select 'pg_catalog.pg_rewrite'::regclass, w.oid
          from pg_catalog.pg_rewrite w
          join pg_catalog.pg_class v on v.oid = w.ev_class
         where r.classid = 'pg_catalog.pg_class'::regclass and w.ev_class = r.objid and v.relkind = 'v') e
     where e.objid >= 16384
  )
  select distinct r.of, r.what, r.objid as oid
    from reached r
    join pg_catalog.pg_proc p on p.oid = r.objid
    join pg_catalog.pg_language l on l.oid = p.prolang
   where r.classid = 'pg_catalog.pg_proc'::regclass and l.lanname in ('sql', 'plpgsql')
   order by 2, 3`
