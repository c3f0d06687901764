// Starts, cancels and shows the job.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { JobProgress, MigrateBody, type RequestBody, Started } from '../../shared/api.ts'
import { defaultOptions, everything } from '../../shared/defaults.ts'
import { ApiFailure } from './errors.ts'
import type { JobRequest } from './job.ts'
import { failures } from './responses.ts'
import { resolveConn, type Services } from './services.ts'

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

/** Fills in all defaults; does not connect yet. */
export async function jobRequest(
  { source, destination, ...rest }: RequestBody & { confirmed?: boolean | string },
  services: Services,
): Promise<JobRequest> {
  const { allowCommands } = services
  const { tables = [], hooks = [], confirmed = false } = rest
  const command = hooks.findIndex(({ run }) => 'command' in run)
  if (command >= 0 && !allowCommands) {
    throw new ApiFailure(
      'forbidden',
      'a hook runs a command on the machine of pgtrek: start pgtrek with --allow-commands to permit this',
      `/hooks/${command}/run/command`,
    )
  }
  const [from, to] = [await resolveConn(source, services), await resolveConn(destination, services)]
  const selection = { ...everything, ...rest.selection }
  const options = { ...defaultOptions, ...rest.options }
  return {
    run: { source: from.settings, destination: to.settings, selection, tables, hooks, options },
    confirmed,
    shown: { source: from.shown, destination: to.shown, selection, tables, hooks, options },
  }
}
