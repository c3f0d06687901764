// One run as a command: its output, the confirmation, and the exit code.
import type { Settled } from '../config/settle.ts'
import type { Plan } from '../migrate/plan/types.ts'
import { copiersOn } from '../queue/queued-copies.ts'
import { openQueue } from '../runs/open-queue.ts'
import { startRun } from '../runs/start-run.ts'
import { RunStore } from '../store/runs.ts'
import { jsonText, print } from '../system/output.ts'
import { confirmDestruction } from './confirm.ts'
import { exitCodeFor } from './exit.ts'
import { runRequestOf } from './flags/request.ts'
import type { ViewFlags } from './flags/run.ts'
import { interruptible } from './interrupt.ts'
import { describePlan } from './render/plan.ts'
import { planAsJson } from './render/plan-json.ts'
import { chooseView } from './render/view.ts'

export async function migrateAsCommand(settled: Settled, flags: ViewFlags): Promise<number> {
  const request = runRequestOf(settled)
  const { dryRun, resume } = request.options
  using store = dryRun && !resume ? undefined : new RunStore(settled.stateDir)
  using view = chooseView({ stream: process.stderr, progress: flags.progress, level: flags.level })
  using interrupt = interruptible(() => view.say('stopping; repeat to stop immediately', 'warn'))
  await using queue = dryRun
    ? undefined
    : await openQueue(settled.queue, (message) => view.say(message, 'warn'))
  let plan: Plan | undefined
  const { done, progress } = startRun(request, {
    ...{ store, logDirectory: settled.logDir, warnings: settled.warnings, wait: flags.wait },
    copiers: queue && copiersOn(queue),
    signal: interrupt.signal,
    confirmed: flags.yes || ((made) => confirmDestruction(made, view, interrupt.signal)),
    say: (level, message) => view.say(message, level),
    onEvent(event) {
      // A dry run prints the plan on standard output, which includes this event.
      if (!(dryRun && event.type === 'planned')) view.event(event)
    },
    onPlan(made) {
      plan = made
    },
  })
  const result = await done
  if (dryRun && plan && result.status === 'completed') {
    view[Symbol.dispose]()
    const detail = { verbose: flags.level === 'verbose' }
    print(flags.json ? [jsonText(planAsJson(plan, detail))] : describePlan(plan, detail))
    return exitCodeFor(result)
  }
  const summary = progress.summary(Date.now())
  view.end(summary)
  if (flags.json) print([jsonText(summary)])
  return exitCodeFor(result)
}
