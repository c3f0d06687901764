// Features of the source that the destination does not support: added after its major, or removed since the source's.

import { say } from '../../shared/say.ts'
import {
  columnsWhere,
  constraintsWhere,
  fromColumns,
  fromRules,
  indexesWhere,
  isExtensions,
  isUsers,
  qualifiedName,
  relationsWhere,
} from './catalog-sql.ts'
import { type Check, type CheckContext, foundIn, namesOf, passed, type Remark } from './check.ts'

interface Feature {
  /** The first major that has it. */
  since: number
  /** Precedes the names in the report. */
  words: string
  /** Selects `name`, and `of` for features of relations. */
  sql: string
  isOfRelations: boolean
}

const collationsWhere = (condition: string) => `
  select pg_catalog.format('%I.%I', n.nspname, o.collname) as name
    from pg_catalog.pg_collation o
    join pg_catalog.pg_namespace n on n.oid = o.collnamespace
   where ${isUsers} and ${condition}`

/** https://www.postgresql.org/docs/release/: older servers reject what pg_dump writes for these features. */
const features: readonly Feature[] = [
  {
    since: 13,
    words: 'trigger before each row of the partitioned table',
    sql: relationsWhere(
      `c.relkind = 'p' and exists (select from pg_catalog.pg_trigger t
         where t.tgrelid = c.oid and not t.tgisinternal and t.tgtype & 3 = 3)`,
    ),
    isOfRelations: true,
  },
  {
    since: 14,
    words: 'function with a body in SQL',
    sql: `select p.oid::regprocedure::text as name
            from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
           where p.prosqlbody is not null and ${isUsers} and not ${isExtensions('pg_proc', 'p.oid')}`,
    isOfRelations: false,
  },
  {
    since: 14,
    words: 'procedure with OUT parameters',
    sql: `select p.oid::regprocedure::text as name
            from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
           where p.prokind = 'p' and 'o' = any (p.proargmodes) and ${isUsers} and not ${isExtensions('pg_proc', 'p.oid')}`,
    isOfRelations: false,
  },
  { since: 14, words: 'compression of', sql: columnsWhere("a.attcompression <> ''"), isOfRelations: true },
  {
    since: 15,
    words: 'NULLS NOT DISTINCT in',
    sql: indexesWhere('i.indnullsnotdistinct'),
    isOfRelations: true,
  },
  {
    since: 15,
    words: 'ON DELETE SET for some columns in',
    sql: constraintsWhere('k.confdelsetcols is not null'),
    isOfRelations: true,
  },
  {
    since: 15,
    words: 'security_invoker of',
    sql: relationsWhere("c.relkind = 'v' and c.reloptions::text ~ 'security_invoker=(true|on|1|yes)'"),
    isOfRelations: true,
  },
  {
    since: 15,
    words: 'rows, columns or schemas in publication',
    sql: `select pg_catalog.quote_ident(p.pubname) as name
            from pg_catalog.pg_publication p
           where exists (select from pg_catalog.pg_publication_namespace s where s.pnpubid = p.oid)
              or exists (select from pg_catalog.pg_publication_rel r
                          where r.prpubid = p.oid and (r.prqual is not null or r.prattrs is not null))`,
    isOfRelations: false,
  },
  {
    since: 15,
    words: 'scale beyond the precision of',
    sql: columnsWhere(
      // https://www.postgresql.org/docs/current/datatype-numeric.html: (precision << 16 | scale) + 4, scale of 11 bits
      `a.atttypid = 'numeric'::regtype and a.atttypmod >= 4
         and (((a.atttypmod - 4) & 1024) <> 0 or ((a.atttypmod - 4) & 2047) > ((a.atttypmod - 4) >> 16) & 65535)`,
    ),
    isOfRelations: true,
  },
  {
    since: 16,
    words: 'rules of collation',
    sql: collationsWhere('o.collicurules is not null'),
    isOfRelations: false,
  },
  {
    since: 17,
    words: 'built-in collation',
    sql: collationsWhere("o.collprovider = 'b'"),
    isOfRelations: false,
  },
  {
    since: 17,
    words: 'identity of the partitioned',
    sql: columnsWhere("a.attidentity <> '' and c.relkind = 'p'"),
    isOfRelations: true,
  },
  {
    since: 17,
    words: 'exclusion constraint of the partitioned',
    sql: constraintsWhere("k.contype = 'x' and c.relkind = 'p'"),
    isOfRelations: true,
  },
  {
    since: 17,
    words: 'MAINTAIN granted on',
    sql: relationsWhere(
      "exists (select from pg_catalog.aclexplode(c.relacl) g where g.privilege_type = 'MAINTAIN' and g.grantee <> c.relowner)",
    ),
    isOfRelations: true,
  },
  {
    since: 18,
    words: 'virtual generated column',
    sql: columnsWhere("a.attgenerated = 'v'"),
    isOfRelations: true,
  },
  {
    since: 18,
    words: 'WITHOUT OVERLAPS or PERIOD in',
    sql: constraintsWhere('k.conperiod'),
    isOfRelations: true,
  },
  {
    since: 18,
    words: 'NOT ENFORCED in',
    sql: constraintsWhere('not k.conenforced'),
    isOfRelations: true,
  },
  {
    since: 18,
    words: 'NOT NULL with NO INHERIT or NOT VALID in',
    sql: constraintsWhere("k.contype = 'n' and (k.connoinherit or not k.convalidated)"),
    isOfRelations: true,
  },
]

const newer: Check = {
  id: 'newer-features',
  title: 'Features that the destination does not support',
  why: say`Objects that use them cannot be created there, nor can objects that depend on those.`,
  async look(context): Promise<Remark> {
    const { source, facts, scope } = context
    const wanted = features.filter(
      ({ since }) => facts.destination.major < since && since <= facts.source.major,
    )
    const found = await Promise.all(
      wanted.map(async ({ since, words, sql, isOfRelations }) => {
        if (!isOfRelations && !scope.isEverything && !scope.hasOther()) return []
        const rows = isOfRelations
          ? await foundIn<{ name: string }>(context, sql)
          : await source.query<{ name: string }>(sql)
        return rows.map(({ name }) => `${words} ${name} (since ${since})`)
      }),
    )
    const objects = [...found.flat(), ...(await typesUnknownThere(context))].sort()
    if (objects.length === 0) {
      return passed(
        facts.destination.major < facts.source.major ? say`none is used` : say`the destination is not older`,
      )
    }
    return {
      status: 'warning',
      found: say`some objects use features that PostgreSQL ${facts.destination.major} does not support`,
      todo: say`Choose a newer destination, or change these objects on the source before the migration.`,
      objects,
    }
  },
}

/** Built-in types, like multiranges, that columns use. */
async function typesUnknownThere(context: CheckContext): Promise<string[]> {
  if (context.facts.destination.major >= context.facts.source.major) return []
  const [used, known] = await Promise.all([
    foundIn<{ name: string; type: string }>(
      context,
      `select c.oid as of, pg_catalog.format('%s.%I', ${qualifiedName}, a.attname) as name, t.typname as type
         ${fromColumns}
         join pg_catalog.pg_type t on t.oid = a.atttypid
        where c.relkind in ('r', 'p', 'f', 'c') and a.attnum > 0 and not a.attisdropped and ${isUsers}
          and t.typnamespace = 'pg_catalog'::regnamespace and t.oid < 16384`,
    ),
    namesOf(
      context.destination,
      "select typname as name from pg_catalog.pg_type where typnamespace = 'pg_catalog'::regnamespace",
    ),
  ])
  const names = new Set(known)
  return used.filter(({ type }) => !names.has(type)).map(({ name, type }) => `type ${type} of ${name}`)
}

/** https://www.postgresql.org/docs/14/release-14.html: pg_upgrade checks the same. */
const removed: Check = {
  id: 'removed-features',
  title: 'Features that newer versions have removed',
  why: say`Objects that use them cannot be created on the destination, nor can objects that depend on those.`,
  async look({ source, facts, scope }): Promise<Remark> {
    if (facts.source.major >= 14 || facts.destination.major < 14)
      return passed(say`none was removed between these versions`)
    const [postfix, arrays] = await Promise.all([
      source.query<{ name: string; schema: string }>(
        `select o.oid::regoperator::text as name, n.nspname as schema
           from pg_catalog.pg_operator o
           join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
          where o.oprright = 0 and o.oprleft <> 0 and o.oid >= 16384 and not ${isExtensions('pg_operator', 'o.oid')}`,
      ),
      source.query<{ name: string; oid: number }>(
        `select a.aggfnoid::regprocedure::text as name, a.aggfnoid::oid as oid
           from pg_catalog.pg_aggregate a
          where a.aggfnoid::oid >= 16384
            and (a.aggtransfn::text ~ '(^|[.])array_(append|prepend|cat|position|positions|remove|replace)$'
              or a.aggtransfn::text ~ '(^|[.])width_bucket$')
            and a.aggtranstype = 'anyarray'::regtype
            and not ${isExtensions('pg_proc', 'a.aggfnoid')}`,
      ),
    ])
    const objects = [
      ...postfix.filter(({ schema }) => scope.hasOther(schema)).map(({ name }) => `operator ${name}`),
      ...arrays.filter(({ oid }) => scope.has(oid, 'pg_proc')).map(({ name }) => `aggregate ${name}`),
    ]
    if (objects.length === 0) return passed(say`none is used`)
    return {
      status: 'warning',
      found: say`postfix operators, or aggregates over anyarray, which PostgreSQL 14 and later do not support`,
      todo: say`Replace them on the source before the migration: a function instead of the operator, anycompatiblearray instead of anyarray.`,
      objects,
    }
  },
}

/** Views over system catalogs, which differ between majors. */
const systemViews: Check = {
  id: 'views-of-the-system',
  title: 'Views over system catalogs',
  why: say`System catalogs differ between major versions: a view that uses a removed column cannot be created.`,
  async look(context): Promise<Remark> {
    const { source, destination, facts } = context
    if (facts.source.major === facts.destination.major)
      return passed(say`both servers have the same catalogs`)
    const views = await foundIn<{ name: string; catalog: string }>(
      context,
      // No catalog records which system catalogs a view reads; its rule does.
      `select distinct c.oid as of, ${qualifiedName} as name, s.relname as catalog
         ${fromRules}
         cross join lateral pg_catalog.regexp_matches(r.ev_action::text, ':relid (\\d+)', 'g') m (part)
         join pg_catalog.pg_class s on s.oid = m.part[1]::oid and s.relnamespace = 'pg_catalog'::regnamespace
        where c.relkind in ('v', 'm') and ${isUsers} and not ${isExtensions('pg_class', 'c.oid')}
        order by 2, 3`,
    )
    if (views.length === 0) return passed(say`there are none`)
    const [ours, theirs] = await Promise.all([catalogColumns(source), catalogColumns(destination)])
    const objects = views.flatMap(({ name, catalog }) => {
      const there = theirs.get(catalog)
      if (!there) return [say`${name} reads ${catalog}, which the destination does not have`]
      const gone = [...(ours.get(catalog) ?? [])].filter((column) => !there.has(column))
      return gone.length > 0 ? [say`${name} reads ${catalog}, which no longer has ${gone.join(', ')}`] : []
    })
    if (objects.length === 0) return passed(say`what they read is the same on both servers`)
    return {
      status: 'warning',
      found: say`views may use catalogs or columns that the destination does not have`,
      todo: say`Check these views; change or drop those that use them before the migration.`,
      objects,
    }
  },
}

async function catalogColumns(session: CheckContext['source']): Promise<Map<string, Set<string>>> {
  const rows = await session.query<{ catalog: string; columns: string[] }>(`
    select c.relname as catalog, json_agg(a.attname) as columns
      from pg_catalog.pg_class c
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v')
     group by 1`)
  return new Map(rows.map(({ catalog, columns: names }) => [catalog, new Set(names)]))
}

export const featureChecks: readonly Check[] = [newer, removed, systemViews]
