// `/api/table-rows` and `/api/orphans`: what a condition selects on the source. A condition is SQL of the user: it runs
// in read-only transactions with a time limit, and is cancelled when the client has disconnected.
import { Elysia } from 'elysia'
import type { Conn } from '../../shared/api.ts'
import { Orphans, OrphansBody, TableRows, TableRowsBody } from '../../shared/browse-api.ts'
import { readOrphans } from '../catalog/left-out-rows.ts'
import { readTableRows } from '../catalog/table-rows.ts'
import { Session } from '../postgres/session.ts'
import { readOnlySettings } from './connection.ts'
import { ApiFailure } from './errors.ts'
import { failures } from './responses.ts'
import { resolveConn, type Services } from './services.ts'

const tags = ['databases']
const usualSeconds = 5

export function tableRowsRoutes(services: Services) {
  const open = async (conn: Conn, signal: AbortSignal) => {
    const { settings } = await resolveConn(conn, services)
    const session = await Session.open(settings, { until: signal })
    await session.execute(readOnlySettings(services))
    return session
  }
  return new Elysia()
    .post(
      '/api/table-rows',
      async ({ body, request, server }) => {
        server?.timeout(request, 0)
        const { conn, schema, table, where, sample = 0, countSeconds = usualSeconds } = body
        await using session = await open(conn, request.signal)
        const found = await readTableRows(session, { schema, table, where, sample, countSeconds })
        return found ?? noTable(schema, table)
      },
      {
        body: TableRowsBody,
        response: { 200: TableRows, ...failures },
        detail: { summary: 'The number of rows that meet a condition, and a sample of them', tags },
      },
    )
    .post(
      '/api/orphans',
      async ({ body, request, server }) => {
        server?.timeout(request, 0)
        const { conn, schema, table, kept = [], countSeconds = usualSeconds } = body
        await using session = await open(conn, request.signal)
        const found = await readOrphans(session, { schema, table, kept, countSeconds })
        return found ?? noTable(schema, table)
      },
      {
        body: OrphansBody,
        response: { 200: Orphans, ...failures },
        detail: {
          summary:
            'For each foreign key of a table: how many rows that are kept reference rows that are left out',
          tags,
        },
      },
    )
}

function noTable(schema: string, table: string): never {
  throw new ApiFailure('not_found', `table "${schema}"."${table}" does not exist`, '/table')
}
