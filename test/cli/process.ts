// `pgtrek` as a process of its own, in a directory of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const main = join(import.meta.dir, '../../server/main.ts')

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

export function makeHome(): Home {
  const directory = mkdtempSync(join(tmpdir(), 'pgtrek-cli-'))
  const start: Home['start'] = (args, environment = {}) => {
    const child = Bun.spawn([process.execPath, main, ...args], {
      cwd: directory,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, ...environment },
    })
    const finished = (async () => {
      const [output, said] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ])
      return { code: await child.exited, output, said }
    })()
    return { child, finished }
  }
  return {
    directory,
    start,
    async talk(args, question, answer) {
      let screen = ''
      let isAnswered = false
      const decoder = new TextDecoder()
      const child = Bun.spawn([process.execPath, main, ...args], {
        cwd: directory,
        env: { ...process.env, TERM: 'xterm-256color' },
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
      const code = await child.exited
      child.terminal?.close()
      return { code, screen: stripVTControlCharacters(screen) }
    },
    run: (args, environment) => start(args, environment).finished,
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
