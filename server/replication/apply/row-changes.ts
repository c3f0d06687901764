// Passes the changes of rows to the applier, except those that cannot be applied as they were sent: without a key,
// or, with both sides in use, without the old row that shows whether both sides have changed it.
import { say } from '../../../shared/say.ts'
import type { DeleteEvent, InsertEvent, RowEvent, TruncateEvent, UpdateEvent } from '../stream/event.ts'
import type { Lsn } from '../stream/lsn.ts'
import type { SourceTransaction } from '../stream/transaction.ts'
import type { Applier } from './applier.ts'
import type { Relations } from './relations.ts'
import type { TargetTable } from './target.ts'

export interface RowChangesOptions {
  applier: Applier
  relations: Relations
  /** Transactions that a user decided to apply although the rows before their changes are not known. */
  trusted: ReadonlySet<Lsn>
}

export class RowChanges {
  readonly #applier: Applier
  readonly #relations: Relations
  readonly #isExact: boolean

  constructor(readonly options: RowChangesOptions) {
    this.#applier = options.applier
    this.#relations = options.relations
    this.#isExact = options.relations.options.exact
  }

  apply(event: RowEvent, transaction: SourceTransaction) {
    if (event.type === 'insert') this.#insert(event, transaction)
    else if (event.type === 'update') this.#update(event, transaction)
    else if (event.type === 'delete') this.#delete(event, transaction)
    else this.#truncate(event, transaction)
  }

  #insert({ relation, row }: InsertEvent, transaction: SourceTransaction) {
    const target = this.#relations.target(relation, transaction)
    if (target) this.#applier.insert(target, row)
  }

  #update({ relation, old, oldRow, row }: UpdateEvent, transaction: SourceTransaction) {
    const target = this.#relations.target(relation, transaction)
    if (!target) return
    if (old !== 'full') this.#refuseUnclear(target, transaction)
    this.#applier.update(target, old, oldRow, row)
  }

  #delete({ relation, old, oldRow }: DeleteEvent, transaction: SourceTransaction) {
    const target = this.#relations.target(relation, transaction)
    if (!target) return
    if (old !== 'full') this.#refuseUnclear(target, transaction)
    this.#applier.delete(target, old, oldRow)
  }

  /** The source names every table that TRUNCATE CASCADE has emptied. */
  #truncate({ relations, restartIdentity }: TruncateEvent, transaction: SourceTransaction) {
    const targets = relations
      .map((id) => this.#relations.target(id, transaction))
      .filter((target) => target !== undefined)
    const [first] = targets
    if (!first) return
    if (this.#isExact && !this.#isTrusted(transaction)) {
      const problem =
        'TRUNCATE while changes flow both ways: rows that this side has inserted in the meantime would be lost. If the ' +
        say`tables may be emptied here, retry`
      throw this.#relations.misfit(
        { relation: first.relation, problems: [problem], isInexact: true },
        transaction,
      )
    }
    this.#applier.truncate(targets, restartIdentity)
  }

  #isTrusted({ finalLsn }: SourceTransaction): boolean {
    return this.options.trusted.has(finalLsn)
  }

  /**
   * A row cannot be found without its key, and a change on both sides cannot be detected without the whole old row.
   */
  #refuseUnclear({ relation, table, hasKey }: TargetTable, transaction: SourceTransaction) {
    if (!hasKey) {
      const problems = [say`the source does not send the columns of its key`]
      throw this.#relations.misfit({ relation, problems }, transaction)
    }
    if (!this.#isExact || this.#isTrusted(transaction)) return
    const problem = say`changes flow both ways, and the source does not send the old row: it cannot be determined whether both sides have changed it. Run "alter table ${table.quoted} replica identity full" on both sides; if this change is correct, retry`
    throw this.#relations.misfit({ relation, problems: [problem], isInexact: true }, transaction)
  }
}
