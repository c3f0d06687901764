// The description of the API: as an OpenAPI document, and as a page that needs no other host.
import { TypeGuard } from '@sinclair/typebox'
import { type AnyElysia, Elysia } from 'elysia'
import { version } from '../system/version.ts'
import { plainStyle } from './page/html.ts'

const title = 'pgtrek'
const description =
  'Migrates PostgreSQL databases to PostgreSQL. Every response that is not a success is an ApiError. The WebSocket /ws/progress pushes the progress.'

/** Called on request, when the app is complete. */
export function openApiRoutes(app: () => AnyElysia) {
  // Made on the first request: most processes never need it.
  const make = async () => {
    const { toOpenAPISchema } = await import('@elysiajs/openapi/openapi')
    const whole = app()
    const { paths, components } = toOpenAPISchema(whole, { paths: /^\/(?!api\/)/ })
    describeBodies(whole, paths)
    return { openapi: '3.1.0', info: { title, version, description }, paths, components }
  }
  return new Elysia()
    .get('/openapi/json', make, { detail: { hide: true } })
    .get(
      '/openapi',
      async () => {
        const { referencePage } = await import('./page/reference-page.ts')
        return referencePage(await make())
      },
      { detail: { hide: true } },
    )
    .get(
      '/pgtrek-plain.css',
      () => new Response(plainStyle, { headers: { 'content-type': 'text/css; charset=utf-8' } }),
      { detail: { hide: true } },
    )
}

/** The plugin knows only the framework's parsers. Bodies are parsed by body.ts, and are always JSON. */
function describeBodies({ routes }: AnyElysia, paths: object) {
  const operations = paths as Record<string, Record<string, { requestBody?: object }>>
  for (const { path, method, hooks } of routes) {
    const operation = operations[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
    if (!operation || !hooks.body) continue
    const required = !TypeGuard.IsOptional(hooks.body)
    operation.requestBody = { required, content: { 'application/json': { schema: hooks.body } } }
  }
}
