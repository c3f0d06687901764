// The fields of the request that is being edited, and an empty one.

import { defaultFollowOptions, defaultOptions } from '../../shared/defaults.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type { Hook, MigrationOptions, Selection } from '../../shared/request.ts'
import type { OwnedRule } from './conditions.ts'
import type { End } from './connection-url.ts'
import { emptyEnd } from './connection-url.ts'

export type Side = 'source' | 'destination'

/** What the user wants to do. `sync`: copy, then follow until a cutover. `refresh`: copy on a schedule. */
export const purposes = ['copy', 'sync', 'compare', 'schema', 'refresh'] as const
export type Purpose = (typeof purposes)[number]

export interface Draft {
  purpose: Purpose
  source: End
  destination: End
  options: MigrationOptions
  needed: Selection['needed']
  /** Rules for rows, each with the source it was written for. */
  rules: OwnedRule[]
  /** Not shown by the page, but kept when a saved request has them. */
  hooks: Hook[]
  /** Instead of a selection in the tree: the names of a saved request or a failed run, with their source. */
  given: { of: string; selection: Partial<Selection> } | undefined
  /** Changes are followed after the copy. */
  following: boolean
  follow: FollowOptions
}

export function emptyDraft(): Draft {
  return {
    purpose: 'copy',
    source: emptyEnd(),
    destination: emptyEnd(),
    options: structuredClone(defaultOptions),
    needed: 'add',
    rules: [],
    hooks: [],
    given: undefined,
    following: false,
    follow: structuredClone(defaultFollowOptions),
  }
}
