// The API reference: every route with its parameters, body, answer and examples, and the types that they use.
import type { TSchema } from '@sinclair/typebox'
import { ApiError } from '../../../shared/api.ts'
import { version } from '../../system/version.ts'
import { messageSchema } from '../progress-socket.ts'
import { clientExample, curlExample, type ExampleServer, typescriptExample } from '../typescript/examples.ts'
import type { DescribedRoute } from '../typescript/routes.ts'
import { type Schema, TypePrinter } from '../typescript/types.ts'
import { document, escapeHtml } from './html.ts'

export const scriptPath = '/openapi/reference.js'

const titles: Record<string, string> = {
  databases: 'Databases',
  migration: 'Migrations',
  history: 'History',
  profiles: 'Profiles',
  following: 'Moves without downtime',
  fleet: 'Fleets',
}

export function referencePage(routes: readonly DescribedRoute[], server: ExampleServer): Response {
  // Names become links after everything else was escaped.
  const printer = new TypePrinter((name) => `⟦${name}⟧`)
  const tags = [...new Set(routes.map(({ tag }) => tag))]
  const groups = tags.map((tag) => ({
    tag,
    title: titles[tag] ?? tag,
    routes: routes.filter((route) => route.tag === tag),
  }))
  const sections = groups.map(
    ({ tag, title, routes: of }) => `<section data-group aria-labelledby="group-${tag}">
<h2 id="group-${tag}">${escapeHtml(title)}</h2>
${of.map((route) => routeHtml(route, printer, server)).join('\n')}
${tag === 'migration' ? progressHtml(printer, server) : ''}
</section>`,
  )
  printer.print(ApiError)
  return document({
    title: `API of pgtrek ${version}`,
    script: scriptPath,
    body: `<header class="reference-top">
<a class="brand" href="/">pgtrek</a>
<span class="quiet">API reference, version ${escapeHtml(version)}</span>
<nav aria-label="Documents">
<a href="/openapi/json">OpenAPI document</a>
<a href="/openapi/client.ts" download="pgtrek.ts">TypeScript client</a>
</nav>
</header>
<div class="reference">
<nav class="contents" aria-label="Contents" tabindex="0">
<form role="search" hidden><label class="for-readers" for="search">Search routes and types</label>
<input id="search" type="search" placeholder="Search (press /)" autocomplete="off">
<p id="found" class="quiet" role="status"></p></form>
${groups.map((group) => contentsHtml(group.title, group.routes, group.tag === 'migration')).join('\n')}
<h2><a href="#types">Types</a></h2>
</nav>
<main tabindex="-1">
${introduction(server)}
${sections.join('\n')}
<section data-group aria-labelledby="types">
<h2 id="types">Types</h2>
${printer.types.map(({ name, text }) => typeHtml(name, text)).join('\n')}
</section>
</main>
</div>`,
  })
}

function introduction(server: ExampleServer): string {
  const token = server.needsToken
    ? '<p>Every request needs the token of <code>pgtrek serve</code>, here in <code>PGTREK_TOKEN</code>.</p>'
    : ''
  return `<section aria-labelledby="start">
<h1 id="start">API</h1>
<p class="lead">Bodies and answers are JSON. Every answer that is not a success is an <a href="#type-ApiError">ApiError</a>.
The examples use this address, and the <a href="/openapi/client.ts" download="pgtrek.ts">TypeScript client</a> as
<code>pgtrek.ts</code>.</p>
${token}
${codeHtml('start-example', 'TypeScript', escapeHtml(clientExample(server)))}
</section>`
}

function contentsHtml(title: string, routes: readonly DescribedRoute[], hasProgress: boolean): string {
  const links = routes.map(
    (route) =>
      `<li data-words="${wordsOf(route)}"><a href="#${route.name}"><span class="method">${route.method}</span> ${escapeHtml(shortPath(route.path))}</a></li>`,
  )
  const progress = `<li data-words="${progressWords}"><a href="#progress"><span class="method">WS</span> /ws/progress</a></li>`
  return `<div data-group><h2>${escapeHtml(title)}</h2><ul>${links.join('')}${hasProgress ? progress : ''}</ul></div>`
}

const shortPath = (path: string) => path.replace(/^\/api/, '')

function wordsOf({ method, path, name, summary }: DescribedRoute): string {
  return escapeHtml([method, path, name, summary].join(' ').toLowerCase())
}

function routeHtml(route: DescribedRoute, printer: TypePrinter, server: ExampleServer): string {
  const { name, method, path, summary, params, query, body, isBodyOptional, answer } = route
  const parameters = [
    ...params.map((one) => parameterHtml(one, 'path', { type: 'string' }, true, printer)),
    ...Object.entries((query as Schema | undefined)?.properties ?? {}).map(([one, schema]) =>
      parameterHtml(one, 'query', schema, false, printer),
    ),
  ]
  return articleHtml(
    name,
    `${method} ${path}`,
    wordsOf(route),
    `<p>${inlineCode(summary)}.</p>
${parameters.length > 0 ? tableHtml(name, parameters) : ''}
<div class="examples">
${body ? schemaHtml(isBodyOptional ? 'Body, optional' : 'Body', body, printer) : ''}
${schemaHtml('Answer', answer, printer)}
</div>
<div class="examples">
${codeHtml(`${name}-curl`, 'curl', escapeHtml(curlExample(route, server)))}
${codeHtml(`${name}-typescript`, 'TypeScript', escapeHtml(typescriptExample(route, server)))}
</div>`,
  )
}

const progressWords = 'ws /ws/progress websocket live progress'

function progressHtml(printer: TypePrinter, server: ExampleServer): string {
  const example = `${clientExample(server)}
for await (const message of api.progress()) {
  if (message.type !== 'progress') continue
  console.log(message.data.overall_percent, message.data.current_phase)
  if (!message.data.running) break
}`
  const body = `<p>Live progress of the migration, of moves and of the fleet. Every message is complete; with
<code>?partial=1</code> only the first one is, and later ones contain only changes. A WebSocket that cannot send headers offers the
token as the protocol <code>pgtrek-token.HEX</code>, beside <code>pgtrek</code>.</p>
${schemaHtml('Message', messageSchema as TSchema, printer)}
<div class="examples">${codeHtml('progress-typescript', 'TypeScript', escapeHtml(example))}</div>`
  return articleHtml('progress', 'WS /ws/progress', progressWords, body)
}

function articleHtml(id: string, title: string, words: string, body: string): string {
  const [method = '', path = ''] = title.split(' ')
  return `<article class="route" id="${id}" data-words="${words}" aria-labelledby="${id}-title">
<h3 id="${id}-title"><span class="method">${method}</span> ${escapeHtml(path)} <a href="#${id}" aria-label="Link to ${escapeHtml(title)}">#</a></h3>
${body}
</article>`
}

function typeHtml(name: string, text: string): string {
  const body = codeHtml(`type-${name}-text`, 'TypeScript', linked(text))
  return `<article class="route" id="type-${name}" data-words="type ${name.toLowerCase()}" aria-labelledby="type-${name}-title">
<h3 id="type-${name}-title">${name} <a href="#type-${name}" aria-label="Link to ${name}">#</a></h3>
${body}
</article>`
}

function parameterHtml(name: string, place: string, schema: Schema, required: boolean, printer: TypePrinter) {
  const remark = `${required ? 'Required. ' : ''}${schema.description ?? ''}`
  return `<tr><th scope="row"><code>${escapeHtml(name)}</code></th><td>${place}</td><td><code>${linked(printer.print(schema))}</code></td><td>${inlineCode(remark)}</td></tr>`
}

function tableHtml(of: string, rows: readonly string[]): string {
  return `<div class="scroll-x" tabindex="0" role="region" aria-label="Parameters of ${of}"><table><thead><tr><th scope="col">Parameter</th><th scope="col">In</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

/** Its name, if it has one, and its content. */
function schemaHtml(title: string, schema: TSchema | undefined, printer: TypePrinter): string {
  const name = printer.print(schema)
  const shown = /^\S+$/.test(name) ? ` <code>${linked(name)}</code>` : ''
  return `<div class="code"><p class="code-head"><span class="code-title">${title}:${shown}</span></p>
<pre class="schema" tabindex="0">${linked(printer.printContent(schema))}</pre></div>`
}

function codeHtml(id: string, title: string, html: string): string {
  return `<div class="code"><div class="code-head"><p class="code-title">${title}</p><button type="button" class="small" data-copies="${id}" hidden>Copy</button></div>
<pre id="${id}" tabindex="0">${html}</pre></div>`
}

/** Escaped, with a link for every name. */
function linked(text: string): string {
  return escapeHtml(text).replace(/⟦(\w+)⟧/g, '<a href="#type-$1">$1</a>')
}

function inlineCode(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}
