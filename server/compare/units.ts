// Pairs what is compared: tables by name, and partitioned trees partition by partition if both sides have the same
// partitions, otherwise as a whole.

import type { RuleBook } from '../../shared/rule-book.ts'
import type { TableName } from '../../shared/table-name.ts'
import { tableKey } from '../../shared/table-name.ts'
import { type ComparedColumn, type PairedColumns, pairColumns } from './columns.ts'
import type { Relation } from './relations.ts'
import { type Chosen, lineage } from './selection.ts'

export interface Unit {
  schema: string
  name: string
  /** The relations with the rows: the table, or the partitions of a tree. Undefined if that side has no such table. */
  source: Relation[] | undefined
  destination: Relation[] | undefined
  columns: PairedColumns
  /** A key that identifies the rows of the source; null if the table has none. */
  key: ComparedColumn[] | null
  where: string | undefined
  wholeTree: boolean
}

interface Group {
  top: Relation
  members: Relation[]
}

export function pairUnits(source: Chosen, destination: Chosen, rules: RuleBook): Unit[] {
  const [here, there] = [groupsOf(source), groupsOf(destination)]
  const units: Unit[] = []
  for (const name of new Set([...here.keys(), ...there.keys()])) {
    const [one, other] = [here.get(name), there.get(name)]
    if (
      one &&
      other &&
      one.top.strategy &&
      other.top.strategy &&
      isSameTree(source, destination, one, other)
    ) {
      const partners = new Map(other.members.map((relation) => [tableKey(relation), relation]))
      for (const leaf of one.members.filter(hasRows)) {
        const partner = partners.get(tableKey(leaf))
        if (partner)
          units.push(unitOf({ top: leaf, members: [leaf] }, { top: partner, members: [partner] }, rules))
      }
    } else units.push(unitOf(one, other, rules))
  }
  return units.sort((one, other) => bytesOf(other) - bytesOf(one))
}

/** Groups by the name of the root table, or of the highest selected table. */
function groupsOf({ relations, byOid }: Chosen): Map<string, Group> {
  const groups = new Map<string, Group>()
  const chosen = new Set(relations.filter(({ strategy }) => strategy !== null))
  for (const relation of relations) {
    const line = lineage(relation, byOid)
    const top = line.findLast((one) => chosen.has(one)) ?? (line.at(-1) as Relation)
    const key = tableKey(top)
    const group = groups.get(key)
    if (group) group.members.push(relation)
    else groups.set(key, { top, members: [relation] })
  }
  return groups
}

/**
 * True if both have the same partitions with the same bounds. Hash partitions count as different: the hash of an enum
 * differs between databases, and that of a text depends on the encoding.
 */
function isSameTree(source: Chosen, destination: Chosen, one: Group, other: Group): boolean {
  const describe = ({ byOid }: Chosen, { members, top }: Group) =>
    [top, ...members]
      .map((relation) => {
        const parent = lineage(relation, byOid)[1]
        return JSON.stringify([
          tableKey(relation),
          relation.strategy,
          relation.bound,
          parent && tableKey(parent),
        ])
      })
      .sort()
      .join('\n')
  const hashed = [one, other].some(({ top, members }) =>
    [top, ...members].some(({ strategy }) => strategy === 'h'),
  )
  return !hashed && describe(source, one) === describe(destination, other)
}

function unitOf(one: Group | undefined, other: Group | undefined, rules: RuleBook): Unit {
  // A group has at least one side.
  const { schema, name }: TableName = (one ?? (other as Group)).top
  const rule = rules.ruleOf({ schema, name })
  const columns = pairColumns(one?.top.columns ?? [], other?.top.columns ?? [], rule)
  const bySource = new Map(columns.compared.map((column) => [column.sourceColumn, column]))
  const byName = new Map(columns.compared.map((column) => [column.name, column]))
  const key = keyOf(one?.top, (name) => bySource.get(name)) ?? keyOf(other?.top, (name) => byName.get(name))
  return {
    schema,
    name,
    source: one?.members.filter(hasRows),
    destination: other?.members.filter(hasRows),
    columns,
    key: key ?? null,
    where: rule.where,
    wholeTree: Boolean(one?.top.strategy || other?.top.strategy),
  }
}

/** A key can be used if all its columns are compared. */
function keyOf(
  relation: Relation | undefined,
  comparedAs: (name: string) => ComparedColumn | undefined,
): ComparedColumn[] | undefined {
  const columns = relation?.key?.map(comparedAs)
  return columns?.every((column) => column !== undefined) ? columns : undefined
}

function hasRows(relation: Relation): boolean {
  return relation.strategy === null
}

export function bytesOf({ source = [], destination = [] }: Unit): number {
  return [...source, ...destination].reduce((sum, { bytes }) => sum + bytes, 0)
}
