// What is one SQL expression, and what would end the statement around it.
import { expect, test } from 'bun:test'
import { conditionFault } from '../../shared/sql-condition.ts'

test.each([
  "created_at >= '2024-01-01'",
  "note = 'it''s ; fine ('",
  "note = E'it\\'s ) fine'",
  "note = 'a backslash \\'",
  '"odd ; ) name" > 1',
  'id in (select id from public.other where (a) = (b))',
  'id > 1 -- ; ) the last',
  'id > 1 /* ( /* nested ; */ ) */ and true',
  'note = $$ ; ) $$ or note = $tag$ $$ ) $tag$',
  'money$1 > 0',
])('one expression: %s', (text) => {
  expect(conditionFault(text)).toBeUndefined()
})

test.each([
  ['true; select 1', 5],
  ['true) or (true', 5],
  ['a and (b', 7],
  ["name = 'x", 8],
  ['"name', 1],
  ['id > $1', 6],
  ['true /* open', 6],
  ["name = 'x\\'); drop table t; --'", 12],
  ["'\u{1f418}' = ;", 7],
])('not one expression: %s', (text, position) => {
  expect(conditionFault(text)?.position).toBe(position)
})
