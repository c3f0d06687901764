// The part of the source that would be migrated. Checks of its content use it.
import type { ObjectKind } from '../../shared/constants.ts'
import type { Selection } from '../../shared/request.ts'
import { Selector, type Verdict } from '../../shared/selector.ts'
import { tableKey } from '../../shared/table-name.ts'
import { describeUnmatched } from '../../shared/unmatched.ts'
import type { Session } from '../postgres/session.ts'
import { fromTriggers, isUsers } from './catalog-sql.ts'

type Catalog = 'pg_class' | 'pg_proc' | 'pg_type' | 'pg_trigger' | 'pg_namespace'

export interface Scope {
  isEverything: boolean
  /** Number of migrated tables, and of all tables; each partition counts. */
  tables: number
  of: number
  has(oid: number, catalog?: Catalog): boolean
  /**
   * True if objects are migrated whose kind a selection cannot list: operators, collations, and objects without a
   * schema, like casts.
   */
  hasOther(schema?: string): boolean
  /** Messages about names of the selection that match no object. */
  unknown: string[]
}

interface Named {
  catalog: Catalog
  oid: number
  kind: ObjectKind | 'schemas'
  schema: string
  name: string
  /** Another name by which a selection can name the object. */
  alsoNamed: string | null
  /**
   * For a partition its parent table, for a sequence the table that owns it: the object is migrated with that table.
   */
  above: number | null
  hasRows: boolean
  /** The table of a trigger. */
  table: string | null
}

/** `exactly`: the tables with rows that a plan migrates, by `tableKey`; they take precedence over the selection. */
export async function readScope(
  source: Session,
  selection: Selection,
  exactly?: ReadonlySet<string>,
): Promise<Scope> {
  const selector = new Selector(selection)
  if (selector.isEverything && !exactly) {
    const { tables } = await source.one<{ tables: number }>(countSql)
    return { isEverything: true, tables, of: tables, has: () => true, hasOther: () => true, unknown: [] }
  }
  const objects = await source.query<Named>(namedSql)
  const verdicts = verdictsOf(objects, selector)
  const moved = new Set(objects.filter(isMoved).map(keyOf))
  const holding = objects.filter(({ hasRows }) => hasRows)
  return {
    isEverything: false,
    tables: holding.filter((one) => moved.has(keyOf(one))).length,
    of: holding.length,
    has: (oid, catalog = 'pg_class') => moved.has(keyOf({ catalog, oid })),
    hasOther: (schema) => selector.isSelected({ kind: 'other', schema, name: '' }),
    unknown: describeUnmatched(selector.unused, {
      schemas: objects.filter(({ kind }) => kind === 'schemas').map(({ name }) => name),
      relations: objects.filter(({ kind }) => kind !== 'schemas' && kind !== 'triggers'),
    }),
  }

  function isMoved(object: Named): boolean {
    return exactly && object.hasRows
      ? exactly.has(tableKey(object))
      : verdicts.get(keyOf(object)) === 'selected'
  }
}

function keyOf({ catalog, oid }: Pick<Named, 'catalog' | 'oid'>): string {
  return `${catalog} ${oid}`
}

/** Same rule as in the plan: a partition is migrated with its parents, an owned sequence with its table. */
function verdictsOf(objects: readonly Named[], selector: Selector): Map<string, Verdict> {
  const own = new Map(objects.map((object) => [keyOf(object), judge(object, selector)]))
  const above = new Map(
    objects.flatMap((object) => (object.above === null ? [] : [[keyOf(object), object.above] as const])),
  )
  return new Map(objects.map((object) => [keyOf(object), together(keyOf(object))]))

  function together(key: string): Verdict {
    const verdicts: Verdict[] = []
    for (let at: string | undefined = key; at !== undefined; ) {
      verdicts.push(own.get(at) ?? 'unselected')
      const next: number | undefined = above.get(at)
      at = next === undefined ? undefined : keyOf({ catalog: 'pg_class', oid: next })
    }
    if (verdicts.includes('excluded')) return 'excluded'
    return verdicts.includes('selected') ? 'selected' : 'unselected'
  }
}

function judge({ kind, schema, name, alsoNamed, table }: Named, selector: Selector): Verdict {
  if (kind === 'schemas') return selector.schemaVerdict(name)
  return selector.verdict({
    ...{ kind, schema, name },
    ...(table !== null && { relation: table }),
    ...(alsoNamed !== null && { alsoNamed: [alsoNamed] }),
  })
}

const countSql = `
  select count(*)::int as tables
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind = 'r' and c.relpersistence <> 't' and ${isUsers}`

const namedSql = `
  select 'pg_class' as catalog,
         c.oid,
         case c.relkind when 'v' then 'views' when 'm' then 'materializedViews' when 'S' then 'sequences'
                        else 'tables' end as kind,
         n.nspname as schema,
         c.relname as name,
         null::text as "alsoNamed",
         coalesce(
           (select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = c.oid and c.relispartition),
           (select d.refobjid from pg_catalog.pg_depend d
             where c.relkind = 'S' and d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
               and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0
               and d.deptype in ('a', 'i') limit 1)) as above,
         c.relkind = 'r' as "hasRows",
         null::text as "table"
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and c.relpersistence <> 't' and ${isUsers}
   union all
  select 'pg_proc', p.oid, 'functions', n.nspname, p.proname,
         p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', null, false, null
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   where ${isUsers}
   union all
  select 'pg_type', t.oid, 'types', n.nspname, t.typname, null, null, false, null
    from pg_catalog.pg_type t
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    left join pg_catalog.pg_class r on r.oid = t.typrelid
   where t.typtype in ('b', 'c', 'd', 'e', 'r') and t.typelem = 0 and coalesce(r.relkind, 'c') = 'c' and ${isUsers}
   union all
  select 'pg_trigger', t.oid, 'triggers', n.nspname, t.tgname, c.relname || '.' || t.tgname, null, false, c.relname
    ${fromTriggers}
   where not t.tgisinternal and ${isUsers}
   union all
  select 'pg_namespace', n.oid, 'schemas', n.nspname, n.nspname, null, null, false, null
    from pg_catalog.pg_namespace n
   where ${isUsers}`
