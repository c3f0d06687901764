// Everything that has to hold, in one run: the types, the style, then all tests. Words given on the command
// line go to `bun test`, as the name of one file; without any, rooms of the tests run side by side.
import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

type Outcome = { passed: number; failed: number; failures?: string[] }

const root = join(import.meta.dir, '..')
const testTimeout = 120_000
/** Many tests wait, for a pause to end or a server to come back: one room more than there are cores. */
const mostAtOnce = Math.min(4, availableParallelism() + 1)
/** How long the output may stay open after the end: a test's own child can hold on to it. */
const lastWordsMs = 2_000
const farewellMs = 3_000
/** Of what a failed test says, the end repeats so many lines. */
const mostWords = 30

/** Pure tests take no time: they are one room, with those that build the page into one directory. */
const together = ['test', 'test/browser', 'test/client', 'test/shared', 'test/schema', 'test/support']

/** Rooms with most to do begin, so that the end is not that of one alone; the others follow by size. */
const longest = [
  'engine',
  'replication',
  '',
  'faults',
  'copy',
  'follow',
  'cli',
  'fleet',
  'compare',
  'api',
].map((room) => join('test', room))

const words = process.argv.slice(2)
const outcomes = [
  await check('types', ['tsc', '--noEmit']),
  await check('style', ['biome', 'check', '.']),
  ...(words.length > 0 ? [await tests(words)] : await allTests()),
]
// Servers that have stopped are in the list of processes until the system has taken note of it.
await Bun.sleep(farewellMs)
const passed = sum((outcome) => outcome.passed)
const failed = sum((outcome) => outcome.failed)
const failures = outcomes.flatMap((outcome) => outcome.failures ?? [])
if (failures.length > 0) process.stdout.write(`\nFailed:\n\n${failures.join('\n\n')}\n`)
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exit(failed > 0 ? 1 : 0)

/** A program that says all in its exit code counts as one. */
async function check(name: string, command: string[]): Promise<Outcome> {
  say(`${name}: ${command.join(' ')}`)
  const child = Bun.spawn([process.execPath, 'run', '--silent', ...command], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const good = (await child.exited) === 0
  say(`${name}: ${good ? 'passed' : 'failed'}`)
  return good ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** Tests of one room share their servers. */
async function allTests(): Promise<Outcome[]> {
  const files = [...new Bun.Glob('test/**/*.test.ts').scanSync({ cwd: root })]
  const rooms = [...Map.groupBy(files, roomOf)].map(([room, members]) => ({
    room,
    members: members.sort().map((file) => `./${file}`),
    place: longest.includes(room) ? longest.indexOf(room) : longest.length,
    size: members.reduce((sum, file) => sum + statSync(join(root, file)).size, 0),
  }))
  rooms.sort((one, other) => one.place - other.place || other.size - one.size)
  const outcomes: Outcome[] = []
  const work = async () => {
    for (let next = rooms.shift(); next; next = rooms.shift()) {
      outcomes.push(await tests(next.members, next.room))
    }
  }
  await Promise.all(Array.from({ length: mostAtOnce }, work))
  return outcomes
}

function roomOf(file: string): string {
  const room = dirname(file)
  return together.includes(room) ? 'test' : room
}

/** What a room says comes in one piece when it is done, since another talks at the same time. */
async function tests(words: readonly string[], room?: string): Promise<Outcome> {
  const options = [`--timeout=${testTimeout}`, ...words]
  say(room ? `tests of ${room}` : `tests: bun test ${options.join(' ')}`)
  const coloured = process.stderr.isTTY && !process.env.NO_COLOR
  const began = performance.now()
  const child = Bun.spawn([process.execPath, 'test', ...options], {
    cwd: root,
    env: { ...process.env, ...(coloured && { FORCE_COLOR: '1' }) },
    stdio: ['ignore', room ? 'pipe' : 'inherit', 'pipe'],
  })
  let text = ''
  const hear = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      if (!room) process.stderr.write(chunk)
      text += decoder.decode(chunk, { stream: true })
    }
  }
  const heard = Promise.all([hear(child.stderr), ...(child.stdout ? [hear(child.stdout)] : [])])
  const code = await child.exited
  await Promise.race([heard, Bun.sleep(lastWordsMs)])
  if (room) {
    const seconds = Math.round((performance.now() - began) / 1000)
    process.stderr.write(`\n> tests of ${room}, ${seconds} s\n${text}`)
  }
  const report = stripVTControlCharacters(text)
  return { ...countsOf(report.slice(-8_000), code, child.signalCode), failures: failuresIn(report) }
}

/** What stands between one result and the next is what was said of the second; the end repeats the names. */
function failuresIn(report: string): string[] {
  const failures = new Map<string, string>()
  let said: string[] = []
  for (const line of report.split('\n')) {
    const [, name] = /^\(fail\) (.+?)(?: \[[\d.]+m?s\])?$/.exec(line) ?? []
    if (name && !failures.has(name)) {
      failures.set(name, [name, ...said.slice(-mostWords)].join('\n  '))
    }
    said = /^\((?:pass|fail|skip|todo)\) /.test(line) ? [] : [...said, line.slice(0, 300)]
  }
  return [...failures.values()]
}

function countsOf(report: string, code: number, signal: string | number | null): Outcome {
  const end = report.search(/^Ran \d+ tests? across /m)
  const counts = report.slice(0, end).slice(-400)
  const count = (word: string) =>
    end < 0 ? 0 : Number(new RegExp(`^ *(\\d+) ${word}$`, 'm').exec(counts)?.[1] ?? 0)
  const outcome = { passed: count('pass'), failed: count('fail') }
  if (end < 0 || signal) {
    say(`tests: bun test broke off (${signal ?? `exit code ${code}`}) before its counts; that is a failure`)
    return { ...outcome, failed: outcome.failed + 1 }
  }
  if (outcome.passed + outcome.failed === 0) {
    say('tests: no test ran; that is a failure')
    return { passed: 0, failed: 1 }
  }
  if (code !== 0 && outcome.failed === 0) {
    say(`tests: no test failed, but bun test ended with exit code ${code}; that is a failure`)
    return { ...outcome, failed: 1 }
  }
  return outcome
}

function sum(of: (outcome: Outcome) => number): number {
  return outcomes.reduce((total, outcome) => total + of(outcome), 0)
}

function say(line: string) {
  process.stderr.write(`\n> ${line}\n`)
}
