// Real PostgreSQL servers for tests, the demo and the benchmark. Servers from `cluster` are shared: in a run of all tests
// each worker process keeps them from file to file, and resets them in between.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Major, majors } from './binaries.ts'
import { type Databases, databasesOf, type TestDatabase } from './databases.ts'
import { unwatchServer, watchServer } from './leftovers.ts'
import { whenOver, whenServersAreDone } from './scope.ts'
import { removeScratchDirectory, scratchDirectory } from './scratch.ts'
import {
  findInDirectory,
  type ServerOptions,
  type ServerProcess,
  type StopMode,
  startInDirectory,
} from './server-process.ts'
import { ServerState } from './server-state.ts'

export type { Row } from './databases.ts'
export type { ServerOptions, StopMode, TestDatabase }
export { type Major, majors }

export type Cluster = Databases & {
  major: Major
  host: string
  port: number
  socketDir: string
  /** What the server has logged since this file or test started to use it. */
  log(): string
}

/** A server that is not shared: the test may stop it. */
export type OwnCluster = Cluster &
  AsyncDisposable & {
    /** Stops the server and keeps its data, as for a reboot. */
    down(mode?: StopMode): Promise<void>
    up(): Promise<void>
    restart(mode?: StopMode): Promise<void>
    /** Stops the server and removes its files. */
    stop(): Promise<void>
  }

/** The directory with the servers of a run of many files; set by the program that runs them. */
export const runVariable = 'TEST_RUN_OF_PGTREK'

const runDirectory = process.env[runVariable]
const shared = new Map<string, Promise<Cluster>>()
const running = new Set<OwnCluster>()
let started = 0

/** The server of this major version with these options, shared by all tests of the file. */
export function cluster(major: Major, options: ServerOptions = {}): Promise<Cluster> {
  const key = JSON.stringify([major, options])
  const known = shared.get(key)
  if (known) return known
  const isPlain = Object.keys(options).length === 0
  const starting = isPlain && runDirectory ? keptByWorker(major, runDirectory) : sharedByFile(major, options)
  shared.set(key, starting)
  starting.catch(() => shared.delete(key))
  return starting
}

/** A server for one test, or for one file when it is started outside of a test. It ends with that at the latest. */
export async function startCluster(options: ServerOptions & { major: Major }): Promise<OwnCluster> {
  const made = await start(options.major, options)
  whenOver(() => made.stop())
  return made
}

/** Stops every server that this process has started, and removes their files. */
export async function stopAllClusters() {
  const results = await Promise.allSettled([...running].map((one) => one.stop()))
  removeScratchDirectory()
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** Servers that the files of a run have shared. */
export async function stopServersIn(directory: string) {
  const places = readdirSync(directory).flatMap((name) => {
    const major = majors.find((one) => name.endsWith(`-${one}`))
    return major ? [{ major, place: join(directory, name) }] : []
  })
  await Promise.all(places.map(({ major, place }) => findInDirectory(major, place)?.remove()))
}

/** Servers with special settings are not kept for other files. */
async function sharedByFile(major: Major, options: ServerOptions): Promise<Cluster> {
  const made = await start(major, options, dropWhenOver)
  whenServersAreDone(() => made.stop())
  return made
}

/**
 * Each worker process of a run has its own servers, so that no two files use one at the same time: creating a slot
 * waits for all transactions of the server, and roles belong to the server.
 */
async function keptByWorker(major: Major, directory: string): Promise<Cluster> {
  const place = join(directory, `${process.env.BUN_TEST_WORKER_ID ?? '0'}-${major}`)
  const { server, state } = (await findClean(major, place)) ?? (await startNew(major, place))
  watchServer(state)
  whenServersAreDone(async () => {
    try {
      await state.reset()
    } catch (error) {
      // The next file gets a new one.
      await server.remove()
      throw error
    } finally {
      unwatchServer(state)
      await state.close()
    }
  })
  return clusterOf(major, server, dropWhenOver)
}

/** The server of an earlier file, unless that file was interrupted before it could reset the server. */
async function findClean(major: Major, place: string) {
  const server = findInDirectory(major, place)
  if (!server) return undefined
  const state = new ServerState(server.port)
  if (await state.isClean().catch(() => false)) return { server, state }
  await state.close()
  await server.remove()
  return undefined
}

async function startNew(major: Major, place: string) {
  rmSync(place, { recursive: true, force: true })
  const server = await startInDirectory(major, place)
  return { server, state: new ServerState(server.port) }
}

async function start(
  major: Major,
  options: ServerOptions,
  onCreate?: (database: TestDatabase) => void,
): Promise<OwnCluster> {
  const directory = join(scratchDirectory(), `${major}-${++started}`)
  const server = await startInDirectory(major, directory, options)
  const state = new ServerState(server.port, () => server.isUp)
  watchServer(state)
  const made: OwnCluster = {
    ...clusterOf(major, server, onCreate),
    down: (mode = 'fast') => server.down(mode),
    up: () => server.up(),
    async restart(mode = 'fast') {
      await server.down(mode)
      await server.up()
    },
    async stop() {
      if (!running.delete(made)) return
      unwatchServer(state)
      await server.remove()
    },
    [Symbol.asyncDispose]: () => made.stop(),
  }
  running.add(made)
  return made
}

function dropWhenOver(database: TestDatabase) {
  whenOver(() => database.drop())
}

function clusterOf(
  major: Major,
  server: ServerProcess,
  onCreate: (database: TestDatabase) => void = () => {},
): Cluster {
  return {
    ...databasesOf({ host: '127.0.0.1', port: server.port }, onCreate),
    major,
    host: '127.0.0.1',
    port: server.port,
    socketDir: server.socketDir,
    log: () => server.log(),
  }
}
