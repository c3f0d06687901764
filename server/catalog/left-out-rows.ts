// When not all rows of a source are copied: for each foreign key of a table, how many rows would be kept that reference
// rows that are left out.
import type { KeptRows, Orphans } from '../../shared/browse-api.ts'
import { type TableName, tableKey } from '../../shared/table-name.ts'
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { inParentheses, readWithin, refuseFaulty } from './conditions.ts'
import { type ExistingForeignKey, readExistingForeignKeys } from './existing-foreign-keys.ts'

export interface OrphansWish {
  schema: string
  table: string
  kept: readonly KeptRows[]
  countSeconds: number
}

/** Undefined when there is no such table. */
export async function readOrphans(session: Session, wish: OrphansWish): Promise<Orphans | undefined> {
  for (const { where } of wish.kept) if (where !== undefined) refuseFaulty(where)
  const [table] = await session.query<{ oid: number }>(
    `select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'f')`,
    [wish.schema, wish.table],
  )
  if (!table) return undefined
  const kept = new Map(wish.kept.map((one) => [tableKey(one), one]))
  const found: Orphans['foreign_keys'] = []
  for (const key of await readExistingForeignKeys(session, [table.oid])) {
    const child = await keptOf(session, key.table, key.tablePartitioned, kept)
    const parent = await keptOf(session, key.referenced, key.referencedPartitioned, kept)
    // Of two tables of which one is not migrated, the foreign key is not created.
    if (child.kind === 'none' || parent.kind === 'none') continue
    const { name, referenced } = key
    const orphans =
      parent.kind === 'all'
        ? 0
        : key.temporal
          ? null
          : await readWithin(session, wish.countSeconds, () => countOrphans(session, key, child, parent))
    const suggestion = orphans === 0 ? undefined : suggestedCondition(key, child, parent)
    found.push({ name, table: key.table, references: referenced, orphans, ...(suggestion && { suggestion }) })
  }
  return { foreign_keys: found }
}

type Kept =
  | { kind: 'all' | 'none' }
  | { kind: 'some'; where: string }
  /** Not the same for all partitions. */
  | { kind: 'parts'; where: string }

/** Conditions of a partitioned table are those of its partitions, which have the rows. */
async function keptOf(
  session: Session,
  { schema, name }: TableName,
  isPartitioned: boolean,
  kept: ReadonlyMap<string, KeptRows>,
): Promise<Kept> {
  if (!isPartitioned) return keptBy(kept.get(tableKey({ schema, name })))
  const parts = await session.query<TableName & { oid: number }>(
    `select c.oid, n.nspname as schema, c.relname as name
       from pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)) t
       join pg_catalog.pg_class c on c.oid = t.relid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where t.isleaf and c.relkind <> 'p'`,
    [quoteQualified(schema, name)],
  )
  const each = parts.map((part) => ({ ...part, kept: keptBy(kept.get(tableKey(part))) }))
  const [first] = each
  if (!first) return { kind: 'all' }
  if (each.every((part) => isSame(part.kept, first.kept))) return first.kept
  const cases = each.map(({ oid, kept: own }) => `when ${oid} then ${sqlOf(own)}`)
  return { kind: 'parts', where: `case tableoid ${cases.join(' ')} else true end` }
}

function keptBy(own: KeptRows | undefined): Kept {
  if (own?.left_out) return { kind: 'none' }
  return own?.where === undefined ? { kind: 'all' } : { kind: 'some', where: own.where }
}

function isSame(one: Kept, other: Kept): boolean {
  return one.kind === other.kind && sqlOf(one) === sqlOf(other)
}

function sqlOf(kept: Kept): string {
  if ('where' in kept) return inParentheses(kept.where)
  return kept.kind === 'all' ? 'true' : 'false'
}

async function countOrphans(session: Session, key: ExistingForeignKey, child: Kept, parent: Kept) {
  const rows = (table: TableName, isPartitioned: boolean, kept: Kept) =>
    `(select * from ${isPartitioned ? '' : 'only '}${quoteQualified(table.schema, table.name)} where ${sqlOf(kept)})`
  const columns = key.columns.map((name) => `c.${quoteIdentifier(name)}`)
  const pairs = columns.map(
    (column, index) =>
      `p.${quoteIdentifier(key.referencedColumns[index] ?? '')} ${key.operators[index]} ${column}`,
  )
  const { orphans } = await session.one<{ orphans: number }>(
    `select count(*)::float8 as orphans
       from ${rows(key.table, key.tablePartitioned, child)} c
      where ${columns.map((column) => `${column} is not null`).join(' and ')}
        and not exists (select from ${rows(key.referenced, key.referencedPartitioned, parent)} p
                         where ${pairs.join(' and ')})
        and $1::int is not null`,
    [0],
  )
  return orphans
}

/**
 * Rows without a reference stay, as do those whose referenced row stays. Undefined where this cannot be written as one
 * condition: a table that references itself, partitions with different conditions, operators of an extension.
 */
function suggestedCondition(key: ExistingForeignKey, child: Kept, parent: Kept): string | undefined {
  const isItself = tableKey(key.table) === tableKey(key.referenced)
  const isPlain = key.operators.every((operator) => operator === 'operator(pg_catalog.=)')
  if (isItself || key.temporal || !isPlain || child.kind === 'parts' || parent.kind !== 'some')
    return undefined
  const columns = key.columns.map(quoteIdentifier)
  const referenced = key.referencedColumns.map(quoteIdentifier)
  const from = `${key.referencedPartitioned ? '' : 'only '}${quoteQualified(key.referenced.schema, key.referenced.name)}`
  const nulls = columns.map((column) => `${column} is null`)
  const inKept = `(${columns.join(', ')}) in (select ${referenced.join(', ')} from ${from} where ${oneLine(parent.where)})`
  const condition = [...nulls, inKept].join(' or ')
  return child.kind === 'some' ? `${oneLine(child.where)} and (${condition})` : condition
}

/** The field of a condition has one line. A comment would end what follows it. */
function oneLine(condition: string): string {
  return condition.includes('--') ? inParentheses(condition) : `(${condition.trim()})`
}
