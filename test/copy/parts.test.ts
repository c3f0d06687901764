import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { ctidParts, keyParts, type Part, partCount } from '../../server/copy/parts.ts'

const smallest = -(2n ** 63n)
const largest = 2n ** 63n - 1n

const counts = fc.integer({ min: 1, max: 1000 })
const pages = fc.oneof(fc.nat({ max: 50 }), fc.integer({ min: 0, max: 2 ** 32 - 2 }))
const bigint = fc.bigInt({ min: smallest, max: largest })
const near = fc.integer({ min: -20, max: 20 }).map(BigInt)
const keys = fc
  .oneof(fc.tuple(near, near), fc.tuple(bigint, bigint), fc.constant([smallest, largest] as const))
  .map(([one, other]) => (one < other ? ([one, other] as const) : ([other, one] as const)))

describe('the parts of a table', () => {
  test('cover every page exactly once, open at both ends', () => {
    fc.assert(
      fc.property(pages, counts, (pages, count) => {
        const bounds = boundsOf(ctidParts(pages, count))
        expectChain(bounds)
        expect(bounds.length).toBe(Math.min(count, Math.max(1, pages)))
        for (const { from, to } of bounds) {
          if (from !== undefined) expect(from > 0n && from < BigInt(pages)).toBe(true)
          if (to !== undefined) expect(to < BigInt(pages)).toBe(true)
        }
      }),
    )
  })

  test('cover every key exactly once, also negative and extreme ones', () => {
    fc.assert(
      fc.property(keys, counts, ([lowest, highest], count) => {
        const bounds = boundsOf(keyParts('id', lowest, highest, count))
        expectChain(bounds)
        // Every bound can be written as a bigint: such a key may exist.
        for (const { from } of bounds) {
          if (from !== undefined) expect(from > lowest && from <= highest).toBe(true)
        }
      }),
    )
  })

  test('have almost the same number of keys, each at least one', () => {
    fc.assert(
      fc.property(keys, counts, ([lowest, highest], count) => {
        const sizes = boundsOf(keyParts('id', lowest, highest, count)).map(
          ({ from = lowest, to = highest + 1n }) => to - from,
        )
        const [least, most] = [sizes, sizes].map((all, index) =>
          all.reduce((a, b) => ((index === 0 ? a < b : a > b) ? a : b)),
        ) as [bigint, bigint]
        expect(least).toBeGreaterThan(0n)
        expect(most - least).toBeLessThanOrEqual(1n)
      }),
    )
  })

  test('divide the table among them', () => {
    fc.assert(
      fc.property(pages, counts, (pages, count) => {
        const whole = ctidParts(pages, count).reduce((sum, { share }) => sum + share, 0)
        expect(whole).toBeCloseTo(1)
      }),
    )
  })

  test('are SQL conditions on the row position or the key', () => {
    expect(ctidParts(10, 3).map(({ condition }) => condition)).toEqual([
      "ctid < '(3,0)'::tid",
      "ctid >= '(3,0)'::tid and ctid < '(6,0)'::tid",
      "ctid >= '(6,0)'::tid",
    ])
    expect(keyParts('the "id"', -5n, 4n, 2).map(({ condition }) => condition)).toEqual([
      `"the ""id""" < '0'::bigint`,
      `"the ""id""" >= '0'::bigint`,
    ])
  })

  test('an empty table and one of a single key are one part without a condition', () => {
    expect(ctidParts(0, 4)).toEqual([{ condition: undefined, share: 1 }])
    expect(keyParts('id', 7n, 7n, 4)).toEqual([{ condition: undefined, share: 1 }])
    expect(keyParts('id', 0n, -1n, 4)).toEqual([{ condition: undefined, share: 1 }])
  })
})

test('a table is divided when it is larger than the threshold, into at most a thousand parts that are not', () => {
  expect([0, 99, 100, 101, 1000, 1e9].map((bytes) => partCount(bytes, 100))).toEqual([1, 1, 1, 2, 10, 1000])
})

interface Bounds {
  from: bigint | undefined
  to: bigint | undefined
}

function boundsOf(parts: Part[]): Bounds[] {
  return parts.map(({ condition = '' }) => {
    const bound = (operator: string) =>
      new RegExp(` ${operator} '\\(?(-?\\d+)(?:,0\\))?'::`).exec(condition)?.[1]
    const [from, to] = [bound('>='), bound('<')]
    return {
      from: from === undefined ? undefined : BigInt(from),
      to: to === undefined ? undefined : BigInt(to),
    }
  })
}

/** Each begins where the previous one ends, and nothing is before the first or after the last. */
function expectChain(bounds: Bounds[]) {
  expect(bounds[0]?.from).toBeUndefined()
  expect(bounds.at(-1)?.to).toBeUndefined()
  for (const [index, { from, to }] of bounds.entries()) {
    if (index > 0) expect(from).toBe(bounds[index - 1]?.to as bigint)
    if (from !== undefined && to !== undefined) expect(from < to).toBe(true)
  }
}
