// A plan as text: what is created, what is destroyed, and what is copied.
import { describeObject, describeStep } from '../../../shared/describe.ts'
import { formatBytes, formatCount, formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import { showName } from '../../../shared/table-name.ts'
import type { Step } from '../../migrate/plan/step.ts'
import type { Destroyed, Plan, PlannedRows } from '../../migrate/plan/types.ts'
import { estimateOf, type PlanParts, partsOf, visibleSteps } from '../../runs/plan-parts.ts'
import { stepSql } from '../../runs/step-sql.ts'
import { pad, printableLines, widthOf } from './text.ts'

export interface PlanDetail {
  /** Names every object, and prints the SQL of all steps in their order. */
  verbose: boolean
}

export function describePlan(plan: Plan, { verbose }: PlanDetail): string[] {
  const parts = partsOf(plan)
  const sections = [
    createdLines(parts, verbose),
    destructionLines(plan.destroyed),
    copiedLines(plan.tables.filter(({ mode }) => mode !== 'done')),
    otherLines(parts),
    refusedLines(parts),
    listed(`${formatCount(plan.warnings.length, 'warning')}:`, plan.warnings),
    verbose ? stepLines(plan) : [],
  ].filter((section) => section.length > 0)
  return [...sections.flatMap((section) => [...section, '']), 'Dry run: nothing was written.']
}

/** What the destination loses, drops first; also used in the question before a run. */
export function destructionLines(destroyed: readonly Destroyed[], most = Number.POSITIVE_INFINITY): string[] {
  const because = (one: Destroyed) => (one.because ? ` (${one.because})` : '')
  const dropped = destroyed.filter(({ action }) => action === 'drop')
  const emptied = destroyed.filter(({ action }) => action === 'truncate')
  return [
    ...listed(
      'These objects of the destination will be dropped:',
      dropped.map((one) => `${describeObject(one.kind ?? 'TABLE', one)}${because(one)}`),
      most,
    ),
    ...listed(
      'The rows of these tables of the destination will be deleted:',
      emptied.map((one) => `${showName(one)}${because(one)}`),
      most,
    ),
  ]
}

function createdLines({ created }: PlanParts, verbose: boolean): string[] {
  if (created.length === 0) return ['Nothing is created.']
  const kinds = Array.from(Map.groupBy(created, ({ info }) => info.kind))
  const title = 'Created, unless they exist on the destination:'
  const counted = ([kind, steps]: [string, Step[]]) => formatCount(steps.length, ...kindWords(kind))
  if (!verbose) return [title, `  ${kinds.map(counted).join(', ')}`]
  const named = kinds.flatMap(([kind, steps]) => [
    `  ${counted([kind, steps])}`,
    ...steps.map(({ info }) => `    ${printable(showName(info))}`),
  ])
  return [title, ...named]
}

/** Singular and plural of a kind. */
function kindWords(kind: string): [string, string] {
  const word = kind === 'FK CONSTRAINT' ? 'foreign key' : kind.toLowerCase()
  if (word === 'statistics') return ['statistics object', 'statistics objects']
  if (word.endsWith('y') && !word.endsWith('key')) return [word, `${word.slice(0, -1)}ies`]
  return [word, /[xs]$/.test(word) ? `${word}es` : `${word}s`]
}

function copiedLines(tables: readonly PlannedRows[]): string[] {
  if (tables.length === 0) return ['No rows are copied.']
  const rows = tables.reduce((sum, table) => sum + (estimateOf(table) ?? 0), 0)
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0)
  const unknown = tables.filter((table) => estimateOf(table) === undefined).length
  const uncounted = unknown > 0 ? ` and those of ${formatCount(unknown, 'table')} without an estimate` : ''
  const amount = `about ${formatCount(rows, 'row')}${uncounted}, ${formatBytes(bytes)}`
  const cells = tables.map((table) => ({
    name: printable(showName(table)),
    rows: shownEstimate(table),
    bytes: formatBytes(table.bytes),
    how: howCopied(table),
  }))
  const widest = (field: 'name' | 'rows' | 'bytes') =>
    cells.reduce((most, cell) => Math.max(most, widthOf(cell[field])), 0)
  const widths = { name: widest('name'), rows: widest('rows'), bytes: widest('bytes') }
  const lines = cells.map(({ name, rows, bytes, how }) => {
    const facts = [pad(name, widths.name), pad(rows, widths.rows, 'right'), pad(bytes, widths.bytes, 'right')]
    return `  ${[...facts, how].join('  ')}`.trimEnd()
  })
  return [`Copied: ${formatCount(tables.length, 'table')}, ${amount}`, ...lines]
}

function shownEstimate(table: PlannedRows): string {
  const rows = estimateOf(table)
  return rows === undefined ? '?' : formatRows(rows)
}

function howCopied({ mode, into, where, mapping = [] }: PlannedRows): string {
  const routed = into ? [`into ${showName(into)}`] : []
  const facts = [
    ...(mode === 'fill' ? [] : [ways[mode]]),
    ...routed,
    ...(where ? [`where ${where}`] : []),
    ...mapping,
  ]
  return printable(facts.join('; '))
}

const ways = { append: 'append', upsert: 'upsert', done: 'copied already' } as const

function otherLines({ others }: PlanParts): string[] {
  if (others.length === 0) return []
  const counts = Array.from(
    Map.groupBy(others, ({ info }) => info.kind),
    ([kind, steps]) => `${kind.toLowerCase()} ${formatRows(steps.length)}`,
  )
  return ['Other steps:', `  ${counts.join(', ')}`]
}

function refusedLines({ refused }: PlanParts): string[] {
  const lines = refused.map(({ step, reason }) => `${describeStep(step.info)}: ${reason}`)
  return listed('Cannot be done:', lines)
}

function stepLines(plan: Plan): string[] {
  const steps = visibleSteps(plan).flatMap((step) => [
    `  ${step.id}. ${describeStep(step.info)}`,
    ...stepSql(step).flatMap((statement) => printableLines(`${statement};`).map((line) => `     ${line}`)),
  ])
  return ['Steps in order (steps that do not wait for another may run in parallel):', ...steps]
}

function listed(title: string, items: readonly string[], most = Number.POSITIVE_INFINITY): string[] {
  if (items.length === 0) return []
  const lines = items.slice(0, most).map((item) => `  ${printable(item)}`)
  const hidden = items.length - most
  return [title, ...lines, ...(hidden > 0 ? [`  and ${formatRows(hidden)} more`] : [])]
}
