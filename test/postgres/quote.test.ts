import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../server/postgres/quote.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { cluster } from '../../tools/servers/clusters.ts'

// Text in PostgreSQL has no zero byte, and UTF-8 has no single surrogate.
const anyText = fc
  .oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'a\'"\\$\n;-E') }))
  .map((text) => text.replaceAll('\0', '').toWellFormed())
const samples = [
  '',
  "'",
  '\\',
  "\\'",
  "'\\",
  "''",
  '\\\\',
  "E'",
  '$$',
  "a'; drop table t; --",
  '\u{1f418}',
  '\r\n',
]

for (const conforming of ['on', 'off']) {
  test(`any text is read back unchanged as a value, with standard_conforming_strings ${conforming}`, async () => {
    await using session = await open()
    await session.execute(`set standard_conforming_strings = ${conforming}; set escape_string_warning = off`)
    const texts = [...samples, ...fc.sample(anyText, 500)]
    const selects = texts.map((text, index) => `select ${index} as i, ${quoteLiteral(text)} as value`)
    const rows = await session.query<{ value: string }>(`${selects.join(' union all ')} order by i`)
    expect(rows.map(({ value }) => value)).toEqual(texts)
  })

  test(`any text is a name, with standard_conforming_strings ${conforming}`, async () => {
    await using session = await open()
    await session.execute(`set standard_conforming_strings = ${conforming}; set escape_string_warning = off`)
    // A name cannot be empty, and the server keeps 63 bytes of it.
    const names = new Set(
      [...samples, ...fc.sample(anyText, 300)].filter((text) => text && Buffer.byteLength(text) < 64),
    )
    await session.execute(`
        create temporary table named ();
        ${[...names].map((name) => `alter table named add ${quoteIdentifier(name)} int`).join(';')}`)
    const columns = await session.query<{ name: string }>(`
        select attname as name
          from pg_catalog.pg_attribute
         where attrelid = 'named'::regclass
           and attnum > 0
         order by attnum`)
    expect(columns.map(({ name }) => name)).toEqual([...names])
  })
}

test('a qualified name consists of its two names', () => {
  expect(quoteQualified('a.b', 'c"d')).toBe('"a.b"."c""d"')
})

async function open() {
  const server = await cluster(15)
  return Session.open(resolveSettings({ url: server.url('postgres') }))
}
