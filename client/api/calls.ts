// Every call to the server, typed by the API's own type.
import { treaty } from '@elysiajs/eden'
import type { App } from '../../server/api/app.ts'
import type { ApiError, Conn, MigrateBody, ProfileBody, RequestBody } from '../../shared/api.ts'
import type { OrphansBody, TableInfoBody, TableRowsBody } from '../../shared/browse-api.ts'
import type { CreateDatabaseBody } from '../../shared/create-database-api.ts'
import type { LogLevel } from '../../shared/event.ts'
import type { FleetAction } from '../../shared/fleet.ts'
import type { CleanupBody, ContinueBody, FollowBody } from '../../shared/follow-api.ts'
import type { PlanSqlBody, SampleBody } from '../../shared/plan-sql-api.ts'
import type { PreflightBody } from '../../shared/preflight.ts'
import type { RepairBody, RepairsBody } from '../../shared/repair-api.ts'
import type { PreviewBody, ScheduleBody } from '../../shared/schedule-api.ts'
import type { SwitchoverOptions } from '../../shared/switchover.ts'

/** The server's error; `unreachable` when it does not respond, `unexpected` when the response is not from pgtrek. */
export class CallFailed extends Error {
  constructor(
    readonly info: Omit<ApiError, 'error'> & { error: ApiError['error'] | 'unreachable' | 'unexpected' },
    readonly status = 0,
  ) {
    super(info.message)
  }
}

/** The actions on a followed database that need no parameters. */
export type SteerAction = 'pause' | 'resume' | 'retry' | 'stop'
/** Applies to the conflict that was shown, and to no other. */
export type Decision = 'skip' | 'apply-schema'

export interface LogQuery {
  after: number
  limit: number
  level?: LogLevel
  table?: string
}

// Dates stay strings, as in the schemas.
export const routes = treaty<App>(location.origin, {
  parseDate: false,
  fetch: { credentials: 'same-origin' },
}).api
const listed = 200

export const api = {
  named: () => answer(routes.named.get()),
  testConnection: (conn: Conn) => answer(routes['test-connection'].post({ conn })),
  createDatabase: (body: CreateDatabaseBody) => answer(routes['create-database'].post(body)),
  browse: (conn: Conn, signal: AbortSignal) => answer(routes.browse.post({ conn }, { fetch: { signal } })),
  tableInfo: (body: TableInfoBody, signal: AbortSignal) =>
    answer(routes['table-info'].post(body, { fetch: { signal } })),
  tableRows: (body: TableRowsBody, signal: AbortSignal) =>
    answer(routes['table-rows'].post(body, { fetch: { signal } })),
  orphans: (body: OrphansBody, signal: AbortSignal) =>
    answer(routes.orphans.post(body, { fetch: { signal } })),
  preflight: (body: PreflightBody, signal: AbortSignal) =>
    answer(routes.preflight.post(body, { fetch: { signal } })),
  plan: (request: RequestBody, signal: AbortSignal) =>
    answer(routes.plan.post(request, { query: { sql: false, objects: true }, fetch: { signal } })),
  planSql: (body: PlanSqlBody, signal?: AbortSignal) =>
    answer(routes.plan.sql.post(body, signal && { fetch: { signal } })),
  planSample: (body: SampleBody) => answer(routes.plan.sample.post(body)),
  migrate: (request: MigrateBody) => answer(routes.migrate.post(request)),
  cancel: () => answer(routes.migrate.cancel.post()),
  migrations: () => answer(routes.migrations.get({ query: { limit: listed, offset: 0 } })),
  migration: (id: string) => answer(routes.migrations({ id }).get()),
  repairs: (id: string, body: RepairsBody) => answer(routes.migrations({ id }).repairs.post(body)),
  repair: (id: string, body: RepairBody) => answer(routes.migrations({ id }).repair.post(body)),
  log: (id: string, query: LogQuery) => answer(routes.migrations({ id }).log.get({ query })),
  follows: () => answer(routes.follow.get()),
  follow: (request: FollowBody) => answer(routes.follow.post(request)),
  continueFollow: (body: ContinueBody) => answer(routes.follow.continue.post(body)),
  askServers: (body: ContinueBody) => answer(routes.follow.servers.post(body)),
  steer: (action: SteerAction, name: string) => answer(routes.follow[action].post({ name })),
  decide: (decision: Decision, conflict: { name: string; lsn: string }) =>
    answer(routes.follow[decision].post(conflict)),
  recopy: (name: string, tables: string[]) => answer(routes.follow.recopy.post({ name, tables })),
  switchover: (name: string, options: SwitchoverOptions) =>
    answer(routes.switchover.post({ name, ...options })),
  cleanUp: (body: CleanupBody) => answer(routes.follow.cleanup.post(body)),
  fleet: () => answer(routes.fleet.get()),
  fleetDatabase: (mapping: string, database: string) =>
    answer(
      routes
        .fleet({ mapping: encodeURIComponent(mapping) })({ database: encodeURIComponent(database) })
        .get(),
    ),
  fleetAct: (action: FleetAction) => answer(fleetCall(action)),
  profiles: () => answer(routes.profiles.get()),
  profile: (name: string) => answer(named(name).get()),
  saveProfile: (name: string, profile: ProfileBody) => answer(named(name).put(profile)),
  schedules: () => answer(routes.schedules.get()),
  schedule: (name: string) => answer(scheduled(name).get()),
  previewSchedule: (body: PreviewBody) => answer(routes.schedules.preview.post(body)),
  saveSchedule: (name: string, body: ScheduleBody) => answer(scheduled(name).put(body)),
  removeSchedule: (name: string) => answer(scheduled(name).delete()),
  enableSchedule: (name: string, enabled: boolean) =>
    answer(enabled ? scheduled(name).enable.post() : scheduled(name).disable.post()),
  runSchedule: (name: string) => answer(scheduled(name).run.post()),
  removeProfile: (name: string) => answer(named(name).delete()),
}

/** Eden does not encode path parameters. */
function named(name: string) {
  return routes.profiles({ name: encodeURIComponent(name) })
}

function scheduled(name: string) {
  return routes.schedules({ name: encodeURIComponent(name) })
}

function fleetCall(action: FleetAction) {
  if (action.type === 'switchover') {
    const { type, ...body } = action
    return routes.fleet[type].post(body)
  }
  if (action.type === 'complete') {
    const { type, ...body } = action
    return routes.fleet[type].post(body)
  }
  const { type, ...body } = action
  return routes.fleet[type].post(body)
}

interface Outcome {
  data: unknown
  error: { status: unknown; value: unknown } | null
}

/** Throws a CallFailed for every response other than success. */
export async function answer<Called extends Outcome>(
  call: Promise<Called>,
): Promise<NonNullable<Called['data']>> {
  const { data, error } = await call
  if (!error) {
    if (typeof data !== 'object' || data === null) throw new CallFailed(unexpected(String(data)))
    return data
  }
  const { status, value } = error
  // Without a response, this is what `fetch` threw.
  if (value instanceof Error) throw new CallFailed({ error: 'unreachable', message: value.message })
  throw new CallFailed(isApiError(value) ? value : unexpected(String(value)), Number(status))
}

function isApiError(value: unknown): value is ApiError {
  return typeof value === 'object' && value !== null && 'error' in value && 'message' in value
}

function unexpected(text: string) {
  return { error: 'unexpected' as const, message: text.slice(0, 200) }
}
