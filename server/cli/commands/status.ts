// `pgtrek status`: the state of moves, from any terminal, also after their process has ended.

import { Command } from 'commander'
import type { PastMigrationDetails } from '../../../shared/api.ts'
import { isHealthy, isOver, isWatchOnly } from '../../../shared/follow-health.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import { isBrokenOff } from '../../../shared/move-state.ts'
import { printable } from '../../../shared/printable.ts'
import { readMove } from '../../follow/move-state.ts'
import { followName } from '../../follow/names.ts'
import type { FollowEnds } from '../../follow/request.ts'
import { UsageError } from '../../postgres/errors.ts'
import { isAt } from '../../postgres/settings.ts'
import { History } from '../../store/history.ts'
import type { StateDatabase } from '../../store/state-database.ts'
import { describeUnusable, systemWords } from '../../store/state-file.ts'
import { jsonText, print, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addConfiguredConnectionFlags, settingsFor } from '../flags/connection.ts'
import { addPublicationFlag } from '../flags/follow.ts'
import { requestOf } from '../flags/request.ts'
import { type Followed, namesOf, openFollowed } from '../followed.ts'
import { stopSignals } from '../interrupt.ts'
import { leftoverLines, linesOf, statusOfDestination } from '../leftovers.ts'
import { queueStatus } from '../queue-status.ts'
import { dateAndClock } from '../render/clock.ts'
import { Screen } from '../render/screen.ts'
import { statusLine, statusLines } from '../render/status.ts'
import { type Style, styleFor } from '../render/style.ts'
import { closingLine } from '../render/summary-table.ts'
import { wrap } from '../render/text.ts'
import { givenEnds, serverLines } from '../servers.ts'

interface StatusFlags {
  dest?: string
  queue?: string
  json?: boolean
  watch?: boolean
  stateDir: string
}

const betweenLooksMs = 1000

export function statusCommand(): Command {
  const command = new Command('status')
  addConfiguredConnectionFlags(command)
  addPublicationFlag(command)
  return command
    .description(
      'status of moves: lag, changes, slot, conflict, cutover readiness; with both connections also the state on the servers, for moves started on any machine; with --dest alone, what killed runs left suspended there',
    )
    .argument('[name]', 'name of the move (default: all)')
    .option('--queue <url>', 'show the workers of this queue and what each copies instead')
    .option('--json', 'print JSON: one object, or an array if there are several')
    .option('--watch', 'refresh every second until the move has ended or is switched over')
    .option('--state-dir <directory>', 'state directory of the moves', '.pgtrek')
    .action(async (name: string | undefined, flags: StatusFlags) => {
      process.exitCode = await status(command, name, flags)
    })
}

async function status(command: Command, name: string | undefined, flags: StatusFlags): Promise<number> {
  if (flags.queue !== undefined) return await queueStatus(flags.queue, flags.json === true)
  const ends = givenEnds(command, name)
  if (ends) return await statusOfServers(ends, name, flags)
  if (flags.dest !== undefined) return await destinationAlone(command, flags)
  return await remembered(name, flags)
}

/** The state as this machine knows it. */
async function remembered(name: string | undefined, flags: StatusFlags): Promise<number> {
  using followed = openFollowed(flags.stateDir)
  const names = namesOf(followed, name, flags.stateDir)
  if (!followed || names.length === 0) return nothingFollowed(followed, flags)
  for (const line of [...unwritableLines(followed.database), ...silenceLines(followed, names)]) tell(line)
  return flags.watch ? await watch(followed, names, flags) : show(viewsOf(followed, names), names, flags)
}

async function destinationAlone(command: Command, flags: StatusFlags): Promise<number> {
  const found = await statusOfDestination(settingsFor('dest', requestOf(command).dest))
  print(flags.json ? [jsonText(found)] : linesOf(found))
  return found.left_away.length > 0 ? exitCode.failures : exitCode.done
}

/** The state on the servers is printed first: it is right where the state directory differs. */
async function statusOfServers(
  ends: FollowEnds,
  asked: string | undefined,
  flags: StatusFlags,
): Promise<number> {
  const name = followName(ends)
  using followed = openFollowed(flags.stateDir)
  const record = followed?.store.load(name)
  // Connections of the environment may belong to another move than the requested one.
  const isOther =
    record !== undefined && !(isAt(record.source, ends.source) && isAt(record.destination, ends.destination))
  if (isOther) return await remembered(asked, flags)
  const servers = await readMove(ends).catch((error: Error) => error)
  const names = asked === undefined ? (followed?.store.names() ?? []) : [asked]
  const views = followed ? viewsOf(followed, names) : []
  if (servers instanceof Error && views.length === 0) throw servers
  const left = await leftoverLines(ends.destination)
  if (flags.json && !flags.watch) {
    const known = {
      ...(servers instanceof Error ? { servers_error: servers.message } : { servers }),
      ...(left.length > 0 && { left_away: left }),
    }
    const others = views.filter((view) => view.name !== name)
    const all = [...others, { ...views.find((view) => view.name === name), name, ...known }]
    print([jsonText(all.length === 1 ? all[0] : all)])
  } else if (!flags.json) {
    const lines =
      servers instanceof Error ? [`the servers cannot be queried: ${servers.message}`] : serverLines(servers)
    print([...lines, ...left, ...(views.length > 0 ? [''] : [])])
  }
  if (flags.watch && followed && views.length > 0) return await watch(followed, names, flags)
  const code = flags.json || views.length === 0 ? codeFor(views) : show(views, names, flags)
  const isWell = !(servers instanceof Error) && !isBrokenOff(servers) && left.length === 0
  return isWell ? code : exitCode.failures
}

/** On a full disk the state can be read but not written. A directory that cannot be opened is reported elsewhere. */
function unwritableLines({ directory, failure }: StateDatabase): string[] {
  if (failure || systemWords(directory) === '') return []
  return [
    `warning: ${describeUnusable(directory)}. This is the last state that could be written there; for the state on the servers, use "pgtrek status" with both connections`,
  ]
}

/** The state below is outdated, although the process is running. */
function silenceLines({ store }: Followed, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const since = store.silentSince(name)
    if (since === undefined) return []
    const { pid, host } = store.worker(name) ?? {}
    return [
      `warning: process ${pid} on ${host} follows ${name}, but has not written to ${store.database.directory} since ${new Date(since).toISOString()}: check whether the disk is full. This is the state at that time; see the output of the process for details, or use "pgtrek status" with both connections to query the servers`,
    ]
  })
}

function viewsOf(followed: Followed, names: readonly string[]): FollowView[] {
  return names.map((name) => followed.store.lastView(name)).filter((view) => view !== undefined)
}

function nothingFollowed(followed: Followed | undefined, flags: StatusFlags): number {
  if (followed) for (const line of unwritableLines(followed.database)) tell(line)
  const run = followed && lastRun(followed.database)
  const style = styleFor(process.stdout.isTTY === true)
  if (flags.json) print(['[]'])
  else if (run) print(lastRunLines(run, widthOfOutput(), style))
  else print([`no moves or runs in the state directory ${flags.stateDir}`])
  return run ? lastRunCode(run) : exitCode.done
}

function show(views: FollowView[], names: readonly string[], flags: StatusFlags): number {
  if (flags.json) print([asJson(views, names)])
  else print(textOf(views, names, widthOfOutput(), styleFor(process.stdout.isTTY === true)))
  return codeFor(views)
}

function textOf(views: FollowView[], names: readonly string[], width: number, style: Style): string[] {
  const now = Date.now()
  const texts = views.map((view) => statusLines(view, now, width, style))
  const silent = names.filter((name) => !views.some((view) => view.name === name))
  for (const name of silent) texts.push([`${name}: started, no status yet`])
  return texts.flatMap((lines, index) => (index === 0 ? lines : ['', '', ...lines]))
}

function asJson(views: FollowView[], names: readonly string[]): string {
  return JSON.stringify(names.length === 1 && views[0] ? views[0] : views)
}

function codeFor(views: FollowView[]): number {
  return views.every(isHealthy) ? exitCode.done : exitCode.failures
}

async function watch(followed: Followed, names: readonly string[], flags: StatusFlags): Promise<number> {
  const screen = process.stdout.isTTY && !flags.json ? new Screen(process.stdout) : undefined
  const style = styleFor(process.stdout.isTTY === true)
  let isStopped = false
  const sleeper = Promise.withResolvers<void>()
  const stop = () => {
    isStopped = true
    sleeper.resolve()
  }
  for (const signal of stopSignals) process.on(signal, stop)
  // The reader of the pipe has closed it.
  process.stdout.once('error', stop)
  const release = () => screen?.release()
  process.on('exit', release)
  try {
    for (;;) {
      const views = viewsOf(followed, names)
      if (!names.some((name) => followed.store.names().includes(name))) throw gone(names)
      const isLast = isStopped || (views.length > 0 && views.every(isAtAnEnd))
      if (screen && isLast) screen.close(textOf(views, names, widthOfOutput(), style))
      else if (screen) screen.draw(cut(textOf(views, names, widthOfOutput(), style), screen, style))
      else if (flags.json) print([asJson(views, names)])
      else print(views.map((view) => statusLine(view, Date.now())))
      if (isLast) return isStopped ? exitCode.cancelled : codeFor(views)
      await Promise.race([Bun.sleep(betweenLooksMs), sleeper.promise])
    }
  } finally {
    release()
    process.off('exit', release)
    for (const signal of stopSignals) process.off(signal, stop)
    process.stdout.off('error', stop)
  }
}

/** After that nothing changes without the user; another terminal may still resolve a conflict. */
function isAtAnEnd(view: FollowView): boolean {
  return isOver(view) || (view.stage === 'done' && !isWatchOnly(view))
}

function gone(names: readonly string[]): UsageError {
  return new UsageError(`${names.join(', ')}: no longer in the state directory`)
}

/** Longer output would scroll, and the next one would be drawn below it. */
function cut(lines: string[], screen: Screen, style: Style): string[] {
  const room = Math.max(1, screen.size.rows - 1)
  if (lines.length <= room) return lines
  return [...lines.slice(0, room - 1), style.dim('for more, use a taller terminal or "pgtrek tui"')]
}

function widthOfOutput(): number {
  return process.stdout.isTTY ? Math.max(1, (process.stdout.columns || 80) - 1) : Number.POSITIVE_INFINITY
}

/** The last migration of the state directory that was not a move. */
export function lastRun(database: StateDatabase): PastMigrationDetails | undefined {
  const history = new History(database)
  const [last] = history.list({ limit: 1, offset: 0 })
  return last && history.find(last.id)
}

function lastRunLines(run: PastMigrationDetails, width: number, style: Style): string[] {
  const began = dateAndClock(Date.parse(run.started_at))
  const ended = run.finished_at ? `, ended ${dateAndClock(Date.parse(run.finished_at))}` : ''
  const lines = [
    `No database is followed. The last run, ${run.id}, began ${began}${ended}:`,
    `  from ${printable(run.source)}`,
    `  to   ${printable(run.destination)}`,
    run.summary ? closingLine(run.summary, style) : `It is ${stateOf(run)}.`,
  ]
  return lines.flatMap((line) => wrap(line, width))
}

function lastRunCode({ status }: PastMigrationDetails): number {
  return status === 'completed' || status === 'running' ? exitCode.done : exitCode.failures
}

function stateOf({ status }: PastMigrationDetails): string {
  if (status === 'interrupted')
    return 'interrupted: its process ended without recording a result. Unless it reported that the run completed, continue it with "pgtrek clone --resume"'
  return status === 'running' ? 'running' : status
}
