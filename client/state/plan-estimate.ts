// The sample that the time estimate is computed from. Changed options need no other sample of the same table.
import { batch, createSignal } from 'solid-js'
import type { PlanAnswer } from '../../shared/plan-api.ts'
import type { Sample } from '../../shared/plan-sql-api.ts'
import type { MigrationOptions } from '../../shared/request.ts'
import type { TableName } from '../../shared/table-name.ts'
import { estimateTime } from '../../shared/time-estimate.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { requestBody } from './draft.ts'

/** Reading so little disturbs nobody: measured without being asked. */
const littleBytes = 64 * 1024 * 1024

const [sample, setSample] = createSignal<{ of: string; sample: Sample }>()
const [problem, setProblem] = createSignal<{ of: string; problem: CallFailed }>()
const [measuring, setMeasuring] = createSignal(false)

export const sampled = {
  measuring,
  sampleFor: (table: TableName | undefined) =>
    table && sample()?.of === placeOf(table) ? sample()?.sample : undefined,
  problemFor: (table: TableName) => (problem()?.of === placeOf(table) ? problem()?.problem : undefined),
  isUnknown: (table: TableName) =>
    !measuring() && sample()?.of !== placeOf(table) && problem()?.of !== placeOf(table),
}

export function isMeasuredAtOnce({ bytes }: PlanAnswer): boolean {
  return bytes <= littleBytes
}

export function largestTable({ tables }: PlanAnswer): PlanAnswer['tables'][number] | undefined {
  return tables.reduce<PlanAnswer['tables'][number] | undefined>(
    (largest, table) => (largest && largest.bytes >= table.bytes ? largest : table),
    undefined,
  )
}

export async function measure(table: TableName) {
  const { source, destination } = requestBody()
  const of = placeOf(table)
  setMeasuring(true)
  try {
    const found = await api.planSample({ source, destination, schema: table.schema, table: table.name })
    batch(() => {
      setSample({ of, sample: found })
      setProblem(undefined)
      setMeasuring(false)
    })
  } catch (error) {
    batch(() => {
      setProblem({ of, problem: error as CallFailed })
      setMeasuring(false)
    })
  }
}

export function estimateOf(found: Sample, plan: PlanAnswer, options: MigrationOptions) {
  return estimateTime(found, {
    bytes: options.schemaOnly ? 0 : plan.bytes,
    workers: plan.workers,
    steps: Object.values(plan.counts).reduce((sum, count) => sum + count, 0),
    maxBytesPerSecond: options.maxBytesPerSecond,
  })
}

function placeOf({ schema, name }: TableName): string {
  const { source, destination } = requestBody()
  return JSON.stringify([source, destination, schema, name])
}
