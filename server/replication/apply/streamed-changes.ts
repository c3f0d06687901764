// Applies the messages of a transaction that the source has not committed yet. A message that can only be applied or
// reported at the commit ends that.
import type { StreamedGiveUpReason } from '../../../shared/follow.ts'
import { PgoutputDecoder } from '../stream/pgoutput.ts'
import type { SourceTransaction } from '../stream/transaction.ts'
import type { Applier } from './applier.ts'
import type { Relations } from './relations.ts'
import type { RowChanges } from './row-changes.ts'

export class StreamedChanges {
  readonly #decoder = new PgoutputDecoder()
  readonly #transaction: SourceTransaction

  constructor(
    readonly applier: Applier,
    readonly relations: Relations,
    readonly changes: RowChanges,
    xid: number,
  ) {
    // The position of its commit is not known yet.
    this.#transaction = { xid, finalLsn: applier.options.position.lsn, time: 0 }
    applier.begin(this.#transaction)
  }

  /** Returns why it cannot continue. Throws where the destination or its tables prevent it. */
  take(type: number, bytes: Buffer, start: number, end: number): StreamedGiveUpReason | undefined {
    const event = this.#decoder.readBody(type, bytes, start, end)
    switch (event.type) {
      case 'insert':
      case 'update':
      case 'delete':
        this.changes.apply(event, this.#transaction)
        return undefined
      case 'type':
        this.relations.type(event.id, event.schema, event.name)
        return undefined
      case 'relation':
        if (this.relations.compare(event.relation)) return 'schema_change'
        this.relations.describe(event.relation)
        return undefined
      // A TRUNCATE would block even readers of the table until the commit.
      case 'truncate':
        return 'truncate'
      case 'message':
        return 'message'
      default:
        throw new Error(`a transaction that is streamed holds an event of type ${event.type}`)
    }
  }
}
