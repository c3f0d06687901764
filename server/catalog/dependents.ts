// The objects that depend on a table (indexes, constraints, triggers, rules, policies, statistics), by the OIDs that
// pg_dump prints, so that each can wait for the right rows and take the right locks.
import type { Session } from '../postgres/session.ts'
import { inQuotes } from './in-quotes.ts'

export interface IndexFacts {
  oid: number
  table: number
  bytes: number
}

export interface ConstraintFacts {
  oid: number
  table: number
  /** The referenced table of a foreign key, else 0. */
  referenced: number
  /** p(rimary), u(nique), f(oreign), c(heck), x (exclusion), n(ot null), t(rigger) */
  kind: string
  validated: boolean
  tablePartitioned: boolean
  /** Whether the referenced table of a foreign key is partitioned. */
  referencedPartitioned: boolean
  /**
   * The definition of the index of a primary, unique or exclusion constraint; null when the constraint has no index
   * of its own.
   */
  indexDefinition: string | null
  indexBytes: number
  /** WITHOUT OVERLAPS or PERIOD */
  temporal: boolean
}

export interface Dependents {
  indexes: Map<number, IndexFacts>
  constraints: Map<number, ConstraintFacts>
  /** Triggers, rules, policies, extended statistics: their OID -> the OID of their table. */
  others: Map<string, number>
}

/** OIDs of the catalogs themselves are fixed. */
export const catalogOid = {
  class: 1259,
  constraint: 2606,
  rewrite: 2618,
  trigger: 2620,
  policy: 3256,
  statistics: 3381,
} as const

export function otherKey(classOid: number, oid: number): string {
  return `${classOid}/${oid}`
}

/** The session's search_path must be empty, so that names in definitions are qualified. */
export async function readDependents(session: Session): Promise<Dependents> {
  const indexes = await session.query<IndexFacts>(`
    select i.indexrelid as oid,
           i.indrelid   as "table",
           (c.relpages::float8 * current_setting('block_size')::int) as bytes
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname !~ '^pg_'`)
  const constraints = await inQuotes(session, () =>
    session.query<ConstraintFacts>(`
    select k.oid,
           k.conrelid           as "table",
           k.confrelid          as referenced,
           k.contype            as kind,
           k.convalidated       as validated,
           c.relkind = 'p'      as "tablePartitioned",
           coalesce(r.relkind = 'p', false) as "referencedPartitioned",
           case when k.contype in ('p', 'u') and k.conindid <> 0
                then pg_catalog.pg_get_indexdef(k.conindid) end       as "indexDefinition",
           coalesce(x.relpages::float8 * current_setting('block_size')::int, 0) as "indexBytes",
           ${session.major >= 18 ? 'k.conperiod' : 'false'}           as temporal
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      left join pg_catalog.pg_class x on x.oid = k.conindid
      left join pg_catalog.pg_class r on r.oid = k.confrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'
       and k.contype in ('p', 'u', 'f', 'x', 'c')`),
  )
  const others = await session.query<{ class: number; oid: number; table: number }>(`
    select ${catalogOid.trigger} as class, oid, tgrelid as "table" from pg_catalog.pg_trigger where not tgisinternal
    union all
    select ${catalogOid.rewrite}, oid, ev_class from pg_catalog.pg_rewrite
    union all
    select ${catalogOid.policy}, oid, polrelid from pg_catalog.pg_policy
    union all
    select ${catalogOid.statistics}, oid, stxrelid from pg_catalog.pg_statistic_ext`)
  return {
    indexes: new Map(indexes.map((row) => [row.oid, row])),
    constraints: new Map(constraints.map((row) => [row.oid, row])),
    others: new Map(others.map((row) => [otherKey(row.class, row.oid), row.table])),
  }
}
