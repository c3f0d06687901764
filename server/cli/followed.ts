// The databases that a state directory knows as followed, for the commands that look at them.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { printable } from '../../shared/printable.ts'
import { UsageError } from '../postgres/errors.ts'
import { FollowStore } from '../store/follows.ts'
import { RunStore } from '../store/runs.ts'
import type { StateDatabase } from '../store/state-database.ts'

export interface Followed extends Disposable {
  database: StateDatabase
  store: FollowStore
}

/** Nothing when the directory remembers nothing at all: whoever only looks makes none. */
export function openFollowed(stateDir: string): Followed | undefined {
  if (!existsSync(join(stateDir, 'pgtrek.sqlite'))) return undefined
  const runs = new RunStore(stateDir)
  try {
    return {
      database: runs.database,
      store: new FollowStore(runs.database),
      [Symbol.dispose]: () => runs[Symbol.dispose](),
    }
  } catch (error) {
    runs[Symbol.dispose]()
    throw error
  }
}

/** The named one, or all; a name that is not there is a mistake. */
export function namesOf(
  followed: Followed | undefined,
  name: string | undefined,
  stateDir: string,
): string[] {
  const names = followed?.store.names() ?? []
  if (name === undefined) return names
  if (names.includes(name)) return [name]
  const known = names.length > 0 ? `known: ${names.join(', ')}` : 'it contains no moves'
  throw new UsageError(
    `no move is named ${printable(name)} in ${stateDir}; ${known} (use --state-dir for another state directory)`,
  )
}
