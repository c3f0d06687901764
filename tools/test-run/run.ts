// Runs test files with `bun test`; failed files are run once more, alone.
import { join } from 'node:path'
import { type FileReport, readReport } from './report.ts'

export interface RunOptions {
  root: string
  /** For the files that `bun test` writes. */
  directory: string
  options: string[]
  environment: Record<string, string>
  /** The output of `bun test`. */
  output?: 'inherit' | 'ignore'
}

export interface Verdict {
  /** From the first run of each file. */
  reports: FileReport[]
  passed: number
  skipped: number
  /** Messages of failed tests, each with its file. */
  failures: string[]
  /** Tests that failed in the first run, in files that passed in the second. */
  flaky: string[]
}

/** Only a run that hangs takes this long. */
const longestRunMs = 90 * 60_000
/** The number of lines of a failed test that are repeated. */
const mostLines = 30

/** A test that fails only once does not fail the run, but it is named: it is a bug. */
export async function runTwice(
  files: string[],
  run: (files: string[]) => Promise<FileReport[]>,
): Promise<Verdict> {
  const verdict: Verdict = { reports: await run(files), passed: 0, skipped: 0, failures: [], flaky: [] }
  for (const first of verdict.reports) {
    const [last = first] = first.failed.length > 0 ? await run([first.file]) : []
    verdict.passed += last.passed
    verdict.skipped += last.skipped
    verdict.failures.push(
      ...last.failed.map(({ test, message }) => {
        const lines = message.trim().split('\n').slice(0, mostLines)
        return [`${last.file}: ${test}`, ...lines].join('\n  ')
      }),
    )
    if (last.failed.length > 0) continue
    verdict.flaky.push(...first.failed.map(({ test }) => `flaky: ${first.file}: ${test}`))
  }
  return verdict
}

/** A report for each file, also for files that did not run. */
export async function runFiles(
  files: string[],
  { root, directory, options, environment, output = 'inherit' }: RunOptions,
): Promise<FileReport[]> {
  const outfile = join(directory, `report-${crypto.randomUUID()}.xml`)
  const child = Bun.spawn(
    [
      ...[process.execPath, 'test', '--reporter=junit', `--reporter-outfile=${outfile}`, ...options],
      ...files.map((file) => `./${file}`),
    ],
    {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', output, output],
      timeout: longestRunMs,
    },
  )
  const code = await child.exited
  const ended = `bun test ended with ${child.signalCode ?? `exit code ${code}`}`
  const reports = await readReport(outfile)
  const hasFailure = reports.some(({ failed }) => failed.length > 0)
  return files.map((file) => {
    const report = reports.find((one) => one.file === file) ?? none(file)
    if (report.passed + report.skipped + report.failed.length === 0) {
      report.failed.push({ test: '(no test)', message: `no test of this file has run; ${ended}` })
    } else if (code !== 0 && !hasFailure) {
      report.failed.push({ test: '(all tests)', message: `${ended}, though no test failed` })
    }
    return report
  })
}

function none(file: string): FileReport {
  return { file, seconds: 0, passed: 0, skipped: 0, failed: [] }
}
