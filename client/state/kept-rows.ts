// Which rows of the source are kept: the conditions that apply to each table, and what is not selected.
import { createMemo, createRoot } from 'solid-js'
import type { KeptRows } from '../../shared/browse-api.ts'
import { Pattern, PatternError } from '../../shared/pattern.ts'
import { RuleBook } from '../../shared/rule-book.ts'
import { ruleName } from './conditions.ts'
import { given, ruleFor, rules, setWhere } from './draft.ts'
import { missingNeeds } from './selection.ts'
import { sourceTree } from './source.ts'
import { type Leaf, withPartitions } from './tree.ts'

/** A rule of a file whose pattern is not valid matches nothing here; the plan reports it. */
const book = createRoot(() => createMemo(() => new RuleBook(rules().filter(({ table }) => isPattern(table)))))

function isPattern(text: string): boolean {
  try {
    return new Pattern(text) !== undefined
  } catch (error) {
    if (error instanceof PatternError) return false
    throw error
  }
}

/** Of all rules that match the table, as the server combines them. */
export function whereOf(leaf: Leaf): string | undefined {
  if (leaf.kind !== 'tables') return undefined
  const conditions = [...new Set(withRows(leaf).map((one) => book().ruleOf(one).where))]
  return conditions.find((where) => where !== undefined)
}

/** As the server applies it. Mixed: the partitions have different ones, and no condition describes all rows. */
export function effectiveWhere(leaf: Leaf): { where?: string; isMixed: boolean } {
  const [first, ...others] = withRows(leaf).map((one) => book().ruleOf(one).where)
  const isMixed = others.some((where) => where !== first)
  return { isMixed, ...(first !== undefined && !isMixed && { where: first }) }
}

/** The condition that was entered for exactly this table; undefined also if its partitions have different ones. */
export function ownWhere(leaf: Leaf): string | undefined {
  const [first, ...others] = withRows(leaf).map((one) => ruleFor(ruleName(one))?.where)
  return others.every((where) => where === first) ? first : undefined
}

/** A partitioned table has no rows: its partitions get the condition. */
export function setOwnWhere(leaf: Leaf, where: string) {
  for (const one of withRows(leaf)) setWhere(ruleName(one), where)
}

/** Of these tables and their partitions, those of which not all rows are kept. */
export function keptRows(leaves: readonly Leaf[]): KeptRows[] {
  const all = new Set(leaves.flatMap(withRows))
  return [...all].flatMap((leaf): KeptRows[] => {
    const { schema, name } = leaf
    if (!isSelected(leaf)) return [{ schema, name, left_out: true }]
    const { where } = book().ruleOf(leaf)
    return where === undefined ? [] : [{ schema, name, where }]
  })
}

export function isSelected(leaf: Leaf): boolean {
  return given() !== undefined || sourceTree().selected.has(leaf.key)
}

/** Of a partitioned table its partitions. */
function withRows(leaf: Leaf): Leaf[] {
  const parts = withPartitions(leaf).filter(({ facts }) => facts?.kind !== 'partitioned')
  return parts.length > 0 ? parts : [leaf]
}

/** What is required and not selected; a selection by names is completed by the server. */
export const missing = createRoot(() =>
  createMemo(() => {
    const { tree, selected } = sourceTree()
    return tree && !given() ? missingNeeds(tree, selected) : []
  }),
)

/** The keys of selected objects that require something that is not selected. */
export const lacking = createRoot(() =>
  createMemo(() => new Set(missing().flatMap(({ by }) => by.map(({ key }) => key)))),
)
