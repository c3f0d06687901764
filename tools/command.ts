// Runs `pgtrek` as a process in a directory of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { within } from './eventually.ts'
import { program } from './program.ts'

/** Only a command that hangs takes this long. */
const longestRunMs = 100_000

export interface Ended {
  code: number
  output: string
  said: string
}

export interface Home extends Disposable {
  directory: string
  start(
    args: string[],
    environment?: Record<string, string>,
  ): { child: Bun.Subprocess; finished: Promise<Ended> }
  /** On a terminal; each answer is typed when its question has appeared. */
  talk(args: string[], question: string, answer: string): Promise<{ code: number; screen: string }>
  run(args: string[], environment?: Record<string, string>): Promise<Ended>
}

/** The environment without settings of pgtrek from the developer's shell. */
export function cleanEnvironment(more: Record<string, string> = {}): Record<string, string | undefined> {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('PGTREK_'))
  return { ...Object.fromEntries(others), ...more }
}

export function makeHome(words = program): Home {
  const directory = mkdtempSync(join(tmpdir(), 'pgtrek-cli-'))
  const start: Home['start'] = (args, environment = {}) => {
    const child = Bun.spawn([...words, ...args], {
      cwd: directory,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: cleanEnvironment(environment),
    })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, longestRunMs)
    const finished = (async () => {
      const [output, said] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ])
      const code = await child.exited
      clearTimeout(timer)
      if (!isLate) return { code, output, said }
      throw new Error(`pgtrek ${args.join(' ')} ran for ${longestRunMs / 1000} s: ${said}${output}`)
    })()
    // Not every caller awaits it.
    finished.catch(() => {})
    return { child, finished }
  }
  return {
    directory,
    start,
    async talk(args, question, answer) {
      let screen = ''
      let isAnswered = false
      const decoder = new TextDecoder()
      const child = Bun.spawn([...words, ...args], {
        cwd: directory,
        env: cleanEnvironment({ TERM: 'xterm-256color' }),
        terminal: {
          cols: 100,
          rows: 30,
          data(terminal, bytes) {
            screen += decoder.decode(bytes, { stream: true })
            if (isAnswered || !screen.includes(question)) return
            isAnswered = true
            terminal.write(answer)
          },
        },
      })
      const code = await within(`the end of pgtrek ${args[0]}`, child.exited, undefined, () => screen)
      child.terminal?.close()
      return { code, screen: stripVTControlCharacters(screen) }
    },
    run: (args, environment) => start(args, environment).finished,
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
