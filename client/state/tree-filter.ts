// The filters of the tree.
import { lacking, whereOf } from './kept-rows.ts'
import type { Leaf } from './tree.ts'

export const filters = ['noKey', 'condition', 'missing', 'unreadable', 'large'] as const
export type Filter = (typeof filters)[number]

const mib = 1024 * 1024
export const sizes = [10 * mib, 100 * mib, 1024 * mib, 10 * 1024 * mib, 100 * 1024 * mib]
export const usualSize = 1024 * mib

/** `bytes`: for the filter by size. */
export function keepsOf(filter: Filter | undefined, bytes: number): ((leaf: Leaf) => boolean) | undefined {
  switch (filter) {
    case undefined:
      return undefined
    case 'noKey':
      return ({ facts }) => facts !== undefined && !facts.primaryKey && facts.kind !== 'foreign'
    case 'condition':
      return (leaf) => whereOf(leaf) !== undefined
    case 'missing': {
      const keys = lacking()
      return ({ key }) => keys.has(key)
    }
    case 'unreadable':
      return ({ facts }) => facts?.readable === false
    case 'large':
      return ({ facts }) => facts !== undefined && facts.bytes > bytes
  }
}
