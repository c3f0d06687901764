// `pgtrek compare`: compares two databases, `data` their rows, `schema` their objects.
import { Command } from 'commander'
import type { ComparisonFailure } from '../../../shared/comparison.ts'
import { formatCount, formatDuration, formatPercent } from '../../../shared/format.ts'
import { type ComparisonProgress, compareData } from '../../compare/data.ts'
import { compareSchema } from '../../compare/schema.ts'
import type { Settled } from '../../config/settle.ts'
import { Cancelled, errorInfo, PgtrekError, UsageError } from '../../postgres/errors.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { print, printJson, tell, tellPainted } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addDataFlags, addSchemaFlags, type CompareDataFlags, type CompareFlags } from '../flags/compare.ts'
import { endsOf, requestOf, tellWarnings } from '../flags/request.ts'
import { interruptible } from '../interrupt.ts'
import { leftoverLines } from '../leftovers.ts'
import { dataLines, dataVerdict, schemaLines, schemaVerdict, tableLines } from '../render/comparison.ts'
import { Screen } from '../render/screen.ts'
import { type Style, styleFor } from '../render/style.ts'

export function compareCommand(program: Command): Command {
  const data = new Command('data')
    .description('compare the rows of two databases, table by table; no row leaves its server')
    .action(async (flags: CompareDataFlags) => {
      process.exitCode = await report(data, flags, (run) => compareRows(flags, run))
    })
  const schema = new Command('schema')
    .description('compare the objects of two databases, as pg_dump describes them')
    .action(async (flags: CompareFlags) => {
      process.exitCode = await report(schema, flags, compareObjects)
    })
  const command = new Command('compare').description('compare two databases').copyInheritedSettings(program)
  for (const one of [addDataFlags(data), addSchemaFlags(schema)]) {
    command.addCommand(one.copyInheritedSettings(program))
  }
  return command
}

interface Run {
  request: Settled
  ends: Record<'source' | 'destination', ConnectionSettings>
  signal: AbortSignal
  style: Style
  /** Progress on standard error. */
  progress: Progress
}

interface Outcome {
  comparison: { status: 'same' | 'different' }
  lines: string[]
  verdict: string
}

async function compareRows(
  flags: CompareDataFlags,
  { request, ends, signal, style, progress }: Run,
): Promise<Outcome> {
  if (flags.fast && flags.drill) {
    throw new UsageError(
      '--fast and --drill exclude each other: --fast does not read the values that --drill needs',
    )
  }
  const comparison = await compareData({
    ...ends,
    selection: request.selection,
    rules: request.tables,
    filter: flags.filter,
    workers: request.options.workers,
    fast: flags.fast ?? false,
    drill: flags.drill ? { limit: flags.drillLimit } : undefined,
    signal,
    onProgress: (state) => progress.show(state),
    onTable: (table) => progress.say(tableLines(table, styleFor(process.stderr.isTTY === true))[0] ?? ''),
  })
  return { comparison, lines: dataLines(comparison, style), verdict: dataVerdict(comparison, style) }
}

async function compareObjects({ request, ends, signal, style, progress }: Run): Promise<Outcome> {
  progress.say('reading the definitions of both databases')
  const { owner, acl, comments, tablespaces, publications, securityLabels } = request.options
  const choices = { owner, acl, comments, tablespaces, publications, securityLabels }
  const comparison = await compareSchema({ ...ends, ...choices, selection: request.selection, signal })
  return { comparison, lines: schemaLines(comparison, style), verdict: schemaVerdict(comparison, style) }
}

async function report(
  command: Command,
  flags: CompareFlags,
  compare: (run: Run) => Promise<Outcome>,
): Promise<number> {
  const style = styleFor(process.stdout.isTTY === true)
  const request = requestOf(command)
  const ends = endsOf(request)
  using progress = new Progress(flags.progress && !flags.quiet)
  tellWarnings(request, ends)
  await warnOfLeftovers(ends.destination)
  using interrupt = interruptible(() => tell('stopping; repeat to stop immediately'))
  try {
    const { comparison, lines, verdict } = await compare({
      request,
      ends,
      signal: interrupt.signal,
      style,
      progress,
    })
    progress.close()
    if (flags.json) printJson(comparison)
    else print([...(flags.quiet ? [] : lines), verdict])
    return comparison.status === 'same' ? exitCode.done : exitCode.failures
  } catch (error) {
    progress.close()
    if (error instanceof UsageError || !(error instanceof PgtrekError)) throw error
    const cancelled = error instanceof Cancelled
    const failure: ComparisonFailure = cancelled
      ? { status: 'cancelled' }
      : { status: 'failed', error: errorInfo(error) }
    if (flags.json) printJson(failure)
    tell(`pgtrek: ${error.message}`)
    return cancelled ? exitCode.cancelled : exitCode.cannotRun
  }
}

async function warnOfLeftovers(destination: ConnectionSettings) {
  for (const line of await leftoverLines(destination)) tell(`warning: ${line}`)
}

const betweenLines = 5_000

/** A line at the bottom of a terminal; elsewhere an occasional line. */
class Progress implements Disposable {
  readonly #screen = process.stderr.isTTY ? new Screen(process.stderr) : undefined
  readonly #startedAt = performance.now()
  #printedAt = performance.now()
  #bottom: string[] = []

  constructor(readonly wanted: boolean) {}

  show(state: ComparisonProgress) {
    if (!this.wanted) return
    this.#bottom = [progressLine(state, (performance.now() - this.#startedAt) / 1000)]
    if (this.#screen) this.#screen.draw(this.#bottom)
    else if (performance.now() - this.#printedAt > betweenLines) {
      this.#printedAt = performance.now()
      tellPainted(this.#bottom[0] ?? '')
    }
  }

  say(line: string) {
    if (!this.wanted) return
    if (this.#screen) this.#screen.draw(this.#bottom, [line])
    else tellPainted(line)
  }

  close() {
    this.#screen?.close()
  }

  [Symbol.dispose]() {
    this.close()
  }
}

function progressLine(state: ComparisonProgress, seconds: number): string {
  const percent = state.bytes > 0 ? Math.min(100, (100 * state.readBytes) / state.bytes) : 0
  const tables = `${state.settledTables} of ${formatCount(state.tables, 'table')}`
  const rows = `${formatCount(state.readRows, 'row')} read on both sides in total`
  return `${formatPercent(percent)}: ${tables}, ${rows}, ${formatDuration(seconds)} elapsed`
}
