// Addresses of the page, as written by the page and by users.
import { expect, test } from 'bun:test'
import { routeOf } from '../../client/state/address.ts'

const at = (hash: string, pathname = '/') => routeOf({ pathname, hash })
const board = { page: 'fleet', mapping: undefined, database: undefined } as const

test.each([
  ['', { page: 'start' }],
  ['#', { page: 'start' }],
  ['#/', { page: 'start' }],
  ['#connections', { page: 'migrate', step: 'connections' }],
  ['#run', { page: 'migrate', step: 'run' }],
  ['#/plan', { page: 'migrate', step: 'plan' }],
  ['#options', { page: 'migrate', step: 'plan' }],
  ['#fleet', board],
  ['#/fleet', board],
  ['#/fleet/', board],
  ['#fleet/a%2Fb/c%20d', { page: 'fleet', mapping: 'a/b', database: 'c d' }],
  ['#/history', { page: 'history', id: undefined }],
  ['#history/1f', { page: 'history', id: '1f' }],
  ['#follow/100%', { page: 'follow', name: '100%' }],
  ['#compare', { page: 'compare' }],
  ['#/schema', { page: 'schema' }],
  ['#compare/more', { page: 'unknown' }],
  ['#/help', { page: 'help' }],
  ['#fleet/only-a-mapping', { page: 'unknown' }],
  ['#nowhere', { page: 'unknown' }],
  ['#run/more', { page: 'unknown' }],
] as const)('%s', (hash, route) => {
  expect(at(hash)).toEqual(route)
})

test('paths and fragments name pages', () => {
  expect(at('#run', '/index.html')).toEqual({ page: 'migrate', step: 'run' })
  expect(at('', '/help')).toEqual({ page: 'help' })
  expect(at('', '/nowhere')).toEqual({ page: 'unknown' })
})
