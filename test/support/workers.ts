// `pgtrek worker` as separate processes whose output can be read while they run.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotHappen, eventually, within } from '../../tools/eventually.ts'
import { program } from '../../tools/program.ts'
import type { TestDatabase } from '../../tools/servers/clusters.ts'

export interface WorkerProcess {
  child: Bun.Subprocess
  said(): string
}

export function startWorker(
  home: { directory: string },
  args: string[],
  environment: Record<string, string>,
  words: readonly string[] = program,
): WorkerProcess {
  const log = join(home.directory, `worker-${crypto.randomUUID()}.log`)
  const child = Bun.spawn([...words, 'worker', ...args], {
    cwd: home.directory,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: Bun.file(log),
    env: { ...process.env, ...environment },
  })
  return { child, said: () => readFileSync(log, 'utf8') }
}

/** As a service manager does it; returns its exit code. */
export async function endWorker({ child, said }: WorkerProcess): Promise<number> {
  child.kill('SIGTERM')
  return await within('the end of the worker', child.exited, undefined, said)
}

/** Waits until the worker reports this. */
export async function reports({ child, said }: WorkerProcess, words: string | RegExp): Promise<string> {
  return await eventually(
    `the worker to report ${words}`,
    () => {
      const log = said()
      if (!log.match(words) && child.exitCode !== null) throw new CannotHappen(`it has ended: ${log}`)
      return log
    },
    (log) => log.match(words) !== null,
  )
}

/** Waits until there are rows, but not for a run that is over. */
export async function appears(
  database: TestDatabase,
  query: string,
  parameters: unknown[],
  run: { child: Bun.Subprocess; finished: Promise<{ said: string }> },
): Promise<void> {
  await eventually(
    query,
    async () => {
      // The first run or worker creates the tables.
      const rows = await database.sql(query, parameters).catch(unlessMissing)
      if (rows.length === 0 && run.child.exitCode !== null) {
        throw new CannotHappen(`the run has ended: ${(await run.finished).said}`)
      }
      return rows
    },
    ({ length }) => length > 0,
  )
}

function unlessMissing(error: { code?: string }): [] {
  if (error.code === '42P01' || error.code === '3F000') return []
  throw error
}
