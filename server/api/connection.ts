// `/api/test-connection`, `/api/browse` and `/api/table-info`: read from a database in one short session each.

import { Elysia } from 'elysia'
import { type Conn, ConnectionTest, NamedEnds } from '../../shared/api.ts'
import { Browse, ConnectionBody, TableInfo, TableInfoBody } from '../../shared/browse-api.ts'
import { say } from '../../shared/say.ts'
import { browse } from '../catalog/browse.ts'
import { readTableInfo } from '../catalog/table-info.ts'
import { Session } from '../postgres/session.ts'
import { ApiFailure } from './errors.ts'
import { failures } from './responses.ts'
import { resolveConn, type Services } from './services.ts'

const tags = ['databases']
/** An exclusive lock on a table must not block the page. */
const defaultLockTimeoutMs = 2_000

export function connectionRoutes(services: Services) {
  const open = async (conn: Conn, signal: AbortSignal) => {
    const { settings } = await resolveConn(conn, services)
    return await Session.open(settings, { signal })
  }
  return new Elysia()
    .get('/api/named', () => services.named, {
      response: { 200: NamedEnds, ...failures },
      detail: { summary: 'The connections given when pgtrek was started, without passwords', tags },
    })
    .post(
      '/api/test-connection',
      async ({ body, request }) => {
        await using session = await open(body.conn, request.signal)
        return await testConnection(session)
      },
      {
        body: ConnectionBody,
        response: { 200: ConnectionTest, ...failures },
        detail: {
          summary:
            'Test a connection: returns the server version and settings, or the reason for the failure',
          tags,
        },
      },
    )
    .post(
      '/api/browse',
      async ({ body, request, server }) => {
        server?.timeout(request, 0)
        await using session = await open(body.conn, request.signal)
        await readOnly(session, services, request.signal)
        const { database, version, size_bytes } = await describeDatabase(session)
        return { database, version, size_bytes, ...(await browse(session)) }
      },
      {
        body: ConnectionBody,
        response: { 200: Browse, ...failures },
        detail: { summary: 'Schemas with their tables, views, functions, ... and what each needs', tags },
      },
    )
    .post(
      '/api/table-info',
      async ({ body: { conn, schema, table, sample = 0, countSeconds = 5 }, request, server }) => {
        server?.timeout(request, 0)
        await using session = await open(conn, request.signal)
        await readOnly(session, services, request.signal)
        const info = await readTableInfo(session, { schema, table, sample, countSeconds })
        if (!info)
          throw new ApiFailure('not_found', say`table "${schema}"."${table}" does not exist`, '/table')
        return info
      },
      {
        body: TableInfoBody,
        response: { 200: TableInfo, ...failures },
        detail: {
          summary: 'Columns, keys, indexes, triggers, the exact number of rows, and sample rows on request',
          tags,
        },
      },
    )
}

/** Reads one snapshot, writes nothing, and stops when the client has disconnected. */
async function readOnly(session: Session, services: Services, signal: AbortSignal) {
  signal.addEventListener('abort', () => session.destroy(), { once: true })
  await session.execute(readOnlySettings(services))
}

export function readOnlySettings({ lockTimeoutMs = defaultLockTimeoutMs }: Services): string {
  return `
    set lock_timeout = ${lockTimeoutMs};
    set search_path = '';
    set default_transaction_read_only = on`
}

async function testConnection(session: Session): Promise<ConnectionTest> {
  const started = performance.now()
  await session.query('select')
  const latency = performance.now() - started
  const facts = await describeDatabase(session)
  return {
    ok: true,
    major: session.major,
    latency_ms: Math.round(latency * 100) / 100,
    ...facts,
    tls: session.tlsVersion ?? null,
  }
}

async function describeDatabase(session: Session) {
  const facts = await session.one<Omit<ConnectionTest, 'ok' | 'version' | 'major' | 'latency_ms' | 'tls'>>(`
    select current_database()                                        as database,
           current_user                                              as "user",
           coalesce((select rolsuper from pg_catalog.pg_roles where rolname = current_user), false) as superuser,
           pg_catalog.pg_encoding_to_char(encoding)                  as encoding,
           case when pg_catalog.has_database_privilege(oid, 'connect')
                then pg_catalog.pg_database_size(oid)::float8 end    as size_bytes
      from pg_catalog.pg_database
     where datname = current_database()`)
  // `15.4 (Debian 15.4-1)`: only the number is shown.
  const version = (session.tap.parameters.get('server_version') ?? '').split(' ')[0] ?? ''
  return { ...facts, version }
}
