// Starts, cancels and shows the job.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { JobProgress, MigrateBody, Started } from '../../shared/api.ts'
import { jobRequest } from './job-request.ts'
import { failures } from './responses.ts'
import type { Services } from './services.ts'

export function migrateRoutes(services: Services) {
  const { jobs } = services
  return new Elysia()
    .post(
      '/api/migrate',
      async ({ body }) => ({ ok: true as const, id: jobs.start(await jobRequest(body, services)) }),
      {
        body: MigrateBody,
        response: { 200: Started, ...failures },
        detail: { summary: 'Start a migration; 409 while one runs', tags: ['migration'] },
      },
    )
    .post('/api/migrate/cancel', () => ({ ok: jobs.cancel() }), {
      response: { 200: Type.Object({ ok: Type.Boolean() }), ...failures },
      detail: { summary: 'Stop the running migration; `ok` is false when none runs', tags: ['migration'] },
    })
    .get('/api/migrate/status', () => jobs.status(), {
      response: { 200: JobProgress, ...failures },
      detail: { summary: 'Progress of the running or the last migration', tags: ['migration'] },
    })
}
