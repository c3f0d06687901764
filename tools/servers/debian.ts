// Debian's PostgreSQL 15, which has minor releases before npm does. An installed one is used when it is new enough;
// otherwise apt downloads the current package, which is unpacked beside the test servers: nothing is installed or
// changed on the machine. Apt's own files stay in that directory too.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Programs, versionIn } from './binaries.ts'

const installed = '/usr/lib/postgresql/15'
const cache = join(import.meta.dir, '../../node_modules/.cache/pgtrek/debian-15')
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** For each of a few calls of apt; without a network they fail much sooner. */
const longestMs = 60_000

/** From this minor release on the server stores `pg_attver` among the options of columns. */
const wanted = 20

let found: Programs | string | undefined

/** The programs, or the reason why there are none. */
export function debianPrograms(): Programs | string {
  found ??= usable(installed) ?? usable(unpacked()) ?? fetched()
  return found
}

/** For `test.skipIf`: prints the reason when it is true. */
export function isWithoutDebian(): boolean {
  const programs = debianPrograms()
  if (typeof programs === 'string')
    console.log(`skipped without Debian's PostgreSQL 15.${wanted}: ${programs}`)
  return typeof programs === 'string'
}

function unpacked(): string {
  return join(cache, 'usr/lib/postgresql/15')
}

function usable(directory: string): Programs | undefined {
  if (!existsSync(directory)) return undefined
  const version = versionIn(directory)
  return version && minorOf(version) >= wanted
    ? { bin: join(directory, 'bin'), version, distribution: 'debian-' }
    : undefined
}

function minorOf(version: string): number {
  return Number(version.split('.')[1] ?? 0)
}

function fetched(): Programs | string {
  if (!existsSync('/usr/bin/apt-get') || !existsSync(installed)) {
    return 'it is not installed here, nor are the libraries that it needs'
  }
  mkdirSync(join(cache, '..'), { recursive: true })
  const place = mkdtempSync(`${cache}.`)
  try {
    const apt = aptIn(place)
    apt('download', 'postgresql-15')
    const file = readdirSync(place).find((name) => name.endsWith('.deb'))
    if (!file) return 'apt-get download left no package'
    execFileSync('dpkg-deb', ['-x', file, 'root'], { cwd: place, stdio: 'pipe', timeout: longestMs })
    rmSync(cache, { recursive: true, force: true })
    renameSync(join(place, 'root'), cache)
    const programs = usable(unpacked())
    return programs ?? `${file} is older, or does not run from ${cache}`
  } catch (error) {
    return `apt-get: ${String((error as { stderr?: unknown }).stderr || error)
      .trim()
      .split('\n')
      .at(-1)}`
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** Apt with its own package lists and cache in this directory; lists of source packages too. */
export function aptIn(place: string, kinds: readonly string[] = ['deb']) {
  for (const path of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(place, path), { recursive: true })
  }
  const suites = ['debian bookworm', 'debian-security bookworm-security']
  const lines = suites.flatMap((suite) =>
    kinds.map((kind) => `${kind} [signed-by=${keyring}] http://deb.debian.org/${suite} main\n`),
  )
  writeFileSync(join(place, 'sources.list'), lines.join(''))
  const options = [
    `Dir::Etc::sourcelist=${join(place, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(place, 'lists')}`,
    `Dir::Cache=${join(place, 'cache')}`,
    'APT::Sandbox::User=root',
    'Acquire::http::Timeout=10',
    'Acquire::Retries=0',
  ]
  const apt = (...args: string[]) =>
    execFileSync('apt-get', [...options.flatMap((option) => ['-o', option]), '-qq', ...args], {
      cwd: place,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: longestMs,
    })
  apt('update', '--error-on=any')
  return apt
}
