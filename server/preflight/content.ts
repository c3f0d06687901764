// What is in the source that comes along in another way than its owner may think, or not at all.
import { formatBytes, formatCount } from '../../shared/format.ts'
import {
  type Check,
  type Finding,
  fine,
  isExtensions,
  isUsers,
  namesOf,
  qualifiedName,
  unless,
} from './check.ts'

const largeObjects: Check = {
  id: 'large-objects',
  title: 'Large objects',
  why: 'They are copied one by one under their numbers, and changes to them are in no stream of changes.',
  async look({ source, lacks, follow }): Promise<Finding> {
    const { total, bytes } = await source.one<{ total: number; bytes: number }>(`
      select (select count(*) from pg_catalog.pg_largeobject_metadata)::int as total,
             pg_catalog.pg_relation_size('pg_catalog.pg_largeobject')::float8 as bytes`)
    if (total === 0) return fine('there are none')
    const found = `${formatCount(total, 'large object')} of about ${formatBytes(bytes)}`
    const taken = lacks.largeObjects.size === 0 ? [] : await takenNumbers()
    if (taken.length > 0) {
      return {
        status: 'fail',
        found: `${found}; the destination has others under the same numbers`,
        todo: 'Remove those of the destination, if they may go.',
        objects: taken.map(String),
        sql: taken.map((oid) => `select lo_unlink(${oid})`),
      }
    }
    return follow
      ? {
          status: 'warn',
          found: `${found}: changes to them after the copy are not followed`,
          todo: 'Do not write large objects from the copy on until the switchover.',
        }
      : fine(found)

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
  why: 'Their rows are elsewhere and are not copied; the destination must reach that place as well.',
  async look({ source }) {
    return unless(await relations(source, "c.relkind = 'f'"), 'there are none', {
      status: 'warn',
      found: 'definitions come along, rows do not',
      todo: 'See that the destination reaches their servers, and check hosts and passwords of the user mappings.',
    })
  },
}

const unlogged: Check = {
  id: 'unlogged-tables',
  title: 'Unlogged tables',
  why: 'Their changes are not in the write-ahead log, and so not in the stream of changes.',
  async look({ source, follow }) {
    const tables = await relations(source, "c.relkind = 'r' and c.relpersistence = 'u'")
    if (!follow)
      return fine(
        tables.length === 0 ? 'there are none' : `${formatCount(tables.length, 'table')}, copied like others`,
      )
    return unless(tables, 'there are none', {
      status: 'warn',
      found: 'changes to them after the copy are not followed',
      todo: 'Make them logged, or be content with their rows as of the copy.',
      sql: tables.map((name) => `alter table ${name} set logged`),
    })
  },
}

const invalidIndexes: Check = {
  id: 'invalid-indexes',
  title: 'Invalid indexes',
  why: 'An index that was never completed is not dumped: the destination will not have it.',
  async look({ source }) {
    const indexes = await namesOf(
      source,
      `select ${qualifiedName} as name
         from pg_catalog.pg_index i
         join pg_catalog.pg_class c on c.oid = i.indexrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where (not i.indisvalid or not i.indisready) and c.relkind = 'i' and ${isUsers}
        order by 1`,
    )
    return unless(indexes, 'there are none', {
      status: 'warn',
      found: 'left over from a CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY that failed',
      todo: 'Build them again, or drop them.',
      sql: indexes.flatMap((name) => [`reindex index concurrently ${name}`, `-- or: drop index ${name}`]),
    })
  },
}

const notValid: Check = {
  id: 'not-valid-constraints',
  title: 'Constraints that were never validated',
  why: 'Rows may break them; they arrive NOT VALID as they are, and validating them there may fail.',
  async look({ source }) {
    const rows = await source.query<{ constraint: string; table: string }>(`
      select pg_catalog.quote_ident(k.conname) as "constraint", ${qualifiedName} as "table"
        from pg_catalog.pg_constraint k
        join pg_catalog.pg_class c on c.oid = k.conrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where not k.convalidated and k.contype in ('c', 'f', 'n') and ${isUsers}
       order by 2, 1`)
    return unless(
      rows.map(({ constraint, table }) => `${constraint} of ${table}`),
      'there are none',
      {
        status: 'warn',
        found: 'they stay NOT VALID on the destination',
        todo: 'Validate them on the source, and mend the rows that break them.',
        sql: rows.map(({ constraint, table }) => `alter table ${table} validate constraint ${constraint}`),
      },
    )
  },
}

const names: Check = {
  id: 'names',
  title: 'Names that are easily mistaken',
  why: 'Names that differ only in case or in blanks at their ends look alike in scripts, in patterns and to people.',
  async look({ source }) {
    const clashes = await namesOf(
      source,
      `select pg_catalog.string_agg(name, ' and ' order by name) as name
         from (select n.nspname, pg_catalog.lower(pg_catalog.btrim(c.relname)) as folded, ${qualifiedName} as name
                 from pg_catalog.pg_class c
                 join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't' and ${isUsers}) r
        group by nspname, folded
       having count(*) > 1
       union all
       select pg_catalog.string_agg('schema ' || pg_catalog.quote_ident(n.nspname), ' and ' order by n.nspname)
         from pg_catalog.pg_namespace n
        where ${isUsers}
        group by pg_catalog.lower(pg_catalog.btrim(n.nspname))
       having count(*) > 1
        order by 1`,
    )
    return unless(clashes, 'there are none', {
      status: 'warn',
      found: 'some names differ only in case or blanks',
      todo: 'Quote them in patterns and scripts, and check that each is meant.',
    })
  },
}

const sequences: Check = {
  id: 'sequences',
  title: 'Sequences close to their end',
  why: 'A sequence that is used up stops every insert; before a move there is time to widen it.',
  async look({ source }) {
    // Narrower than the sequence may be the column that it numbers.
    const used = await namesOf(
      source,
      `select pg_catalog.format('%I.%I (%s%% used)', s.schemaname, s.sequencename, pg_catalog.floor(share * 100)) as name
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
    return unless(used, 'none is', {
      status: 'warn',
      found: 'at least nine tenths of their numbers are used',
      todo: 'Widen column and sequence to bigint, on the source or right after the move.',
    })
  },
}

const subscriptions: Check = {
  id: 'subscriptions',
  title: 'Publications and subscriptions',
  why: 'Subscriptions arrive disabled and without their slot: two subscribers of one slot would lose rows.',
  async look({ source }): Promise<Finding> {
    const subscriptions = await namesOf(
      source,
      `select 'subscription ' || pg_catalog.quote_ident(s.subname) as name
         from pg_catalog.pg_subscription s
        where s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
        order by 1`,
    )
    const slots = await namesOf(
      source,
      `select 'slot ' || slot_name as name
         from pg_catalog.pg_replication_slots
        where slot_type = 'logical' and database = current_database() and not temporary
        order by 1`,
    )
    return unless([...subscriptions, ...slots], 'the source neither subscribes nor is subscribed to', {
      status: 'warn',
      found: 'the source takes part in logical replication',
      todo: 'Plan how its subscribers and its subscriptions go on after the move: slots are not copied.',
    })
  },
}

async function relations(source: Parameters<typeof namesOf>[0], condition: string): Promise<string[]> {
  return await namesOf(
    source,
    `select ${qualifiedName} as name
       from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where ${condition} and ${isUsers} and not ${isExtensions('pg_class', 'c.oid')}
      order by 1`,
  )
}

export const contentChecks = [
  largeObjects,
  foreignTables,
  unlogged,
  invalidIndexes,
  notValid,
  names,
  sequences,
  subscriptions,
]
