// What a changed option does to the lines of a plan, the order of the lines, and the options that remove warnings.
import { expect, test } from 'bun:test'
import { changesBetween, summaryOf } from '../../client/state/plan-changes.ts'
import { blockersOf, fixesOf, withoutBlockers } from '../../client/state/plan-fixes.ts'
import { keyOf, linesOf, matching } from '../../client/state/plan-lines.ts'
import { defaultOptions } from '../../shared/defaults.ts'
import type { ObjectAction, PlannedObject } from '../../shared/plan-api.ts'

function table(name: string, action: ObjectAction, rest: Partial<PlannedObject> = {}): PlannedObject {
  return { kind: 'TABLE', schema: 'public', name, action, steps: 3, ...rest }
}

function plan(objects: PlannedObject[], digest = JSON.stringify(objects)) {
  return { objects, digest }
}

test('rows and sizes that have changed by themselves are not a change of the plan', () => {
  const changes = changesBetween(
    plan([table('a', 'empty', { rows: 1, there: { rows: 5, exact: true } })], 'same'),
    plan([table('a', 'empty', { rows: 2, there: { rows: 6, exact: true } })], 'same'),
  )
  expect([changes.lines.size, changes.gone, changes.isOtherSql]).toEqual([0, [], false])
  expect(summaryOf(changes)).toEqual([])
})

test.each([
  { before: 'append', after: 'empty', what: 'emptied' },
  { before: 'empty', after: 'upsert', what: 'notEmptied' },
  { before: 'keep', after: 'recreate', what: 'dropped' },
  { before: 'recreate', after: 'create', what: 'notDropped' },
  { before: 'create', after: 'skip', what: 'skipped' },
  { before: 'append', after: 'upsert', what: 'other' },
] as const)('$before, then $after: $what', ({ before, after, what }) => {
  const changes = changesBetween(
    plan([table('a', before), table('b', before), table('c', 'create')]),
    plan([table('a', after), table('b', after), table('c', 'create')]),
  )
  expect(summaryOf(changes)).toEqual([{ what, count: 2 }])
  expect(changes.lines.get(keyOf(table('a', after)))).toEqual({ was: before, now: after })
})

test('a table that is dropped instead of emptied is in both sentences', () => {
  const changes = changesBetween(plan([table('a', 'empty')]), plan([table('a', 'recreate')]))
  expect(summaryOf(changes).map(({ what }) => what)).toEqual(['dropped', 'notEmptied'])
})

test('objects that are new, and those that are gone', () => {
  const changes = changesBetween(plan([table('a', 'create')]), plan([table('b', 'create')]))
  expect(summaryOf(changes)).toEqual([
    { what: 'added', count: 1 },
    { what: 'gone', count: 1 },
  ])
  expect(changes.gone.map(({ name }) => name)).toEqual(['a'])
})

test('the same objects with other statements', () => {
  const changes = changesBetween(plan([table('a', 'append')], 'one'), plan([table('a', 'append')], 'two'))
  expect([summaryOf(changes), changes.isOtherSql]).toEqual([[], true])
})

test('what destroys is first, then what cannot be done, then the largest', () => {
  const lines = linesOf([
    table('small', 'create', { bytes: 1 }),
    table('large', 'create', { bytes: 9 }),
    table('lost', 'skip'),
    table('already empty', 'empty', { bytes: 5, there: { rows: 0, exact: true } }),
    table('perhaps empty', 'empty', { bytes: 1, there: { rows: 0, exact: false } }),
    table('full', 'empty', { bytes: 2, there: { rows: 7, exact: true } }),
  ])
  expect(lines.map(({ name }) => name)).toEqual([
    'full',
    'perhaps empty',
    'lost',
    'large',
    'already empty',
    'small',
  ])
  expect(lines.map(({ place }) => place)).toEqual([5, 4, 2, 1, 3, 0])
  expect(matching(lines, { search: 'EMPTY', kind: '', action: 'empty' })).toHaveLength(2)
  expect(matching(lines, { search: 'public.sm', kind: 'TABLE', action: '' })).toHaveLength(1)
  expect(matching(lines, { search: '', kind: 'VIEW', action: '' })).toEqual([])
})

const noExtension =
  'extension "postgis" is not available on the destination: install it there, or exclude it with --skip-extension postgis; objects that need it will be skipped'

test('an option that removes a warning is offered until it is set', () => {
  expect(fixesOf(noExtension, defaultOptions)).toEqual([
    { option: 'skipExtensions', value: ['postgis'], name: 'postgis' },
  ])
  expect(fixesOf(noExtension, { ...defaultOptions, skipExtensions: ['postgis'] })).toEqual([])
  const role =
    'role "app" does not exist on the destination: create it, or use --no-owner and --no-acl; its objects'
  expect(fixesOf(role, defaultOptions).map(({ option }) => option)).toEqual(['owner', 'acl'])
  expect(fixesOf(role, { ...defaultOptions, owner: false }).map(({ option }) => option)).toEqual(['acl'])
  expect(fixesOf('the rows of public.a will not be copied: nobody knows why', defaultOptions)).toEqual([])
})

test('blockers are apart from warnings', () => {
  const texts = ['a run would be refused: Disk: full', noExtension]
  expect([blockersOf(texts), withoutBlockers(texts)]).toEqual([['Disk: full'], [noExtension]])
})
