// `pgtrek clone`: a whole database, schema and rows, to another server.
import { createInterface } from 'node:readline/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { ProgressFold } from '../../shared/fold.ts'
import { showName } from '../../shared/phase.ts'
import { printable } from '../../shared/printable.ts'
import { defaultOptions, everything, type MigrationOptions } from '../../shared/request.ts'
import { migrate } from '../engine/migrate.ts'
import type { Plan } from '../engine/plan.ts'
import { UsageError } from '../postgres/errors.ts'
import { resolveSettings } from '../postgres/settings.ts'
import { RunStore } from '../store/runs.ts'
import { exitCode, exitCodeFor } from './exit.ts'
import { openLogFile } from './logfile.ts'
import { chooseView, type Verbosity, type View } from './terminal.ts'

interface CloneFlags {
  source?: string
  dest?: string
  workers: number
  indexWorkers: number
  split: number
  maintenanceWorkMem: number
  parallelMaintenanceWorkers: number
  schemaOnly?: boolean
  dataOnly?: boolean
  owner: boolean
  acl: boolean
  comments: boolean
  tablespaces: boolean
  publications: boolean
  securityLabels: boolean
  analyze: boolean
  skipExtension: string[]
  yes?: boolean
  progress: boolean
  quiet?: boolean
  verbose?: boolean
  json?: boolean
  logDir: string
  stateDir: string
}

export function cloneCommand(): Command {
  const alias = (name: string, of: string) => new Option(`--${name} <url>`, `the same as --${of}`).hideHelp()
  return new Command('clone')
    .description('copy a whole database, schema and rows, to another server')
    .addOption(
      new Option('--source <url>', 'where to read: postgres://user@host:port/database').env('PGTREK_SOURCE'),
    )
    .addOption(new Option('--dest <url>', 'where to write').env('PGTREK_DEST'))
    .addOption(alias('source-uri', 'source'))
    .addOption(alias('dest-uri', 'dest'))
    .addOption(alias('target', 'dest'))
    .option('--schema-only', 'create the objects, copy no rows')
    .option('--data-only', 'copy rows into tables that are there')
    .option('--workers <count>', 'copy workers; 0 chooses', count, defaultOptions.workers)
    .option('--index-workers <count>', 'index builds at once; 0 chooses', count, defaultOptions.indexWorkers)
    .option('--split <size>', 'copy tables above this size in parts (as 500MB); 0 chooses', bytes, 0)
    .option('--maintenance-work-mem <size>', 'memory of each index build (as 1GB); 0 chooses', bytes, 0)
    .option(
      '--parallel-maintenance-workers <count>',
      "helpers of each index build; the server's own setting unless told",
      count,
      defaultOptions.parallelMaintenanceWorkers,
    )
    .option('--skip-extension <name>', 'do not create this extension (may be repeated)', collect, [])
    .option('--no-owner', 'everything belongs to the connecting user')
    .option('--no-acl', 'grant nothing')
    .option('--no-comments', 'leave comments out')
    .option('--no-tablespaces', 'everything goes to the default tablespace')
    .option('--no-publications', 'leave publications out')
    .option('--no-security-labels', 'leave security labels out')
    .option('--no-analyze', 'gather no statistics')
    .option('--yes', 'do not ask before rows of the destination are deleted')
    .option('--no-progress', 'plain lines instead of bars')
    .option('--quiet', 'only warnings, errors and the summary')
    .option('--verbose', 'every step')
    .option('--json', 'print one JSON summary on standard output')
    .option('--log-dir <directory>', 'one log file a run', 'logs')
    .option('--state-dir <directory>', 'what is remembered of runs', '.pgtrek')
    .action(async (_: unknown, command: Command) => {
      process.exitCode = await clone(withAliases(command))
    })
}

function withAliases(command: Command): CloneFlags {
  const flags = command.opts<CloneFlags & { sourceUri?: string; destUri?: string; target?: string }>()
  const source = flags.sourceUri ?? flags.source
  const dest = flags.destUri ?? flags.target ?? flags.dest
  return { ...flags, ...(source !== undefined && { source }), ...(dest !== undefined && { dest }) }
}

async function clone(flags: CloneFlags): Promise<number> {
  const settings = (url: string | undefined, flag: string, variable: string) => {
    if (!url)
      throw new UsageError(`no ${flag}: say --${flag} postgres://user@host/database or set ${variable}`)
    return resolveSettings({ url })
  }
  if (flags.quiet && flags.verbose) throw new UsageError('--quiet and --verbose exclude each other')
  if (flags.schemaOnly && flags.dataOnly) {
    throw new UsageError('--schema-only and --data-only exclude each other')
  }
  const source = settings(flags.source, 'source', 'PGTREK_SOURCE')
  const destination = settings(flags.dest, 'dest', 'PGTREK_DEST')
  const run = crypto.randomUUID().slice(0, 8)
  const level: Verbosity = flags.quiet ? 'quiet' : flags.verbose ? 'verbose' : 'normal'
  const fold = new ProgressFold()
  using store = new RunStore(flags.stateDir)
  using view = chooseView({ stream: process.stderr, progress: flags.progress, level })
  using logFile = openLogFile(flags.logDir, run, {
    onFailure: (error) => view.say(`the log file ended: ${error.message}`, 'warn'),
  })
  using interrupt = interruptible(() => view.say('stopping; once more stops at once', 'warn'))
  for (const warning of [...source.warnings, ...destination.warnings]) view.say(warning, 'warn')
  const memory = store.begin(run, { source, destination })
  const result = await migrate({
    run,
    source,
    destination,
    selection: everything,
    tables: [],
    hooks: [],
    options: optionsOf(flags),
    memory,
    signal: interrupt.signal,
    onEvent(event) {
      fold.apply(event)
      logFile.event(event)
      view.event(event)
    },
    confirm: (plan) => flags.yes || confirmDestruction(plan, view, interrupt.signal),
  })
  const summary = fold.summary(Date.now())
  store.end(run, summary)
  view.end(summary)
  if (flags.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
  return exitCodeFor(result)
}

function optionsOf(flags: CloneFlags): MigrationOptions {
  return {
    ...defaultOptions,
    schemaOnly: flags.schemaOnly ?? false,
    dataOnly: flags.dataOnly ?? false,
    workers: flags.workers,
    indexWorkers: flags.indexWorkers,
    splitBytes: flags.split,
    maintenanceWorkMemKb: Math.ceil(flags.maintenanceWorkMem / 1024),
    parallelMaintenanceWorkers: flags.parallelMaintenanceWorkers,
    owner: flags.owner,
    acl: flags.acl,
    comments: flags.comments,
    tablespaces: flags.tablespaces,
    publications: flags.publications,
    securityLabels: flags.securityLabels,
    analyze: flags.analyze,
    skipExtensions: flags.skipExtension,
  }
}

/** Ctrl-C once: a clean stop. Twice: at once. */
function interruptible(tell: () => void): Disposable & { signal: AbortSignal } {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCode.cancelled)
    controller.abort()
    tell()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}

async function confirmDestruction(plan: Plan, view: View, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const names = plan.destroyed.map(showName).map(printable)
  const shown = names.slice(0, 20).join('\n  ')
  const more = names.length > 20 ? `\n  and ${names.length - 20} more` : ''
  using _ = view.pause()
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // While it reads a line the terminal sends no signal for Ctrl-C.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const answer = await terminal.question(
      `The rows of these tables of the destination will be deleted:\n  ${shown}${more}\nType yes to go on: `,
      { signal },
    )
    return answer.trim().toLowerCase() === 'yes'
  } catch (error) {
    if (signal.aborted) return false
    throw error
  } finally {
    terminal.close()
  }
}

function count(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

const units: Record<string, number> = { '': 1, B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }

function bytes(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMGT]?B)?$/i.exec(text.trim()) ?? []
  const factor = units[unit.toUpperCase()]
  if (amount === undefined || factor === undefined) {
    throw new InvalidArgumentError('It must be a size, as 500MB or 1GB.')
  }
  return Math.round(Number(amount) * factor)
}

function collect(value: string, values: string[]): string[] {
  return [...values, value]
}
