// Decides for each object of a database whether it is selected: a Selection as a function.

import { type ObjectKind, objectKinds } from './constants.ts'
import { Pattern } from './pattern.ts'
import type { Selection } from './request.ts'

export interface Selectable {
  /** `other`: kinds without a list: operators, collations, text search, ... */
  kind: ObjectKind | 'other'
  /** Undefined for objects without a schema: extensions, casts, publications, ... */
  schema?: string | undefined
  name: string
  /** The table of a trigger: including or excluding the table includes or excludes the trigger. */
  relation?: string
  /** Other names for it in lists: `f(integer)` for a function, `table.trigger` for a trigger. */
  alsoNamed?: readonly string[]
}

/** `excluded`: not migrated even if another object needs it. */
export type Verdict = 'selected' | 'unselected' | 'excluded'

interface SchemaLists {
  schema: Pattern
  lists: Partial<Record<ObjectKind, Pattern[]>>
  isWhole: boolean
}

/** The kinds that `include` and `exclude` apply to. */
const relations: ReadonlySet<string> = new Set([
  'tables',
  'views',
  'materializedViews',
  'sequences',
  'triggers',
])

export class Selector {
  readonly #include: Pattern[]
  readonly #exclude: Pattern[]
  readonly #includeSchemas: Pattern[]
  readonly #excludeSchemas: Pattern[]
  readonly #schemas: SchemaLists[]
  readonly #only: ReadonlySet<string>

  /** Throws a PatternError for an invalid name. */
  constructor(readonly selection: Selection) {
    const compile = (texts: readonly string[]) => texts.map((text) => new Pattern(text))
    this.#include = compile(selection.include)
    this.#exclude = compile(selection.exclude)
    this.#includeSchemas = compile(selection.includeSchemas)
    this.#excludeSchemas = compile(selection.excludeSchemas)
    this.#only = new Set(selection.only)
    this.#schemas = selection.schemas.map((one) => {
      const lists: SchemaLists['lists'] = {}
      for (const kind of objectKinds) {
        const list = one[kind]
        if (list) lists[kind] = list.map((text) => new Pattern(text, 'name'))
      }
      return { schema: new Pattern(one.name, 'name'), lists, isWhole: Object.keys(lists).length === 0 }
    })
  }

  /** Nothing is selected or excluded. */
  get isEverything(): boolean {
    return !this.#isPositive && this.#exclude.length === 0 && this.#excludeSchemas.length === 0
  }

  verdict(object: Selectable): Verdict {
    const { kind, schema, relation = object.name } = object
    const isRelation = relations.has(kind)
    if (schema !== undefined && matchesAny(this.#excludeSchemas, schema)) return 'excluded'
    if (isRelation && matchesAny(this.#exclude, relation, schema)) return 'excluded'
    if (this.#only.size > 0 && !this.#only.has(kind)) return 'unselected'
    if (!this.#isChosen) return 'selected'
    if (schema === undefined) return 'unselected'
    const bySchema = matchesAny(this.#includeSchemas, schema)
    const byName = isRelation && matchesAny(this.#include, relation, schema)
    return bySchema || byName || this.#isListed(object, schema) ? 'selected' : 'unselected'
  }

  isSelected(object: Selectable): boolean {
    return this.verdict(object) === 'selected'
  }

  /** Whether a whole schema was selected, so that it is created even when it is empty. */
  schemaVerdict(schema: string): Verdict {
    if (matchesAny(this.#excludeSchemas, schema)) return 'excluded'
    if (this.#only.size > 0) return 'unselected'
    if (!this.#isChosen || matchesAny(this.#includeSchemas, schema)) return 'selected'
    return this.#schemas.some((one) => one.schema.matches(schema) && one.isWhole) ? 'selected' : 'unselected'
  }

  /** Names that have matched nothing; complete when all objects were checked. */
  get unused(): string[] {
    const lists = this.#schemas.flatMap(({ schema, lists: all }) => [schema, ...Object.values(all).flat()])
    return [...this.#include, ...this.#exclude, ...this.#includeSchemas, ...this.#excludeSchemas, ...lists]
      .filter((pattern) => !pattern.used)
      .map((pattern) => pattern.text)
  }

  get #isChosen(): boolean {
    return this.#include.length > 0 || this.#includeSchemas.length > 0 || this.#schemas.length > 0
  }

  get #isPositive(): boolean {
    return this.#isChosen || this.#only.size > 0
  }

  #isListed({ kind, name, alsoNamed = [] }: Selectable, schema: string): boolean {
    return this.#schemas.some((one) => {
      if (!one.schema.matches(schema)) return false
      if (one.isWhole) return true
      const list = kind === 'other' ? [] : (one.lists[kind] ?? [])
      return [name, ...alsoNamed].some((each) => list.some((pattern) => pattern.matches(each)))
    })
  }
}

function matchesAny(patterns: readonly Pattern[], name: string, schema?: string): boolean {
  // Every pattern is checked, so that each records whether it has matched.
  return patterns.filter((pattern) => pattern.matches(name, schema)).length > 0
}
