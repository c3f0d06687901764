import { describe, expect, test } from 'bun:test'
import { CannotHappen, eventually, within } from '../../tools/eventually.ts'

/** One value after the other, the last for ever. */
function oneByOne<T>(...values: T[]): () => T {
  return () => (values.length > 1 ? values.shift() : values[0]) as T
}

describe('eventually', () => {
  test('returns the first thing it sees that holds', async () => {
    expect(await eventually('something', oneByOne<unknown>(undefined, 0, '', false, 'there'))).toBe('there')
    expect(await eventually('two', oneByOne(0, 1, 2), (seen) => seen === 2)).toBe(2)
  })

  test('takes a look that throws for one that does not hold yet', async () => {
    const look = oneByOne<() => unknown>(
      () => expect(1).toBe(2),
      () => 'done',
    )
    expect(await eventually('a passing expectation', () => look()())).toBe('done')
  })

  test.each([
    ['an object', () => ({ rows: 3 }), 'waited 0.02 s for ten rows; last saw { rows: 3 }'],
    ['an error', () => Promise.reject(new Error('no such table')), 'for ten rows; last saw no such table'],
    [
      'a look that never ends',
      () => new Promise(() => {}),
      'for ten rows; last saw nothing: the first look did not return',
    ],
  ])('says what it waited for and what it saw: %s', async (_, look, message) => {
    const waiting = eventually<unknown>('ten rows', look, () => false, { withinMs: 20 })
    expect(waiting).rejects.toThrow(message)
    await waiting.catch(() => {})
  })

  test('ends at once when it cannot happen any more', async () => {
    const look = oneByOne(
      () => 'running',
      () => {
        throw new CannotHappen('the process has ended')
      },
    )
    const waiting = eventually(
      'the copy',
      () => look()(),
      (seen) => seen === 'copied',
    )
    expect(waiting).rejects.toThrow("waited for the copy: the process has ended; last saw 'running'")
    await waiting.catch(() => {})
  })
})

describe('within', () => {
  test('gives what the promise gives, or its error', async () => {
    expect(await within('a number', Promise.resolve(1))).toBe(1)
    const failing = within('a number', Promise.reject(new Error('none')))
    expect(failing).rejects.toThrow('none')
    await failing.catch(() => {})
  })

  test('says what was seen instead', async () => {
    const waiting = within('an answer', new Promise(() => {}), 20, () => ['a question'])
    expect(waiting).rejects.toThrow("waited 0.02 s for an answer; last saw [ 'a question' ]")
    await waiting.catch(() => {})
  })
})
