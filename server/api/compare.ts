// `/api/compare`: compares two databases, and synchronises the schema of the destination on request.
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { Started } from '../../shared/api.ts'
import { ApplyBody, CompareBody, Comparison, ComparisonResult } from '../../shared/comparison-api.ts'
import { ComparisonJob } from './comparison-job.ts'
import { ApiFailure } from './errors.ts'
import { failures } from './responses.ts'
import { resolveConn, type Services } from './services.ts'

const tags = ['comparison']
const params = Type.Object({ id: Type.String() })

export function compareRoutes(services: Services) {
  const { comparisons } = services
  const endsOf = async ({ source, destination }: Pick<CompareBody, 'source' | 'destination'>) => ({
    source: (await resolveConn(source, services)).settings,
    destination: (await resolveConn(destination, services)).settings,
  })
  return new Elysia()
    .post(
      '/api/compare',
      async ({ body }) => {
        refuseUnfitting(body)
        const { id } = comparisons.start(ComparisonJob.requestOf(body), await endsOf(body))
        return { ok: true as const, id }
      },
      {
        body: CompareBody,
        response: { 200: Started, ...failures },
        detail: { summary: 'Compare the rows or the schemas of two databases; 409 while one runs', tags },
      },
    )
    .get('/api/compare', () => comparisons.list(), {
      response: { 200: Type.Array(Comparison), ...failures },
      detail: { summary: 'The last comparisons of this process, the latest first', tags },
    })
    .get('/api/compare/:id', ({ params: { id } }) => comparisons.find(id).view(), {
      params,
      response: { 200: Comparison, ...failures },
      detail: { summary: 'State and progress of a comparison', tags },
    })
    .get('/api/compare/:id/result', ({ params: { id } }) => comparisons.find(id).result(), {
      params,
      response: { 200: ComparisonResult, ...failures },
      detail: { summary: 'All differences: of tables and rows, or of definitions with statements', tags },
    })
    .post(
      '/api/compare/:id/cancel',
      ({ params: { id } }) => {
        const job = comparisons.find(id)
        const ok = job.isRunning
        job.cancel()
        return { ok }
      },
      {
        params,
        response: { 200: Type.Object({ ok: Type.Boolean() }), ...failures },
        detail: { summary: 'Stop a comparison; `ok` is false when it has ended', tags },
      },
    )
    .post(
      '/api/compare/:id/apply',
      async ({ body, params: { id } }) => {
        const job = comparisons.apply(id, await endsOf(body), body.confirmed)
        return { ok: true as const, id: job.id }
      },
      {
        params,
        body: ApplyBody,
        response: { 200: Started, ...failures },
        detail: {
          summary: 'Apply confirmed changes of a schema comparison to the destination, then compare again',
          tags,
        },
      },
    )
}

const onlyData = ['tables', 'fast', 'rows', 'values', 'filter', 'workers'] as const
const onlySchema = ['owner', 'acl', 'comments', 'tablespaces', 'publications', 'securityLabels'] as const

/** An option of the other kind would be ignored. */
function refuseUnfitting(body: CompareBody) {
  const others = body.kind === 'data' ? onlySchema : onlyData
  const isGiven = (value: unknown) => value !== undefined && !(Array.isArray(value) && value.length === 0)
  const name = others.find((one) => isGiven(body[one]))
  if (name)
    throw new ApiFailure('usage', `/${name} does not apply to a comparison of ${body.kind}`, `/${name}`)
  if (body.fast && body.values)
    throw new ApiFailure('usage', '/values needs the rows, which /fast does not read', '/values')
}
