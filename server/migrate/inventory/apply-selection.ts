// Reduces an inventory to what the user selected.

import type { ObjectKind } from '../../../shared/constants.ts'
import { everything } from '../../../shared/defaults.ts'
import { describeObject } from '../../../shared/describe.ts'
import type { Selection } from '../../../shared/request.ts'
import { say } from '../../../shared/say.ts'
import { type Selectable, Selector, type Verdict } from '../../../shared/selector.ts'
import { describeUnmatched } from '../../../shared/unmatched.ts'
import { catalogOid, otherKey } from '../../catalog/dependents.ts'
import { PlanRefused } from '../../postgres/errors.ts'
import { quoteIdentifier } from '../../postgres/quote.ts'
import type { Entry } from '../../schema/entries.ts'
import { type Chosen, choose } from '../../schema/selection.ts'
import type { Inventory } from './types.ts'

const selectableKinds: Record<string, ObjectKind> = {
  TABLE: 'tables',
  'FOREIGN TABLE': 'tables',
  VIEW: 'views',
  'MATERIALIZED VIEW': 'materializedViews',
  FUNCTION: 'functions',
  PROCEDURE: 'functions',
  AGGREGATE: 'functions',
  SEQUENCE: 'sequences',
  TRIGGER: 'triggers',
  TYPE: 'types',
  DOMAIN: 'types',
  'SHELL TYPE': 'types',
}

const relationKinds: ReadonlySet<string> = new Set([
  'TABLE',
  'FOREIGN TABLE',
  'VIEW',
  'MATERIALIZED VIEW',
  'SEQUENCE',
])

/** `there`: entries whose objects the destination has. */
export function applySelection(
  inventory: Inventory,
  selection: Selection,
  there: ReadonlySet<number>,
): Inventory {
  const selector = new Selector(selection)
  if (selector.isEverything) return inventory
  const view = new SelectionView(inventory, selector)
  const chosen = choose(
    {
      entries: inventory.entries,
      needs: inventory.needs,
      rootOf: (entry) => view.rootOf(entry),
      verdictOf: (root) => view.verdictOf(root),
      verdictOfPart: (part) => view.verdictOfPart(part),
      isThere: (root) => there.has(root.id),
    },
    selection.needed,
  )
  const extensionTables = inventory.tables.filter((table) => table.extension !== null)
  const takenByExtension = new Set(
    extensionTables.filter((table) => view.verdictOfTable(table) === 'selected').map((table) => table.oid),
  )
  const isSelected = (object: Selectable) => selector.verdict(object) === 'selected'
  const largeObjects = isSelected({ kind: 'other', name: 'large objects' }) ? inventory.largeObjects : []
  refuseUnknownNames(selector, inventory)
  const entries = inventory.entries.filter((entry) => chosen.ids.has(entry.id))
  const oidsOf = (isKind: (entry: Entry) => boolean) =>
    new Set(entries.filter(isKind).map((entry) => entry.oid))
  const tables = oidsOf((entry) => entry.kind === 'TABLE')
  const sequences = oidsOf((entry) => entry.kind === 'SEQUENCE')
  const collations = new Set(entries.filter((entry) => entry.kind === 'COLLATION').map((entry) => entry.name))
  return {
    ...inventory,
    entries,
    largeObjects,
    blocked: chosen.blocked,
    notes: notesOf(chosen),
    tables: inventory.tables.filter((table) => tables.has(table.oid) || takenByExtension.has(table.oid)),
    sequences: inventory.sequences.filter(({ oid, schema, name, ownedBy }) => {
      if (sequences.has(oid) || takenByExtension.has(ownedBy ?? 0)) return true
      return isSelected({ kind: 'sequences', schema, name }) && !view.hasEntry(oid)
    }),
    usedRoles: inventory.usedRoles.filter((role) => isUsedBy(role, entries)),
    collations: inventory.collations.filter(({ name }) => collations.has(name)),
  }
}

/** Leaves out what belongs to these tables; indexes and keys of `reshaped` tables are created for all their partitions. */
export function forOtherPartitions(
  inventory: Inventory,
  leftOut: ReadonlySet<number>,
  reshaped: ReadonlyMap<number, unknown>,
): Entry[] {
  if (leftOut.size + reshaped.size === 0) return inventory.entries
  const view = new SelectionView(inventory, new Selector(everything))
  // The index of a key has the key's name, which pg_dump writes after the table's name.
  const indexes = new Set(
    inventory.entries.flatMap((entry) => {
      const root = view.rootOf(entry)
      const isLeftOut = entry.kind === 'CONSTRAINT' && root.kind === 'TABLE' && leftOut.has(root.oid)
      return isLeftOut
        ? [nameKey({ schema: entry.schema, name: entry.name.slice(root.name.length + 1) })]
        : []
    }),
  )
  return inventory.entries.flatMap((entry) => {
    const root = view.rootOf(entry)
    if (entry.kind === 'INDEX ATTACH' && indexes.has(nameKey(entry))) return []
    if (root.classOid !== catalogOid.class) return [entry]
    if (leftOut.has(root.oid)) return []
    if (!reshaped.has(root.oid) || !['INDEX', 'CONSTRAINT'].includes(entry.kind)) return [entry]
    return [{ ...entry, statements: entry.statements.map(withoutOnly) }]
  })
}

/** pg_dump writes ONLY where it creates the index or key of each partition by itself. */
function withoutOnly(statement: string): string {
  return statement
    .replace(/^(CREATE (?:UNIQUE )?INDEX .*? ON )ONLY /, '$1')
    .replace(/^ALTER TABLE ONLY /, 'ALTER TABLE ')
}

class SelectionView {
  readonly #relations = new Map<number, Entry>()
  readonly #byName = new Map<string, Entry>()
  readonly #byId: Map<number, Entry>
  readonly #roots = new Map<number, Entry>()
  readonly #owners: ReadonlyMap<number, number>
  readonly #verdicts = new Map<number, Verdict>()

  constructor(
    readonly inventory: Inventory,
    readonly selector: Selector,
  ) {
    this.#byId = new Map(inventory.entries.map((entry) => [entry.id, entry]))
    this.#owners = new Map(
      inventory.sequences.flatMap(({ oid, ownedBy }) => (ownedBy === null ? [] : [[oid, ownedBy] as const])),
    )
    for (const entry of inventory.entries) {
      if (relationKinds.has(entry.kind)) this.#relations.set(entry.oid, entry)
      if (relationKinds.has(entry.kind) || entry.kind === 'INDEX' || entry.kind === 'CONSTRAINT') {
        this.#byName.set(nameKey(entry), entry)
      }
    }
  }

  hasEntry(oid: number): boolean {
    return this.#relations.has(oid)
  }

  rootOf(entry: Entry): Entry {
    const known = this.#roots.get(entry.id)
    if (known) return known
    // Set before the recursion: if two entries ever owned each other, the search would still end.
    this.#roots.set(entry.id, entry)
    const owner = this.#ownerOf(entry)
    const root = owner && owner.id !== entry.id ? this.rootOf(owner) : entry
    this.#roots.set(entry.id, root)
    return root
  }

  verdictOf(root: Entry): Verdict {
    const known = this.#verdicts.get(root.id)
    if (known) return known
    const verdict = this.#judge(root)
    this.#verdicts.set(root.id, verdict)
    return verdict
  }

  verdictOfPart(part: Entry): Verdict {
    const { schema } = part
    const kind = selectableKinds[part.kind] ?? 'other'
    if (part.kind !== 'TRIGGER') return this.selector.verdict({ kind, schema, name: part.name })
    // pg_dump names a trigger `table trigger`.
    const table = this.rootOf(part)
    const name = part.name.slice(table.name.length + 1)
    const own = this.selector.verdict({
      kind,
      schema,
      name,
      relation: table.name,
      alsoNamed: [`${table.name}.${name}`],
    })
    const ofTable = this.verdictOf(table)
    return ofTable === 'excluded' ? ofTable : own
  }

  /** A partition is selected with the tables above it, unless it was named itself. */
  verdictOfTable({ oid, schema, name }: { oid: number; schema: string | undefined; name: string }): Verdict {
    const verdicts = [this.selector.verdict({ kind: 'tables', schema, name })]
    const { parents } = this.inventory.partitioning
    for (let above = parents.get(oid); above !== undefined; above = parents.get(above)) {
      const parent = this.#relations.get(above)
      if (parent)
        verdicts.push(this.selector.verdict({ kind: 'tables', schema: parent.schema, name: parent.name }))
    }
    return verdicts.includes('excluded')
      ? 'excluded'
      : verdicts.includes('selected')
        ? 'selected'
        : 'unselected'
  }

  #judge(root: Entry): Verdict {
    const kind = selectableKinds[root.kind] ?? 'other'
    const { schema, name } = root
    if (root.kind === 'SCHEMA') return this.selector.schemaVerdict(name)
    if (kind === 'tables') return this.verdictOfTable({ oid: root.oid, schema, name })
    if (kind !== 'functions') return this.selector.verdict({ kind, schema, name })
    return this.selector.verdict({ kind, schema, name: name.slice(0, name.indexOf('(')), alsoNamed: [name] })
  }

  #ownerOf(entry: Entry): Entry | undefined {
    const { dependents } = this.inventory
    const relation = (oid: number | undefined) => this.#relations.get(oid ?? 0)
    switch (entry.kind) {
      case 'COMMENT':
      case 'ACL':
      case 'SECURITY LABEL':
      case 'SEQUENCE OWNED BY':
      case 'MATERIALIZED VIEW DATA':
        return this.#byId.get(entry.dependencies[0] ?? 0)
      case 'INDEX':
        return relation(dependents.indexes.get(entry.oid)?.table)
      case 'CONSTRAINT':
      case 'FK CONSTRAINT':
      case 'CHECK CONSTRAINT':
        return (
          relation(dependents.constraints.get(entry.oid)?.table) ?? this.#needed(entry, ['DOMAIN', 'TYPE'])
        )
      case 'ROW SECURITY':
        return relation(entry.oid)
      case 'TRIGGER':
      case 'RULE':
      case 'POLICY':
      case 'STATISTICS':
        return relation(dependents.others.get(otherKey(entry.classOid, entry.oid)))
      case 'DEFAULT':
        return this.#needed(entry, ['TABLE', 'FOREIGN TABLE', 'VIEW'])
      case 'TABLE ATTACH':
      case 'INDEX ATTACH':
        return this.#byName.get(nameKey(entry))
      case 'SEQUENCE':
        return relation(this.#owners.get(entry.oid))
      case 'PUBLICATION TABLE':
      case 'PUBLICATION TABLES IN SCHEMA':
        return this.#needed(entry, ['PUBLICATION'])
      case 'SUBSCRIPTION TABLE':
        return this.#needed(entry, ['SUBSCRIPTION'])
      default:
        return undefined
    }
  }

  #needed(entry: Entry, kinds: string[]): Entry | undefined {
    for (const id of this.inventory.needs.get(entry.id) ?? []) {
      const needed = this.#byId.get(id)
      if (needed && kinds.includes(needed.kind)) return needed
    }
    return undefined
  }
}

function nameKey({ schema, name }: Pick<Entry, 'schema' | 'name'>): string {
  return `${schema ?? ''}\0${name}`
}

/** A name that matches nothing is an error of the user, which is reported before anything is migrated. */
function refuseUnknownNames(selector: Selector, { entries, tables }: Inventory) {
  const unused = selector.unused
  if (unused.length === 0) return
  const relations = entries.flatMap(({ kind, schema, name }) =>
    schema !== undefined && kind in selectableKinds ? [{ schema, name }] : [],
  )
  const schemas = entries.filter(({ kind }) => kind === 'SCHEMA').map(({ name }) => name)
  const said = describeUnmatched(unused, {
    schemas: [...new Set([...schemas, ...tables.map(({ schema }) => schema)])],
    relations: [...relations, ...tables],
  })
  throw new PlanRefused(`${said.join('; ')} (nothing was changed)`)
}

const mostNamed = 20

function notesOf({ added, leftOut }: Chosen): string[] {
  const notes = leftOut.map(
    ({ entry, because }) => say`${describeObject(entry.kind, entry)} is not created: ${because}`,
  )
  if (added.length > 0) {
    const names = added.slice(0, mostNamed).map((entry) => describeObject(entry.kind, entry))
    const more = added.length > mostNamed ? ` and ${added.length - mostNamed} more` : ''
    notes.unshift(say`also migrated, because selected objects need it: ${names.join(', ') + more}`)
  }
  return notes
}

/** The role owns one of the entries, or is named in a grant. */
function isUsedBy(role: string, entries: readonly Entry[]): boolean {
  const names = [role, quoteIdentifier(role)]
  return entries.some(
    (entry) =>
      entry.owner === role ||
      ((entry.kind === 'ACL' || entry.kind === 'DEFAULT ACL') &&
        entry.statements.some((statement) => names.some((name) => statement.includes(name)))),
  )
}
