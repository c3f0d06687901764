// The words of the page: both languages say the same things, and every option of the engine has its sentence.
import { expect, test } from 'bun:test'
import { flatten } from '@solid-primitives/i18n'
import { japaneseReasons } from '../../client/i18n/check-reasons.ts'
import { japaneseTitles } from '../../client/i18n/checks.ts'
import { en } from '../../client/i18n/en.ts'
import { japaneseErrors } from '../../client/i18n/errors.ts'
import { ja } from '../../client/i18n/ja.ts'
import { checks } from '../../server/preflight/checks.ts'
import { ApiError } from '../../shared/api.ts'
import { MigrationOptions } from '../../shared/request.ts'

const [english, japanese] = [flatten(en), flatten(ja)] as Record<string, unknown>[]
const places = (text: unknown) =>
  String(text)
    .match(/\{\{\w+\}\}/g)
    ?.toSorted() ?? []

test('both languages say everything, with the same places to fill', () => {
  for (const [key, text] of Object.entries(english ?? {})) {
    if (typeof text !== 'string') continue
    expect([key, places(japanese?.[key])]).toEqual([key, places(text)])
    expect(japanese?.[key]).not.toBe('')
  }
})

test('every option has its words', () => {
  expect(Object.keys(en.options.each).toSorted()).toEqual(Object.keys(MigrationOptions.properties).toSorted())
})

test('every check of the preflight has its name in Japanese, and no other has one', () => {
  expect(Object.keys(japaneseTitles).toSorted()).toEqual(checks.map(({ id }) => id).toSorted())
})

test('every check of the preflight has its reason in Japanese, and every kind of error its sentence', () => {
  expect(Object.keys(japaneseReasons).toSorted()).toEqual(checks.map(({ id }) => id).toSorted())
  const kinds = ApiError.properties.error.anyOf.map((kind: { const: string }) => kind.const)
  expect(Object.keys(japaneseErrors).toSorted()).toEqual(kinds.toSorted())
  for (const words of [...Object.values(japaneseReasons), ...Object.values(japaneseErrors)]) {
    expect(words).toMatch(/[\u3040-\u30ff].*。$/)
  }
})
