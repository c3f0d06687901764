// The steps that make the objects: pg_dump's entries, rearranged so that rows come early and everything
// that is faster or only possible behind them comes as soon as its table is filled.
import type { StepInfo } from '../../../shared/event.ts'
import type { Hook } from '../../../shared/request.ts'
import type { TableName } from '../../../shared/table-name.ts'
import { type ConstraintFacts, catalogOid, otherKey } from '../../catalog/dependents.ts'
import { mayChangeDatabase, unusableRoles } from '../../catalog/destination.ts'
import { isValidatedLater, splitForeignKey, useReadyIndex } from '../../schema/constraints.ts'
import type { Entry } from '../../schema/entries.ts'
import { kindOf, type Pass } from '../../schema/kinds.ts'
import { unquoted } from '../../schema/plain-names.ts'
import { planAnalyze } from './analyze.ts'
import type { PlanBuilder } from './builder.ts'
import { type EntryContext, entryWork, isAboutDatabase } from './entry-work.ts'
import { planHooks } from './hooks.ts'
import { missingExtensions } from './missing-prerequisites.ts'
import type { Locks } from './node.ts'
import type { Step } from './step.ts'
import type { CreatedTables, RowSteps } from './types.ts'

interface Placed {
  entry: Entry
  pass: Pass
  phase: StepInfo['phase']
}

export function planSchema(builder: PlanBuilder, planRows: (created: CreatedTables) => RowSteps) {
  new SchemaPlanner(builder).plan(planRows)
}

class SchemaPlanner {
  /** Entry id -> the step that completes it. */
  readonly #stepOf = new Map<number, Step>()
  readonly #entryById: Map<number, Entry>
  readonly #tableNames = new Map<number, TableName>()
  readonly #children = new Map<number, Step[]>()
  readonly #bytes = new Map<number, number>()
  readonly #context: EntryContext
  #rows!: RowSteps
  #created!: Step

  constructor(readonly builder: PlanBuilder) {
    this.#entryById = new Map(builder.inventory.entries.map((entry) => [entry.id, entry]))
    for (const entry of builder.inventory.entries) {
      if (entry.classOid === catalogOid.class && entry.schema !== undefined) {
        this.#tableNames.set(entry.oid, { schema: entry.schema, name: entry.name })
      }
    }
    for (const { oid, schema, name, bytes } of builder.inventory.tables) {
      this.#tableNames.set(oid, { schema, name })
      this.#bytes.set(oid, bytes)
    }
    const { inventory, options } = builder
    this.#context = { inventory, options, unusableRoles: new Set(unusableRoles(inventory)) }
  }

  plan(planRows: (created: CreatedTables) => RowSteps) {
    const { builder } = this
    const { options } = builder
    const placed = this.#place()
    const of = (pass: Pass) => placed.filter((one) => one.pass === pass)
    const schema = !options.dataOnly
    const before = planHooks(builder, 'before', 'schema', [])
    if (before.length > 0) builder.gate = before
    const tableSteps = new Map<number, Step>()
    const created: Step[] = []
    if (schema) {
      this.#reportRoles()
      for (const one of of('pre')) {
        const step = this.#planPre(one)
        if (!step) continue
        created.push(step)
        if (one.entry.kind === 'TABLE') tableSteps.set(one.entry.oid, step)
      }
    }
    this.#created = builder.barrier('all objects that rows need', { after: created.map((step) => step.id) })
    this.#waitForHooks(
      [
        ['after', 'schema'],
        ['before', 'data'],
      ],
      [this.#created],
    )
    this.#rows = planRows({ ready: this.#created, steps: tableSteps })
    this.#waitForHooks(
      [
        ['after', 'data'],
        ['before', 'indexes'],
      ],
      [this.#created, ...this.#rows.all],
    )

    const built = schema ? of('post').flatMap((one) => this.#planPost(one)) : []
    if (!options.schemaOnly && options.analyze)
      planAnalyze(builder, this.#rows, this.#children, this.#tableNames)
    const complete = builder.barrier('all objects and rows', {
      after: [this.#created, ...built, ...this.#rows.all].map((step) => step.id),
    })
    this.#waitForHooks([['after', 'indexes']], [complete])
    const granted = schema ? of('grants').map((one) => this.#planLate(one, complete)) : []
    const last = builder.barrier('grants', { after: [complete, ...granted].map((step) => step.id) })
    const isRefresh = ({ entry }: Placed) => entry.kind === 'MATERIALIZED VIEW DATA'
    const hasRows = !options.schemaOnly && builder.rowsElsewhere.size === 0
    const refreshed = of('last')
      .filter((one) => isRefresh(one) && hasRows)
      .map((one) => this.#planLate(one, last))
    if (!schema) return
    // An event trigger may forbid anything, also to refresh: nothing of ours comes behind it.
    const still = builder.barrier('event triggers', { after: [last, ...refreshed].map((step) => step.id) })
    for (const one of of('last')) if (!isRefresh(one)) this.#planLate(one, still)
  }

  /** What is planned from here on needs the hooks, which wait for all that comes before. */
  #waitForHooks(places: readonly [Hook['when'], Hook['phase']][], after: readonly Step[]) {
    for (const [when, phase] of places) {
      const last = planHooks(this.builder, when, phase, [...after, ...this.builder.gate])
      if (last.length > 0) this.builder.gate = last
    }
  }

  #place(): Placed[] {
    const { options, inventory } = this.builder
    const skipped = new Set(options.skipExtensions)
    const database = mayChangeDatabase(inventory)
    let previous: Pass = 'pre'
    const placed: Placed[] = []
    for (const entry of inventory.entries) {
      const { phase, pass } = kindOf(entry, previous)
      if (pass === 'pre' || pass === 'post') previous = pass
      if (isAboutDatabase(entry) && !database) continue
      if (entry.kind === 'COMMENT' && entry.name.startsWith('EXTENSION ')) {
        if (skipped.has(unquoted(entry.name.slice('EXTENSION '.length)))) continue
      }
      placed.push({ entry, phase, pass })
    }
    return placed
  }

  /** One line for a role instead of one for each of its objects. */
  #reportRoles() {
    const { builder } = this
    if (!builder.options.owner && !builder.options.acl) return
    for (const name of unusableRoles(builder.inventory)) {
      const exists = builder.inventory.lacks.roles.has(name)
      builder.add(
        { phase: 'others', kind: 'OWNER', name },
        { kind: 'barrier' },
        {
          skip: exists
            ? `"${builder.inventory.destination.user}" is not a member of this role on the destination; its objects belong to "${builder.inventory.destination.user}" now`
            : `role "${name}" does not exist on the destination; its objects belong to "${builder.inventory.destination.user}" now and it was granted nothing`,
        },
      )
    }
  }

  #planPre({ entry, phase }: Placed): Step | undefined {
    const { builder } = this
    const { inventory, options } = builder
    if (entry.id < 0) {
      const step = builder.add(
        { ...this.#info(entry, 'tables'), table: this.#tableNames.get(entry.oid) as TableName },
        {
          kind: 'refuse',
          reason: `permission denied for table ${entry.name}: "${inventory.source.user}" may not read it; grant select on it (and usage on its schema) on the source`,
        },
        { pool: 'ddl' },
      )
      this.#stepOf.set(entry.id, step)
      return step
    }
    let skip = inventory.blocked.get(entry.id)
    if (entry.kind === 'EXTENSION') {
      if (missingExtensions(inventory, options).includes(entry.name)) {
        skip = `extension "${entry.name}" is not available on the destination`
      } else if (options.skipExtensions.includes(entry.name)) {
        // What the destination has already may be used; otherwise nothing that needs it can be made.
        if (!inventory.lacks.installedExtensions.has(entry.name)) {
          skip = `extension "${entry.name}" was left out (--skip-extension)`
        } else return undefined
      }
    }
    const work = entryWork(entry, this.#context)
    if (work.statements.length === 0 && work.extras.length === 0 && !skip) return undefined
    const info = this.#info(entry, phase)
    const table = this.#tableOf(entry)
    const own = entry.kind === 'TABLE' ? table : undefined
    const step = builder.add({ ...info, ...own, ...(table && { table }) }, work, {
      pool: 'ddl',
      needs: this.#needs(entry),
      skip,
    })
    this.#stepOf.set(entry.id, step)
    return step
  }

  /** The table that an entry makes, attaches or gives an identity; what holds for one that is there, holds for it. */
  #tableOf(entry: Entry): TableName | undefined {
    if (entry.kind === 'TABLE') return this.#tableNames.get(entry.oid)
    if (entry.kind === 'TABLE ATTACH' && entry.schema) return { schema: entry.schema, name: entry.name }
    if (entry.kind !== 'SEQUENCE' || !entry.statements[0]?.startsWith('ALTER TABLE ')) return undefined
    for (const id of this.builder.inventory.needs.get(entry.id) ?? []) {
      const needed = this.#entryById.get(id)
      if (needed?.kind === 'TABLE') return this.#tableNames.get(needed.oid)
    }
    return undefined
  }

  #planPost({ entry, phase }: Placed): Step[] {
    const { inventory } = this.builder
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
      // CREATE INDEX locks out writers only: several of one table are built at once.
      return [this.#planOn(entry, phase, [index.table], { shared: [index.table] }, index.bytes)]
    }
    const tables = this.#tablesOf(entry)
    // Sessions that attach indexes at two levels of one tree at the same time can leave its topmost index invalid
    // for good, and no foreign key can refer to it then: the whole tree is locked.
    const exclusive = entry.kind === 'INDEX ATTACH' ? this.#withTheirRoots(tables) : tables
    return [this.#planOn(entry, phase, tables, { exclusive }, 0)]
  }

  #planOn(entry: Entry, phase: StepInfo['phase'], tables: number[], locks: Locks, weight: number): Step {
    const table = this.#tableNames.get(tables[0] ?? 0)
    const step = this.builder.add(
      table ? { ...this.#info(entry, phase), table } : this.#info(entry, phase),
      entryWork(entry, this.#context),
      {
        pool: 'build',
        needs: this.#needs(entry),
        after: [this.#created.id, ...tables.flatMap((oid) => this.#rowsOf(oid))],
        locks,
        weight,
        skip: this.#blocked(entry),
      },
    )
    this.#stepOf.set(entry.id, step)
    for (const oid of tables) this.#addChild(oid, step)
    return step
  }

  /** On the destination, where that was decided otherwise. */
  #isPartitioned(table: number, onSource: boolean): boolean {
    return this.builder.inventory.routes.reshaped.get(table)?.partitioned ?? onSource
  }

  /** ADD PRIMARY KEY would lock the table for the whole build; a ready-made index needs a moment. */
  #planKey(entry: Entry, facts: ConstraintFacts, definition: string): Step[] {
    const work = entryWork(entry, this.#context)
    const rewritten = useReadyIndex(work.statements[0] ?? '')
    if (!rewritten) {
      const locks = { exclusive: [facts.table] }
      return [this.#planOn(entry, 'constraints', [facts.table], locks, facts.indexBytes)]
    }
    const info = this.#info(entry, 'constraints')
    const name = rewritten.index
    const table = this.#tableNames.get(facts.table)
    const shared = { ...info, ...(table && { table }) }
    const index = this.builder.add(
      { ...shared, phase: 'indexes', kind: 'INDEX', name },
      { ...work, statements: [definition], extras: [] },
      {
        pool: 'build',
        needs: this.#needs(entry),
        after: [this.#created.id, ...this.#rowsOf(facts.table)],
        locks: { shared: [facts.table] },
        weight: facts.indexBytes,
        skip: this.#blocked(entry),
      },
    )
    const key = this.builder.add(
      shared,
      { ...work, statements: [rewritten.statement, ...work.statements.slice(1)] },
      { pool: 'build', needs: [index.id], locks: { exclusive: [facts.table] }, weight: facts.indexBytes },
    )
    this.#stepOf.set(entry.id, key)
    this.#addChild(facts.table, index)
    this.#addChild(facts.table, key)
    return [index, key]
  }

  #planForeignKey(entry: Entry, facts: ConstraintFacts): Step[] {
    const work = entryWork(entry, this.#context)
    const tables = [facts.table, facts.referenced]
    const rows = tables.flatMap((oid) => this.#rowsOf(oid))
    const table = this.#tableNames.get(facts.table)
    const info = { ...this.#info(entry, 'constraints' as const), ...(table && { table }) }
    const [statement = '', ...others] = work.statements
    const isLater = isValidatedLater(this.builder.inventory.destination.major, {
      tablePartitioned: this.#isPartitioned(facts.table, facts.tablePartitioned),
      referencedPartitioned: this.#isPartitioned(facts.referenced, facts.referencedPartitioned),
    })
    const later = facts.validated && isLater ? splitForeignKey(statement) : undefined
    const add = this.builder.add(
      info,
      { ...work, statements: [later?.add ?? statement, ...others] },
      {
        pool: 'build',
        needs: [...this.#needs(entry), ...rows],
        after: [this.#created.id, ...this.#rows.restored.map((step) => step.id)],
        locks: { exclusive: [...new Set(tables)] },
        skip: this.#blocked(entry),
      },
    )
    this.#stepOf.set(entry.id, add)
    if (!later) return [add]
    const validate = this.builder.add(
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
        weight: this.#bytes.get(facts.table) ?? 0,
      },
    )
    this.#stepOf.set(entry.id, validate)
    return [add, validate]
  }

  #planLate({ entry, phase }: Placed, barrier: Step): Step {
    const work = entryWork(entry, this.#context)
    const step = this.builder.add(this.#info(entry, phase), work, {
      // Grants on one object must not run into each other ("tuple concurrently updated").
      pool: entry.kind === 'MATERIALIZED VIEW DATA' ? 'build' : 'ddl',
      needs: this.#needs(entry),
      after: [barrier.id],
      skip: this.#blocked(entry),
    })
    this.#stepOf.set(entry.id, step)
    return step
  }

  #info(entry: Entry, phase: StepInfo['phase']): Omit<StepInfo, 'id'> {
    const info = { phase, kind: entry.kind, name: entry.name }
    return entry.schema === undefined ? info : { ...info, schema: entry.schema }
  }

  /** Something that the user left out is missing. */
  #blocked(entry: Entry): string | undefined {
    return this.builder.inventory.blocked.get(entry.id)
  }

  #needs(entry: Entry): number[] {
    const ids = [...(this.builder.inventory.needs.get(entry.id) ?? [])]
    return ids.flatMap((id) => this.#stepOf.get(id)?.id ?? [])
  }

  #rowsOf(table: number): number[] {
    const step = this.#rows.byTable.get(table) ?? this.#rows.byRoot.get(table)
    if (step) return [step.id]
    // A partitioned table below the topmost one: the whole tree is near enough.
    const root = this.builder.inventory.partitioning.roots.get(table)
    const tree = root === undefined ? undefined : this.#rows.byRoot.get(root)
    return tree ? [tree.id] : []
  }

  #withTheirRoots(tables: number[]): number[] {
    const { roots } = this.builder.inventory.partitioning
    return [...new Set(tables.flatMap((table) => [table, roots.get(table) ?? table]))]
  }

  /** The tables whose rows an entry waits for and which it locks. */
  #tablesOf(entry: Entry): number[] {
    const { dependents } = this.builder.inventory
    if (entry.kind === 'ROW SECURITY') return [entry.oid]
    const constraint =
      entry.classOid === catalogOid.constraint ? dependents.constraints.get(entry.oid) : undefined
    if (constraint) return constraint.table ? [constraint.table] : []
    const other = dependents.others.get(otherKey(entry.classOid, entry.oid))
    if (other) return [other]
    const found = new Set<number>()
    for (const id of this.builder.inventory.needs.get(entry.id) ?? []) {
      const needed = this.#entryById.get(id)
      if (needed?.kind === 'TABLE' || needed?.kind === 'FOREIGN TABLE') found.add(needed.oid)
      const index = needed && dependents.indexes.get(needed.oid)
      if (index) found.add(index.table)
      const key = needed && dependents.constraints.get(needed.oid)
      if (key) found.add(key.table)
    }
    return [...found]
  }

  #addChild(table: number, step: Step) {
    const list = this.#children.get(table)
    if (list) list.push(step)
    else this.#children.set(table, [step])
  }
}
