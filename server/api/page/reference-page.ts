// The OpenAPI document as an HTML page: every route with its parameters and responses.
import { document, escapeHtml } from './html.ts'

interface Schema {
  type?: string | string[]
  const?: unknown
  anyOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  required?: string[]
  description?: string
  default?: unknown
}

interface Operation {
  summary?: string
  tags?: string[]
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[]
  requestBody?: { content?: Record<string, { schema?: Schema }> }
  responses?: Record<string, { content?: Record<string, { schema?: Schema }> }>
}

interface Described {
  info: { title: string; version: string; description: string }
  // The plugin's types do not describe the routes, so they are checked where they are used.
  paths: object
}

export function referencePage({ info, paths }: Described): Response {
  const routes = Object.entries(paths as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path,
        method: method.toUpperCase(),
        operation,
      })),
  )
  const tags = [...new Set(routes.map(({ operation }) => operation.tags?.[0] ?? 'other'))]
  const sections = tags.map((tag) => {
    const shown = routes.filter(({ operation }) => (operation.tags?.[0] ?? 'other') === tag)
    return `<h2>${escapeHtml(tag)}</h2>\n${shown.map(routeHtml).join('\n')}`
  })
  return document(
    `${info.title} ${info.version}: API`,
    `<h1>${escapeHtml(info.title)} ${escapeHtml(info.version)}: API</h1>
<p>${escapeHtml(info.description)}</p>
<p>For programs: <a href="/openapi/json">the OpenAPI document</a>.</p>
${sections.join('\n')}`,
  )
}

function routeHtml({
  path,
  method,
  operation,
}: {
  path: string
  method: string
  operation: Operation
}): string {
  const parameters = (operation.parameters ?? [])
    .filter((one) => one.in !== 'path')
    .map(
      (one) =>
        `<tr><td><code>${escapeHtml(one.name)}</code></td><td><code>${escapeHtml(typeOf(one.schema))}</code></td></tr>`,
    )
  const answer = operation.responses?.['200']?.content
  return `<h3><code>${method} ${escapeHtml(path)}</code></h3>
<p>${escapeHtml(operation.summary ?? '')}</p>
${parameters.length > 0 ? `<p>Query:</p><table>${parameters.join('')}</table>` : ''}
${schemaHtml('Body', operation.requestBody?.content)}
${schemaHtml('Answer', answer)}`
}

function schemaHtml(name: string, content: Record<string, { schema?: Schema }> | undefined): string {
  const schema = content?.['application/json']?.schema
  if (!schema) return ''
  return `<details><summary>${name}</summary><pre>${escapeHtml(typeOf(schema))}</pre></details>`
}

/** In the notation of TypeScript. */
function typeOf(schema: Schema | undefined, indent = ''): string {
  if (!schema) return 'unknown'
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.anyOf) return [...new Set(schema.anyOf.map((one) => typeOf(one, indent)))].join(' | ')
  if (schema.allOf) return schema.allOf.map((one) => typeOf(one, indent)).join(' & ')
  if (schema.properties) return objectType(schema, indent)
  if (schema.patternProperties) {
    return `{ [name: string]: ${typeOf(Object.values(schema.patternProperties)[0], indent)} }`
  }
  if (schema.items) return `(${typeOf(schema.items, indent)})[]`
  return [schema.type ?? 'unknown'].flat().join(' | ')
}

function objectType({ properties = {}, required = [] }: Schema, indent: string): string {
  const inner = `${indent}  `
  const lines = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? '' : '?'
    const remarks = [
      schema.description,
      schema.default === undefined ? '' : `default ${JSON.stringify(schema.default)}`,
    ]
    const remark = remarks.filter(Boolean).join(' ')
    return `${inner}${name}${optional}: ${typeOf(schema, inner)}${remark ? `  // ${remark}` : ''}`
  })
  return `{\n${lines.join('\n')}\n${indent}}`
}
