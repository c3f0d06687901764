// An answer with columns that are not in the query is detected.
import { expect, test } from 'bun:test'
import { unexpectedColumn } from '../../server/postgres/answer-columns.ts'

const columns = (...names: string[]) => names.map((name) => ({ name }))

test.each([
  ['select oid, relname as name from pg_class', ['oid', 'name']],
  ['select count(*) as "N" from t', ['N']],
  ['select * from t as x', ['a']],
  ['select * from (values (1, 2)) as v', ['column1', 'column2']],
  ['explain select from (select 1 as a) x', ['QUERY PLAN']],
  ['select now() as at, 1 + 1', ['at', '?column?']],
  ['show server_version', ['server_version']],
  ['select f(a) from t', ['f']],
])('%p is answered with its own columns', (query, names) => {
  expect(unexpectedColumn(columns(...names), query)).toBeUndefined()
})

test('columns are unexpected when none of them is in the query', () => {
  expect(unexpectedColumn(columns('one', 'two'), 'select oid, relname as name from pg_class')).toBe('one')
  expect(unexpectedColumn([], 'select relname as name from pg_class')).toBeUndefined()
})
