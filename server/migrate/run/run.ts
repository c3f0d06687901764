// Executes a plan: the graph decides the order, this file performs each step and reports it.

import { describeStep } from '../../../shared/describe.ts'
import type { ErrorInfo, StepInfo } from '../../../shared/event.ts'
import { formatCount, formatRows } from '../../../shared/format.ts'
import { showName, tableKey } from '../../../shared/table-name.ts'
import { dropObjects } from '../../catalog/drops.ts'
import { CopyFailed } from '../../copy/pool.ts'
import { Cancelled, errorInfo, PgtrekError } from '../../postgres/errors.ts'
import type { Moved } from '../../store/run-memory.ts'
import { stepKey } from '../../store/run-memory.ts'
import { collectEach } from '../../system/collect-garbage.ts'
import type { SqlWork, Step } from '../plan/step.ts'
import { checkForeignKey, release } from './constraints.ts'
import type { Emit, RunContext } from './context.ts'
import { runGraph } from './graph.ts'
import { admitsTogether, isAlone, mostTogether } from './grouped-entries.ts'
import { runHook } from './hook.ts'
import { rowsLeft } from './remaining-rows.ts'
import { alreadySo, type SqlOutcome } from './restore.ts'
import { copyTogether, runCopy } from './rows.ts'
import { withPathAdvice } from './search-path-advice.ts'
import { setLargeObjectFacts, setSequences } from './values.ts'
import { verify } from './verify.ts'

/** Steps that a resuming run must not repeat. */
const remembered: ReadonlySet<string> = new Set(['ROWS', 'DROP', 'HOOK'])
const collectAfter = 2500
/** Number of kept objects in the message; the log file names all. */
const mostNamed = 10
/** For each worker. */
const startedCopies = 200
const nothing: ReadonlySet<string> = new Set()
/** Replaces the work of a step that is done, to free its memory. */
const over: Step['work'] = { kind: 'barrier' }

export async function runPlan(context: RunContext): Promise<void> {
  const { plan, copyPool, signal } = context
  const started = new Set<number>()
  let ended = 0
  /** Collects garbage: what steps leave behind would take as much memory again as everything that is kept. */
  const clean = () => collectEach(collectAfter, ++ended)
  const cancel = () => void copyPool?.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    await runGraph(plan.steps, {
      start: (step) => runStep(step, context, started).finally(clean),
      skip: (step, reason) => {
        // A step that needs an interrupted one was not skipped because of a failure.
        if (signal.aborted) return
        if (step.work.kind !== 'barrier' || step.skip)
          context.emit({ type: 'step_skipped', step: step.info, reason })
      },
      describe: (step) => describeStep(step.info),
      capacity: {
        // Only kinds that can be created at the same time; no index is built yet.
        ddl: plan.sizes.indexWorkers,
        build: plan.sizes.indexWorkers,
        // Enough tables to choose from; each that has started takes memory until it ends.
        copy: plan.sizes.copyWorkers * startedCopies,
        none: Number.POSITIVE_INFINITY,
      },
      isAlone,
      batch: {
        most: mostTogether,
        admits: admitsTogether(context.inventory),
        start: (steps) => runTogether(steps, context, started).finally(() => steps.forEach(clean)),
      },
      signal,
    })
  } finally {
    signal.removeEventListener('abort', cancel)
    logKept(context)
  }
  if (signal.aborted) throw new Cancelled()
}

/** Reports each step as if it had run alone; its time is its share. */
async function runTogether(
  steps: readonly Step[],
  { emit, restore, signal }: RunContext,
  started: Set<number>,
): Promise<void> {
  const start = performance.now()
  for (const { info } of steps) startOnce(info, emit, started).now()
  const works = steps.flatMap(({ work }) => (work.kind === 'sql' ? [work] : []))
  try {
    await restore.runTogether(works)
  } catch (error) {
    if (!signal.aborted) {
      const { message } = errorInfo(error)
      emit({
        type: 'log',
        level: 'debug',
        message: `${steps.length} steps failed together and run in smaller groups: ${message}`,
      })
    }
    throw error
  }
  const seconds = (performance.now() - start) / 1000 / steps.length
  for (const step of steps) {
    step.work = over
    emit({ type: 'step_finished', step: step.info, seconds })
  }
}

async function runStep(step: Step, context: RunContext, started: Set<number>): Promise<void> {
  if (step.work.kind === 'barrier') return
  if (step.isAgain && step.work.kind === 'sql') return await lookAgain(step, step.work, context)
  const { emit, signal } = context
  const { info } = step
  // A copy waits for a free worker: it starts with its first rows.
  const starts = startOnce(info, emit, started)
  const startedAt = performance.now()
  if (step.work.kind !== 'copy' && step.work.kind !== 'copy together') starts.now()
  try {
    const outcome = await perform(step, context, starts)
    const { refused, moved } = outcome
    if (info.kind === 'ROWS' && info.table) context.copied.add(tableKey(info.table))
    if (remembered.has(info.kind)) context.memory.done(stepKey(info), moved ?? { rows: 0, bytes: 0 })
    if (refused.length > 0) {
      // The object exists, and steps that need it can continue; only its owner or a grant is missing.
      const { incomplete } = outcome
      emit({ type: 'step_failed', step: info, error: joined(refused), ...(incomplete && { incomplete }) })
      return
    }
    step.work = over
    const seconds = outcome.seconds ?? (performance.now() - (starts.at ?? startedAt)) / 1000
    emit({ type: 'step_finished', step: info, seconds })
  } catch (error) {
    if (!signal.aborted) {
      const known = withPathAdvice(error instanceof CopyFailed ? error.info : errorInfo(error))
      const left = await rowsLeft(step, context)
      emit({ type: 'step_failed', step: info, error: known, ...(left && { left }) })
    }
    throw error
  }
}

/** Checks an object that an earlier run has created. It is reported only if it is missing. */
async function lookAgain({ info }: Step, work: SqlWork, context: RunContext): Promise<void> {
  const { emit, restore, signal } = context
  try {
    const { kept, refused } = await restore.run(work, alreadySo)
    if (refused.length > 0) {
      emit({ type: 'step_failed', step: info, error: joined(refused), incomplete: true })
    } else if (!kept && makes.test(work.statements[0] ?? '')) {
      const message = `${describeStep(info)} no longer existed on the destination and was created again`
      emit({ type: 'warning', message })
    }
  } catch (error) {
    if (!signal.aborted) emit({ type: 'step_failed', step: info, error: withPathAdvice(errorInfo(error)) })
    throw error
  }
}

/** Statements that a server refuses where the object exists. */
const makes = /^(?:create (?!or replace)|alter table .* add constraint )/i

/** A step that failed in a batch starts a second time; the start is reported once. */
function startOnce(step: StepInfo, emit: Emit, started: Set<number>) {
  return {
    at: undefined as number | undefined,
    now() {
      if (this.at !== undefined) return
      this.at = performance.now()
      if (started.has(step.id)) return
      started.add(step.id)
      emit({ type: 'step_started', step })
    },
  }
}

interface Outcome {
  /** Statements that were refused although the step succeeded. */
  refused: Error[]
  /** The step's object exists. */
  incomplete?: boolean
  moved?: Moved
  /** Set when several steps ran together: then it is not the time since the start. */
  seconds?: number | undefined
}

async function perform(step: Step, context: RunContext, starts: { now(): void }): Promise<Outcome> {
  const { work, info } = step
  switch (work.kind) {
    case 'sql':
      return { refused: (await runSql(step, work, context)).refused, incomplete: true }
    case 'copy':
      return await copied(step, work, context, starts)
    case 'copied':
      if (info.table) context.emit({ type: 'rows', table: info.table, rows: work.rows, bytes: work.bytes })
      return { refused: [], moved: work }
    case 'drop':
      await context.restore.use(({ session }) => dropObjects(session, work.targets, work.dependants))
      break
    case 'copy together':
      await copyTogether(step, work, context, starts)
      break
    case 'copied together':
      return copiedTogether(step, context)
    case 'release':
      await release(work, context)
      break
    case 'restore':
      return {
        refused: await context.restore.repeatedly(({ session }) => context.suspended.restore(session)),
      }
    case 'check':
      await checkForeignKey(work.foreignKey, context)
      break
    case 'hook':
      await runHook(work.hook, context)
      break
    case 'verify':
      return { refused: await verify(context) }
    case 'sequences':
      return { refused: await setSequences(work, context) }
    case 'large object facts':
      return { refused: await setLargeObjectFacts(work.objects, context) }
    case 'refuse':
      throw new PgtrekError(work.reason)
    case 'barrier':
      break
  }
  return { refused: [] }
}

async function copied(
  step: Step,
  work: Extract<Step['work'], { kind: 'copy' }>,
  context: RunContext,
  starts: { now(): void },
): Promise<Outcome> {
  const { seconds, ...moved } = await runCopy(step, work, context, starts)
  return { refused: [], moved, seconds }
}

function copiedTogether({ info }: Step, { together, emit }: RunContext): Outcome {
  const { seconds, ...moved } = together.get(tableKey(info.table ?? { schema: '', name: info.name })) ?? {
    ...{ rows: 0, bytes: 0 },
    seconds: 0,
  }
  if (info.table) emit({ type: 'rows', table: info.table, ...moved })
  return { refused: [], moved, seconds }
}

async function runSql({ info }: Step, work: SqlWork, context: RunContext): Promise<SqlOutcome> {
  const existed = info.table !== undefined && context.inventory.existing.has(tableKey(info.table))
  const outcome = await context.restore.run(work, existed ? alreadySo : nothing)
  if (outcome.kept) {
    const object = describeStep(info)
    context.kept.count++
    if (context.kept.named.length < mostNamed) context.kept.named.push(object)
    const message = `${object} already exists on the destination and was kept`
    context.emit({ type: 'log', level: 'debug', message, object: showName(info) })
  }
  return outcome
}

/** One message for all of them: after a resume they may be thousands. */
function logKept({ kept: { count, named }, emit }: RunContext) {
  if (count === 0) return
  const more = count > named.length ? `, and ${formatRows(count - named.length)} more` : ''
  emit({
    type: 'warning',
    message:
      `${formatCount(count, 'object')} of the destination ${count === 1 ? 'already existed and was kept' : 'already existed and were kept'}: ` +
      `${named.join(', ')}${more}. "pgtrek compare schema" shows whether they are the same`,
  })
}

function joined(errors: readonly Error[]): ErrorInfo {
  const [first] = errors
  const message = errors.map((error) => error.message).join('; ')
  return { ...(errors.length === 1 && errorInfo(first?.cause ?? first)), message }
}
