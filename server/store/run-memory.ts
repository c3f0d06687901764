// What a run must not forget even when it is killed: who keeps it is not the engine's business.

import type { StepInfo } from '../../shared/event.ts'
import { nameOf, type TableName } from '../../shared/table-name.ts'
import type { Saved, SavedItem } from '../coordination/suspension-notes.ts'

export interface Moved {
  rows: number
  bytes: number
}

/** How far an interrupted run had come. */
export interface Unfinished {
  run: string
  startedAt: string
  /** What decides which rows go where: another request is another run. */
  request: string
  /** Steps that were over, by `stepKey`, with the rows and bytes of those that moved any. */
  done: ReadonlyMap<string, Moved>
  /** Of a run that tried everything: the steps that failed or were skipped, by `stepKey`. All others are done. */
  left?: ReadonlySet<string> | undefined
  /** Tables that it made or emptied, so that what is in them is its own. By `tableKey`. */
  own: ReadonlySet<string>
  /** Steps that were told to commit in these transactions, and not heard of again. */
  committing: ReadonlyMap<string, Moved & { transactions: string[] }>
}

export interface RunMemory {
  /**
   * Before a run changes anything: what it is about to do, the tables that are its own from now on, and the steps that
   * the run before has done.
   */
  planned(request: string, own: readonly string[], resumed: ReadonlyMap<string, Moved>): void
  /**
   * Before rows are committed that must not be added twice. Throws where a run that continues this one after a kill
   * could not know of them: then they must not be committed.
   */
  committing(step: string, transactions: readonly string[], moved: Moved): void
  done(step: string, moved: Moved): void
  /** The last run between the same databases, when it did not complete. */
  unfinished(): Unfinished | undefined
  /** Where the destination itself cannot remember it. Durable before it returns; throws where that cannot be had. */
  save(id: number, saved: Saved): void
  /** Where `save` keeps it, in words. */
  readonly place: string
  forget(id: number): void
  /** What runs that are over have left undone on this destination, as far as it was saved here. */
  pending(): SavedItem[]
  /** Runs to this destination that ended without a word: sessions of theirs may still be there. */
  killed(): string[]
}

/** For runs of which nothing needs to be kept. */
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

/** Names a step in the same way in every run between the same databases. */
export function stepKey({ kind, schema, name }: Pick<StepInfo, 'kind' | 'schema' | 'name'>): string {
  return JSON.stringify([kind, schema ?? '', name])
}

/** What a resumed run remembers the rows of a table by. */
export function rowsKey(table: TableName): string {
  return stepKey({ kind: 'ROWS', ...nameOf(table) })
}
