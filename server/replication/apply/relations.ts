// Which table of the destination belongs to a relation of the source. Relations are described before their first
// change, and again after they were changed. Only relations that are known not to be part of the move are left out.
import { say } from '../../../shared/say.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import type { Relation } from '../stream/event.ts'
import type { SourceTransaction } from '../stream/transaction.ts'
import type { DestinationTable } from '../tables/destination-tables.ts'
import { describeChange, misfits, type NamedTypes } from '../tables/fit.ts'
import type { Followed, NotFollowedReason } from '../tables/followed.ts'
import type { Applier } from './applier.ts'
import { NeedsCare } from './apply-failure.ts'
import { ApplyConflict } from './conflict.ts'
import { TargetTable } from './target.ts'

export interface RelationsOptions {
  applier: Applier
  tables: ReadonlyMap<string, DestinationTable>
  /** Undefined: everything that is published is wanted. */
  followed: Followed | undefined
  /** OIDs that were unknown before. The source's catalog was read again since. */
  lookedFor: ReadonlySet<number>
  /** Both sides are in use: a row may only be changed while it is as the source saw it. */
  exact: boolean
  binary: boolean
  /** Whether values of this type may be sent in binary form. */
  isBinarySafe: (type: number) => boolean
  /** Columns that the source computes and sends, by the OID of their table. */
  computed: ReadonlyMap<number, ReadonlySet<string>>
  /** The last description of each table, across connections. */
  known: Map<number, Relation>
  /** Changes of this table are sent and not applied, for this reason. */
  onUnwanted: (relation: Relation, reason: NonNullable<NotFollowedReason>) => void
}

/** The binary form of a type is not safe: the same changes have to be requested as text. */
export class NeedsText extends Error {}

/** The relation is not known yet. */
export class UnknownRelation extends Error {
  constructor(readonly oid: number) {
    super(say`changes of an unknown relation: ${oid}`)
  }
}

/** The source has sent a transaction that is not visible in its catalog yet. */
export class NotVisible extends PgtrekError {}

/** The table of the destination is missing, or does not fit the rows that are sent. */
export class Misfit extends NeedsCare {}

class NotFollowed {
  constructor(
    readonly relation: Relation,
    readonly followed: Followed,
  ) {}
}

export interface Unfit {
  relation: Relation
  problems: string[]
  /** Whether it is part of the move is not known. */
  unknown?: boolean
  /** A retry applies the transaction anyway. */
  isInexact?: boolean
}

export class Relations {
  readonly #types = new Map<number, { schema: string; name: string }>()
  readonly #targets = new Map<number, TargetTable | Unfit | NotFollowed | undefined>()

  constructor(readonly options: RelationsOptions) {}

  type(id: number, schema: string, name: string) {
    this.#types.set(id, { schema, name })
  }

  /** The differences to the last description of the table, with its name on the destination. */
  compare(described: Relation): { table: TableName; changes: string[] } | undefined {
    const { followed, known } = this.options
    const pair = followed?.pairs.get(described.id)
    if (followed && !pair) return undefined
    const before = known.get(described.id)
    known.set(described.id, described)
    const changes = before ? describeChange(before, described) : []
    const { schema, name } = pair ?? described
    return changes.length > 0 ? { table: { schema, name }, changes } : undefined
  }

  describe(described: Relation) {
    const { applier, tables, followed, binary } = this.options
    // The table may have another key or other columns from here on.
    applier.release()
    // A relation is identified by its OID, because it may be renamed, even within a transaction.
    const pair = followed?.pairs.get(described.id)
    if (followed && !pair) {
      // Roots are described together with their partitions. Only a change shows whether the table matters.
      this.#targets.set(described.id, new NotFollowed(described, followed))
      return
    }
    const relation = this.#asFollowed(described)
    if (binary && !relation.columns.every(({ type }) => this.options.isBinarySafe(type))) {
      throw new NeedsText(`a column of ${relation.schema}.${relation.name} can only be sent as text`)
    }
    const named = tables.get(tableKey(relation))
    const table = pair && pair.to !== named?.oid ? undefined : named
    const types: NamedTypes = this.#types
    const problems = misfits(relation, table, types, binary)
    if (!table && (described.schema !== relation.schema || described.name !== relation.name)) {
      problems.push(say`it is now named ${described.schema}.${described.name} on the source`)
    }
    if (binary && problems.length > 0 && misfits(relation, table, types, false).length === 0) {
      throw new NeedsText(`rows of ${relation.schema}.${relation.name} fit only as text`)
    }
    const target: TargetTable | Unfit =
      table && problems.length === 0
        ? new TargetTable(relation, table, binary, applier.prepare, this.options.exact)
        : { relation, problems }
    this.#targets.set(relation.id, target)
  }

  /** The table that a change of this transaction is written to. Undefined: it is not part of the move. */
  target(id: number, transaction: SourceTransaction): TargetTable | undefined {
    let target = this.#targets.get(id)
    if (target instanceof TargetTable) return target
    if (target instanceof NotFollowed) {
      target = this.#unwanted(target, transaction)
      this.#targets.set(id, target)
    }
    if (target instanceof TargetTable || target === undefined) {
      if (!this.#targets.has(id)) throw new Error(say`a change of a table that was not described: ${id}`)
      return target
    }
    throw this.misfit(target, transaction)
  }

  /** The table of a change that is left out. Undefined: it is not part of the move. */
  lacking(id: number): TableName | undefined {
    const target = this.#targets.get(id)
    if (!target || (target instanceof NotFollowed && target.followed.whyNotFollowed(id))) return undefined
    const { schema, name } = target.relation
    return { schema, name }
  }

  /** The destination may have changed since its tables were read, so only a second attempt is final. */
  misfit({ relation, problems, unknown, isInexact }: Unfit, transaction: SourceTransaction): Error {
    const name = `${relation.schema}.${relation.name}`
    if (!this.options.applier.options.careful) {
      return new Misfit(say`${name} does not fit: ${problems.join('; ')}`)
    }
    return new ApplyConflict({
      transaction,
      table: relation,
      statement: 'relation',
      problems,
      ...(unknown && { unknown: relation.id }),
      ...(isInexact && { isInexact }),
    })
  }

  /** With its name on the destination, and with facts that the message does not contain. */
  #asFollowed(described: Relation): Relation {
    const { schema, name } = this.options.followed?.pairs.get(described.id) ?? described
    const relation = { ...described, schema, name }
    const computed = this.options.computed.get(relation.id)
    if (!computed) return relation
    const columns = relation.columns.map((column) => ({ ...column, computed: computed.has(column.name) }))
    return { ...relation, columns }
  }

  /** Only what is known not to be part of the move is left out. */
  #unwanted({ relation, followed }: NotFollowed, { xid }: SourceTransaction): Unfit | undefined {
    const { lookedFor, onUnwanted } = this.options
    const reason = followed.whyNotFollowed(relation.id)
    // It did not exist when the stream was started: a partition that is wanted, or a new table.
    if (reason !== 'left_out' && !lookedFor.has(relation.id)) throw new UnknownRelation(relation.id)
    if (reason !== 'left_out' && !followed.hasSeen(xid)) {
      throw new NotVisible(
        say`a transaction that changes ${relation.schema}.${relation.name} is not visible on the source yet`,
      )
    }
    if (reason) {
      onUnwanted(relation, reason)
      return undefined
    }
    const name = `${relation.schema}.${relation.name}`
    const same = [...followed.pairs.values()].some((pair) => tableKey(pair) === tableKey(relation))
    const gone = followed.gone.map(({ schema, name }) => `${schema}.${name}`)
    const problems = [
      say`${name} was not part of this move when it started: it was created or published since`,
      ...(same
        ? [
            say`the table that was named ${name} before is still followed, and is a different one: it was dropped or renamed`,
          ]
        : []),
      ...(gone.length > 0 ? [say`not published any more: ${gone.join(', ')}`] : []),
      same
        ? say`to follow it, create ${name} on the destination with the rows that it had before it was published (in place of the table that has this name there), then retry`
        : say`to follow it, create ${name} on the destination with the rows that it had before it was published, then retry`,
    ]
    return { relation, problems, unknown: true }
  }
}
