// Past migrations.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { LogPage, PastMigration, PastMigrationDetails } from '../../shared/api.ts'
import { LogLevel } from '../../shared/event.ts'
import { say } from '../../shared/say.ts'
import { ApiFailure } from './errors.ts'
import { numberInQuery, wholeNumber } from './query.ts'
import { failures } from './responses.ts'
import type { Services } from './services.ts'

const params = Type.Object({ id: Type.String() })
const tags = ['history']
const most = { minimum: 1, maximum: 1000 }
/** More than any list contains. */
const start = { minimum: 0, maximum: 10 ** 12, usual: 0 }

export function historyRoutes({ history, log }: Services) {
  const find = (id: string) => {
    const past = history.find(id)
    if (!past) throw new ApiFailure('not_found', say`no migration has the id "${id}"`)
    return past
  }
  return new Elysia()
    .get(
      '/api/migrations',
      ({ query }) =>
        history.list({
          limit: wholeNumber('limit', query.limit, { ...most, usual: 100 }),
          offset: wholeNumber('offset', query.offset, start),
        }),
      {
        query: Type.Object({
          limit: numberInQuery('How many, 1 to 1000 (default: 100).'),
          offset: numberInQuery('How many of the latest to skip (default: 0).'),
        }),
        response: { 200: Type.Array(PastMigration), ...failures },
        detail: { summary: 'Migrations, the latest first', tags },
      },
    )
    .get('/api/migrations/:id', ({ params: { id } }) => find(id), {
      params,
      response: { 200: PastMigrationDetails, ...failures },
      detail: { summary: 'One migration: its request without secrets, and its result', tags },
    })
    .get(
      '/api/migrations/:id/log',
      ({ params: { id }, query: { after, limit, ...filter } }) => {
        const page = {
          after: wholeNumber('after', after, start),
          limit: wholeNumber('limit', limit, { ...most, usual: 200 }),
        }
        return log.page(find(id).id, { ...filter, ...page })
      },
      {
        params,
        query: Type.Object({
          after: numberInQuery('The `next` of the previous page (default: 0).'),
          limit: numberInQuery('How many lines, 1 to 1000 (default: 200).'),
          level: Type.Optional(LogLevel),
          table: Type.Optional(Type.String()),
        }),
        response: { 200: LogPage, ...failures },
        detail: {
          summary: 'Its log lines at or above a level, of all tables or one (`schema.name`), paged',
          tags,
        },
      },
    )
}
