// What the user said about the rows of single tables, found by a table's name.
import { Pattern } from './pattern.ts'
import type { ColumnSource, TableRule } from './request.ts'

/** All that was said about one table, in one. */
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

  /** Of several rules that match, conditions hold together; otherwise the later one counts. */
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

  /** Rules that have matched no table yet. */
  get unused(): string[] {
    return this.#rules.filter(({ pattern }) => !pattern.used).map(({ pattern }) => pattern.text)
  }
}

function both(one: string | undefined, other: string | undefined): string | undefined {
  return one !== undefined && other !== undefined ? `(${one}\n) and (${other}\n)` : (one ?? other)
}
