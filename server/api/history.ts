// What was done before.

import { Type } from '@sinclair/typebox'
import { Elysia, t } from 'elysia'
import { LogPage, PastMigration, PastMigrationDetails } from '../../shared/api.ts'
import { LogLevel } from '../../shared/event.ts'
import { ApiFailure } from './errors.ts'
import { failures } from './responses.ts'
import type { Services } from './services.ts'

const params = Type.Object({ id: Type.String() })
const tags = ['history']
/** Further than any list goes; SQLite takes no larger number. */
const mostLines = 2 ** 53 - 1

export function historyRoutes({ history, log }: Services) {
  const find = (id: string) => {
    const past = history.find(id)
    if (!past) throw new ApiFailure('not_found', `there is no migration "${id}"`)
    return past
  }
  return new Elysia()
    .get('/api/migrations', ({ query: { limit = 100, offset = 0 } }) => history.list({ limit, offset }), {
      query: Type.Object({
        limit: t.Optional(t.Integer({ minimum: 1, maximum: 1000, default: 100 })),
        offset: t.Optional(t.Integer({ minimum: 0, maximum: mostLines, default: 0 })),
      }),
      response: { 200: Type.Array(PastMigration), ...failures },
      detail: { summary: 'Migrations, the latest first', tags },
    })
    .get('/api/migrations/:id', ({ params: { id } }) => find(id), {
      params,
      response: { 200: PastMigrationDetails, ...failures },
      detail: { summary: 'One migration: its request without secrets, and its result', tags },
    })
    .get(
      '/api/migrations/:id/log',
      ({ params: { id }, query: { after = 0, limit = 200, ...filter } }) =>
        log.page(find(id).id, { ...filter, after, limit }),
      {
        params,
        query: Type.Object({
          after: t.Optional(t.Integer({ minimum: 0, maximum: mostLines, default: 0 })),
          limit: t.Optional(t.Integer({ minimum: 1, maximum: 1000, default: 200 })),
          level: Type.Optional(LogLevel),
          table: Type.Optional(Type.String()),
        }),
        response: { 200: LogPage, ...failures },
        detail: {
          summary: 'Its log lines from a level up, of all tables or one (`schema.name`), paged',
          tags,
        },
      },
    )
}
