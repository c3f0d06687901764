// Tables of the destination that others than this move have written to. They are recorded until a comparison finds them
// equal.

import { say } from '../../shared/say.ts'
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
  /** Other sessions of pgtrek are writing, whose rows are not counted. */
  #isExcepted = false

  constructor(
    readonly move: MoveContext,
    written: OwnWrites,
    /** Earlier comparisons of these tables are not valid any more. */
    readonly onFound: (tables: readonly TableName[]) => void,
  ) {
    this.#watch = new ForeignWatch(written, move.services.foreignWatch)
  }

  get isDue(): boolean {
    return !this.#isExcepted && this.#watch.isDue
  }

  /** Does not report rows that the work writes. They may be counted for any table of a partition tree. */
  async except<T>(work: () => Promise<T>): Promise<T> {
    this.#isExcepted = true
    try {
      return await work()
    } finally {
      this.#watch.forget()
      this.#isExcepted = false
    }
  }

  /** Other sessions of pgtrek have filled these tables. */
  forget(tables: Parameters<ForeignWatch['forget']>[0]) {
    this.#watch.forget(tables)
  }

  async check(destination: Session) {
    const { move } = this
    const { direction, bidirectional, native, handedOver } = move.record
    // Others may write where both sides are in use, and rows that a subscription writes are not counted.
    if (direction !== 'forward' || bidirectional || native || handedOver) return
    const { found, there } = await this.#watch.check(destination, allTables(move.record))
    const renamed = renamedForeignWrites(move.record.foreignWrites, there)
    if (renamed) move.update(renamed)
    if (found.length === 0) return
    const sessions = await nameOthers(destination, move.record)
    for (const table of found) {
      if (isWrittenByOthers(move.record, table)) continue
      move.status.say(
        say`table ${showName(table)} of the destination was written to by others than this move`,
        'warn',
      )
    }
    move.update({ foreignWrites: addForeignWrites(move.record.foreignWrites, found, sessions) })
    this.onFound(found)
  }

  /** Checks a last time. */
  async tables({ to }: Link): Promise<readonly TableName[]> {
    await using destination = await Session.open(to, { signal: this.move.signal })
    await this.check(destination)
    return this.move.record.foreignWrites?.tables ?? []
  }
}

/** The subjects that `--accept-differences` accepts: skipped transactions, and tables that others have written to. */
export function acceptable({ record }: MoveContext): string[] {
  const { skipped = [], foreignWrites } = record
  const tables = [...skipped.flatMap(({ tables }) => tables), ...(foreignWrites?.tables ?? [])]
  return ['skipped', ...tables.map(troubleOf)]
}

/** These tables are equal: forgets their skipped transactions and writes of others. */
export function foundEqual(move: MoveContext, tables: readonly TableName[]) {
  const { skipped, foreignWrites } = move.record
  if (tables.some((table) => isSkippedIn(skipped, table))) {
    move.update({ skipped: forgetSkipped(skipped, tables) })
  }
  if (tables.some((table) => isWrittenByOthers(move.record, table))) {
    move.update({ foreignWrites: forgetForeignWrites(foreignWrites, tables) })
  }
}
