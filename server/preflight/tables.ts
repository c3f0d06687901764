// Tables that need attention when they are copied, merged or followed.

import { formatBytes, formatCount } from '../../shared/format.ts'
import { RuleBook } from '../../shared/rule-book.ts'
import { say } from '../../shared/say.ts'
import { readTypes } from '../catalog/types.ts'
import { isBinarySafe } from '../copy/format.ts'
import {
  constraintsWhere,
  fromColumns,
  isExtensions,
  isUsers,
  qualifiedName,
  relationsWhere,
} from './catalog-sql.ts'
import { type Check, type Finding, findingFor, foundIn, namesFound, passed, type Remark } from './check.ts'
import { fixes, ownerOf } from './fix.ts'
import { partitionTrees } from './partitions.ts'

/** A row is sent as one message of at most 1 GB. In text format a bytea takes twice its size. */
const largeValues: Check = {
  id: 'oversized-rows',
  title: 'Oversized rows',
  why: say`A row is sent as one message of less than 1 GB, in memory on both servers; bytea values in text format take twice their size.`,
  doctorOnly: true,
  async look(context): Promise<Remark> {
    const { source, facts, largeValue } = context
    const tables = await foundIn<{ name: string; toast: string; index: string }>(
      context,
      `select c.oid as of, ${qualifiedName} as name, t.oid::regclass::text as toast
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join pg_catalog.pg_class t on t.oid = c.reltoastrelid
        where c.relkind in ('r', 'm') and ${isUsers}
          and pg_catalog.pg_relation_size(t.oid) >= ${largeValue}
        order by 2`,
    )
    if (tables.length === 0) return passed(say`no table has values of ${formatBytes(largeValue)} or more`)
    if (!facts.source.superuser) {
      return passed(
        say`${formatCount(tables.length, 'table')} could have values of ${formatBytes(largeValue)} or more: only a superuser can check`,
      )
    }
    const large: string[] = []
    for (const { name, toast } of tables) {
      // The chunks of a value are numbered in an index, so the values themselves are not read.
      const [worst] = await source.query<{ bytes: number }>(`
        select (p.chunk_seq + 1::float8) * (current_setting('block_size')::int / 4 - 52) as bytes
          from ${toast} p
         where p.chunk_seq >= ${Math.floor(largeValue / 2000)}
         order by p.chunk_seq desc
         limit 1`)
      if (worst) large.push(`${name}: a value of about ${formatBytes(worst.bytes)}, as stored`)
    }
    return findingFor(large, say`no value takes ${formatBytes(largeValue)} or more`, {
      status: 'warning',
      found: say`some values are so large that copying their rows may fail`,
      todo: say`Make sure that no row is close to 1 GB (half of that for bytea), and that both servers have memory for several of them at once; fewer --workers need less.`,
    })
  },
}

const binaryForm: Check = {
  id: 'types-without-binary-form',
  title: 'Types without a binary format',
  why: say`Their tables are copied and followed as text, which takes longer and depends on the output function of the type.`,
  async look(context): Promise<Remark> {
    const [columns, types] = await Promise.all([
      foundIn<{ name: string; type: number; typeName: string }>(
        context,
        `select c.oid as of, ${qualifiedName} as name, a.atttypid as type,
                pg_catalog.format_type(a.atttypid, null) as "typeName"
           ${fromColumns}
          where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.atttypid >= 10000 and ${isUsers}
            and not ${isExtensions('pg_class', 'c.oid')}`,
      ),
      readTypes(context.source),
    ])
    const asText = new Set(columns.filter(({ type }) => !isBinarySafe(type, types)).map(({ name }) => name))
    const without = columns.filter(({ type }) => types.get(type)?.hasBinary === false)
    const byType = Map.groupBy(without, ({ typeName }) => typeName)
    const copied =
      asText.size === 0
        ? say`every table can be copied in binary format`
        : say`${formatCount(asText.size, 'table')} copied as text, since OIDs of types differ between databases`
    return findingFor(
      [...byType].map(
        ([type, rows]) => `${type}, in ${[...new Set(rows.map(({ name }) => name))].join(', ')}`,
      ),
      copied,
      {
        status: 'warning',
        found: say`some types can be sent only as text`,
        todo: say`No action is needed; give the type send and receive functions if the copy is too slow.`,
      },
    )
  },
}

const generated: Check = {
  id: 'generated-columns',
  title: 'Generated columns',
  why: say`The destination computes them again: functions that they call must exist there and return the same values.`,
  async look(context): Promise<Remark> {
    const rows = await foundIn<{ name: string; calls: string | null }>(
      context,
      `select c.oid as of, pg_catalog.format('%s.%I', ${qualifiedName}, a.attname) as name,
              (select pg_catalog.string_agg(distinct p.oid::regproc::text, ', ')
                 from pg_catalog.pg_depend d
                 join pg_catalog.pg_proc p on p.oid = d.refobjid and p.oid >= 16384
                where d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
                  and d.refclassid = 'pg_catalog.pg_proc'::regclass) as calls
         ${fromColumns}
         left join pg_catalog.pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
        where a.attgenerated <> '' and not a.attisdropped and c.relkind in ('r', 'p') and ${isUsers}
        order by 2`,
    )
    const calling = rows.filter(({ calls }) => calls !== null)
    return findingFor(
      calling.map(({ name, calls }) => `${name}, which calls ${calls}`),
      rows.length === 0
        ? say`there are none`
        : say`${formatCount(rows.length, 'column')}, computed by built-in functions only`,
      {
        status: 'warning',
        found: say`some call user-defined functions`,
        todo: say`Make sure that these functions name everything with its schema, and return the same values on both servers.`,
      },
    )
  },
}

const deferred: Check = {
  id: 'deferred-constraints',
  title: 'Deferrable unique constraints',
  why: say`A deferrable key can neither be used to merge rows nor to identify rows while changes are followed.`,
  async look(context): Promise<Remark> {
    const { follow, options } = context
    const constraints = await namesFound(
      context,
      constraintsWhere("k.condeferrable and k.contype in ('p', 'u', 'x') and k.conparentid = 0"),
    )
    const isAffected = follow || options.existingDataMode !== 'truncate'
    if (!isAffected && constraints.length > 0) {
      return passed(say`${formatCount(constraints.length, 'constraint')}, which do not affect a plain copy`)
    }
    return findingFor(constraints, say`there are none`, {
      status: 'warning',
      found: follow
        ? say`such keys do not identify rows, and are checked at every change unless triggers are disabled on the destination`
        : say`rows cannot be merged by such keys`,
      todo: say`Make sure that each of these tables has another key that is not deferrable.`,
    })
  },
}

const exclusion: Check = {
  id: 'exclusion-constraints',
  title: 'Exclusion constraints',
  why: say`They are created one at a time after the rows are copied, and merging cannot resolve violations of them.`,
  async look(context): Promise<Remark> {
    const { options, bidirectional } = context
    const constraints = await namesFound(
      context,
      constraintsWhere(`k.conparentid = 0
        and exists (select from pg_catalog.pg_index i where i.indexrelid = k.conindid and i.indisexclusion)`),
    )
    const isAffected = bidirectional || options.existingDataMode !== 'truncate'
    if (!isAffected && constraints.length > 0) {
      return passed(say`${formatCount(constraints.length, 'constraint')}, created after the rows are copied`)
    }
    return findingFor(constraints, say`there are none`, {
      status: 'warning',
      found: bidirectional
        ? say`rows that both sides write at the same time may violate them, which stops following`
        : say`a row that conflicts with a row of the destination makes the copy of its table fail: no key decides which of the two is kept`,
      todo: say`Check for rows of the destination that conflict with rows of the source, or replace its rows instead of merging.`,
    })
  },
}

/** A unique index whose columns have never held NULL becomes a key when they are NOT NULL. */
const nearlyKeyed = `
  select distinct on (c.oid) c.oid as of, ${qualifiedName} as name, k.changes
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join lateral (
      select pg_catalog.string_agg(pg_catalog.format('alter column %I set not null', a.attname), ', ' order by k.place)
               filter (where not a.attnotnull) as changes,
             bool_or(k.number = 0 or s.null_frac is distinct from 0 and not a.attnotnull) as impossible
        from unnest(i.indkey) with ordinality k (number, place)
        left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
        left join pg_catalog.pg_stats s
               on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
       where k.place <= i.indnkeyatts) k
   where i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and c.relkind = 'r'
     and k.changes is not null and not k.impossible and ${isUsers}
   order by c.oid, i.indexrelid`

const keyless: Check = {
  id: 'tables-without-key',
  title: 'Tables without a primary key',
  why: say`Their rows can be copied, but merging them, resuming a table by parts and following changes need a key.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const found = await foundIn<{ name: string; schema: string; relation: string }>(
      context,
      relationsWhere(`c.relkind = 'r'
       and not exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisunique
                          and i.indisvalid and i.indimmediate and i.indpred is null
                          and not exists (select from unnest(i.indkey) k (number)
                                            left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
                                           where k.number = 0 or not a.attnotnull))`),
    )
    // The plan reports whether the key that a rule names can be used.
    const rules = new RuleBook(context.rules)
    const tables = found
      .filter(({ schema, relation }) => rules.ruleOf({ schema, name: relation }).key === undefined)
      .map(({ name }) => name)
    // Tables without a usable replica identity have their own check.
    if (tables.length > 0 && (context.follow || context.options.existingDataMode !== 'upsert')) {
      return passed(say`${formatCount(tables.length, 'table')}, copied like others`)
    }
    return findingFor(tables, say`every table has a key`, {
      status: 'warning',
      found: say`rows of these tables cannot be merged with those of the destination`,
      todo: say`Add a primary key or a unique index over NOT NULL columns on both sides, exclude them, or replace their rows.`,
      sql: fixes(
        'source',
        ownerOf('the table'),
        ...(await foundIn<{ name: string; changes: string }>(context, nearlyKeyed))
          .filter(({ name }) => tables.includes(name))
          .map(({ name, changes }) => `alter table ${name} ${changes}`),
      ),
    })
  },
}

export const tableChecks: readonly Check[] = [
  keyless,
  largeValues,
  binaryForm,
  generated,
  partitionTrees,
  deferred,
  exclusion,
]
