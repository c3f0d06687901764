// Real PostgreSQL servers for the tests, the demo and the benchmark: started when first asked for, shared
// within the process, gone with it.
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Major, majors, nativeDirectory, runAsServer, serverUser } from './binaries.ts'
import { type Databases, databasesOf } from './databases.ts'
import { removeScratchDirectory, scratchDirectory } from './scratch.ts'

export type { Row, TestDatabase } from './databases.ts'
export { type Major, majors }

export type ClusterOptions = {
  /** Lines of postgresql.conf, on top of the defaults below. */
  settings?: Record<string, string>
  /** The whole pg_hba.conf; without it everybody is trusted. */
  hba?: string
  /** PEM texts; `ca` makes the server check client certificates. */
  ssl?: { cert: string; key: string; ca?: string }
  /** initdb's; `C` unless told. The encoding is UTF8. */
  locale?: string
  dataChecksums?: boolean
}

export type StopMode = 'smart' | 'fast' | 'immediate'

export type Cluster = Databases & {
  major: Major
  host: string
  port: number
  socketDir: string
  /** What the server has logged since it was first started. */
  log(): string
  /** Takes the server down and leaves its data, as for a reboot. */
  down(mode?: StopMode): Promise<void>
  up(): Promise<void>
  restart(mode?: StopMode): Promise<void>
  /** Stops the server for good and removes its files. */
  stop(): Promise<void>
}

// Nothing here has to survive a crash, so it need not wait for the disk.
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
  lc_messages: 'C',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

const trustEverybody = `
local all         all              trust
host  all         all 127.0.0.1/32 trust
local replication all              trust
host  replication all 127.0.0.1/32 trust
`

const shared = new Map<string, Promise<Cluster>>()
const running = new Set<Cluster>()
let started = 0

/** The cluster of this major with these options, shared by all tests of the process. */
export function cluster(major: Major, options: ClusterOptions = {}): Promise<Cluster> {
  const key = JSON.stringify([major, options])
  const known = shared.get(key)
  if (known) return known
  const starting = startCluster({ major, ...options }).then((made) => {
    const stop = made.stop
    made.stop = () => {
      shared.delete(key)
      return stop()
    }
    return made
  })
  shared.set(key, starting)
  starting.catch(() => shared.delete(key))
  return starting
}

/** A cluster of one's own. */
export async function startCluster(options: ClusterOptions & { major: Major }): Promise<Cluster> {
  const { major } = options
  const bin = join(nativeDirectory(major), 'bin')
  // Short, because a socket's path may have no more than 107 bytes.
  const directory = join(scratchDirectory(), `${major}-${++started}`)
  const data = join(directory, 'data')
  const socketDir = join(directory, 'socket')
  const log = join(directory, 'log')
  for (const path of [directory, socketDir]) makeDirectory(path)

  try {
    await initialize()
    const port = await bootOnFreePort()
    return register(port)
  } catch (error) {
    const said = readIfThere(log)
    rmSync(directory, { recursive: true, force: true })
    throw new Error(`PostgreSQL ${major} did not start: ${(error as Error).message}\n${said}`)
  }

  async function initialize() {
    const passwordFile = join(directory, 'password')
    writeForServer(passwordFile, 'postgres\n')
    await runAsServer(join(bin, 'initdb'), [
      ...['--pgdata', data, '--username', 'postgres', '--pwfile', passwordFile],
      // Makes the server keep passwords as SCRAM secrets also where that is not yet the default.
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', options.locale ?? 'C', '--no-sync'],
      ...(options.dataChecksums ? ['--data-checksums'] : []),
    ])
    writeForServer(join(data, 'pg_hba.conf'), options.hba ?? trustEverybody)
    const { ssl } = options
    for (const [name, text] of Object.entries(ssl ?? {})) writeForServer(join(data, `${name}.pem`), text)
    const settings: Record<string, string> = {
      ...defaults,
      // A setting of its own since 18; before, the number of slots is that of positions as well.
      ...(major >= 18 && { max_active_replication_origins: '100' }),
      ...(ssl && { ssl: 'on', ssl_cert_file: 'cert.pem', ssl_key_file: 'key.pem' }),
      ...(ssl?.ca && { ssl_ca_file: 'ca.pem' }),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: socketDir,
      ...options.settings,
    }
    const lines = Object.entries(settings).map(
      ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
    )
    writeForServer(join(data, 'postgresql.conf'), lines.join(''))
  }

  async function bootOnFreePort(): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      try {
        await up(port)
        return port
      } catch (error) {
        // Somebody else may have taken the port meanwhile.
        if (attempt === 5 || !readIfThere(log).includes('could not bind')) throw error
        rmSync(log, { force: true })
      }
    }
  }

  async function up(port: number) {
    await pgCtl('start', '--wait', '--timeout', '60', '--log', log, '--options', `-p ${port}`)
  }

  async function down(mode: StopMode) {
    await pgCtl('stop', '--wait', '--timeout', '60', '--mode', mode)
  }

  async function pgCtl(...args: string[]) {
    await runAsServer(join(bin, 'pg_ctl'), ['--pgdata', data, ...args])
  }

  function register(port: number): Cluster {
    let isUp = true
    const made: Cluster = {
      ...databasesOf({ host: '127.0.0.1', port }),
      major,
      host: '127.0.0.1',
      port,
      socketDir,
      log: () => readIfThere(log),
      async down(mode = 'fast') {
        await down(mode)
        isUp = false
      },
      async up() {
        await up(port)
        isUp = true
      },
      async restart(mode = 'fast') {
        await made.down(mode)
        await made.up()
      },
      async stop() {
        if (!running.delete(made)) return
        if (isUp) await down('immediate')
        rmSync(directory, { recursive: true, force: true })
      },
    }
    running.add(made)
    return made
  }
}

/** Stops every cluster of this process, the shared ones and the others, and leaves no files. */
export async function stopAllClusters() {
  await Promise.allSettled(shared.values())
  const results = await Promise.allSettled([...running].map((one) => one.stop()))
  removeScratchDirectory()
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const probe = createServer()
  probe.once('error', reject)
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address()
    probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
  })
  return promise
}

function makeDirectory(path: string) {
  mkdirSync(path, { mode: 0o755 })
  giveToServer(path)
}

function writeForServer(path: string, text: string) {
  writeFileSync(path, text, { mode: 0o600 })
  giveToServer(path)
}

function giveToServer(path: string) {
  if (serverUser) chownSync(path, serverUser.uid, serverUser.gid)
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
