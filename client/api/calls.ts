// Every call to the server, typed by the schemas of shared/.
import type {
  ApiError,
  Browse,
  Conn,
  ConnectionTest,
  JobProgress,
  LogPage,
  MigrateBody,
  PastMigration,
  PastMigrationDetails,
  PlanAnswer,
  Profile,
  ProfileBody,
  RequestBody,
  TableInfo,
} from '../../shared/api.ts'
import type { LogLevel } from '../../shared/event.ts'

/** What the server said was wrong; or that there is none (`unreachable`) or something else (`unexpected`). */
export class CallFailed extends Error {
  constructor(
    readonly info: Omit<ApiError, 'error'> & { error: ApiError['error'] | 'unreachable' | 'unexpected' },
    readonly status = 0,
  ) {
    super(info.message)
  }
}

export interface LogQuery {
  after?: number
  limit?: number
  level?: LogLevel
  table?: string
}

export const api = {
  testConnection: (conn: Conn, signal?: AbortSignal) =>
    call<ConnectionTest>('POST', '/api/test-connection', { conn }, signal),
  browse: (conn: Conn, signal?: AbortSignal) => call<Browse>('POST', '/api/browse', { conn }, signal),
  tableInfo: (body: { conn: Conn; schema: string; table: string; sample?: number }, signal?: AbortSignal) =>
    call<TableInfo>('POST', '/api/table-info', body, signal),
  plan: (request: RequestBody, signal?: AbortSignal) =>
    call<PlanAnswer>('POST', '/api/plan', request, signal),
  migrate: (request: MigrateBody) => call<{ ok: true; id: string }>('POST', '/api/migrate', request),
  cancel: () => call<{ ok: boolean }>('POST', '/api/migrate/cancel', {}),
  status: (signal?: AbortSignal) => call<JobProgress>('GET', '/api/migrate/status', undefined, signal),
  migrations: (signal?: AbortSignal) => call<PastMigration[]>('GET', '/api/migrations', undefined, signal),
  migration: (id: string) => call<PastMigrationDetails>('GET', `/api/migrations/${encodeURIComponent(id)}`),
  log: (id: string, query: LogQuery = {}, signal?: AbortSignal) =>
    call<LogPage>('GET', `/api/migrations/${encodeURIComponent(id)}/log${search(query)}`, undefined, signal),
  profiles: () => call<Profile[]>('GET', '/api/profiles'),
  profile: (name: string) => call<Profile>('GET', `/api/profiles/${encodeURIComponent(name)}`),
  saveProfile: (name: string, profile: ProfileBody) =>
    call<Profile>('PUT', `/api/profiles/${encodeURIComponent(name)}`, profile),
  removeProfile: (name: string) => call<unknown>('DELETE', `/api/profiles/${encodeURIComponent(name)}`),
}

async function call<Answer>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  let response: Response
  let text: string
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    })
    text = await response.text()
  } catch (error) {
    if (signal?.aborted) throw error
    throw new CallFailed({
      error: 'unreachable',
      message: error instanceof Error ? error.message : String(error),
    })
  }
  const answer = parsed(text)
  if (response.ok && (answer !== undefined || text === '')) return answer as Answer
  throw new CallFailed(
    errorIn(answer) ?? { error: 'unexpected', message: text.slice(0, 200) },
    response.status,
  )
}

function errorIn(answer: unknown): ApiError | undefined {
  const isError = typeof answer === 'object' && answer !== null && 'error' in answer && 'message' in answer
  return isError ? (answer as ApiError) : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: something between us and the server answered, and the caller says so.
    return undefined
  }
}

function search(query: LogQuery): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return pairs.length > 0
    ? `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`
    : ''
}
