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
  /** For temporary files of the tool. */
  scratch: string
}

export interface Contender {
  name: string
  /** `data` copies only the rows of the workload's big table, into a table without indexes. */
  scope: 'whole' | 'data'
  copy(copy: Copy): Promise<Result>
}

export interface Result extends Cost {
  /** Only of pgtrek: time for the rows of the big table, and bytes of rows copied. */
  dataSeconds?: number
  copiedBytes?: number
}

/** In the order of the report; `jobs` is passed to each tool that has such an option. */
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

/** With the default compression, and without: between servers of one machine compression only costs time. */
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
