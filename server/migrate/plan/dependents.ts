// What depends on rows, and is faster or only possible after them: indexes, keys, foreign keys, triggers, rules. Each
// begins as soon as its table is filled.
import type { StepInfo } from '../../../shared/event.ts'
import { type ConstraintFacts, catalogOid, otherKey } from '../../catalog/dependents.ts'
import { isValidatedLater, splitForeignKey, useReadyIndex } from '../../schema/constraints.ts'
import type { Entry } from '../../schema/entries.ts'
import type { PlacedEntry, PlannedEntries } from './entries.ts'
import type { Locks } from './node.ts'
import type { Step } from './step.ts'
import type { CreatedTables, RowSteps } from './types.ts'

interface DependentSteps {
  all: Step[]
  /** By table OID. */
  byTable: ReadonlyMap<number, readonly Step[]>
}

export function planDependents(
  entries: PlannedEntries,
  created: CreatedTables,
  rows: RowSteps,
): DependentSteps {
  const planner = new DependentsPlanner(entries, created.ready, rows)
  const isPlanned = !entries.builder.options.dataOnly
  return {
    all: isPlanned ? entries.of('post').flatMap((one) => planner.plan(one)) : [],
    byTable: planner.byTable,
  }
}

class DependentsPlanner {
  readonly byTable = new Map<number, Step[]>()

  constructor(
    readonly entries: PlannedEntries,
    readonly created: Step,
    readonly rows: RowSteps,
  ) {}

  plan({ entry, phase }: PlacedEntry): Step[] {
    const { inventory } = this.entries.builder
    if (entry.kind === 'CONSTRAINT' || entry.kind === 'FK CONSTRAINT') {
      const facts = inventory.dependents.constraints.get(entry.oid)
      if (facts && facts.kind === 'f') return this.#planForeignKey(entry, facts)
      const isPartitioned = facts && this.#isPartitioned(facts.table, facts.tablePartitioned)
      if (facts?.indexDefinition && !facts.temporal && !isPartitioned) {
        return this.#planKey(entry, facts, facts.indexDefinition)
      }
    }
    const index = entry.kind === 'INDEX' ? inventory.dependents.indexes.get(entry.oid) : undefined
    if (index) {
      // CREATE INDEX locks out writers only: several indexes of one table are built at once.
      return [this.#planOn(entry, phase, [index.table], { shared: [index.table] }, index.bytes)]
    }
    const tables = this.#tablesOf(entry)
    // Sessions that attach indexes at two levels of one tree at the same time can leave its topmost index invalid
    // permanently, and no foreign key can refer to it then: the whole tree is locked.
    const exclusive = entry.kind === 'INDEX ATTACH' ? this.#withTheirRoots(tables) : tables
    return [this.#planOn(entry, phase, tables, { exclusive }, 0)]
  }

  #planOn(entry: Entry, phase: StepInfo['phase'], tables: number[], locks: Locks, weight: number): Step {
    const table = this.entries.tableNames.get(tables[0] ?? 0)
    const step = this.entries.builder.add(
      table ? { ...this.entries.info(entry, phase), table } : this.entries.info(entry, phase),
      this.entries.workOf(entry),
      {
        pool: 'build',
        needs: this.entries.needs(entry),
        after: [this.created.id, ...tables.flatMap((oid) => this.#rowsOf(oid))],
        locks,
        weight,
        skip: this.entries.blocked(entry),
      },
    )
    this.entries.made(entry, step)
    for (const oid of tables) this.#addChild(oid, step)
    return step
  }

  /** On the destination, which may partition the table differently. */
  #isPartitioned(table: number, onSource: boolean): boolean {
    return this.entries.builder.inventory.routes.reshaped.get(table)?.partitioned ?? onSource
  }

  /** ADD PRIMARY KEY would lock the table during the build; with an index that exists it takes a moment. */
  #planKey(entry: Entry, facts: ConstraintFacts, definition: string): Step[] {
    const work = this.entries.workOf(entry)
    const rewritten = useReadyIndex(work.statements[0] ?? '')
    if (!rewritten) {
      const locks = { exclusive: [facts.table] }
      return [this.#planOn(entry, 'constraints', [facts.table], locks, facts.indexBytes)]
    }
    const info = this.entries.info(entry, 'constraints')
    const name = rewritten.index
    const table = this.entries.tableNames.get(facts.table)
    const shared = { ...info, ...(table && { table }) }
    const index = this.entries.builder.add(
      { ...shared, phase: 'indexes', kind: 'INDEX', name },
      { ...work, statements: [definition], extras: [] },
      {
        pool: 'build',
        needs: this.entries.needs(entry),
        after: [this.created.id, ...this.#rowsOf(facts.table)],
        locks: { shared: [facts.table] },
        weight: facts.indexBytes,
        skip: this.entries.blocked(entry),
      },
    )
    const key = this.entries.builder.add(
      shared,
      { ...work, statements: [rewritten.statement, ...work.statements.slice(1)] },
      { pool: 'build', needs: [index.id], locks: { exclusive: [facts.table] }, weight: facts.indexBytes },
    )
    this.entries.made(entry, key)
    this.#addChild(facts.table, index)
    this.#addChild(facts.table, key)
    return [index, key]
  }

  #planForeignKey(entry: Entry, facts: ConstraintFacts): Step[] {
    const work = this.entries.workOf(entry)
    const tables = [facts.table, facts.referenced]
    const rows = tables.flatMap((oid) => this.#rowsOf(oid))
    const table = this.entries.tableNames.get(facts.table)
    const info = { ...this.entries.info(entry, 'constraints' as const), ...(table && { table }) }
    const [statement = '', ...others] = work.statements
    const isLater = isValidatedLater(this.entries.builder.inventory.destination.major, {
      tablePartitioned: this.#isPartitioned(facts.table, facts.tablePartitioned),
      referencedPartitioned: this.#isPartitioned(facts.referenced, facts.referencedPartitioned),
    })
    const later = facts.validated && isLater ? splitForeignKey(statement) : undefined
    const add = this.entries.builder.add(
      info,
      { ...work, statements: [later?.add ?? statement, ...others] },
      {
        pool: 'build',
        needs: [...this.entries.needs(entry), ...rows],
        after: [this.created.id, ...this.rows.restored.map((step) => step.id)],
        locks: { exclusive: [...new Set(tables)] },
        skip: this.entries.blocked(entry),
      },
    )
    this.entries.made(entry, add)
    if (!later) return [add]
    const validate = this.entries.builder.add(
      { ...info, kind: 'VALIDATE' },
      {
        kind: 'sql',
        statements: [later.validate],
        extras: [],
        mayExist: false,
      },
      {
        pool: 'build',
        needs: [add.id],
        locks: { exclusive: [facts.table] },
        weight: this.entries.bytes.get(facts.table) ?? 0,
      },
    )
    this.entries.made(entry, validate)
    return [add, validate]
  }

  #rowsOf(table: number): number[] {
    const step = this.rows.byTable.get(table) ?? this.rows.byRoot.get(table)
    if (step) return [step.id]
    // For a partitioned table below the topmost one the whole tree is locked, which is sufficient.
    const root = this.entries.builder.inventory.partitioning.roots.get(table)
    const tree = root === undefined ? undefined : this.rows.byRoot.get(root)
    return tree ? [tree.id] : []
  }

  #withTheirRoots(tables: number[]): number[] {
    const { roots } = this.entries.builder.inventory.partitioning
    return [...new Set(tables.flatMap((table) => [table, roots.get(table) ?? table]))]
  }

  /** The tables whose rows an entry waits for, and which it locks. */
  #tablesOf(entry: Entry): number[] {
    const { dependents } = this.entries.builder.inventory
    if (entry.kind === 'ROW SECURITY') return [entry.oid]
    const constraint =
      entry.classOid === catalogOid.constraint ? dependents.constraints.get(entry.oid) : undefined
    if (constraint) return constraint.table ? [constraint.table] : []
    const other = dependents.others.get(otherKey(entry.classOid, entry.oid))
    if (other) return [other]
    const found = new Set<number>()
    for (const id of this.entries.builder.inventory.needs.get(entry.id) ?? []) {
      const needed = this.entries.byId(id)
      if (needed?.kind === 'TABLE' || needed?.kind === 'FOREIGN TABLE') found.add(needed.oid)
      const index = needed && dependents.indexes.get(needed.oid)
      if (index) found.add(index.table)
      const key = needed && dependents.constraints.get(needed.oid)
      if (key) found.add(key.table)
    }
    return [...found]
  }

  #addChild(table: number, step: Step) {
    const list = this.byTable.get(table)
    if (list) list.push(step)
    else this.byTable.set(table, [step])
  }
}
