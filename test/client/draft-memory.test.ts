// A reload of the page keeps everything that was entered, without passwords.
import { expect, test } from 'bun:test'
import { rulesFor, rulesOfOtherSources } from '../../client/state/conditions.ts'
import {
  type End,
  emptyEnd,
  lacksPassword,
  parseUrl,
  placeOf,
  withoutSecrets,
} from '../../client/state/connection-url.ts'
import { draftFrom, draftText } from '../../client/state/draft-memory.ts'
import type { Draft } from '../../client/state/draft-shape.ts'
import { defaultFollowOptions, defaultOptions } from '../../shared/defaults.ts'

const end = (url: string) => parseUrl(url) as End
const empty: Draft = {
  purpose: 'copy',
  source: emptyEnd(),
  destination: emptyEnd(),
  options: defaultOptions,
  needed: 'add',
  rules: [],
  hooks: [],
  given: undefined,
  following: false,
  follow: defaultFollowOptions,
}
const typed: Draft = {
  ...empty,
  source: end('postgres://jo:s3cret@db:5433/shop?sslpassword=s3cret2&passfile=/p&x=1'),
  destination: end('postgres://jo@other/shop'),
  options: { ...defaultOptions, workers: 7 },
  rules: [{ of: 'somewhere', rule: { table: 't', where: 'a > 1' } }],
}

test('a draft is restored without its passwords, and knows which connection lacks one', () => {
  const text = draftText(typed, { needed: 'add', schemas: [{ name: 'app', tables: ['t'] }] })
  expect(text).not.toContain('s3cret')
  const back = draftFrom(text, empty)
  expect(back.source.fields).toMatchObject({ host: 'db', port: '5433', user: 'jo', password: '' })
  expect(back.source.extra).toEqual([
    ['passfile', '/p'],
    ['x', '1'],
  ])
  expect([lacksPassword(back.source), lacksPassword(back.destination)]).toEqual([true, false])
  expect(lacksPassword({ ...back.source, fields: { ...back.source.fields, password: 'x' } })).toBe(false)
  expect(lacksPassword({ ...back.source, fields: { ...back.source.fields, host: 'x' } })).toBe(false)
  expect(back).toMatchObject({ options: { workers: 7 }, rules: typed.rules })
  expect(back.given?.selection).toEqual({ schemas: [{ name: 'app', tables: ['t'] }] })
  // A second reload keeps as much.
  expect(draftFrom(draftText(back, {}), empty).source.lost).toBe(back.source.lost as string)
})

test('every field of a connection and the choice of the preflight checks are restored', () => {
  const fields = Object.keys(emptyEnd().fields).map((name) => [name, name === 'password' ? '' : `of ${name}`])
  const destination: End = { fields: Object.fromEntries(fields), extra: [['keepalives', '1']] }
  const follow = { ...defaultFollowOptions, name: 'shop' }
  const back = draftFrom(draftText({ ...typed, destination, following: true, follow }, {}), empty)
  expect(back).toMatchObject({ destination, following: true, follow: { name: 'shop' } })
})

test('without a valid stored draft the page starts empty', () => {
  for (const text of [undefined, '', '{', 'null']) expect(draftFrom(text, empty)).toEqual(empty)
  expect(draftFrom('{"options":{"workers":3}}', empty).options).toEqual({ ...defaultOptions, workers: 3 })
})

test('a password of a profile is still known after a reload', () => {
  const kept = { at: { profile: 'p', side: 'source' as const }, url: 'postgres://jo@db/shop' }
  expect(withoutSecrets({ ...end(kept.url), kept })).toEqual({ ...end(kept.url), kept })
})

test('a rule applies to the database that it was written for, whatever the user', () => {
  const all = [{ of: placeOf(end('postgres://jo:x@db/shop')), rule: { table: 't', where: 'a' } }]
  const [same, other] = [end('postgres://ann@db:5432/shop'), end('postgres://jo:x@db/shop2')]
  expect(rulesFor(all, placeOf(same))).toEqual([{ table: 't', where: 'a' }])
  expect(rulesFor(all, placeOf(other))).toEqual([])
  expect(rulesOfOtherSources(all, placeOf(other))).toEqual([{ table: 't', where: 'a' }])
})
