// Moves one database, follows it and switches it over while other things happen to it, and then compares what the
// commands have claimed with both servers.

import type { FollowView } from '../../../shared/follow-view.ts'
import { messageOf } from '../../../shared/message-of.ts'
import { type Home, makeHome } from '../../command.ts'
import { eventually } from '../../eventually.ts'
import { published } from '../../moves/follow-view.ts'
import { type Random, seeded } from '../../random.ts'
import type { Cluster, TestDatabase } from '../../servers/clusters.ts'
import { applicationRole, giveTo, makeApplication, makeRoles, moverRole, startWriter } from './application.ts'
import { Running } from './commands.ts'
import { readDifferences, readLeftovers } from './differences.ts'
import { events, type Scene } from './events.ts'

export interface CutoverRound {
  seed: number
  source: Cluster
  destination: Cluster
  /** Some of the events (default: all). */
  only?: readonly string[]
}

export interface CutoverResult {
  /** Events in order. */
  happened: string[]
  outcome: 'switched over' | 'refused' | 'killed'
  /** The last output of the command. */
  said: string
  /** Differences that existed and were reported. */
  reported: string[]
  /** Claims that were not true: empty, or a bug. */
  falseClaims: string[]
}

const step = /^switchover: /
/** Steps of a switchover at which an event can happen. */
const steps = 8

export async function cutoverRound(round: CutoverRound): Promise<CutoverResult> {
  await using stack = new AsyncDisposableStack()
  const random = seeded(round.seed)
  const [source, destination] = [
    await round.source.createDatabase(),
    await round.destination.createDatabase(),
  ]
  for (const server of new Set([round.source, round.destination])) await makeRoles(server)
  const isSuperuser = random.chance(0.6)
  const owner = isSuperuser ? 'postgres' : moverRole
  await makeApplication(source, owner)
  await giveTo(destination, owner)
  const [home, elsewhere] = [stack.use(makeHome()), stack.use(makeHome())]
  const urls = [round.source.url(source.name, owner), round.destination.url(destination.name, owner)] as const
  const ends = ['--source', urls[0], '--dest', urls[1]]
  const name = `cut${round.seed}`
  const withEnds = ['clone', 'follow', 'switchover', 'cleanup']
  const start = ([command = '', ...words]: readonly string[], where: Home) =>
    new Running(where.directory, [
      command,
      ...(withEnds.includes(command) ? [...ends, '--name', name, ...words] : [name, ...words]),
    ])

  const happened: string[] = [`mover ${owner}`]
  const ending: (() => Promise<void>)[] = []
  stack.defer(async () => {
    for (const work of ending) await work()
  })
  const follower = stack.use(start(['clone', '--follow', '--ready-for', '200ms', '--no-progress'], home))
  const scene: Scene = {
    ...{ source, destination, random, follower },
    start: (words, where) => start(words, where === 'here' ? home : elsewhere),
    keep: (thing) => stack.use(thing),
    atEnd: (work) => ending.push(work),
  }
  const writers = [1, 2].map((number) =>
    stack.use(startWriter(source, number, seeded(1000 * round.seed + number))),
  )
  const state = `${home.directory}/.pgtrek`
  await published(state, 'streaming', ({ stage }) => stage === 'streaming', name)
  await eventually(
    'writes of the application',
    () => writers.map(({ committed }) => committed),
    (counts) => counts.every((count) => count > 3),
  )
  const happen = async (what: string) => {
    happened.push(what)
    await events[what]?.(scene)
  }
  const choice = inTurn(round.only ?? Object.keys(events), random)
  for (let left = random.below(3); left > 0; left--) await happen(choice())
  const options = [
    ...(random.chance(0.6) ? ['--read-only-source'] : []),
    ...(random.chance(0.3) ? ['--keep-reverse'] : []),
    ...(random.chance(0.6) ? ['--verify'] : []),
  ]
  // Without the option the application has to be stopped; in some rounds it is not.
  if (!options.includes('--read-only-source') && random.chance(0.8)) {
    for (const writer of writers) await writer.stop()
    happened.push('the application is stopped')
  }
  happened.push(`switchover ${options.join(' ')}`)
  const switchover = stack.use(
    start(['switchover', ...options, '--timeout', '4s', '--watch', '4s', '--json'], home),
  )
  const isKilled = random.chance(0.1)
  const during = Array.from({ length: random.below(3) }, () => ({ at: random.below(steps), what: choice() }))
  for (const { at, what } of during.toSorted((one, other) => one.at - other.at)) {
    if (at > 0) await switchover.reaches(step, at)
    happened.push(`at step ${at}:`)
    await happen(what)
  }
  if (isKilled) {
    await switchover.reaches(step, 1 + random.below(steps))
    happened.push('switchover killed')
    switchover.kill()
  }
  const falseClaims: string[] = []
  const code = await switchover.ended().catch((error: Error) => {
    falseClaims.push(error.message)
    return undefined
  })
  for (const work of ending.splice(0)) await work()
  for (const writer of writers) await writer.stop()
  const outcome = code === 0 ? 'switched over' : code === undefined ? 'killed' : 'refused'
  const claims = { source, destination, home, name, follower, switchover }
  const reported: string[] = []
  if (outcome === 'switched over') falseClaims.push(...(await unreported(claims, reported)))
  if (outcome === 'refused') falseClaims.push(...(await notAsBefore(claims)))
  await stack.disposeAsync().catch((error: Error) => falseClaims.push(error.message))
  falseClaims.push(...(await afterCleanup(round, source, destination, [...ends, '--name', name])))
  const said = switchover.lines.findLast((line) => !line.startsWith('{')) ?? ''
  return { happened, outcome, said, reported, falseClaims }
}

interface Claims {
  source: TestDatabase
  destination: TestDatabase
  home: Home
  name: string
  follower: Running
  switchover: Running
}

/** Differences that are not reported, although the switchover has exited with 0. */
async function unreported(
  { source, destination, home, name, follower, switchover }: Claims,
  reported: string[],
) {
  const differences = await readDifferences(source, destination)
  if (differences.length === 0) return []
  let left = differences
  const look = async () => {
    const status = new Running(home.directory, ['status', name, '--json'])
    await status.ended()
    const words = [...switchover.lines, ...follower.lines, ...wordsOf(status.lines)].filter(isWarning)
    left = differences.filter(({ objects }) => {
      return !words.some((line) => objects.some((object) => names(line, object)))
    })
    return left.map((one) => one.words)
  }
  // Late writes are detected a moment later.
  await eventually('the report of every difference', look, (some) => some.length === 0, {
    withinMs: 20_000,
  }).catch(() => {})
  const open = new Set(left)
  reported.push(...differences.filter((one) => !open.has(one)).map(({ words }) => words))
  return left.map(({ words }) => `exit 0, and not reported: ${words}`)
}

/** The text of the stored view of the move. */
function wordsOf(lines: readonly string[]): string[] {
  try {
    const view = JSON.parse(lines.join('\n')) as FollowView
    return [
      ...view.warnings,
      ...view.ready.reasons,
      ...view.log.filter(({ level }) => level !== 'info').map(({ message }) => message),
    ].map((words) => `warning: ${words}`)
  } catch {
    return lines.map(String)
  }
}

function isWarning(line: string): boolean {
  return /warn|error|differ|not on|late|after the switchover|pgtrek:|✗|!/i.test(line) && !/^\{/.test(line)
}

function names(line: string, object: string): boolean {
  const escaped = object.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(^|[^a-z0-9_])${escaped}($|[^a-z0-9_])`).test(line)
}

/** Checks "everything is as before": the application can write, and nothing of pgtrek prevents it. */
async function notAsBefore({ source, switchover }: Claims): Promise<string[]> {
  const last = switchover.lines.slice(-2).join(' ')
  if (!last.includes('everything is as before')) return []
  const problems: string[] = []
  const session = source.connect({ user: applicationRole })
  try {
    await session.unsafe("insert into entry (writer, number, note) values (0, 0, 'after')")
  } catch (error) {
    problems.push(`refused (${last}), but the application cannot write: ${messageOf(error)}`)
  } finally {
    await session.end()
  }
  const left = (await readLeftovers(source)).filter((what) => /trigger|read_only/.test(what))
  if (left.length > 0) problems.push(`refused (${last}), but there is ${left.join(', ')}`)
  return problems
}

/** Nothing of pgtrek is left, and the source can be written to. */
async function afterCleanup(
  { source: from, destination: to }: CutoverRound,
  source: TestDatabase,
  destination: TestDatabase,
  ends: readonly string[],
): Promise<string[]> {
  using home = makeHome()
  const problems: string[] = []
  let cleanup = new Running(home.directory, ['cleanup', '--writable', ...ends])
  let code = await cleanup.ended()
  // It may have found late writes: then it drops nothing without the option for that.
  if (code === 1 && cleanup.lines.some((line) => line.includes('Nothing was dropped'))) {
    cleanup = new Running(home.directory, ['cleanup', '--writable', '--discard-late-writes', ...ends])
    code = await cleanup.ended()
  }
  if (code !== 0) problems.push(`cleanup exits with ${code}: ${cleanup.lines.join('; ')}`)
  const left = [...(await readLeftovers(source)), ...(await readLeftovers(destination))]
  if (left.length > 0) problems.push(`after the cleanup there is ${left.join(', ')}`)
  const session = from.database(source.name).connect({ user: applicationRole })
  try {
    await session.unsafe("insert into entry (writer, number, note) values (0, 0, 'after the cleanup')")
  } catch (error) {
    problems.push(`after the cleanup the application cannot write: ${messageOf(error)}`)
  } finally {
    await session.end()
  }
  if (problems.length === 0) {
    await source.drop()
    await to.database(destination.name).drop()
  }
  return problems
}

function inTurn(all: readonly string[], random: Random): () => string {
  return () => all[random.below(all.length)] ?? ''
}
