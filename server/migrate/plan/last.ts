// After all objects and rows: grants, then materialized views in order, and event triggers last.
import type { PlacedEntry, PlannedEntries } from './entries.ts'
import type { Step } from './step.ts'

export function planLast(entries: PlannedEntries, complete: Step) {
  const { builder } = entries
  const { options } = builder
  const granted = options.dataOnly ? [] : entries.of('grants').map((one) => planLate(entries, one, complete))
  const last = builder.barrier('grants', { after: [complete, ...granted].map((step) => step.id) })
  const isRefresh = ({ entry }: PlacedEntry) => entry.kind === 'MATERIALIZED VIEW DATA'
  const hasRows = !options.schemaOnly && builder.rowsElsewhere.size === 0
  const refreshed = entries
    .of('last')
    .filter((one) => isRefresh(one) && hasRows)
    .map((one) => planLate(entries, one, last))
  if (options.dataOnly) return
  // An event trigger may forbid any command, also a refresh: no step comes after it.
  const still = builder.barrier('event triggers', { after: [last, ...refreshed].map((step) => step.id) })
  for (const one of entries.of('last')) if (!isRefresh(one)) planLate(entries, one, still)
}

function planLate(entries: PlannedEntries, { entry, phase }: PlacedEntry, barrier: Step): Step {
  const work = entries.workOf(entry)
  const step = entries.builder.add(entries.info(entry, phase), work, {
    // Concurrent grants on one object would fail ("tuple concurrently updated").
    pool: entry.kind === 'MATERIALIZED VIEW DATA' ? 'build' : 'ddl',
    needs: entries.needs(entry),
    after: [barrier.id],
    skip: entries.blocked(entry),
  })
  entries.made(entry, step)
  return step
}
