// PostgreSQL's regression database, which its own tests leave behind: it has nearly every kind of object.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { giveToServer, run, runAsServer } from '../servers/binaries.ts'
import type { Cluster } from '../servers/clusters.ts'
import { aptIn } from '../servers/debian.ts'
import { scratchDirectory } from '../servers/scratch.ts'

export const installed = '/usr/lib/postgresql/15'
const regress = join(installed, 'lib/pgxs/src/test/regress/pg_regress')

/** Runs the tests on this server of 15, and returns how many of them passed. The database is called `regression`. */
export async function buildRegressionDatabase(server: Cluster): Promise<string> {
  if (!existsSync(regress)) throw new Error(`${regress} is missing: apt-get install postgresql-15`)
  const place = join(scratchDirectory(), 'regression')
  mkdirSync(place)
  chmodSync(place, 0o755)
  const tests = fetchTests(place)
  const output = join(place, 'output')
  for (const path of [output, join(output, 'testtablespace')]) {
    mkdirSync(path)
    giveToServer(path)
  }
  const args = [
    `--bindir=${join(installed, 'bin')}`,
    `--dlpath=${tests}`,
    `--inputdir=${tests}`,
    `--outputdir=${output}`,
    `--schedule=${join(tests, 'parallel_schedule')}`,
    '--max-connections=4',
    ...['--host=127.0.0.1', `--port=${server.port}`, '--user=postgres', '--dbname=regression'],
  ]
  // Some tests fail, because of other settings or another minor release. Their objects are created nevertheless.
  const said = await runAsServer(regress, args).catch((error: Error) => error.message)
  const result = /(?:All )?\d+ (?:of \d+ )?tests (?:passed|failed)/.exec(said)?.[0]
  if (!result) throw new Error(`pg_regress: ${said.slice(-2000)}`)
  return result
}

/** The source package and the headers are unpacked, not installed; one C file is compiled. */
function fetchTests(place: string): string {
  const apt = aptIn(place, ['deb', 'deb-src'])
  getSource(apt)
  apt('download', 'postgresql-server-dev-15')
  const named = (end: string) => readdirSync(place).find((name) => name.endsWith(end)) ?? end
  const call = (program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: place, stdio: 'pipe' })
  call('tar', '-xf', named('.orig.tar.bz2'), '--strip-components=1', '--wildcards', '*/src/test/regress')
  call('dpkg-deb', '-x', named('.deb'), 'headers')
  const tests = join(place, 'src/test/regress')
  const headers = join(place, 'headers/usr/include/postgresql/15/server')
  call(
    'gcc',
    '-O1',
    '-fPIC',
    '-shared',
    `-I${headers}`,
    '-o',
    join(tests, 'regress.so'),
    join(tests, 'regress.c'),
  )
  for (const library of ['refint', 'autoinc']) {
    symlinkSync(join(installed, `lib/${library}.so`), join(tests, `${library}.so`))
  }
  call('chmod', '-R', 'a+rX', place)
  return tests
}

/** Debian keeps only the newest source packages for a while; the tests of an older minor release are sufficient. */
function getSource(apt: ReturnType<typeof aptIn>) {
  const args = ['source', '--download-only']
  try {
    apt(...args, 'postgresql-15')
  } catch {
    apt(...args, '--target-release=bookworm', 'postgresql-15')
  }
}

/** `pg_dump | psql`, as users do it without pgtrek. */
export async function copyByPsql(source: string, destination: string) {
  const dump = join(scratchDirectory(), 'regression.sql')
  await run(join(installed, 'bin/pg_dump'), ['--dbname', source, '--file', dump])
  await run(join(installed, 'bin/psql'), ['--no-psqlrc', '--quiet', '--dbname', destination, '--file', dump])
  rmSync(dump)
}

export async function copyRoles(source: Cluster, destination: Cluster) {
  const roles = join(scratchDirectory(), 'roles.sql')
  const connection = source.url('postgres')
  await run(join(installed, 'bin/pg_dumpall'), ['--roles-only', '--dbname', connection, '--file', roles])
  await run(join(installed, 'bin/psql'), [
    '--no-psqlrc',
    '--quiet',
    '--dbname',
    destination.url('postgres'),
    '--file',
    roles,
  ])
  rmSync(roles)
}
