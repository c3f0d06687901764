// The steps that make the objects: pg_dump's entries, rearranged so that rows come early and everything
// that is faster or only possible behind them comes as soon as its table is filled.
import type { StepInfo } from '../../shared/event.ts'
import type { TableName } from '../../shared/phase.ts'
import { type ConstraintFacts, catalogOid, otherKey } from '../catalog/dependents.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Entry } from '../schema/entries.ts'
import { kindOf, type Pass } from '../schema/kinds.ts'
import {
  inheritLater,
  possibleGrants,
  quoteNotNullNames,
  renameDatabase,
  withoutRunAsOwner,
} from '../schema/rewrite.ts'
import { mayChangeDatabase, missingExtensions, tablespaceName, unusableRoles } from './gaps.ts'
import type { Locks } from './graph.ts'
import type { PlanBuilder } from './plan.ts'
import type { CreatedTables, RowSteps } from './plan-rows.ts'
import type { SqlWork, Step } from './step.ts'

/** Subscriptions of older servers act as their owner always, and have no parameter for it. */
const runAsOwnerSince = 16

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
  readonly #unusableRoles: ReadonlySet<string>
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
    this.#unusableRoles = new Set(unusableRoles(builder.inventory))
  }

  plan(planRows: (created: CreatedTables) => RowSteps) {
    const { builder } = this
    const { options } = builder
    const placed = this.#place()
    const of = (pass: Pass) => placed.filter((one) => one.pass === pass)
    const schema = !options.dataOnly
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
    this.#rows = planRows({ ready: this.#created, steps: tableSteps })

    const built = schema ? of('post').flatMap((one) => this.#planPost(one)) : []
    if (!options.schemaOnly && options.analyze) this.#planAnalyze()
    const complete = builder.barrier('all objects and rows', {
      after: [this.#created, ...built, ...this.#rows.all].map((step) => step.id),
    })
    const granted = schema ? of('grants').map((one) => this.#planLate(one, complete)) : []
    const last = builder.barrier('grants', { after: [complete, ...granted].map((step) => step.id) })
    for (const one of of('last')) {
      const isRefresh = one.entry.kind === 'MATERIALIZED VIEW DATA'
      if (isRefresh ? !options.schemaOnly : schema) this.#planLate(one, last)
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
        if (skipped.has(entry.name.slice('EXTENSION '.length))) continue
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
    if (entry.kind === 'DATABASE') {
      entry = { ...entry, statements: [], ownerStatement: this.#databaseOwner(entry) }
    }
    let skip: string | undefined
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
    const work = this.#work(entry)
    if (work.statements.length === 0 && work.extras.length === 0 && !skip) return undefined
    const info = this.#info(entry, phase)
    const table = entry.kind === 'TABLE' ? this.#tableNames.get(entry.oid) : undefined
    const step = builder.add(table ? { ...info, ...table, table } : info, work, {
      pool: 'ddl',
      needs: this.#needs(entry),
      skip,
    })
    this.#stepOf.set(entry.id, step)
    return step
  }

  #planPost({ entry, phase }: Placed): Step[] {
    const { inventory } = this.builder
    if (entry.kind === 'CONSTRAINT' || entry.kind === 'FK CONSTRAINT') {
      const facts = inventory.dependents.constraints.get(entry.oid)
      if (facts && facts.kind === 'f') return this.#planForeignKey(entry, facts)
      if (facts?.indexDefinition && !facts.tablePartitioned && !facts.temporal) {
        return this.#planKey(entry, facts, facts.indexDefinition)
      }
    }
    const index = entry.kind === 'INDEX' ? inventory.dependents.indexes.get(entry.oid) : undefined
    if (index) {
      // CREATE INDEX locks out writers only: several of one table are built at once.
      return [this.#planOn(entry, phase, [index.table], { shared: [index.table] }, index.bytes)]
    }
    const tables = this.#tablesOf(entry)
    return [this.#planOn(entry, phase, tables, { exclusive: tables }, 0)]
  }

  #planOn(entry: Entry, phase: StepInfo['phase'], tables: number[], locks: Locks, weight: number): Step {
    const table = this.#tableNames.get(tables[0] ?? 0)
    const step = this.builder.add(
      table ? { ...this.#info(entry, phase), table } : this.#info(entry, phase),
      this.#work(entry),
      {
        pool: 'build',
        needs: this.#needs(entry),
        after: [this.#created.id, ...tables.flatMap((oid) => this.#rowsOf(oid))],
        locks,
        weight,
      },
    )
    this.#stepOf.set(entry.id, step)
    for (const oid of tables) this.#addChild(oid, step)
    return step
  }

  /** ADD PRIMARY KEY would lock the table for the whole build; a ready-made index needs a moment. */
  #planKey(entry: Entry, facts: ConstraintFacts, definition: string): Step[] {
    const work = this.#work(entry)
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
    const work = this.#work(entry)
    const tables = [facts.table, facts.referenced]
    const rows = tables.flatMap((oid) => this.#rowsOf(oid))
    const table = this.#tableNames.get(facts.table)
    const info = { ...this.#info(entry, 'constraints' as const), ...(table && { table }) }
    const [statement = '', ...others] = work.statements
    // Servers before 18 cannot add one of a partitioned table without checking it.
    const parts = addForeignKey.exec(statement)
    const later = parts && facts.validated && !facts.tablePartitioned && !statement.endsWith(' NOT VALID')
    const add = this.builder.add(
      info,
      { ...work, statements: [later ? `${statement} NOT VALID` : statement, ...others] },
      {
        pool: 'build',
        needs: [...this.#needs(entry), ...rows],
        after: [this.#created.id],
        locks: { exclusive: [...new Set(tables)] },
      },
    )
    this.#stepOf.set(entry.id, add)
    if (!later) return [add]
    const validate = this.builder.add(
      { ...info, kind: 'VALIDATE' },
      {
        kind: 'sql',
        statements: [`${parts[1]} VALIDATE CONSTRAINT ${parts[2]}`],
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

  /** Partitions are analyzed with the topmost table, which needs statistics over all of them. */
  #planAnalyze() {
    const { builder } = this
    const targets = new Map<number, { rows: Step; children: Step[]; bytes: number; locks: number[] }>()
    for (const table of this.#rows.tables) {
      if (table.extension !== null) continue
      const oid = table.root ?? table.oid
      const rows = table.root === null ? this.#rows.byTable.get(oid) : this.#rows.byRoot.get(oid)
      if (!rows) continue
      const target = targets.get(oid) ?? {
        rows,
        children: [...(this.#children.get(oid) ?? [])],
        bytes: 0,
        locks: [oid],
      }
      if (table.root !== null) {
        target.children.push(...(this.#children.get(table.oid) ?? []))
        target.locks.push(table.oid)
      }
      target.bytes += table.bytes
      targets.set(oid, target)
    }
    for (const [oid, { rows, children, bytes, locks }] of targets) {
      const table = this.#tableNames.get(oid)
      if (!table) continue
      const name = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`
      builder.add(
        { phase: 'statistics', kind: 'ANALYZE', ...table, table },
        { kind: 'sql', statements: [`analyze ${name}`], extras: [], mayExist: false },
        {
          pool: 'build',
          needs: [rows.id],
          after: children.map((step) => step.id),
          locks: { exclusive: locks },
          weight: bytes,
        },
      )
    }
  }

  #planLate({ entry, phase }: Placed, barrier: Step): Step {
    const work = this.#work(entry)
    const step = this.builder.add(this.#info(entry, phase), work, {
      // Grants on one object must not run into each other ("tuple concurrently updated").
      pool: entry.kind === 'MATERIALIZED VIEW DATA' ? 'build' : 'ddl',
      needs: this.#needs(entry),
      after: [barrier.id],
    })
    this.#stepOf.set(entry.id, step)
    return step
  }

  #info(entry: Entry, phase: StepInfo['phase']): Omit<StepInfo, 'id'> {
    const info = { phase, kind: entry.kind, name: entry.name }
    return entry.schema === undefined ? info : { ...info, schema: entry.schema }
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

  #work(entry: Entry): SqlWork {
    const { inventory, options } = this.builder
    const unusable = this.#unusableRoles
    const rename = (statement: string) =>
      isAboutDatabase(entry) ? renameDatabase(statement, inventory.destination.database) : statement
    const owned = entry.ownerStatement && options.owner && !unusable.has(entry.owner ?? '')
    const tablespace = tablespaceName(entry.tablespace)
    const single = entry.kind === 'ACL' || entry.kind === 'DEFAULT ACL'
    let statements = entry.statements.map(rename)
    if (entry.kind === 'SUBSCRIPTION' && inventory.destination.major < runAsOwnerSince) {
      statements = statements.map(withoutRunAsOwner)
    }
    const oddNames = entry.kind === 'TABLE' ? inventory.oddNotNullNames.get(entry.oid) : undefined
    if (oddNames) statements = statements.map((one) => quoteNotNullNames(one, oddNames))
    const definition =
      entry.kind === 'PROCEDURAL LANGUAGE'
        ? inventory.handmadeLanguages.get(entry.oid)
        : entry.kind === 'FUNCTION' || entry.kind === 'PROCEDURE'
          ? inventory.restrictLookalikes.get(entry.oid)
          : undefined
    if (definition) statements = [definition]
    const notNull = entry.kind === 'TABLE' ? inventory.reorderedChildren.get(entry.oid) : undefined
    if (notNull) {
      const [create = '', ...others] = statements
      statements = [...inheritLater(create, notNull), ...others]
    }
    const extras = owned ? [rename(entry.ownerStatement as string)] : []
    return {
      kind: 'sql',
      // Each grant stands for itself; one to a role that is missing was reported with the role.
      statements: single ? [] : statements,
      extras: single ? possibleGrants(statements, unusable) : extras,
      tablespace: inventory.lacks.tablespaces.has(tablespace) ? tablespace : '',
      accessMethod: entry.accessMethod,
      mayExist: true,
    }
  }

  #databaseOwner(entry: Entry): string | undefined {
    const { destination } = this.builder.inventory
    if (!destination.superuser || entry.owner === destination.databaseOwner) return undefined
    return entry.ownerStatement
  }

  #addChild(table: number, step: Step) {
    const list = this.#children.get(table)
    if (list) list.push(step)
    else this.#children.set(table, [step])
  }
}

function isAboutDatabase(entry: Entry): boolean {
  if (entry.kind === 'DATABASE' || entry.kind === 'DATABASE PROPERTIES') return true
  return ['COMMENT', 'ACL', 'SECURITY LABEL'].includes(entry.kind) && entry.name.startsWith('DATABASE ')
}

const identifier = '(?:"(?:[^"]|"")*"|[^\\s".]+)'
const addKey = new RegExp(
  `^(ALTER TABLE (?:ONLY )?${identifier}\\.${identifier}\\s+ADD CONSTRAINT (${identifier}) (?:PRIMARY KEY|UNIQUE))` +
    '(?: NULLS NOT DISTINCT)? \\(.*?\\)((?: (?:DEFERRABLE|INITIALLY DEFERRED))*)$',
  's',
)
const addForeignKey = new RegExp(
  `^(ALTER TABLE (?:ONLY )?${identifier}\\.${identifier})\\s+ADD CONSTRAINT (${identifier}) FOREIGN KEY `,
)

/** `ADD CONSTRAINT k UNIQUE (a) DEFERRABLE` -> `ADD CONSTRAINT k UNIQUE USING INDEX k DEFERRABLE` */
export function useReadyIndex(statement: string): { statement: string; index: string } | undefined {
  const found = addKey.exec(statement)
  const rest = found && statement.slice((found[1] as string).length)
  if (!found || /WITHOUT OVERLAPS/.test(rest ?? '')) return undefined
  const [, head = '', name = '', timing = ''] = found
  return {
    statement: `${head} USING INDEX ${name}${timing}`,
    index: name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name,
  }
}
