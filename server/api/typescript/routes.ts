// The routes of the API as data, for the reference page and the client: read from the app, so that none is missing.
import { type TObject, type TSchema, TypeGuard } from '@sinclair/typebox'
import type { AnyElysia } from 'elysia'

export interface DescribedRoute {
  method: string
  /** `/api/migrations/:id` */
  path: string
  /** Of its function in the client: `getMigrationsById`. */
  name: string
  summary: string
  tag: string
  params: string[]
  query: TObject | undefined
  body: TSchema | undefined
  isBodyOptional: boolean
  answer: TSchema | undefined
}

export function routesOf({ routes }: AnyElysia): DescribedRoute[] {
  return routes
    .filter(({ path, hooks }) => path.startsWith('/api/') && !hooks.detail?.hide)
    .map(({ path, method, hooks }) => ({
      method,
      path,
      name: functionName(method, path),
      summary: hooks.detail?.summary ?? '',
      tag: hooks.detail?.tags?.[0] ?? 'other',
      params: [...path.matchAll(/:(\w+)/g)].flatMap(([, name]) => name ?? []),
      query: TypeGuard.IsObject(hooks.query) ? hooks.query : undefined,
      body: TypeGuard.IsSchema(hooks.body) ? hooks.body : undefined,
      isBodyOptional: hooks.body !== undefined && TypeGuard.IsOptional(hooks.body),
      answer: answerOf(hooks.response),
    }))
}

/** `GET /api/migrations/:id/log` is getMigrationsLogById; a POST has no verb: migrationsRetryById. */
function functionName(method: string, path: string): string {
  const parts = path.split('/').slice(2)
  const words = parts.filter((part) => !part.startsWith(':')).flatMap((part) => part.split('-'))
  const params = parts.filter((part) => part.startsWith(':')).map((part) => capital(part.slice(1)))
  const verb = method === 'POST' ? [] : [method.toLowerCase()]
  const [first = '', ...others] = [...verb, ...words]
  return first + others.map(capital).join('') + (params.length > 0 ? `By${params.join('And')}` : '')
}

function answerOf(response: unknown): TSchema | undefined {
  if (TypeGuard.IsSchema(response)) return response
  const success = (response as Record<number, unknown> | undefined)?.[200]
  return TypeGuard.IsSchema(success) ? success : undefined
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
