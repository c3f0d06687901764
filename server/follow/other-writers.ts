// Tables of the destination that others than this move have written to: noticed, remembered, and forgotten once a
// comparison has found them equal.

import { showName, type TableName } from '../../shared/table-name.ts'
import { Session } from '../postgres/session.ts'
import type { OwnWrites } from '../replication/apply/own-writes.ts'
import { troubleOf } from './comparison/scope.ts'
import {
  addForeignWrites,
  ForeignWatch,
  forgetForeignWrites,
  isWrittenByOthers,
  nameOthers,
  renamedForeignWrites,
} from './foreign-writes.ts'
import type { Link } from './link.ts'
import type { MoveContext } from './move-context.ts'
import { allTables } from './relations.ts'
import { forgetSkipped, isSkippedIn } from './skipped.ts'

export class OtherWriters {
  readonly #watch: ForeignWatch
  /** Sessions of ours write whose rows nobody counts. */
  #isExcepted = false

  constructor(
    readonly move: MoveContext,
    written: OwnWrites,
    /** What was proven of these tables does not hold any more. */
    readonly onFound: (tables: readonly TableName[]) => void,
  ) {
    this.#watch = new ForeignWatch(written, move.services.foreignWatch)
  }

  get isDue(): boolean {
    return !this.#isExcepted && this.#watch.isDue
  }

  /** Rows that the work writes are ours, and in the counts of any table of the tree. */
  async except<T>(work: () => Promise<T>): Promise<T> {
    this.#isExcepted = true
    try {
      return await work()
    } finally {
      this.#watch.forget()
      this.#isExcepted = false
    }
  }

  /** Other sessions of ours have filled these tables. */
  forget(tables: Parameters<ForeignWatch['forget']>[0]) {
    this.#watch.forget(tables)
  }

  async look(destination: Session) {
    const { move } = this
    const { direction, bidirectional, native, handedOver } = move.record
    // Where both sides are in use they may; and what a subscription of the server writes is not known.
    if (direction !== 'forward' || bidirectional || native || handedOver) return
    const { found, there } = await this.#watch.look(destination, allTables(move.record))
    const renamed = renamedForeignWrites(move.record.foreignWrites, there)
    if (renamed) move.update(renamed)
    if (found.length === 0) return
    const sessions = await nameOthers(destination, move.record)
    for (const table of found) {
      if (isWrittenByOthers(move.record, table)) continue
      move.status.say(
        `table ${showName(table)} of the destination was written to by others than this move`,
        'warn',
      )
    }
    move.update({ foreignWrites: addForeignWrites(move.record.foreignWrites, found, sessions) })
    this.onFound(found)
  }

  /** After a last look. */
  async tables({ to }: Link): Promise<readonly TableName[]> {
    await using destination = await Session.open(to, { signal: this.move.signal })
    await this.look(destination)
    return this.move.record.foreignWrites?.tables ?? []
  }
}

/** What accepting differences passes over: of skipped transactions, and of what others have written. */
export function acceptable({ record }: MoveContext): string[] {
  const { skipped = [], foreignWrites } = record
  const tables = [...skipped.flatMap(({ tables }) => tables), ...(foreignWrites?.tables ?? [])]
  return ['skipped', ...tables.map(troubleOf)]
}

/** Nothing is missing in these tables, and nothing is too much. */
export function foundEqual(move: MoveContext, tables: readonly TableName[]) {
  const { skipped, foreignWrites } = move.record
  if (tables.some((table) => isSkippedIn(skipped, table))) {
    move.update({ skipped: forgetSkipped(skipped, tables) })
  }
  if (tables.some((table) => isWrittenByOthers(move.record, table))) {
    move.update({ foreignWrites: forgetForeignWrites(foreignWrites, tables) })
  }
}
