// `pgtrek fleet`: moves the databases of many instances, from one configuration, with a dashboard.
import { Command, InvalidArgumentError } from 'commander'
import type { FleetMappingView, FleetState, FleetView } from '../../../shared/fleet.ts'
import { formatBytes } from '../../../shared/format.ts'
import { readFleetConfig } from '../../fleet/config.ts'
import { FleetRun } from '../../fleet/fleet-run.ts'
import { type FleetEvent, Notifier } from '../../fleet/notify.ts'
import { openLogFile } from '../../runs/log-file.ts'
import { openQueue } from '../../runs/open-queue.ts'
import { FollowStore } from '../../store/follows.ts'
import { RunStore } from '../../store/runs.ts'
import { printJson, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { interruptible } from '../interrupt.ts'
import { ownerOf } from '../owner.ts'

interface FleetFlags {
  config?: string
  stateless?: boolean
  port?: number
  host: string
  allowHost: string[]
  json?: boolean
  quiet?: boolean
  logDir: string
  stateDir: string
}

const betweenLinesMs = 10_000

export function fleetCommand(): Command {
  return new Command('fleet')
    .description('migrate many databases of many instances and show them on one board')
    .option(
      '--config <file>',
      'the mappings, as TOML or YAML (docs/fleet.md); or PGTREK_MAPPINGS__0__... variables',
    )
    .option('--stateless', 'keep no state on disk: after a restart, read it from the servers')
    .option('--port <number>', 'port for the board, the API and /metrics; 0 chooses a free one', port)
    .option(
      '--host <address>',
      'address to listen on; any other than localhost needs PGTREK_TOKEN',
      'localhost',
    )
    .option('--allow-host <name>', 'additional host name of the board (may be repeated)', collect, [])
    .option('--quiet', 'only warnings and errors')
    .option('--json', 'print the last state as JSON on standard output')
    .option('--log-dir <directory>', 'directory for log files, one per run', 'logs')
    .option('--state-dir <directory>', 'state directory of the moves', '.pgtrek')
    .action(async (flags: FleetFlags) => {
      process.exitCode = await run(flags)
    })
}

async function run(flags: FleetFlags): Promise<number> {
  const config = readFleetConfig(flags.config, process.env)
  const stateless = flags.stateless ?? config.stateless
  const say = tell
  using store = stateless ? undefined : new RunStore(flags.stateDir)
  using logFile = openLogFile(flags.logDir, crypto.randomUUID().slice(0, 8), {
    report: (message) => say(`warning: ${message}`),
  })
  using interrupt = interruptible(() => say('stopping; applied changes stay, the next start continues'))
  const notifier = new Notifier(config.notify, (message) => say(`warning: ${message}`))
  await using queue = await openQueue(config.queue, (message) => say(`warning: ${message}`))
  const fleet = FleetRun.start(config, {
    queue,
    store: store && new FollowStore(store.database),
    signal: interrupt.signal,
    onState: ({ state, ...about }) => notifier.tell({ kind: kindOf(state), state, ...about }),
    onLine({ at, level, mapping, database, message }) {
      const about = [mapping, database].filter(Boolean).join('/')
      const line = about ? `${about}: ${message}` : message
      logFile.line({ at, level, message: line })
      if (level !== 'info' || !flags.quiet) say(level === 'info' ? line : `${level}: ${line}`)
    },
  })
  await using _ = await serveDashboard(flags, fleet, say)
  const telling = setInterval(
    () => !flags.quiet && fleet.view().mappings.map(mappingLine).forEach(say),
    betweenLinesMs,
  )
  await fleet.done
  clearInterval(telling)
  await notifier.close()
  const view = fleet.view()
  for (const mapping of view.mappings) say(mappingLine(mapping))
  if (flags.json) printJson(view)
  return exitCodeOf(view)
}

async function serveDashboard(
  flags: FleetFlags,
  fleet: FleetRun,
  say: (line: string) => void,
): Promise<AsyncDisposable> {
  if (flags.port === undefined) return { async [Symbol.asyncDispose]() {} }
  const { startServer } = await import('../../api/start.ts')
  const server = await startServer({
    host: flags.host,
    port: flags.port,
    token: process.env.PGTREK_TOKEN || undefined,
    names: flags.allowHost,
    allowCommands: false,
    logDirectory: flags.logDir,
    stateDirectory: flags.stateDir,
    fleet,
    owner: ownerOf([]),
  })
  say(`the board is available at ${server.url}`)
  return server
}

function mappingLine(mapping: FleetMappingView): string {
  const { name, state, databases, databases_done: done, lag_bytes: lag, errors } = mapping
  return [
    `${name}: ${state}`,
    `${done} of ${databases.length} databases`,
    `${mapping.tables_done} of ${mapping.tables} tables`,
    `lag ${formatBytes(lag)}`,
    ...(mapping.row_difference === undefined ? [] : [`row difference ${mapping.row_difference}`]),
    ...(errors > 0 ? [`${errors} with errors`] : []),
  ].join(', ')
}

function exitCodeOf({ mappings }: FleetView): number {
  return mappings.some(({ errors }) => errors > 0) ? exitCode.failures : exitCode.done
}

function kindOf(state: FleetState): FleetEvent['kind'] {
  if (state === 'problem' || state === 'ready') return state
  if (state === 'retrying') return 'problem'
  return state === 'done' || state === 'returned' || state === 'complete' ? 'done' : 'phase'
}

function collect(name: string, names: string[]): string[] {
  return [...names, name]
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new InvalidArgumentError('It must be a port.')
  return Number(text)
}
