// The objects of a database by names that mean the same on every server: `function public.f(integer)`.
import type { Session } from '../postgres/session.ts'

export interface Identity {
  class: number
  oid: number
  /** As DROP spells it: `table`, `materialized view`, `function`. */
  type: string
  /** Qualified and quoted. */
  identity: string
  /** It belongs to an extension and is dropped only with it. */
  member: boolean
}

/** All objects that are not parts of others. The session's search_path does not matter. */
export function readIdentities(session: Session): Promise<Identity[]> {
  return session.query<Identity>(`
    with object as (
      select 'pg_class'::regclass::oid as class, c.oid
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
         and c.relpersistence <> 't'
         and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      union all
      select 'pg_type'::regclass, t.oid
        from pg_catalog.pg_type t
        left join pg_catalog.pg_class c on c.oid = t.typrelid
       where t.oid >= 16384
         and (c.oid is null or c.relkind = 'c')
         and not exists (select from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid)
      ${[
        'pg_proc',
        'pg_extension',
        'pg_language',
        'pg_collation',
        'pg_operator',
        'pg_opclass',
        'pg_opfamily',
        'pg_conversion',
        'pg_ts_parser',
        'pg_ts_dict',
        'pg_ts_template',
        'pg_ts_config',
        'pg_foreign_data_wrapper',
        'pg_foreign_server',
        'pg_am',
      ]
        .map((name) => `union all select '${name}'::regclass, oid from pg_catalog.${name} where oid >= 16384`)
        .join('\n      ')}
      union all
      select 'pg_namespace'::regclass, oid from pg_catalog.pg_namespace
       where nspname !~ '^pg_' and nspname <> 'information_schema'
    )
    select o.class, o.oid, i.type, i.identity,
           exists (select from pg_catalog.pg_depend d
                    where d.classid = o.class and d.objid = o.oid and d.deptype = 'e') as member
      from object o,
           lateral pg_catalog.pg_identify_object(o.class, o.oid, 0) i`)
}

export function identityKey({ type, identity }: Pick<Identity, 'type' | 'identity'>): string {
  return `${type} ${identity}`
}
