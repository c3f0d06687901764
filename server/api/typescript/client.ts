// The TypeScript client: one file without imports, made from the routes and their schemas.
import type { TSchema } from '@sinclair/typebox'
import { ApiError } from '../../../shared/api.ts'
import { version } from '../../system/version.ts'
import { messageSchema } from '../progress-socket.ts'
import type { DescribedRoute } from './routes.ts'
import runtime from './runtime.txt'
import { TypePrinter } from './types.ts'

export function clientText(routes: readonly DescribedRoute[]): string {
  const printer = new TypePrinter()
  const methods = routes.map((route) => ({ route, ...signatureOf(route, printer) }))
  printer.print(ApiError)
  const message = printer.print(messageSchema as TSchema)
  const types = printer.types.map(({ name, text, isObject }) =>
    isObject ? `export interface ${name} ${text}` : `export type ${name} = ${text}`,
  )
  return `// The API of pgtrek ${version}, written by "pgtrek client". It imports nothing, and works in Node 20 and later, Bun, Deno and
// browsers. Write it again after an update of pgtrek.

export interface Client {
${methods.map(({ route, declaration }) => declarationText(route, declaration)).join('\n\n')}

  /**
   * Live progress of the migration, of moves and of the fleet, with the present state first. It reconnects until
   * the loop is left or the signal is aborted. Where there is no WebSocket, as in Node 20, it asks once a second for the
   * progress of the migration.
   *
   * \`WS /ws/progress\`
   */
  progress(options?: ProgressOptions): AsyncGenerator<Message, void, undefined>
}

/** @param url The address of pgtrek: \`http://localhost:8080\`. */
export function pgtrek(url: string = ownOrigin(), options: ClientOptions = {}): Client {
  const call = caller(url, options)
  return {
${methods.map(({ implementation }) => `    ${implementation},`).join('\n')}
    progress: (wanted = {}) => progressOf(url, call, options.token, wanted),
  }
}

export type Message = ${message}

${types.join('\n\n')}

${runtime.trim()}
`
}

function declarationText({ method, path, summary }: DescribedRoute, declaration: string): string {
  return `  /**\n   * ${summary.replaceAll('*/', '* /')}.\n   *\n   * \`${method} ${path}\`\n   */\n  ${declaration}`
}

/** Parameters of the path, the body, the query, and how to call: in this order. */
export function signatureOf(route: DescribedRoute, printer: TypePrinter) {
  const { name, method, params, body, isBodyOptional, query, answer } = route
  const parameters = [
    ...params.map((param) => ({ name: param, type: 'string', optional: false })),
    ...(body ? [{ name: 'body', type: printer.print(body, '  '), optional: isBodyOptional }] : []),
    ...(query ? [{ name: 'query', type: printer.print(query, '  '), optional: true }] : []),
    { name: 'options', type: 'CallOptions', optional: true },
  ]
  const declared = parameters.map((one) => `${one.name}${one.optional ? '?' : ''}: ${one.type}`).join(', ')
  const type = printer.print(answer, '  ')
  const path = route.path.replace(/:(\w+)/g, (_, param) => `\${encodeURIComponent(${param})}`)
  const quoted = params.length > 0 ? `\`${path}\`` : `'${path}'`
  const passed = [...(body ? ['body'] : []), ...(query ? ['query'] : []), 'options'].join(', ')
  return {
    declaration: `${name}(${declared}): Promise<${type}>`,
    implementation: `${name}: (${parameters.map((one) => one.name).join(', ')}) => call('${method}', ${quoted}, { ${passed} })`,
  }
}
