// The tables of docs/api.md and docs/metrics.md have all routes and metrics, with the descriptions that the server has.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type Api, startApi } from '../support/api.ts'
import { plain, rowsBelow } from './pages.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
})
afterAll(async () => await api[Symbol.asyncDispose]())

/** Not in the OpenAPI document: a WebSocket, and what is not for programs that use the API. */
const undescribed = ['WS /ws/progress', 'GET /metrics', 'GET /health']

test('docs/api.md lists the routes of the OpenAPI document, with their summaries', async () => {
  const { json } = await api.get('/openapi/json')
  const paths = json.paths as Record<string, Record<string, { summary: string }>>
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { summary }]) => [
      `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
      plain(summary),
    ]),
  )
  const sections = [
    'Connections and plans',
    'Migrations',
    'Comparisons',
    'Profiles',
    'Schedules',
    'Moves',
    'A fleet',
    'Operation',
  ]
  const rows = sections.flatMap((section) => rowsBelow('api.md', section).slice(1))
  const documented = rows.map(([route = '', meaning = '']) => [plain(route), plain(meaning)])
  const ofDocument = documented.filter(([route = '']) => !undescribed.includes(route))
  expect(ofDocument.sort()).toEqual(described.sort())
  expect(documented.length - ofDocument.length).toBe(undescribed.length)
})

test('docs/metrics.md lists the metrics, with their help texts', async () => {
  const root = join(import.meta.dir, '../../server/api/metrics')
  const sources = ['metrics.ts', 'copy.ts', 'follow.ts', 'fleet.ts'].map((name) =>
    Bun.file(join(root, name)).text(),
  )
  const source = (await Promise.all(sources)).join('\n')
  const made = [...source.matchAll(/name: '(pgtrek_\w+)',\s*help:\s*'([^']+)'/g)].map(([, ...one]) => one)
  expect(made.length).toBe(source.match(/\bhelp:/g)?.length ?? 0)
  const rows = ['Copies', 'Following', 'Fleets', 'Version'].flatMap((section) =>
    rowsBelow('metrics.md', section),
  )
  const documented = new Map(
    rows.flatMap(([metric = '', meaning = '']) => {
      const [, name] = /^`(pgtrek_\w+)/.exec(metric) ?? []
      return name === undefined ? [] : [[name, meaning] as const]
    }),
  )
  expect([...documented.keys()].sort()).toEqual(made.map(([name = '']) => name).sort())
  for (const [name = '', help = ''] of made) {
    expect([name, documented.get(name)?.startsWith(help)]).toEqual([name, true])
  }
})
