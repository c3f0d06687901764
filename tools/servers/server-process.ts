// One PostgreSQL server in its own directory: created from a template, started on a free port, stopped.

import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { messageOf } from '../../shared/message-of.ts'
import { eventually } from '../eventually.ts'
import { giveToServer, type Major, type Programs, programsOf, runAsServer } from './binaries.ts'
import { debianPrograms } from './debian.ts'
import { isRunning } from './processes.ts'
import { makeDataDirectory, type TemplateOptions } from './template.ts'

export interface ServerOptions extends TemplateOptions {
  /** Lines of postgresql.conf, on top of the defaults below. */
  settings?: Record<string, string>
  /** The whole pg_hba.conf; by default every user is trusted. */
  hba?: string
  /** PEM texts; `ca` makes the server check client certificates. */
  ssl?: { cert: string; key: string; ca?: string }
  /** A free one by default. */
  port?: number
  /** Debian's newest minor release of 15 instead of npm's: see `isWithoutDebian`. */
  debian?: boolean
}

export type StopMode = 'smart' | 'fast' | 'immediate'

export interface ServerProcess {
  readonly port: number
  readonly socketDir: string
  isUp: boolean
  /** What the server has logged since this object was created. */
  log(): string
  down(mode: StopMode): Promise<void>
  up(): Promise<void>
  /** Stops it and removes its files. */
  remove(): Promise<void>
}

// Nothing has to survive a crash, so the server need not flush to the disk.
const defaults: Record<string, string> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'logical',
  max_connections: '100',
  max_prepared_transactions: '10',
  max_replication_slots: '100',
  max_wal_senders: '40',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  // Asynchronous commits are streamed when the log is flushed: soon.
  wal_writer_delay: '10ms',
  lc_messages: 'C',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

const lowestPort = 16_384
const portsEnd = 32_768

const trustEverybody = `
local all         all              trust
host  all         all 127.0.0.1/32 trust
local replication all              trust
host  replication all 127.0.0.1/32 trust
`

export async function startInDirectory(
  major: Major,
  directory: string,
  options: ServerOptions = {},
): Promise<ServerProcess> {
  const place = placeOf(directory)
  const programs = options.debian ? fromDebian() : programsOf(major)
  for (const path of [directory, place.socketDir]) {
    mkdirSync(path, { mode: 0o755 })
    giveToServer(path)
  }
  try {
    await makeDataDirectory(programs, place.data, options)
    configure(major, place, options)
    return processIn(programs, directory, await bootOnFreePort(programs, place, options.port))
  } catch (error) {
    const logged = readIfThere(place.log)
    rmSync(directory, { recursive: true, force: true })
    throw new Error(`PostgreSQL ${major} did not start: ${messageOf(error)}\n${logged}`)
  }
}

/** The server that runs in this directory, whichever process started it. */
export function findInDirectory(major: Major, directory: string): ServerProcess | undefined {
  const { pid, port } = postmasterIn(placeOf(directory))
  return port > 0 && isRunning(pid) ? processIn(programsOf(major), directory, port) : undefined
}

/** Zeros when no server was started there, or it was stopped. */
function postmasterIn({ data }: Place): { pid: number; port: number } {
  const lines = readIfThere(join(data, 'postmaster.pid')).split('\n')
  return { pid: Number(lines[0] ?? 0), port: Number(lines[3] ?? 0) }
}

function fromDebian(): Programs {
  const programs = debianPrograms()
  if (typeof programs === 'string') throw new Error(programs)
  return programs
}

interface Place {
  data: string
  /** Short, because the path of a socket is limited to 107 bytes. */
  socketDir: string
  log: string
}

function placeOf(directory: string): Place {
  return {
    data: join(directory, 'data'),
    socketDir: join(directory, 'socket'),
    log: join(directory, 'log'),
  }
}

function configure(major: Major, { data, socketDir }: Place, { settings, hba, ssl }: ServerOptions) {
  writeForServer(join(data, 'pg_hba.conf'), hba ?? trustEverybody)
  for (const [name, text] of Object.entries(ssl ?? {})) writeForServer(join(data, `${name}.pem`), text)
  const all: Record<string, string> = {
    ...defaults,
    // A separate setting since 18; before, the number of slots is that of positions too.
    ...(major >= 18 && { max_active_replication_origins: '100' }),
    ...(ssl && { ssl: 'on', ssl_cert_file: 'cert.pem', ssl_key_file: 'key.pem' }),
    ...(ssl?.ca && { ssl_ca_file: 'ca.pem' }),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: socketDir,
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
  writeForServer(join(data, 'postgresql.conf'), lines.join(''))
}

async function bootOnFreePort(programs: Programs, place: Place, chosen?: number): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = chosen ?? (await freePort())
    try {
      await boot(programs, place, port)
      return port
    } catch (error) {
      // Another process may have taken the port meanwhile.
      if (chosen !== undefined || attempt === 5 || !readIfThere(place.log).includes('could not bind'))
        throw error
      rmSync(place.log, { force: true })
    }
  }
}

function boot(programs: Programs, { data, log }: Place, port: number) {
  const options = ['--wait', '--timeout', '60', '--log', log, '--options', `-p ${port}`]
  return pgCtl(programs, data, 'start', ...options)
}

function pgCtl(programs: Programs, data: string, ...args: string[]) {
  return runAsServer(join(programs.bin, 'pg_ctl'), ['--pgdata', data, ...args])
}

function processIn(programs: Programs, directory: string, port: number): ServerProcess {
  const place = placeOf(directory)
  const loggedBefore = sizeIfThere(place.log)
  const server: ServerProcess = {
    port,
    socketDir: place.socketDir,
    isUp: true,
    log: () => readIfThere(place.log).slice(loggedBefore),
    async down(mode) {
      const { pid } = postmasterIn(place)
      await pgCtl(programs, place.data, 'stop', '--wait', '--timeout', '60', '--mode', mode)
      server.isUp = false
      // pg_ctl waits until a file is removed, which is a moment too early.
      await eventually('the end of the server', () => !isRunning(pid))
    },
    async up() {
      await boot(programs, place, port)
      server.isUp = true
    },
    async remove() {
      if (server.isUp) await server.down('immediate')
      rmSync(directory, { recursive: true, force: true })
    },
  }
  return server
}

/**
 * Below the ports that the system assigns to connections: while a server is down for a restart, no other program takes
 * its port.
 */
async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= 50; attempt++) {
    const port = lowestPort + Math.floor(Math.random() * (portsEnd - lowestPort))
    if (await isFree(port)) return port
  }
  throw new Error('no free port was found')
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = createServer()
  probe.once('error', () => resolve(false))
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  return promise
}

function writeForServer(path: string, text: string) {
  writeFileSync(path, text, { mode: 0o600 })
  giveToServer(path)
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function sizeIfThere(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
