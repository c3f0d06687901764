// `/api/preflight`: the preflight checks of a migration. Nothing is changed.
import { Elysia } from 'elysia'
import { PreflightBody, PreflightReport } from '../../shared/preflight.ts'
import { preflight } from '../preflight/preflight.ts'
import { jobRequest } from './job-request.ts'
import { failures } from './responses.ts'
import type { Services } from './services.ts'

export function preflightRoutes(services: Services) {
  return new Elysia().post(
    '/api/preflight',
    async ({ body, request, server }) => {
      // Some checks take longer than the idle timeout.
      server?.timeout(request, 0)
      const { follow = false, ...rest } = body
      const { run } = await jobRequest(rest, services)
      const { source, destination, selection, tables, options } = run
      return await preflight({
        ...{ source, destination, selection, tables, options },
        follow: follow !== false,
        ...(typeof follow === 'object' && {
          insertsOnly: follow.insertsOnly ?? [],
          bidirectional: follow.bidirectional ?? false,
          publication: follow.publication,
        }),
        // The page aborts an outdated request.
        signal: request.signal,
      })
    },
    {
      body: PreflightBody,
      response: { 200: PreflightReport, ...failures },
      detail: {
        summary: 'Preflight checks: each is ok, a warning or a blocker, with its fix',
        tags: ['migration'],
      },
    },
  )
}
