// Starts, cancels and shows the job.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { JobProgress, MigrateBody, type RequestBody, RetryBody, Started } from '../../shared/api.ts'
import { defaultOptions, everything } from '../../shared/defaults.ts'
import type { MigrationRequest } from '../../shared/request.ts'
import { say } from '../../shared/say.ts'
import { describeSettings } from '../postgres/settings.ts'
import { ApiFailure } from './errors.ts'
import type { JobRequest } from './job.ts'
import { failures } from './responses.ts'
import { resolveConn, type Services } from './services.ts'

export function migrateRoutes(services: Services) {
  const { jobs, history } = services
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
    .post(
      '/api/migrations/:id/retry',
      async ({ body, params }) => {
        const past = history.find(params.id)
        if (!past) throw new ApiFailure('not_found', say`no migration has the id "${params.id}"`)
        if (past.status === 'running') throw new ApiFailure('busy', say`migration ${past.id} is running`)
        if (past.dry_run)
          throw new ApiFailure('usage', say`migration ${past.id} was a dry run: there is nothing to continue`)
        if (past.status === 'completed')
          throw new ApiFailure('usage', say`migration ${past.id} is complete: nothing is left to do`)
        if (!past.request)
          throw new ApiFailure(
            'usage',
            `migration ${past.id} was not started by this server: its request is unknown`,
          )
        // It was valid when it was stored.
        const { selection, tables, hooks, options } = past.request as MigrationRequest
        const again = { ...body, selection, tables, hooks, options: { ...options, resume: true } }
        const request = await jobRequest(again, services)
        refuseOtherEnds(past, request)
        return { ok: true as const, id: jobs.start(request) }
      },
      {
        body: RetryBody,
        params: Type.Object({ id: Type.String() }),
        response: { 200: Started, ...failures },
        detail: {
          summary: 'Continue a past migration: steps that failed or were not reached run again',
          tags: ['migration'],
        },
      },
    )
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

function refuseOtherEnds(past: { source: string; destination: string }, request: JobRequest) {
  for (const side of ['source', 'destination'] as const) {
    const given = describeSettings(request.run[side])
    if (given !== past[side]) {
      throw new ApiFailure('usage', say`the ${side} was ${past[side]}, but ${given} was given`, `/${side}`)
    }
  }
}
