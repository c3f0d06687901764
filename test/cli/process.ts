// `pgtrek` as a process of its own, in a directory of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

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
    run: (args, environment) => start(args, environment).finished,
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
