// Problems that the source already has and that the destination would have too.

import { say } from '../../shared/say.ts'
import { fromConstraints, isUsers, qualifiedName } from './catalog-sql.ts'
import { type Check, findingFor, foundIn } from './check.ts'
import { type Fix, ownerOf } from './fix.ts'

const invalidIndexes: Check = {
  id: 'invalid-indexes',
  title: 'Invalid indexes',
  why: say`An index that was never completed is not dumped: the destination will not have it.`,
  fixable: true,
  async look(context) {
    const indexes = await foundIn<Broken>(
      context,
      `select i.indrelid as of, ${qualifiedName} as name,
              i.indisexclusion as exclusion, c.relname ~ '_cc(new|old)\\d*$' as transient
         from pg_catalog.pg_index i
         join pg_catalog.pg_class c on c.oid = i.indexrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where (not i.indisvalid or not i.indisready) and c.relkind = 'i' and ${isUsers}
        order by 2`,
    )
    return findingFor(
      indexes.map(({ name }) => name),
      say`there are none`,
      {
        status: 'warning',
        found: say`left over from a CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY that failed`,
        todo: say`Rebuild them, or drop them. A unique index over duplicate rows can be rebuilt only after the duplicates are removed.`,
        sql: indexes.map(repaired),
      },
    )
  },
}

interface Broken {
  name: string
  exclusion: boolean
  /** Left by REINDEX CONCURRENTLY, next to the index that it was to replace. */
  transient: boolean
}

/** https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY */
function repaired({ name, exclusion, transient }: Broken): Fix {
  const by = ownerOf('the table')
  if (transient) return { end: 'source', by, sql: `drop index concurrently ${name}` }
  const how = exclusion ? '' : ' concurrently'
  return {
    end: 'source',
    by,
    notes: [`or: drop index concurrently ${name}`],
    sql: `reindex index${how} ${name}`,
  }
}

const notValid: Check = {
  id: 'not-valid-constraints',
  title: 'Constraints that were never validated',
  why: say`Rows may violate them; they stay NOT VALID on the destination, and validating them there may fail.`,
  fixable: true,
  async look(context) {
    // NOT ENFORCED constraints cannot be validated. Validating a parent's constraint includes its partitions.
    const isPending = (k: string) =>
      `not ${k}.convalidated${context.source.major >= 18 ? ` and ${k}.conenforced` : ''}`
    const [ofTables, domains] = await Promise.all([
      foundIn<Unchecked>(
        context,
        `
      select c.oid as of, pg_catalog.quote_ident(k.conname) as "constraint", 'table' as kind, ${qualifiedName} as place
        ${fromConstraints}
       where ${isPending('k')} and k.contype in ('c', 'f', 'n') and ${isUsers}
         and not exists (select from pg_catalog.pg_constraint p where p.oid = k.conparentid and ${isPending('p')})
       order by 4, 2`,
      ),
      context.source.query<Unchecked & { of: number }>(`
      select t.oid as of, pg_catalog.quote_ident(k.conname) as "constraint", 'domain' as kind,
             pg_catalog.format('%I.%I', n.nspname, t.typname) as place
        from pg_catalog.pg_constraint k
        join pg_catalog.pg_type t on t.oid = k.contypid
        join pg_catalog.pg_namespace n on n.oid = t.typnamespace
       where not k.convalidated and k.contype = 'c' and ${isUsers}
       order by 4, 2`),
    ])
    const rows = [...ofTables, ...domains.filter(({ of }) => context.scope.has(of, 'pg_type'))]
    return findingFor(
      rows.map(
        ({ constraint, kind, place }) => `${constraint} of ${kind === 'domain' ? 'domain ' : ''}${place}`,
      ),
      say`there are none`,
      {
        status: 'warning',
        found: say`they stay NOT VALID on the destination`,
        todo: say`Validate them on the source, and fix the rows that violate them.`,
        sql: rows.map(({ constraint, kind, place }) => ({
          end: 'source',
          by: ownerOf(`the ${kind}`),
          sql: `alter ${kind} ${place} validate constraint ${constraint}`,
        })),
      },
    )
  },
}

interface Unchecked {
  constraint: string
  kind: 'table' | 'domain'
  place: string
}

export const soundnessChecks: readonly Check[] = [invalidIndexes, notValid]
