// The description of the API: as an OpenAPI document, as a page that needs no other host, and as a TypeScript client.
import { TypeGuard } from '@sinclair/typebox'
import { type AnyElysia, Elysia } from 'elysia'
import { version } from '../system/version.ts'
import { plainStyle } from './page/html.ts'
import referenceScript from './page/reference-script.txt'
import { routesOf } from './typescript/routes.ts'

const title = 'pgtrek'
const description =
  'Migrates PostgreSQL databases to PostgreSQL. Every response that is not a success is an ApiError. The WebSocket /ws/progress pushes the progress.'
const hidden = { detail: { hide: true } }

/** `app` is called on request, when the app is complete. */
export function openApiRoutes(app: () => AnyElysia, { needsToken }: { needsToken: boolean }) {
  // Made on the first request: most processes never need it.
  const make = async () => {
    const { toOpenAPISchema } = await import('@elysiajs/openapi/openapi')
    const whole = app()
    const { paths, components } = toOpenAPISchema(whole, { paths: /^\/(?!api\/)/ })
    describeBodies(whole, paths)
    return { openapi: '3.1.0', info: { title, version, description }, paths, components }
  }
  return new Elysia()
    .get('/openapi/json', make, hidden)
    .get(
      '/openapi',
      async ({ request }) => {
        const { referencePage } = await import('./page/reference-page.ts')
        return referencePage(routesOf(app()), { base: new URL(request.url).origin, needsToken })
      },
      hidden,
    )
    .get('/openapi/reference.js', () => textOf(referenceScript, 'text/javascript'), hidden)
    .get(
      '/openapi/client.ts',
      async () => {
        const { clientText } = await import('./typescript/client.ts')
        return textOf(clientText(routesOf(app())), 'text/plain')
      },
      hidden,
    )
    .get('/pgtrek-plain.css', () => textOf(plainStyle, 'text/css'), hidden)
}

function textOf(text: string, type: string): Response {
  return new Response(text, {
    headers: { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-cache' },
  })
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
