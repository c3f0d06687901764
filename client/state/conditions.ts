// Conditions and other rules for tables belong to the source that they were written for: in another source, a
// table of the same name is another table.
import type { TableRule } from '../../shared/request.ts'
import type { TableName } from '../../shared/table-name.ts'

export interface OwnedRule {
  /** The source, by `placeOf`. */
  of: string
  rule: TableRule
}

export function rulesFor(all: readonly OwnedRule[], place: string): TableRule[] {
  return all.filter(({ of }) => of === place).map(({ rule }) => rule)
}

export function rulesOfOtherSources(all: readonly OwnedRule[], place: string): TableRule[] {
  return all.filter(({ of }) => of !== place).map(({ rule }) => rule)
}

/** How a rule names exactly this table. Dots and wildcards in a name are literal in quotes. */
export function ruleName({ schema, name }: TableName): string {
  return [schema, name].map(quotedPart).join('.')
}

function quotedPart(name: string): string {
  return /[.*?"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}
