// The user's rules for the rows of single tables, found by the table's name.
import { Pattern } from './pattern.ts'
import type { ColumnSource, TableRule } from './request.ts'

/** All rules for one table, combined. */
export interface RowRule {
  where: string | undefined
  key: string | undefined
  columns: Readonly<Record<string, ColumnSource>>
  leaveOut: readonly string[]
}

export const noRule: RowRule = { where: undefined, key: undefined, columns: {}, leaveOut: [] }

export class RuleBook {
  readonly #rules: { pattern: Pattern; rule: TableRule }[]

  constructor(rules: readonly TableRule[]) {
    this.#rules = rules.map((rule) => ({ pattern: new Pattern(rule.table), rule }))
  }

  /** If several rules match, their conditions are combined; otherwise the last one counts. */
  ruleOf({ schema, name }: { schema: string; name: string }): RowRule {
    let found = noRule
    for (const { pattern, rule } of this.#rules) {
      if (!pattern.matches(name, schema)) continue
      found = {
        where: both(found.where, rule.where),
        key: rule.key ?? found.key,
        columns: { ...found.columns, ...rule.columns },
        leaveOut: [...found.leaveOut, ...(rule.leaveOut ?? [])],
      }
    }
    return found
  }

  /** Rules that have not matched a table yet. */
  get unused(): string[] {
    return this.#rules.filter(({ pattern }) => !pattern.used).map(({ pattern }) => pattern.text)
  }
}

function both(one: string | undefined, other: string | undefined): string | undefined {
  return one !== undefined && other !== undefined ? `(${one}\n) and (${other}\n)` : (one ?? other)
}
