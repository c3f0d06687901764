// Saved connections, and files of them.
import { expect, test } from 'bun:test'
import { readConnectionFile } from '../../client/state/connection-file.ts'
import { parseUrl } from '../../client/state/connection-url.ts'
import {
  removeConnection,
  saveConnection,
  savedConnections,
  savedEnd,
  takeConnections,
} from '../../client/state/saved-connections.ts'

test('are stored without their password unless requested', () => {
  const end = parseUrl('postgres://jo:secret@h/d?sslpassword=other')
  if (typeof end === 'string') throw new Error(end)
  saveConnection('without', end, false)
  saveConnection('with', end, true)
  expect(savedConnections()).toEqual([
    { name: 'with', url: 'postgres://jo:secret@h/d?sslpassword=other' },
    { name: 'without', url: 'postgres://jo@h/d' },
  ])
  const [first] = savedConnections()
  expect(first && savedEnd(first)?.fields.password).toBe('secret')
  removeConnection('with')
  removeConnection('without')
  expect(savedConnections()).toEqual([])
})

test('files of both kinds are read, and other fields are ignored', () => {
  const request = { source: { url: 'postgres://a/b' }, destination: { host: 'c' } }
  const text = JSON.stringify({
    connections: [
      { name: 'one', url: 'postgres://a/b' },
      { name: 'two', host: 'h', port: 5433 },
      { url: 'x' },
    ],
    profiles: [{ name: 'night', request, updated_at: '2024-01-01' }, { name: 'no request' }],
  })
  const content = readConnectionFile(text)
  expect(content?.connections).toEqual([
    { name: 'one', url: 'postgres://a/b' },
    { name: 'two', url: 'postgres://h:5433/' },
  ])
  expect(content?.profiles).toMatchObject([{ name: 'night', request, passwords: false }])
  takeConnections(content?.connections ?? [])
  expect(savedConnections().map(({ name }) => name)).toEqual(['one', 'two'])
})

test.each(['', '{', '7', '[]', '{"connections": "none"}', '[{"name": "", "url": "postgres://a/b"}]'])(
  'a file with %p in it is refused',
  (text) => {
    expect(readConnectionFile(text)).toBeUndefined()
  },
)
