// Everything that has to hold. Without words: the types, the style, then all tests. Words are test files, or
// parts of their names: these alone run, without types and style. `--long` runs all cases of each test.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { majors, runVariable, stopServersIn } from '../test/support/clusters.ts'
import { freshPage } from '../test/support/fresh-page.ts'
import { longVariable } from '../test/support/long.ts'
import { removeScratchDirectory, scratchDirectory } from '../test/support/scratch.ts'
import { templateOf } from '../test/support/template.ts'
import { endProcesses } from './test/processes.ts'
import { type Failure, type FileReport, readReport } from './test/report.ts'

const root = join(import.meta.dir, '..')
/** Only a test that hangs runs into it: whatever a test waits for has a shorter deadline. */
const testTimeoutMs = 120_000
const runTimeoutMs = 60 * 60_000
/** Many tests wait for servers: one file more at a time than there are cores. */
const filesAtOnce = Math.min(4, availableParallelism() + 1)
/** Of what a failed test says, the end repeats so many lines. */
const mostLines = 30
const slowestShown = 10
/** How long each file takes, so that the longest begin: as the project knows it, and as this machine does. */
const knownTimings = join(root, 'test/timings.json')
const timings = join(root, 'node_modules/.cache/pgtrek/timings.json')

const words = process.argv.slice(2).filter((word) => word !== '--long')
const isLong = process.argv.includes('--long')
const directory = scratchDirectory()
const failures: string[] = []
const flaky: string[] = []
let passed = 0

try {
  if (words.length === 0) {
    await Promise.all([check('types', 'tsc', '--noEmit'), check('style', 'biome', 'check', '.')])
  }
  const files = filesNamed(words)
  if (files.length === 0) failures.push(`no test file has a name like ${words.join(' ')}`)
  else await runAll(files)
} finally {
  await stopServersIn(directory)
  const left = await endProcesses(runVariable, directory)
  failures.push(...left.map((command) => `left running: ${command}`))
  removeScratchDirectory()
}
if (failures.length > 0) say(`\nFailed:\n\n${failures.join('\n\n')}`)
if (flaky.length > 0) say(`\nFailed, and passed when run again alone; each is a bug:\n\n${flaky.join('\n')}`)
say(`\n${passed} passed, ${failures.length} failed`)
process.exit(failures.length > 0 ? 1 : 0)

/** A program that says all in its exit code counts as one. */
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
  // What several files need is there before they run at the same time.
  if (files.some((file) => /browser|compiled/.test(file))) await freshPage()
  if (files.length > 1) for (const major of majors) await templateOf(major)
  mkdirSync(dirname(timings), { recursive: true })
  if (!existsSync(timings) && existsSync(knownTimings)) copyFileSync(knownTimings, timings)

  const reports = await runFiles(
    files,
    `--parallel=${filesAtOnce}`,
    `--timings=${timings}`,
    '--update-timings',
  )
  for (const report of reports.filter(({ failed }) => failed.length === 0)) passed += report.passed
  for (const first of reports.filter(({ failed }) => failed.length > 0)) {
    say(`\n${first.file} failed and is run once more, alone`)
    const [again] = await runFiles([first.file])
    passed += again?.passed ?? 0
    if (again && again.failed.length > 0) failures.push(...again.failed.map((one) => retold(again.file, one)))
    else flaky.push(...first.failed.map(({ test }) => `flaky: ${first.file}: ${test}`))
  }
  if (files.length > 1) showSlowest(reports)
}

function retold(file: string, { test, message }: Failure): string {
  return [`${file}: ${test}`, ...message.trim().split('\n').slice(0, mostLines)].join('\n  ')
}

/** One report for each file, also for those that have never run. */
async function runFiles(files: string[], ...options: string[]): Promise<FileReport[]> {
  const outfile = join(directory, `report-${crypto.randomUUID()}.xml`)
  const child = Bun.spawn(
    [
      ...[process.execPath, 'test', `--timeout=${testTimeoutMs}`],
      ...['--reporter=junit', `--reporter-outfile=${outfile}`, ...options],
      ...files.map((file) => `./${file}`),
    ],
    {
      cwd: root,
      env: { ...process.env, [runVariable]: directory, ...(isLong && { [longVariable]: '1' }) },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: runTimeoutMs,
    },
  )
  const code = await child.exited
  const reports = await readReport(outfile)
  const ended = child.signalCode ?? `exit code ${code}`
  if (code !== 0 && reports.every(({ failed }) => failed.length === 0)) {
    failures.push(`bun test ended with ${ended}, though it reports no failure`)
  }
  return files.map(
    (file) =>
      reports.find((report) => report.file === file) ?? {
        file,
        seconds: 0,
        passed: 0,
        failed: [{ test: '(all)', message: `no test of this file has run; bun test ended with ${ended}` }],
      },
  )
}

function showSlowest(reports: FileReport[]) {
  const slowest = reports.toSorted((one, other) => other.seconds - one.seconds).slice(0, slowestShown)
  say('\nSlowest files:')
  for (const { file, seconds } of slowest) say(`${seconds.toFixed(1).padStart(7)} s  ${file}`)
}

function say(line: string) {
  process.stdout.write(`${line}\n`)
}
