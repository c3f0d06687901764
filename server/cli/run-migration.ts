// One run as a command: the log file, the store, what is seen of it, and what the exit code says.
import { ProgressFold } from '../../shared/fold.ts'
import type { Settled } from '../config/settle.ts'
import { migrate } from '../migrate/migrate.ts'
import type { Plan } from '../migrate/plan/types.ts'
import { copiersOn } from '../queue/queued-copies.ts'
import { openLogFile } from '../runs/log-file.ts'
import { openQueue } from '../runs/open-queue.ts'
import { NoMemory } from '../store/run-memory.ts'
import { RunStore } from '../store/runs.ts'
import { jsonText, print } from '../system/output.ts'
import { confirmDestruction } from './confirm.ts'
import { exitCodeFor } from './exit.ts'
import { settingsFor } from './flags/connection.ts'
import type { ViewFlags } from './flags/run.ts'
import { interruptible } from './interrupt.ts'
import { describePlan } from './render/plan.ts'
import { planAsJson } from './render/plan-json.ts'
import { chooseView } from './render/view.ts'

export async function migrateAsCommand(request: Settled, flags: ViewFlags): Promise<number> {
  const source = settingsFor('source', request.source)
  const destination = settingsFor('dest', request.dest)
  const { selection, tables, hooks, options } = request
  const run = crypto.randomUUID().slice(0, 8)
  const fold = new ProgressFold()
  using store = options.dryRun && !options.resume ? undefined : new RunStore(request.stateDir)
  using view = chooseView({ stream: process.stderr, progress: flags.progress, level: flags.level })
  using _told = store?.database.tell((message) => view.say(message, 'warn'))
  using logFile = openLogFile(request.logDir, run, {
    onFailure: (error) => view.say(`the log file ended: ${error.message}`, 'warn'),
  })
  using interrupt = interruptible(() => view.say('stopping; once more stops at once', 'warn'))
  for (const warning of [...request.warnings, ...source.warnings, ...destination.warnings]) {
    view.say(warning, 'warn')
  }
  await using queue = options.dryRun
    ? undefined
    : await openQueue(request.queue, (said) => view.say(said, 'warn'))
  let plan: Plan | undefined
  // A dry run is none that another could go on with; but it shows how one would.
  const ends = { source, destination }
  const memory = options.dryRun ? new NoMemory(store?.unfinished(ends)) : store?.begin(run, ends)
  const result = await migrate({
    run,
    source,
    destination,
    selection,
    tables,
    hooks,
    options,
    memory: memory ?? new NoMemory(),
    copiers: queue && copiersOn(queue),
    wait: flags.wait,
    signal: interrupt.signal,
    onEvent(event) {
      fold.apply(event)
      logFile.event(event)
      // The plan itself says it all, and says it on standard output.
      if (!(options.dryRun && event.type === 'planned')) view.event(event)
    },
    onPlan(made) {
      plan = made
    },
    confirm: (made) => flags.yes || confirmDestruction(made, view, interrupt.signal),
  })
  const summary = fold.summary(Date.now())
  if (!options.dryRun) store?.end(run, summary)
  if (options.dryRun && plan && result.status === 'completed') {
    view[Symbol.dispose]()
    const detail = { verbose: flags.level === 'verbose' }
    print(flags.json ? [jsonText(planAsJson(plan, detail))] : describePlan(plan, detail))
    return exitCodeFor(result)
  }
  view.end(summary)
  if (flags.json) print([jsonText(summary)])
  return exitCodeFor(result)
}
