// `/api/plan`: what a migration would do. The engine itself makes the plan and stops before anything is written.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { RequestBody } from '../../shared/api.ts'
import { PlanAnswer, type RowsThere } from '../../shared/plan-api.ts'
import { PlanSql, PlanSqlBody, Sample, SampleBody } from '../../shared/plan-sql-api.ts'
import { readRowsNow } from '../catalog/rows-now.ts'
import { sampleOf } from '../catalog/sample.ts'
import { planOnly } from '../migrate/migrate.ts'
import { Session } from '../postgres/session.ts'
import { allStatements, digestOf, objectsOfPlan, statementsOf } from '../runs/planned-objects.ts'
import { NoMemory } from '../store/run-memory.ts'
import { ApiFailure } from './errors.ts'
import { jobRequest } from './job-request.ts'
import { planAnswer, tablesThere } from './plan-answer.ts'
import { isSwitchedOn, switchInQuery } from './query.ts'
import { failures } from './responses.ts'
import { resolveConn, type Services } from './services.ts'
import { ShownPlans } from './shown-plans.ts'

const tags = ['migration']

export function planRoutes(services: Services) {
  const { store } = services
  const shown = new ShownPlans()

  async function make(body: RequestBody, signal: AbortSignal) {
    const { run } = await jobRequest(body, services)
    let there: Map<string, RowsThere> = new Map()
    const plan = await planOnly(
      {
        ...run,
        run: 'plan',
        memory: new NoMemory(run.options.resume ? store.unfinished(run) : undefined),
        // The page sends a new request for every change of its options and aborts the last one.
        signal,
      },
      async (planned) => {
        there = await readRowsNow(planned.destination, tablesThere(planned.plan))
      },
    )
    return { plan, there }
  }

  return new Elysia()
    .post(
      '/api/plan',
      async ({ body, query, request, server }) => {
        // Reading a large catalog can take longer than the idle timeout.
        server?.timeout(request, 0)
        const { plan, there } = await make(body, request.signal)
        const options = { sql: isSwitchedOn(query.sql), objects: isSwitchedOn(query.objects), there }
        const answer = planAnswer(plan, options)
        if (answer.digest) shown.keep(answer.digest, plan)
        return answer
      },
      {
        body: RequestBody,
        query: Type.Object({
          sql: switchInQuery('With the statements of each step (default: false).'),
          objects: switchInQuery(
            'With one line for each object; of the steps only those that cannot be done (default: false).',
          ),
        }),
        response: { 200: PlanAnswer, ...failures },
        detail: {
          summary: 'The plan of a migration: steps, objects dropped or emptied, estimates, warnings',
          tags,
        },
      },
    )
    .post(
      '/api/plan/sql',
      async ({ body, request, server }) => {
        server?.timeout(request, 0)
        const { digest, object, ...wanted } = body
        const plan = shown.find(digest) ?? (await planAgain(wanted, digest, request.signal))
        if (object === undefined) return { steps: allStatements(plan) }
        const one = objectsOfPlan(plan)[object]
        if (!one) throw new ApiFailure('usage', `the plan has no object ${object}`, '/object')
        return { steps: statementsOf(one, plan) }
      },
      {
        body: PlanSqlBody,
        response: { 200: PlanSql, ...failures },
        detail: {
          summary:
            'The statements of a plan that was shown, of one object or of all; 409 if the plan would be another now',
          tags,
        },
      },
    )
    .post(
      '/api/plan/sample',
      async ({ body: { schema, table, ...ends }, request, server }) => {
        server?.timeout(request, 0)
        const open = async (side: 'source' | 'destination') => {
          const { settings } = await resolveConn(ends[side], services)
          return await Session.open(settings, { until: request.signal })
        }
        await using source = await open('source')
        await using destination = await open('destination')
        return await sampleOf({ source, destination }, { schema, name: table })
      },
      {
        body: SampleBody,
        response: { 200: Sample, ...failures },
        detail: {
          summary:
            'Read a table of the source for about a second, to estimate how long a migration takes; nothing is written',
          tags,
        },
      },
    )

  /** The server was started again meanwhile, or has shown many plans since. */
  async function planAgain(body: RequestBody, digest: string, signal: AbortSignal) {
    const { plan } = await make(body, signal)
    if (digestOf(plan) !== digest) {
      throw new ApiFailure(
        'not_now',
        'the databases have changed since the plan was shown: its statements would be others now. Make the plan again',
        '/digest',
      )
    }
    shown.keep(digest, plan)
    return plan
  }
}
