import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { splitStatements, tokens } from '../../server/schema/lexer.ts'

const odd = fc.string({ unit: fc.constantFrom(...'ab ;\'"$\\-/*()\n\r\tE1_é.\u00a0') })
const noise = fc.oneof(odd, fc.string({ unit: 'binary' }))

describe('tokens', () => {
  test('cover every text in order, with nothing but white space between them', () => {
    fc.assert(
      fc.property(noise, (text) => {
        let position = 0
        for (const { start, end } of tokens(text)) {
          expect(text.slice(position, start)).toMatch(/^[ \t\n\r\f\v]*$/)
          expect(end).toBeGreaterThan(start)
          position = end
        }
        expect(position).toBeLessThanOrEqual(text.length)
        expect(text.slice(position)).toMatch(/^[ \t\n\r\f\v]*$/)
      }),
      { numRuns: 2000 },
    )
  })

  const cases: [string, string, string[]][] = [
    ['a doubled quote stays inside', "'it''s' x", ["string 'it''s'", 'word x']],
    ['a backslash is nothing special', "'\\' x'", ["string '\\'", 'word x', "string '"]],
    ['but it escapes in E strings', "E'\\'' e'\\\\' x", ["string E'\\''", "string e'\\\\'", 'word x']],
    ['no E string starts inside a word', "the'\\'x", ['word the', "string '\\'", 'word x']],
    ['names may hold anything', '"a "" -- \'b" x', ['identifier "a "" -- \'b"', 'word x']],
    ['dollar quotes end at their own tag', '$a$ $$ $b$ $a$ x', ['string $a$ $$ $b$ $a$', 'word x']],
    ['a dollar inside a name quotes nothing', 'a$b$ c$b$', ['word a$b$', 'word c$b$']],
    ['a parameter is no dollar quote', '$1 $1', ['symbol $', 'symbol 1', 'symbol $', 'symbol 1']],
    ['block comments nest', '/* /* */ */ x', ['comment /* /* */ */', 'word x']],
    ['a line comment ends with its line', "-- it's\nx", ["comment -- it's", 'word x']],
    ['or at a carriage return, as for the server', '-- a\rx', ['comment -- a', 'word x']],
    ['a psql command fills its line', '\\connect "a;\nx', ['meta \\connect "a;', 'word x']],
    ['but only at the start of one', 'x \\y', ['word x', 'symbol \\', 'word y']],
    ['letters behind digits start no string', "1E'a'", ['symbol 1E', "string 'a'"]],
    ['a non-breaking space is a letter, as for the server', 'a\u00a0b c', ['word a\u00a0b', 'word c']],
    ['an unclosed quote runs to the end', "x 'a;\n", ['word x', "string 'a;\n"]],
    ['an unclosed dollar quote as well', 'x $a$;$$', ['word x', 'string $a$;$$']],
  ]
  test.each(cases)('%s', (_, text, expected) => {
    expect([...tokens(text)].map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`)).toEqual(
      expected,
    )
  })
})

describe('splitStatements', () => {
  test('returns the statements that were joined', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(statement, separator)), (pairs) => {
        const text = pairs.map(([sql, between]) => `${sql};${between}`).join('')
        expect(splitStatements(text)).toEqual(pairs.map(([sql]) => sql))
      }),
      { numRuns: 500 },
    )
  })

  test('accepts any text, and every statement is a piece of it', () => {
    fc.assert(
      fc.property(noise, (text) => {
        for (const one of splitStatements(text)) {
          expect(one).not.toBe('')
          expect(text).toContain(one)
        }
      }),
      { numRuns: 2000 },
    )
  })

  const cases: [string, string, string[]][] = [
    ['nothing is no statement', ' ; ;\n-- a\n;/* b */', []],
    ['the last one needs no semicolon', 'select 1; select 2', ['select 1', 'select 2']],
    ['comments around it are not part of it', '-- a\nselect 1 -- b\n; -- c', ['select 1']],
    ['comments within it are', 'select /* ; */ 1;', ['select /* ; */ 1']],
    [
      'a body of SQL is one with its function',
      'create function f() begin atomic select case when a then (case b when 1 then 2 end) end; select 2; end; select 3',
      [
        'create function f() begin atomic select case when a then (case b when 1 then 2 end) end; select 2; end',
        'select 3',
      ],
    ],
    ['a transaction has no body', 'begin; select 1; end', ['begin', 'select 1', 'end']],
    [
      'a CASE outside of a body ends with its statement',
      'select case; create or replace procedure p() begin atomic; end; select 1',
      ['select case', 'create or replace procedure p() begin atomic; end', 'select 1'],
    ],
  ]
  test.each(cases)('%s', (_, text, expected) => {
    expect(splitStatements(text)).toEqual(expected)
  })
})

test('a dump of many megabytes is read (a quadratic search would run into the time limit)', () => {
  const columns = Array.from({ length: 12 }, (_, n) => `    column_${n} text DEFAULT 'a'::text NOT NULL`)
  const table = `--\n-- Name: t; Type: TABLE\n--\n\nCREATE TABLE public.t (\n${columns.join(',\n')}\n);\n\n\n`
  const text = table.repeat(20_000_000 / table.length)
  expect(splitStatements(text).length).toBe(Math.floor(20_000_000 / table.length))
})

const content = fc.string({ unit: fc.constantFrom(...'ab;\'"$\\-/*()\n eE1') })
const space = fc.constantFrom(' ', '\n', '\t', '  ')

const string = content.map((text) => `'${text.replaceAll("'", "''")}'`)
const escapeString = content.map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`)
const identifier = content.map((text) => `"${text.replaceAll('"', '""')}"`)
const dollarQuoted = fc
  .tuple(fc.constantFrom('$$', '$a$', '$_b1$', '$é$'), content)
  .map(([tag, text]) => tag + text.replaceAll('$', '') + tag)
// Content without comment marks: those would nest, or end it too early.
const plain = content.map((text) => text.replaceAll('*', '').replaceAll('/', ''))
const { comment } = fc.letrec<{ comment: string }>((tie) => ({
  comment: fc
    .tuple(plain, fc.option(tie('comment'), { nil: '', maxDepth: 3 }), plain)
    .map(([before, nested, after]) => `/*${before} ${nested} ${after}*/`),
}))
const lineComment = content.map((text) => `--${text.replaceAll('\n', '')}\n`)
const word = fc.constantFrom(
  'select',
  'a',
  'end',
  'case',
  'begin',
  'atomic',
  'create',
  'n1',
  '12',
  '.',
  ',',
  '=',
)

const { pieces } = fc.letrec<{ pieces: string; parenthesised: string }>((tie) => ({
  parenthesised: fc
    .tuple(tie('pieces'), fc.array(tie('pieces'), { maxLength: 2 }))
    .map(([first, more]) => `(${[first, ...more].join(' ; ')})`),
  pieces: fc
    .array(
      fc.oneof(
        { maxDepth: 3 },
        word,
        string,
        escapeString,
        identifier,
        dollarQuoted,
        comment,
        lineComment,
        tie('parenthesised'),
      ),
      { maxLength: 5 },
    )
    .map((list) => list.join(' ')),
}))

const { caseOf } = fc.letrec<{ caseOf: string }>((tie) => ({
  caseOf: fc
    .tuple(fc.option(tie('caseOf'), { nil: 'x', maxDepth: 3 }), string)
    .map(([inner, text]) => `CASE WHEN ${inner} THEN ${text} END`),
}))
const safePieces = fc.array(fc.oneof(string, identifier, dollarQuoted, comment), { maxLength: 4 })
const atomicBody = fc
  .array(fc.tuple(safePieces, caseOf).map(([list, last]) => `select ${list.join(' ')} ${last};`))
  .map((list) => `create or replace function f(a int) returns int begin atomic ${list.join('\n')} END`)

// It starts and ends with a token, since surrounding white space belongs to no statement.
const simple = pieces.map((text) => `alter ${text} x`)
const rule = fc
  .tuple(pieces, pieces)
  .map(([one, other]) => `create rule r as on insert to t do also (${one} ; ${other} )`)
const statement = fc.oneof(simple, rule, atomicBody)
const separator = fc
  .array(fc.oneof(space, comment, lineComment, fc.constant('\n\\restrict a;b\n')), { maxLength: 4 })
  .map((list) => list.join(''))
