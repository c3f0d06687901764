// The API described by itself: as an OpenAPI document, and as a page made from it that needs no other host.
import { type AnyElysia, Elysia } from 'elysia'
import { version } from '../cli/version.ts'
import { plainStyle } from './html.ts'

const title = 'pgtrek'
const description =
  'Moves PostgreSQL databases to PostgreSQL. Every answer that is not a success is an ApiError. Progress is pushed over the WebSocket /ws/progress.'

/** Asked for when the app is whole. */
export function openApiRoutes(app: () => AnyElysia) {
  // Nobody who only migrates needs it: it is made when it is asked for.
  const make = async () => {
    const { toOpenAPISchema } = await import('@elysiajs/openapi/openapi')
    const { paths, components } = toOpenAPISchema(app(), { paths: /^\/(?!api\/)/ })
    return { openapi: '3.1.0', info: { title, version, description }, paths, components }
  }
  return new Elysia()
    .get('/openapi/json', make, { detail: { hide: true } })
    .get(
      '/openapi',
      async () => {
        const { referencePage } = await import('./reference-page.ts')
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
