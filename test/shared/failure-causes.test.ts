import { expect, test } from 'bun:test'
import { placeInCopy } from '../../shared/error-info.ts'
import type { FailedStep } from '../../shared/failure.ts'
import { groupByCause } from '../../shared/failure-causes.ts'

test.each([
  ['COPY items, line 3, column price: "x"', { row: 3, column: 'price', value: 'x' }],
  ['COPY items, line 400, column note: "a: ""b"', { row: 400, column: 'note', value: 'a: ""b' }],
  ['COPY items, line 12, column price: null input', { row: 12, column: 'price' }],
  ['COPY items, line 12: "1\tb"', { row: 12 }],
  ['COPY items, line 5, column a: "two\nlines"', { row: 5, column: 'a', value: 'two\nlines' }],
  [
    'PL/pgSQL function f() line 3 at RAISE\nCOPY items, line 7, column a: "x"',
    { row: 7, column: 'a', value: 'x' },
  ],
  ['SQL function "f" statement 1', {}],
  [undefined, {}],
])('the place of a failing row is read from the context %j', (context, place) => {
  expect(placeInCopy(context)).toEqual(place)
})

function failure(name: string, rest: Partial<FailedStep> = {}): FailedStep {
  return { schema: 'public', name, kind: 'ROWS', error: 'x', ...rest }
}

test('failures with the same code, kind, constraint and words are one cause, in the order of the run', () => {
  const denied = (name: string) =>
    failure(name, { cause: { message: `permission denied for table ${name}`, sqlstate: '42501' } })
  const quoted = (name: string) => ({ message: `permission denied for table "${name}"`, sqlstate: '42501' })
  const check = { message: 'violates check', sqlstate: '23514' }
  const causes = groupByCause([
    failure('a', { cause: quoted('a') }),
    failure('b', { cause: { ...check, constraint: 'one' } }),
    failure('c', { cause: quoted('c d') }),
    failure('d', { cause: { ...check, constraint: 'two' } }),
    failure('e', { cause: quoted('e'), kind: 'INDEX' }),
    denied('first'),
    denied('second'),
  ])
  expect(causes.map(({ failures }) => failures.map(({ name }) => name))).toEqual([
    ['a', 'c', 'first', 'second'],
    ['b'],
    ['d'],
    ['e'],
  ])
})

test('types with different limits are different causes', () => {
  const long = (limit: number) => ({ message: `value too long for type character varying(${limit})` })
  expect(groupByCause([failure('a', { cause: long(3) }), failure('b', { cause: long(4) })])).toHaveLength(2)
})

test('a run without parts of its errors is grouped by their text', () => {
  const error = 'permission denied for schema x (SQLSTATE 42501). Detail: d Hint: h'
  const [cause] = groupByCause([failure('a', { error }), failure('b', { error })])
  expect(cause).toMatchObject({
    error: { message: 'permission denied for schema x', sqlstate: '42501', hint: 'h' },
    failures: [{ name: 'a' }, { name: 'b' }],
  })
})
