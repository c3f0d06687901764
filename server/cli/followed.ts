// The moves of a state directory, for commands that show or control them.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { printable } from '../../shared/printable.ts'
import { onlyName } from '../follow/cleanup.ts'
import { followName } from '../follow/names.ts'
import { UsageError } from '../postgres/errors.ts'
import { FollowStore } from '../store/follows.ts'
import { RunStore } from '../store/runs.ts'
import type { StateDatabase } from '../store/state-database.ts'
import { followOptionsOf } from './flags/follow.ts'
import { endsOf, requestOf } from './flags/request.ts'

export interface Followed extends Disposable {
  database: StateDatabase
  store: FollowStore
}

/** Undefined if there is no state directory: commands that only read do not create one. */
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

/** One move by name, or all. Throws a UsageError for an unknown name. */
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

/** The move whose connections or name the flags give, with the state directory open. */
export function openMove(command: Command) {
  const request = requestOf(command)
  const follow = followOptionsOf(command)
  const store = new RunStore(request.stateDir)
  try {
    const memory = new FollowStore(store.database)
    const hasBoth = request.source !== undefined && request.dest !== undefined
    const name = hasBoth ? followName({ ...endsOf(request), follow }) : onlyName(memory.names(), follow.name)
    return { request, follow, store, memory, name, [Symbol.dispose]: () => store[Symbol.dispose]() }
  } catch (error) {
    store[Symbol.dispose]()
    throw error
  }
}
