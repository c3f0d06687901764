// pg_dump's entries in the plan: the pass and the step that create each.
import type { StepInfo } from '../../../shared/event.ts'
import type { TableName } from '../../../shared/table-name.ts'
import { catalogOid } from '../../catalog/dependents.ts'
import { mayChangeDatabase, unusableRoles } from '../../catalog/destination.ts'
import type { Entry } from '../../schema/entries.ts'
import { kindOf, type Pass } from '../../schema/kinds.ts'
import { unquoted } from '../../schema/plain-names.ts'
import type { PlanBuilder } from './builder.ts'
import { type EntryContext, entryWork, isAboutDatabase } from './entry-work.ts'
import type { SqlWork, Step } from './step.ts'

export interface PlacedEntry {
  entry: Entry
  pass: Pass
  phase: StepInfo['phase']
}

export class PlannedEntries {
  /** By table OID. */
  readonly tableNames = new Map<number, TableName>()
  readonly bytes = new Map<number, number>()
  /** Entry id -> the step that completes it. */
  readonly #stepOf = new Map<number, Step>()
  readonly #entryById: Map<number, Entry>
  readonly #context: EntryContext
  readonly #placed: PlacedEntry[]

  constructor(readonly builder: PlanBuilder) {
    const { inventory, options } = builder
    this.#entryById = new Map(inventory.entries.map((entry) => [entry.id, entry]))
    for (const entry of inventory.entries) {
      if (entry.classOid === catalogOid.class && entry.schema !== undefined) {
        this.tableNames.set(entry.oid, { schema: entry.schema, name: entry.name })
      }
    }
    for (const { oid, schema, name, bytes } of inventory.tables) {
      this.tableNames.set(oid, { schema, name })
      this.bytes.set(oid, bytes)
    }
    this.#context = { inventory, options, unusableRoles: new Set(unusableRoles(inventory)) }
    this.#placed = place(builder)
  }

  of(pass: Pass): PlacedEntry[] {
    return this.#placed.filter((one) => one.pass === pass)
  }

  byId(id: number): Entry | undefined {
    return this.#entryById.get(id)
  }

  /** The step completes the entry. */
  made(entry: Entry, step: Step) {
    this.#stepOf.set(entry.id, step)
  }

  workOf(entry: Entry): SqlWork {
    return entryWork(entry, this.#context)
  }

  info(entry: Entry, phase: StepInfo['phase']): Omit<StepInfo, 'id'> {
    const info = { phase, kind: entry.kind, name: entry.name }
    return entry.schema === undefined ? info : { ...info, schema: entry.schema }
  }

  /** The reason when the entry needs something that the user left out. */
  blocked(entry: Entry): string | undefined {
    return this.builder.inventory.blocked.get(entry.id)
  }

  needs(entry: Entry): number[] {
    const ids = [...(this.builder.inventory.needs.get(entry.id) ?? [])]
    return ids.flatMap((id) => this.#stepOf.get(id)?.id ?? [])
  }
}

function place({ options, inventory }: PlanBuilder): PlacedEntry[] {
  const skipped = new Set(options.skipExtensions)
  const database = mayChangeDatabase(inventory)
  let previous: Pass = 'pre'
  const placed: PlacedEntry[] = []
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
