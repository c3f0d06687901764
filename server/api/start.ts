// The server: its stores, its guard, its routes, and its socket.

import type { AnyElysia } from 'elysia'
import type { NamedEnds } from '../../shared/api.ts'
import type { FleetController } from '../../shared/fleet.ts'
import type { FollowController } from '../../shared/follow-action.ts'
import { messageOf } from '../../shared/message-of.ts'
import { UsageError } from '../postgres/errors.ts'
import type { Owner } from '../postgres/owner.ts'
import { FollowStore } from '../store/follows.ts'
import { History } from '../store/history.ts'
import { RunLog } from '../store/log.ts'
import { Profiles } from '../store/profiles.ts'
import { RunStore } from '../store/runs.ts'
import { ScheduleStore } from '../store/schedules.ts'
import { sealIn } from '../store/seal.ts'
import { tell } from '../system/output.ts'
import { createApp } from './app.ts'
import { Comparisons } from './comparisons.ts'
import { Fleet } from './fleets.ts'
import { Follows } from './follows.ts'
import { createGuard } from './guard.ts'
import { Jobs } from './jobs.ts'
import { pageRoutes } from './page/page.ts'
import { schedulerOf } from './schedule-runner.ts'
import type { Services } from './services.ts'

export interface ServerOptions {
  host: string
  /** 0: any free port. */
  port: number
  token?: string | undefined
  names: readonly string[]
  allowCommands: boolean
  logDirectory: string
  stateDirectory: string
  /** Passwords of profiles are stored in the operating system's keychain if there is one. */
  keychain?: boolean
  /** The user whose passwords may be used, and for which servers (default: none). */
  owner?: Owner
  /** Connections that were given at the start, as defaults of the page. */
  named?: NamedEnds
  /** The move of this process: the page and the API show and control it. */
  follow?: FollowController | undefined
  /** The fleet of this process. */
  fleet?: FleetController | undefined
  /** The least time between two messages about a job while its state does not change (default: 500). */
  betweenMessagesMs?: number
  /** Schedules run in this process (default: false). */
  runsSchedules?: boolean
  /** How long browsing waits for a table that is locked exclusively (default: 2000). */
  lockTimeoutMs?: number
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  isBusy(): boolean
  /** A URL with which one browser can log in once without the token. */
  ticketUrl(): string
  /** Cancels what runs, waits for it, and closes the server. */
  close(): Promise<void>
}

/** body.ts enforces the real limits with a message; this one is for bodies that exceed their declared length. */
const hardBodyLimit = 64 * 1024 * 1024
/** Seconds; routes that take longer override it. */
const idleTimeout = 30
const none: ReadonlySet<string> = new Set()

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const {
    host,
    port,
    token,
    names,
    allowCommands,
    logDirectory,
    stateDirectory,
    keychain = true,
    follow,
    owner = { servers: [], allowCleartext: false },
    lockTimeoutMs,
    runsSchedules = false,
    named = { source: null, destination: null },
  } = options
  // The process that follows has the same directory open and reports its problems.
  const store = new RunStore(stateDirectory, follow && { report: () => {} })
  try {
    const { database } = store
    const history = new History(database)
    const log = new RunLog(database)
    const jobs = new Jobs(() => ({ store, history, log, logDirectory }), options.betweenMessagesMs)
    const comparisons = new Comparisons()
    const seal = sealIn(stateDirectory, { keychain })
    const profiles = new Profiles(database, seal)
    const schedules = new ScheduleStore(database)
    const scheduler = schedulerOf(
      { store, profiles, jobs, owner, allowCommands, schedules, seal },
      (level, message) => tell(`${level}: ${message}`),
    )
    const fleet = options.fleet && new Fleet(options.fleet)
    const follows = new Follows(new FollowStore(database), jobs, {
      external: follow,
      elsewhere: () => fleet?.followNames() ?? none,
    })
    history.settle()
    const services: Services = {
      ...{ store, history, log, profiles, jobs, comparisons, follows, fleet },
      ...{ seal, schedules, scheduler },
      ...{ allowCommands, lockTimeoutMs, owner, named },
    }
    const guard = createGuard({ host, names, token })
    const app = createApp(services, guard).use(await pageRoutes())
    const server = listen(app, host, port)
    if (runsSchedules) scheduler.start()
    const close = async () => {
      await scheduler.close()
      await Promise.all([jobs.close(), comparisons.close(), follows.close()])
      fleet?.watches.close()
      await server.stop(true)
      store[Symbol.dispose]()
    }
    const url = `http://${shownHost(host)}:${server.port}/`
    return {
      port: server.port ?? port,
      url,
      ticketUrl: () => (token === undefined ? url : `${url}login?ticket=${guard.issueTicket()}`),
      isBusy: () =>
        jobs.isBusy || comparisons.isBusy || scheduler.isBusy || follows.isBusy || fleet !== undefined,
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    store[Symbol.dispose]()
    throw error
  }
}

function listen(app: AnyElysia, host: string, port: number): Bun.Server<unknown> {
  const hostname = host.replace(/^\[(.*)\]$/, '$1')
  try {
    // Two servers on one port would each get half of the requests.
    app.listen({
      port,
      hostname,
      reusePort: false,
      idleTimeout,
      development: false,
      maxRequestBodySize: hardBodyLimit,
    })
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EADDRINUSE') {
      throw new UsageError(
        `port ${port} is in use by another program: stop it, or choose another port with --port`,
      )
    }
    throw new UsageError(`cannot listen on ${host}:${port}: ${messageOf(error)}`)
  }
  if (!app.server) throw new Error('the server did not start')
  return app.server
}

/** A host name for the URL; an address for all networks is shown as this machine's. */
function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '[::]') return 'localhost'
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
