// The strings of the page: both languages are complete, and every option has its texts.
import { expect, test } from 'bun:test'
import { flatten } from '@solid-primitives/i18n'
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

test('both languages have all strings, with the same placeholders', () => {
  for (const [key, text] of Object.entries(english ?? {})) {
    if (typeof text !== 'string') continue
    expect([key, places(japanese?.[key])]).toEqual([key, places(text)])
    expect(japanese?.[key]).not.toBe('')
  }
})

test('every option has a label and a help text', () => {
  expect(Object.keys(en.options.each).toSorted()).toEqual(Object.keys(MigrationOptions.properties).toSorted())
})

test('every preflight check has a Japanese title, and nothing else has one', () => {
  expect(Object.keys(japaneseTitles).toSorted()).toEqual(checks.map(({ id }) => id).toSorted())
})

test('every kind of error has a Japanese sentence', () => {
  const kinds = ApiError.properties.error.anyOf.map((kind: { const: string }) => kind.const)
  expect(Object.keys(japaneseErrors).toSorted()).toEqual(kinds.toSorted())
  for (const words of Object.values(japaneseErrors)) {
    expect(words).toMatch(/[\u3040-\u30ff].*。$/)
  }
})
