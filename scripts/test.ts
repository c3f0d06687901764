// Everything that has to hold, in one run: the types, the style, then all tests. Words given on the command
// line go to `bun test`, as the name of one file.
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

type Outcome = { passed: number; failed: number }

const root = join(import.meta.dir, '..')
const testTimeout = 120_000
/** How long the output may stay open after the end: a test's own child can hold on to it. */
const lastWordsMs = 2_000

const outcomes = [
  await check('types', ['tsc', '--noEmit']),
  await check('style', ['biome', 'check', '.']),
  await tests(process.argv.slice(2)),
]
const passed = sum((outcome) => outcome.passed)
const failed = sum((outcome) => outcome.failed)
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

async function tests(words: string[]): Promise<Outcome> {
  const options = [`--timeout=${testTimeout}`, ...words]
  say(`tests: bun test ${options.join(' ')}`)
  const coloured = process.stderr.isTTY && !process.env.NO_COLOR
  const child = Bun.spawn([process.execPath, 'test', ...options], {
    cwd: root,
    env: { ...process.env, ...(coloured && { FORCE_COLOR: '1' }) },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  // Bun reports on the standard error, and its counts come last.
  let tail = ''
  const heard = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stderr) {
      process.stderr.write(chunk)
      tail = (tail + decoder.decode(chunk, { stream: true })).slice(-4_000)
    }
  })()
  const code = await child.exited
  await Promise.race([heard, Bun.sleep(lastWordsMs)])
  return countsOf(stripVTControlCharacters(tail), code, child.signalCode)
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
