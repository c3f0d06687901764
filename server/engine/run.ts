// Executes a plan: the graph decides the order, this file does what each step says and tells about it.
import type { StepInfo } from '../../shared/event.ts'
import { showName } from '../../shared/phase.ts'
import { dropObjects } from '../catalog/drops.ts'
import { tableKey } from '../catalog/tables.ts'
import { CopyFailed } from '../copy/pool.ts'
import { Cancelled, errorInfo, PgtrekError } from '../postgres/errors.ts'
import { runGraph } from './graph.ts'
import type { Moved } from './memory.ts'
import type { SqlOutcome } from './restore.ts'
import { checkForeignKey, release } from './run-constraints.ts'
import type { Emit, RunContext } from './run-context.ts'
import { runHook } from './run-hook.ts'
import { runCopy, truncate } from './run-rows.ts'
import { setLargeObjectFacts, setSequences } from './run-values.ts'
import { type SqlWork, type Step, stepKey } from './step.ts'
import { verify } from './verify.ts'

/** States in which a table that was there before refuses what it has already. */
const alreadySo: ReadonlySet<string> = new Set(['55000', '42P16', '42809'])
/** What a run that goes on with this one must not do again. */
const remembered: ReadonlySet<string> = new Set(['ROWS', 'DROP', 'HOOK'])

const nothing: ReadonlySet<string> = new Set()

export async function runPlan(context: RunContext): Promise<void> {
  const { plan, copyPool, restore, signal } = context
  const cancel = () => {
    void copyPool?.cancel()
    void restore.cancel()
  }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    await runGraph(plan.steps, {
      start: (step) => runStep(step, context),
      skip: (step, reason) => {
        // What needs an interrupted step was not skipped for a failure.
        if (signal.aborted) return
        if (step.work.kind !== 'barrier' || step.skip)
          context.emit({ type: 'step_skipped', step: step.info, reason })
      },
      describe: (step) => `${step.info.kind} ${showName(step.info)}`,
      capacity: {
        ddl: 1,
        build: plan.sizes.indexWorkers,
        copy: Number.POSITIVE_INFINITY,
        none: Number.POSITIVE_INFINITY,
      },
      signal,
    })
  } finally {
    signal.removeEventListener('abort', cancel)
  }
  if (signal.aborted) throw new Cancelled()
}

async function runStep(step: Step, context: RunContext): Promise<void> {
  if (step.work.kind === 'barrier') return
  const { emit, signal } = context
  const { info } = step
  // A copy waits for a free worker: it starts with its first rows.
  const starts = startOnce(info, emit)
  const begun = performance.now()
  if (step.work.kind !== 'copy') starts.now()
  try {
    const { refused, moved } = await perform(step, context, starts)
    if (info.kind === 'ROWS' && info.table) context.copied.add(tableKey(info.table))
    if (remembered.has(info.kind)) context.memory.done(stepKey(info), moved ?? { rows: 0, bytes: 0 })
    if (refused.length > 0) {
      // The object is there and what needs it can go on; only its owner or a grant is missing.
      emit({ type: 'step_failed', step: info, error: errorInfo(joined(refused)) })
      return
    }
    emit({ type: 'step_finished', step: info, seconds: (performance.now() - (starts.at ?? begun)) / 1000 })
  } catch (error) {
    if (!signal.aborted) {
      const known = error instanceof CopyFailed ? error.info : errorInfo(error)
      emit({ type: 'step_failed', step: info, error: known })
    }
    throw error
  }
}

function startOnce(step: StepInfo, emit: Emit) {
  return {
    at: undefined as number | undefined,
    now() {
      if (this.at !== undefined) return
      this.at = performance.now()
      emit({ type: 'step_started', step })
    },
  }
}

interface Outcome {
  /** What was refused although the step as such succeeded. */
  refused: Error[]
  moved?: Moved
}

async function perform(step: Step, context: RunContext, starts: { now(): void }): Promise<Outcome> {
  const { work, info } = step
  switch (work.kind) {
    case 'sql':
      return { refused: (await runSql(step, work, context)).refused }
    case 'copy':
      return { refused: [], moved: await runCopy(step, work, context, starts) }
    case 'copied':
      if (info.table) context.emit({ type: 'rows', table: info.table, rows: work.rows, bytes: work.bytes })
      return { refused: [], moved: work }
    case 'drop':
      await context.restore.use(({ session }) => dropObjects(session, work.targets, work.dependants))
      break
    case 'truncate':
      await truncate(work, context)
      break
    case 'release':
      await release(work, context)
      break
    case 'restore':
      return {
        refused: await context.restore.repeatedly(({ session }) => context.takenAway.putBack(session)),
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

async function runSql({ info }: Step, work: SqlWork, context: RunContext): Promise<SqlOutcome> {
  const existed = info.table !== undefined && context.inventory.existing.has(tableKey(info.table))
  const outcome = await context.restore.repeatedly((session, again) =>
    session.run(again ? { ...work, mayExist: true } : work, existed || again ? alreadySo : nothing),
  )
  if (outcome.kept) {
    context.emit({
      type: 'log',
      level: 'warn',
      message: `${info.kind} ${showName(info)} is on the destination already and was kept as it is`,
      object: showName(info),
    })
  }
  return outcome
}

function joined(errors: readonly Error[]): Error {
  return errors.length === 1
    ? (errors[0] as Error)
    : new PgtrekError(errors.map((error) => error.message).join('; '))
}
