// Examples of calls that work as printed: in curl, and with the TypeScript client.
import type { DescribedRoute } from './routes.ts'
import type { Schema } from './types.ts'

export interface ExampleServer {
  /** `http://localhost:8080` */
  base: string
  needsToken: boolean
}

const source = { url: 'postgres://me:secret@old/shop' }
const destination = { url: 'postgres://me:secret@new/shop' }

/** Of required properties, by their names. */
const values: Record<string, unknown> = {
  ...{ source, destination, conn: source },
  ...{ name: 'shop', schema: 'public', table: 'orders', id: '1f0c2a7b' },
  ...{ mapping: 'eu', database: 'shop', request: { source, destination } },
  ...{
    like: source,
    kind: 'data',
    confirmed: ['9d1c'],
    repairs: [{ cause: '9d1c', kind: 'retry', sql: [] }],
  },
  ...{ profile: 'shop', timing: { cron: '30 2 * * *' }, zone: 'Europe/Berlin', digest: '1f0c' },
}

export function curlExample(route: DescribedRoute, { base, needsToken }: ExampleServer): string {
  const path = route.path.replace(/:(\w+)/g, (_, name) => encodeURIComponent(String(values[name] ?? name)))
  const body = bodyOf(route)
  return [
    `curl ${route.method === 'GET' || (route.method === 'POST' && body) ? '' : `-X ${route.method} `}'${base}${path}'`,
    ...(needsToken ? [`-H "Authorization: Bearer $PGTREK_TOKEN"`] : []),
    ...(body ? [`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(body, null, 2)}'`] : []),
  ].join(' \\\n  ')
}

export function typescriptExample(route: DescribedRoute, server: ExampleServer): string {
  const body = bodyOf(route)
  const given = [
    ...route.params.map((name) => `'${values[name] ?? name}'`),
    ...(body ? [literal(body, '')] : []),
  ]
  return `${clientExample(server)}
console.log(await api.${route.name}(${given.join(', ')}))`
}

export function clientExample({ base, needsToken }: ExampleServer): string {
  const token = needsToken ? ', { token: process.env.PGTREK_TOKEN }' : ''
  return `import { pgtrek } from './pgtrek.ts'\n\nconst api = pgtrek('${base}'${token})`
}

/** Only what is required: all else has a default. */
function bodyOf({ body, isBodyOptional }: DescribedRoute): Record<string, unknown> | undefined {
  if (!body || isBodyOptional) return undefined
  const { required = [] } = body as Schema
  return Object.fromEntries(required.map((name) => [name, values[name]]))
}

function literal(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return `'${String(value)}'`
  if (Array.isArray(value)) return `[${value.map((one) => literal(one, indent)).join(', ')}]`
  const inner = `${indent}  `
  const entries = Object.entries(value).map(([name, one]) => `${name}: ${literal(one, inner)}`)
  const line = `{ ${entries.join(', ')} }`
  return line.length <= 60 ? line : `{\n${entries.map((entry) => `${inner}${entry},`).join('\n')}\n${indent}}`
}
