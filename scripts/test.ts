// Runs the types, the linter and all tests. With arguments, runs only the test files that contain these words in their
// names. `--long` runs all cases of each test.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { eventually } from '../tools/eventually.ts'
import { longVariable } from '../tools/long.ts'
import { programVariable } from '../tools/program.ts'
import { programsOf } from '../tools/servers/binaries.ts'
import { majors, runVariable, stopServersIn } from '../tools/servers/clusters.ts'
import { commandOf, kill, processesWith } from '../tools/servers/processes.ts'
import { removeScratchDirectory, scratchDirectory } from '../tools/servers/scratch.ts'
import { templateOf } from '../tools/servers/template.ts'
import { freshPage } from '../tools/test-run/fresh-page.ts'
import type { FileReport } from '../tools/test-run/report.ts'
import { runFiles, runTwice } from '../tools/test-run/run.ts'
import { compile } from './compile.ts'

const root = join(import.meta.dir, '..')
/** Many tests wait for servers, so one file more than there are cores runs at a time. */
const filesAtOnce = Math.min(4, availableParallelism() + 1)
/** Time for processes to end after a signal. */
const patienceMs = 10_000
const slowestShown = 10
/**
 * The duration of each file, so that the longest start first: from the repository, and as measured on this machine.
 */
const knownTimings = join(root, 'test/timings.json')
const timings = join(root, 'node_modules/.cache/pgtrek/timings.json')

const words = process.argv.slice(2).filter((word) => word !== '--long')
const isLong = process.argv.includes('--long')
const directory = scratchDirectory()
const failures: string[] = []
const flaky: string[] = []
let passed = 0
let skipped = 0

try {
  if (words.length === 0) {
    const types = ['.', 'client', 'test'].map((project) =>
      check(`types of ${project}`, 'tsc', '--noEmit', '--project', project),
    )
    await Promise.all([...types, check('style', 'biome', 'check', '.')])
  }
  const files = filesNamed(words)
  if (files.length === 0) failures.push(`no test file has a name like ${words.join(' ')}`)
  else await runAll(files)
} finally {
  await stopServersIn(directory)
  failures.push(...(await endProcesses()).map((command) => `left running: ${command}`))
  removeScratchDirectory()
}
if (failures.length > 0) say(`\nFailed:\n\n${failures.join('\n\n')}`)
if (flaky.length > 0) say(`\nFailed, and passed when run again alone; each is a bug:\n\n${flaky.join('\n')}`)
say(`\n${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(failures.length > 0 ? 1 : 0)

/** A program counts as one check by its exit code. */
async function check(name: string, ...command: string[]) {
  const child = Bun.spawn([process.execPath, 'run', '--silent', ...command], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if ((await child.exited) === 0) passed++
  else failures.push(name)
  say(`${name}: ${child.exitCode === 0 ? 'passed' : 'failed'}`)
}

function filesNamed(parts: string[]): string[] {
  const files = [...new Bun.Glob('test/**/*.test.ts').scanSync({ cwd: root })].sort()
  const wanted = parts.map((part) => part.replace(/^\.\//, ''))
  return wanted.length === 0 ? files : files.filter((file) => wanted.some((part) => file.includes(part)))
}

async function runAll(files: string[]) {
  // Built before files that need it run at the same time.
  if (files.some((file) => /browser|compiled/.test(file))) await freshPage()
  if (files.length > 1) for (const major of majors) await templateOf(programsOf(major))
  prepareTimings()

  const environment: Record<string, string> = { [runVariable]: directory }
  if (isLong) environment[longVariable] = '1'
  if (words.length === 0) {
    // Compiled, it starts in half the time, and it is what users have.
    environment[programVariable] = await compile({
      outfile: join(directory, 'pgtrek'),
      page: await freshPage(),
    })
  }
  const verdict = await runTwice(files, (some) => {
    if (some !== files) say(`\n${some.join(' ')} failed and is run once more, alone`)
    const parallel = [`--parallel=${filesAtOnce}`, `--timings=${timings}`, '--update-timings']
    const options = some.length > 1 ? parallel : []
    return runFiles(some, { root, directory, options, environment })
  })
  passed += verdict.passed
  skipped += verdict.skipped
  failures.push(...verdict.failures)
  flaky.push(...verdict.flaky)
  if (files.length > 1) showSlowest(verdict.reports)
}

/** A killed run may have left the file incomplete. */
function prepareTimings() {
  try {
    JSON.parse(readFileSync(timings, 'utf8'))
  } catch {
    mkdirSync(dirname(timings), { recursive: true })
    copyFileSync(knownTimings, timings)
  }
}

/** Ends processes that the run has started and that do not end themselves; returns their commands. */
async function endProcesses(): Promise<string[]> {
  const look = () => processesWith(`${runVariable}=${directory}`)
  const isOver = (pids: number[]) => pids.length === 0
  const left = await eventually('the end of all processes', look, isOver, { withinMs: patienceMs }).catch(
    look,
  )
  const commands = left.map(commandOf)
  for (const pid of left) kill(pid)
  await eventually('the end of killed processes', look, isOver)
  return commands
}

function showSlowest(reports: FileReport[]) {
  const slowest = reports.toSorted((one, other) => other.seconds - one.seconds).slice(0, slowestShown)
  say('\nSlowest files:')
  for (const { file, seconds } of slowest) say(`${seconds.toFixed(1).padStart(7)} s  ${file}`)
}

function say(line: string) {
  process.stdout.write(`${line}\n`)
}
