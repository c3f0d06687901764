// The programs that are measured, each as one call that copies a database into an empty one.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Summary } from '../../shared/summary.ts'
import { type Cost, runMetered } from './metered.ts'
import { clientDirectory, pgcopydb, versionOf } from './programs.ts'
import type { Workload } from './workloads.ts'

export interface Copy {
  source: string
  destination: string
  workload: Workload
  /** For what a tool wants to write on its way. */
  scratch: string
}

export interface Contender {
  name: string
  /** `data` copies the rows of the workload's big table into a bare one, nothing else. */
  scope: 'whole' | 'data'
  copy(copy: Copy): Promise<Result>
}

export interface Result extends Cost {
  /** Only pgtrek tells: time for the rows of the big table, and the bytes of rows that went through it. */
  dataSeconds?: number
  copiedBytes?: number
}

/** The comparison in its usual order; `jobs` is what every tool that can is told. */
export function otherTools(major: number, jobs: number, missing: (what: string) => void): Contender[] {
  const clients = clientDirectory(major)
  const contenders: Contender[] = []
  if (clients) contenders.push(psqlCopy(clients), ...dumpRestore(clients, jobs))
  else missing(`psql, pg_dump and pg_restore of PostgreSQL ${major} or later`)
  const copydb = pgcopydb()
  if (copydb && clients) contenders.push(pgcopydbClone(copydb, clients, jobs))
  else missing(`pgcopydb with client programs of PostgreSQL ${major} or later`)
  return contenders
}

export function pgtrekClone(name: string, command: string[], flags: string[]): Contender {
  return {
    name,
    scope: 'whole',
    copy: ({ source, destination, workload, scratch }) =>
      inDirectory(scratch, async (directory) => {
        const { output, ...cost } = await runMetered([
          ...command,
          ...['clone', '--source', source, '--dest', destination],
          ...['--json', '--quiet', '--no-progress'],
          ...['--log-dir', directory, '--state-dir', directory, ...flags],
        ])
        const { tables } = JSON.parse(output) as Summary
        const big = tables.find((table) => table.name === workload.bigTable)
        return {
          ...cost,
          ...(big && { dataSeconds: big.seconds }),
          copiedBytes: tables.reduce((sum, table) => sum + table.bytes, 0),
        }
      }),
  }
}

function psqlCopy(clients: string): Contender {
  const psql = join(clients, 'psql')
  return {
    name: 'psql | psql',
    scope: 'data',
    copy: ({ source, destination, workload }) =>
      runMetered([
        ...['sh', '-c', '"$0" -Xqc "copy $3 to stdout" "$1" | "$0" -Xqc "copy $3 from stdin" "$2"'],
        ...[psql, source, destination, workload.bigTable ?? ''],
      ]),
  }
}

/** As it is typed, which packs with gzip; and unpacked, since between servers of one machine that only costs. */
function dumpRestore(clients: string, jobs: number): Contender[] {
  const contender = (name: string, packing: string): Contender => ({
    name,
    scope: 'whole',
    copy: ({ source, destination, scratch }) =>
      inDirectory(scratch, (directory) => {
        const script = `"$0/pg_dump" -Fd ${packing} -j "$4" -f "$3" "$1" && "$0/pg_restore" -j "$4" -d "$2" "$3"`
        const dump = join(directory, 'dump')
        return runMetered(['sh', '-c', script, clients, source, destination, dump, String(jobs)])
      }),
  })
  return [contender('pg_dump, pg_restore', ''), contender('pg_dump -Z0, pg_restore', '-Z0')]
}

function pgcopydbClone(program: string, clients: string, jobs: number): Contender {
  return {
    name: `pgcopydb ${versionOf(program) ?? ''}`.trim(),
    scope: 'whole',
    copy: ({ source, destination, scratch }) =>
      inDirectory(scratch, (directory) =>
        runMetered(
          [
            ...[program, 'clone', '--source', source, '--target', destination],
            ...['--table-jobs', String(jobs), '--index-jobs', String(jobs)],
            ...['--dir', join(directory, 'work')],
          ],
          // It calls pg_dump and pg_restore, and reads its settings from the environment.
          { PATH: `${clients}:${process.env.PATH}` },
        ),
      ),
  }
}

async function inDirectory<R>(scratch: string, action: (directory: string) => Promise<R>): Promise<R> {
  const directory = mkdtempSync(join(scratch, 'bench-'))
  try {
    return await action(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
