// `/api/plan`: what a migration would do. The engine itself makes the plan and stops before anything is written.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { PlanAnswer, RequestBody } from '../../shared/api.ts'
import { planOnly } from '../migrate/migrate.ts'
import { NoMemory } from '../store/run-memory.ts'
import { jobRequest } from './migrate.ts'
import { planAnswer } from './plan-answer.ts'
import { isSwitchedOn, switchInQuery } from './query.ts'
import { failures } from './responses.ts'
import type { Services } from './services.ts'

export function planRoutes(services: Services) {
  const { store } = services
  return new Elysia().post(
    '/api/plan',
    async ({ body, query, request, server }) => {
      // Reading a large catalog can take longer than the idle timeout.
      server?.timeout(request, 0)
      const { run } = await jobRequest(body, services)
      const plan = await planOnly({
        ...run,
        run: 'plan',
        memory: new NoMemory(run.options.resume ? store.unfinished(run) : undefined),
        // The page sends a new request for every change of its options and aborts the last one.
        signal: request.signal,
      })
      return planAnswer(plan, { sql: isSwitchedOn(query.sql) })
    },
    {
      body: RequestBody,
      query: Type.Object({ sql: switchInQuery('With the statements of each step (default: false).') }),
      response: { 200: PlanAnswer, ...failures },
      detail: {
        summary: 'The plan of a migration: steps, objects dropped or emptied, estimates, warnings',
        tags: ['migration'],
      },
    },
  )
}
