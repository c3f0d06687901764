import { describe, expect, test } from 'bun:test'
import { everything } from '../../shared/defaults.ts'
import { nearestName, Pattern, PatternError } from '../../shared/pattern.ts'
import type { Selection } from '../../shared/request.ts'
import { Selector } from '../../shared/selector.ts'

describe('a pattern', () => {
  test('without a schema matches the name in any schema', () => {
    expect(new Pattern('users').matches('users', 'app')).toBe(true)
    expect(new Pattern('users').matches('Users', 'app')).toBe(false)
  })
  test('takes * and ? as wildcards, and everything else as it is', () => {
    expect(new Pattern('app.log_*').matches('log_2024', 'app')).toBe(true)
    expect(new Pattern('app.log_*').matches('log_2024', 'app2')).toBe(false)
    expect(new Pattern('a?c').matches('abc')).toBe(true)
    expect(new Pattern('a+(c)').matches('a+(c)')).toBe(true)
    expect(new Pattern('näme*').matches('näme\nzwei')).toBe(true)
  })
  test('takes what is quoted literally', () => {
    expect(new Pattern('"my.schema"."a*""b"').matches('a*"b', 'my.schema')).toBe(true)
    expect(new Pattern('"a*"').matches('abc')).toBe(false)
  })
  test('of a list is one name, dots and parentheses included', () => {
    expect(new Pattern('f(public.t, *)', 'name').matches('f(public.t, integer)')).toBe(true)
    expect(new Pattern('we"ird', 'name').matches('we"ird')).toBe(true)
  })
  test.each(['', 'a.', '.a', '"a', 'a.b.c'])('%p is refused', (text) => {
    expect(() => new Pattern(text)).toThrow(PatternError)
  })
})

test('the nearest name is one that differs in few letters, or in case', () => {
  expect(nearestName('usres', ['orders', 'users'])).toBe('users')
  expect(nearestName('USERS', ['orders', 'users'])).toBe('users')
  expect(nearestName('xyz', ['orders', 'users'])).toBeUndefined()
})

describe('a selection', () => {
  const selector = (selection: Partial<Selection>) => new Selector({ ...everything, ...selection })
  const table = (schema: string, name: string) => ({ kind: 'tables', schema, name }) as const

  test('of nothing is everything', () => {
    const all = selector({})
    expect(all.isEverything).toBe(true)
    expect(all.verdict(table('a', 'b'))).toBe('selected')
    expect(all.verdict({ kind: 'other', name: 'hstore' })).toBe('selected')
  })
  test('by include is those tables, and no functions', () => {
    const some = selector({ include: ['a.b*'] })
    expect(some.verdict(table('a', 'b1'))).toBe('selected')
    expect(some.verdict(table('c', 'b1'))).toBe('unselected')
    expect(some.verdict({ kind: 'functions', schema: 'a', name: 'b1' })).toBe('unselected')
    expect(some.verdict({ kind: 'other', name: 'hstore' })).toBe('unselected')
    expect(some.schemaVerdict('a')).toBe('unselected')
  })
  test('leaves out what is excluded, whatever includes it', () => {
    const some = selector({ includeSchemas: ['a'], exclude: ['a.secret', 'x.y'], excludeSchemas: ['b'] })
    expect(some.verdict(table('a', 'secret'))).toBe('excluded')
    expect(some.verdict(table('b', 't'))).toBe('excluded')
    expect(some.verdict(table('a', 't'))).toBe('selected')
    expect(some.schemaVerdict('a')).toBe('selected')
    expect(some.unused).toEqual(['x.y'])
  })
  test('by exclusion alone keeps everything else', () => {
    const rest = selector({ exclude: ['logs'] })
    expect(rest.isEverything).toBe(false)
    expect(rest.verdict({ kind: 'other', name: 'hstore' })).toBe('selected')
    expect(rest.verdict(table('any', 'logs'))).toBe('excluded')
  })
  test('by kinds is only those', () => {
    const views = selector({ only: ['views'], includeSchemas: ['a'] })
    expect(views.verdict({ kind: 'views', schema: 'a', name: 'v' })).toBe('selected')
    expect(views.verdict({ kind: 'views', schema: 'b', name: 'v' })).toBe('unselected')
    expect(views.verdict(table('a', 't'))).toBe('unselected')
  })
  test('of a schema with lists is what the lists name', () => {
    const listed = selector({
      schemas: [
        { name: 'a', tables: ['t', 'x.y'], functions: ['f(integer)'], triggers: ['t.changed'] },
        { name: 'w' },
      ],
    })
    expect(listed.verdict(table('a', 't'))).toBe('selected')
    expect(listed.verdict(table('a', 'x.y'))).toBe('selected')
    expect(listed.verdict(table('a', 'other'))).toBe('unselected')
    expect(listed.verdict({ kind: 'views', schema: 'a', name: 't' })).toBe('unselected')
    expect(listed.verdict({ kind: 'functions', schema: 'a', name: 'f', alsoNamed: ['f(integer)'] })).toBe(
      'selected',
    )
    expect(listed.verdict({ kind: 'functions', schema: 'a', name: 'f', alsoNamed: ['f(text)'] })).toBe(
      'unselected',
    )
    expect(listed.verdict({ kind: 'triggers', schema: 'a', name: 'changed', alsoNamed: ['t.changed'] })).toBe(
      'selected',
    )
    expect(listed.verdict(table('w', 'anything'))).toBe('selected')
    expect(listed.schemaVerdict('a')).toBe('unselected')
    expect(listed.schemaVerdict('w')).toBe('selected')
  })
})
