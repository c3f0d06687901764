// `/api/create-database`: the destination database that does not exist yet, like the source. The statement is shown
// first; only a statement that was shown is executed.
import { Elysia } from 'elysia'
import { CreateDatabaseAnswer, CreateDatabaseBody } from '../../shared/create-database-api.ts'
import { PlanRefused } from '../postgres/errors.ts'
import { createDatabase } from '../preflight/create-database.ts'
import { ApiFailure } from './errors.ts'
import { failures } from './responses.ts'
import { resolveConn, type Services } from './services.ts'

export function createDatabaseRoutes(services: Services) {
  return new Elysia().post(
    '/api/create-database',
    async ({ body: { conn, like, confirmed }, request, server }) => {
      // Copying a template can take longer than the idle timeout.
      server?.timeout(request, 0)
      const [end, source] = await Promise.all([resolveConn(conn, services), resolveConn(like, services)])
      try {
        const ends = { destination: end.settings, like: source.settings }
        return await createDatabase({ ...ends, confirmed, signal: request.signal })
      } catch (error) {
        if (error instanceof PlanRefused) throw new ApiFailure('not_now', error.message)
        throw error
      }
    },
    {
      body: CreateDatabaseBody,
      response: { 200: CreateDatabaseAnswer, ...failures },
      detail: {
        summary: 'Create the destination database with the encoding and the locale of the source',
        tags: ['databases'],
      },
    },
  )
}
