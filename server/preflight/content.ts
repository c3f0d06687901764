// Content of the source that is not migrated, or differently than users may expect.

import { formatBytes, formatCount } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { isExtensions, isUsers, qualifiedName, relationsWhere } from './catalog-sql.ts'
import { type Check, type Finding, findingFor, foundIn, namesFound, passed } from './check.ts'
import { fixes, ownerOf } from './fix.ts'

const largeObjects: Check = {
  id: 'large-objects',
  title: 'Large objects',
  why: say`They are copied one by one with their OIDs, and changes to them are not part of logical replication.`,
  fixable: true,
  async look({ source, lacks, scope, follow }): Promise<Finding> {
    if (!scope.hasOther()) return passed(say`not selected`)
    const { total, bytes } = await source.one<{ total: number; bytes: number }>(`
      select (select count(*) from pg_catalog.pg_largeobject_metadata)::int as total,
             pg_catalog.pg_relation_size('pg_catalog.pg_largeobject')::float8 as bytes`)
    if (total === 0) return passed(say`there are none`)
    const found = say`${formatCount(total, 'large object')} of about ${formatBytes(bytes)}`
    const taken = lacks.largeObjects.size === 0 ? [] : await takenNumbers()
    if (taken.length > 0) {
      return {
        status: 'warning',
        found: say`${found}; the destination already has some of these OIDs, and those are not copied`,
        todo: say`Keep those of the destination, or remove them if they are not needed. This cannot be undone.`,
        objects: taken.map(String),
        sql: fixes(
          'destination',
          ownerOf('the large object'),
          ...taken.map((oid) => `select lo_unlink(${oid})`),
        ),
      }
    }
    return follow
      ? {
          status: 'warning',
          found: say`${found}: changes to them after the copy are not followed`,
          todo: say`Do not change large objects between the start of the copy and the switchover.`,
        }
      : passed(found)

    async function takenNumbers(): Promise<number[]> {
      const own = await source.query<{ oid: number }>(
        'select oid from pg_catalog.pg_largeobject_metadata order by 1',
      )
      return own.flatMap(({ oid }) => (lacks.largeObjects.has(oid) ? [oid] : []))
    }
  },
}

const foreignTables: Check = {
  id: 'foreign-tables',
  title: 'Foreign tables',
  why: say`Their rows are stored elsewhere and are not copied; the destination must be able to connect to that place.`,
  async look(context) {
    return findingFor(await namesFound(context, relationsWhere("c.relkind = 'f'")), say`there are none`, {
      status: 'warning',
      found: say`definitions are migrated, rows are not`,
      todo: say`Make sure that the destination can connect to their servers, and check hosts and passwords of the user mappings.`,
    })
  },
}

const unlogged: Check = {
  id: 'unlogged-tables',
  title: 'Unlogged tables',
  why: say`Changes to them are not written to the WAL, so they cannot be followed.`,
  fixable: true,
  async look(context) {
    const tables = await namesFound(context, relationsWhere("c.relkind = 'r' and c.relpersistence = 'u'"))
    if (!context.follow) {
      const copied = say`${formatCount(tables.length, 'table')}, copied like others`
      return passed(tables.length === 0 ? say`there are none` : copied)
    }
    return findingFor(tables, say`there are none`, {
      status: 'warning',
      found: say`changes to them after the copy are not followed`,
      todo: say`Make them logged (each is rewritten under a lock), or accept that the destination keeps their rows as of the copy.`,
      sql: fixes(
        'source',
        ownerOf('the table'),
        ...(await namesFound(context, referencedFirst)).map((name) => `alter table ${name} set logged`),
      ),
    })
  },
}

/** A table can become logged only after all tables that it references; tables in a cycle of references cannot. */
const referencedFirst = `
  with recursive unlogged as (
    select c.oid, n.nspname, c.relname
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence = 'u' and ${isUsers} and not ${isExtensions('pg_class', 'c.oid')}
  ), leads (oid, target) as (
    select distinct k.conrelid, k.confrelid
      from pg_catalog.pg_constraint k
      join unlogged a on a.oid = k.conrelid
      join unlogged b on b.oid = k.confrelid
     where k.contype = 'f' and k.conrelid <> k.confrelid
  ), reached (oid, target) as (
    select oid, target from leads
     union
    select r.oid, l.target from reached r join leads l on l.oid = r.target
  )
  select u.oid as of, pg_catalog.format('%I.%I', u.nspname, u.relname) as name
    from unlogged u
   where not exists (select from reached r join reached b on b.oid = r.target and b.target = r.target
                      where r.oid = u.oid)
     and not exists (select from reached r where r.oid = u.oid and r.target = u.oid)
   order by (select count(*) from reached r where r.oid = u.oid), 2`

const names: Check = {
  id: 'names',
  title: 'Names that are easily confused',
  why: say`Names that differ only in case or in leading or trailing blanks are easily confused in scripts and patterns.`,
  async look(context) {
    const relations = await foundIn<Named>(
      context,
      `select c.oid as of, n.nspname as schema, c.relname as plain, ${qualifiedName} as name
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join (select r.relnamespace, pg_catalog.lower(pg_catalog.btrim(r.relname)) as folded
                 from pg_catalog.pg_class r
                where r.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
                group by 1, 2
               having count(*) > 1) twice
              on twice.relnamespace = c.relnamespace and twice.folded = pg_catalog.lower(pg_catalog.btrim(c.relname))
        where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't' and ${isUsers}`,
    )
    const schemas = await context.source.query<{ of: number; plain: string; name: string }>(
      `select n.oid as of, n.nspname as plain, 'schema ' || pg_catalog.quote_ident(n.nspname) as name
         from pg_catalog.pg_namespace n
        where ${isUsers}`,
    )
    const known = schemas.filter(({ of }) => context.scope.has(of, 'pg_namespace'))
    const clashes = [
      ...alike(relations, ({ schema, plain }) => JSON.stringify([schema, folded(plain)])),
      ...alike(known, ({ plain }) => folded(plain)),
    ]
    return findingFor(clashes, say`there are none`, {
      status: 'warning',
      found: say`some names differ only in case or blanks`,
      todo: say`Quote them in patterns and scripts, and check that each is intended.`,
    })
  },
}

interface Named {
  schema: string
  plain: string
  name: string
}

function folded(name: string): string {
  return name.trim().toLowerCase()
}

function alike<Row extends { name: string }>(
  rows: readonly Row[],
  foldedKey: (row: Row) => string,
): string[] {
  const groups = [...Map.groupBy(rows, foldedKey).values()].filter((group) => group.length > 1)
  return groups
    .map((group) =>
      group
        .map(({ name }) => name)
        .sort()
        .join(' and '),
    )
    .sort()
}

const sequences: Check = {
  id: 'sequences',
  title: 'Sequences close to their limit',
  why: say`Inserts fail when a sequence has reached its limit; before a migration there is time to widen it.`,
  async look(context) {
    // The column may have a smaller type than its sequence.
    const used = await namesFound(
      context,
      `select c.oid as of,
              pg_catalog.format('%I.%I (%s%% used)', s.schemaname, s.sequencename, pg_catalog.floor(share * 100)) as name
         from pg_catalog.pg_sequences s
         join pg_catalog.pg_namespace n on n.nspname = s.schemaname
         join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = s.sequencename
         left join pg_catalog.pg_depend d
                on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
               and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
         left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
         cross join lateral (
           select case when s.increment_by > 0 and not s.cycle and s.last_value > 0
                       then s.last_value::numeric / least(s.max_value,
                              case a.atttypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647
                                              else s.max_value end) end as share) l
        where share >= 0.9
        order by share desc`,
    )
    return findingFor(used, say`none`, {
      status: 'warning',
      found: say`at least 90 % of their values are used`,
      todo: say`Change column and sequence to bigint, on the source or right after the migration.`,
    })
  },
}

export const contentChecks: readonly Check[] = [largeObjects, foreignTables, unlogged, names, sequences]
