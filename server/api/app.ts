// The API: one Elysia app with a part for each resource. The typed client is made from its type.
import type { TSchema } from '@sinclair/typebox'
import { type AnyElysia, Elysia, NotFoundError, ParseError, ValidationError } from 'elysia'
import type { ApiError } from '../../shared/api.ts'
import { tellMistake } from '../system/output.ts'
import { formLimit, readJson, readText } from './body.ts'
import { compareRoutes } from './compare.ts'
import { responseOf } from './compression.ts'
import { connectionRoutes } from './connection.ts'
import { createDatabaseRoutes } from './create-database.ts'
import { apiErrorOf, internalError, statusFor } from './errors.ts'
import { fleetRoutes } from './fleet.ts'
import { followRoutes } from './follow.ts'
import { type Guard, pathOf } from './guard.ts'
import { securityHeaders } from './headers.ts'
import { historyRoutes } from './history.ts'
import { metricsRoutes } from './metrics/metrics.ts'
import { migrateRoutes } from './migrate.ts'
import { openApiRoutes } from './openapi.ts'
import { loginRoutes } from './page/login.ts'
import { planRoutes } from './plan.ts'
import { preflightRoutes } from './preflight.ts'
import { profileRoutes } from './profiles.ts'
import { progressSocket } from './progress-socket.ts'
import { retryRoutes } from './retry.ts'
import { scheduleRoutes } from './schedules.ts'
import type { Services } from './services.ts'
import { tableRowsRoutes } from './table-rows.ts'
import { describeInvalid } from './validation.ts'

export function createApp(services: Services, guard: Guard) {
  // Some parts need the whole app, which their types cannot express.
  const whole = (): AnyElysia => app
  const app = new Elysia({
    // Unknown properties are refused instead of removed: a mistyped option must not seem to be accepted.
    normalize: false,
    // Static responses would be sent without the guard.
    nativeStaticResponse: false,
    systemRouter: false,
    // Hosts can have shorter names than the framework accepts.
    handler: { standardHostname: false },
  })
    .onRequest(({ request, set }) => {
      Object.assign(set.headers, securityHeaders)
      if (pathOf(request).startsWith('/api/')) set.headers['cache-control'] = 'no-store'
      guard.check(request)
    })
    .onParse(({ request, path }) =>
      path.startsWith('/api/') ? readJson(request) : readText(request, formLimit),
    )
    .onError(({ error, request, set, path }) => {
      const known = explain(error, request, path)
      if (!known) tellMistake(error)
      const answer = known ?? internalError
      if (answer.error === 'unauthorized' && wantsPage(request)) {
        return new Response(null, { status: 303, headers: { location: '/login' } })
      }
      set.status = statusFor(answer)
      if (answer.error === 'unauthorized') set.headers['www-authenticate'] = 'Bearer realm="pgtrek"'
      return answer
    })
    .mapResponse(({ request, responseValue, set }) => {
      const response = responseOf(request, responseValue)
      if (!response) return undefined
      const { status } = responseValue instanceof Response ? response : set
      const headers = new Headers(response.headers)
      for (const [name, value] of Object.entries(set.headers)) {
        if (!headers.has(name)) headers.set(name, String(value))
      }
      return new Response(response.body, { status: typeof status === 'number' ? status : 200, headers })
    })
    .get('/health', () => ({ ok: true }), { detail: { hide: true } })
    .use(loginRoutes(guard))
    .use(connectionRoutes(services))
    .use(tableRowsRoutes(services))
    .use(createDatabaseRoutes(services))
    .use(preflightRoutes(services))
    .use(planRoutes(services))
    .use(migrateRoutes(services))
    .use(retryRoutes(services))
    .use(compareRoutes(services))
    .use(followRoutes(services))
    .use(fleetRoutes(services))
    .use(historyRoutes(services))
    .use(profileRoutes(services))
    .use(scheduleRoutes(services))
    .use(progressSocket(services))
    .use(metricsRoutes(services))
    .use(openApiRoutes(whole, { needsToken: guard.cookie !== undefined }))

  function explain(error: unknown, request: Request, path: string): ApiError | undefined {
    if (error instanceof NotFoundError) return notFound(request.method, path)
    if (error instanceof ValidationError) {
      // A response that does not match its schema is a bug.
      if (error.type === 'response') return undefined
      // For a number in a query the framework provides the schema itself.
      const validator = error.validator as { schema?: TSchema } & TSchema
      return describeInvalid(validator.schema ?? validator, error.value, error.type)
    }
    if (error instanceof ParseError) {
      return apiErrorOf(error.cause) ?? { error: 'usage', message: 'the body cannot be read' }
    }
    return apiErrorOf(error)
  }

  function notFound(method: string, path: string): ApiError {
    const others = whole().routes.filter(
      (route) => route.path.startsWith('/api/') && matches(route.path, path),
    )
    if (others.length === 0) return { error: 'not_found', message: `not found: ${path}` }
    const allowed = others.map((route) => route.method).join(', ')
    return { error: 'method', message: `${method} is not allowed for ${path}: use ${allowed}` }
  }

  return app
}

export type App = ReturnType<typeof createApp>

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => part.startsWith(':') || part === given[index])
  )
}

function wantsPage(request: Request): boolean {
  return request.method === 'GET' && (request.headers.get('accept') ?? '').includes('text/html')
}
