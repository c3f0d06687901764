// What must be stored for a run so that it survives a kill. Implementations are passed in, so that runs do not depend
// on where they store it.

import type { StepInfo } from '../../shared/event.ts'
import { nameOf, type TableName } from '../../shared/table-name.ts'
import type { Saved, SavedItem } from '../coordination/suspension-notes.ts'

export interface Moved {
  rows: number
  bytes: number
}

/** The progress of an interrupted run. */
export interface Unfinished {
  run: string
  startedAt: string
  /** The parts of the request that decide which rows go where. With another request a run cannot be resumed. */
  request: string
  /** Steps that were done, by `stepKey`, with their rows and bytes. */
  done: ReadonlyMap<string, Moved>
  /** For a run that tried every step: those that failed or were skipped, by `stepKey`. All others are done. */
  left?: ReadonlySet<string> | undefined
  /** Tables that the run has created or truncated, so that it owns their rows. By `tableKey`. */
  own: ReadonlySet<string>
  /** Steps whose transactions were being committed when the process ended. */
  committing: ReadonlyMap<string, Moved & { transactions: string[] }>
}

export interface RunMemory {
  /**
   * To be called before a run changes anything: its request, the tables that it will own, and the steps that an
   * earlier run has done.
   */
  planned(request: string, own: readonly string[], resumed: ReadonlyMap<string, Moved>): void
  /**
   * To be called before rows are committed that must not be added twice. Throws when this cannot be stored for a run
   * that continues after a kill: then the rows must not be committed.
   */
  committing(step: string, transactions: readonly string[], moved: Moved): void
  done(step: string, moved: Moved): void
  /** The last run between the same databases, when it did not complete. */
  unfinished(): Unfinished | undefined
  /** For a destination that cannot store notes itself. Durable when it returns; throws when that is not possible. */
  save(id: number, saved: Saved): void
  /** Where `save` keeps it, in words. */
  readonly place: string
  forget(id: number): void
  /** What runs that have ended left suspended on this destination, as far as it was stored here. */
  pending(): SavedItem[]
  /** Runs to this destination that were killed: some of their sessions may still be active. */
  killed(): string[]
}

/** For runs that store nothing. */
export class NoMemory implements RunMemory {
  readonly place = 'the memory of this process, which is lost if it is killed'

  constructor(readonly earlier?: Unfinished) {}

  planned() {}
  committing() {}
  done() {}
  unfinished() {
    return this.earlier
  }
  save() {}
  forget() {}
  pending() {
    return []
  }
  killed() {
    return []
  }
}

/** A key that is the same for a step in every run between the same databases. */
export function stepKey({ kind, schema, name }: Pick<StepInfo, 'kind' | 'schema' | 'name'>): string {
  return JSON.stringify([kind, schema ?? '', name])
}

/** The key of the rows of a table. */
export function rowsKey(table: TableName): string {
  return stepKey({ kind: 'ROWS', ...nameOf(table) })
}
