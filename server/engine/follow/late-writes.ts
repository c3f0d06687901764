// What was written to the old primary behind the last position that the new one has. The slot is kept until
// cleanup, so the old primary's own log answers exactly.
import type { LateWritesView } from '../../../shared/late-writes.ts'
import { showName } from '../../../shared/phase.ts'
import { ServerError } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { TableId } from '../../replication/destination-tables.ts'
import { type Lsn, parseLsn, showLsn } from '../../replication/lsn.ts'
import { MessageCursor } from '../../replication/message-cursor.ts'
import { echoPrefix, originName } from '../../replication/position.ts'
import type { Publications } from '../../replication/publication.ts'
import { messagesSince, writeSentinel } from './sentinel.ts'

export type LateWrites = Pick<LateWritesView, 'transactions' | 'changes' | 'tables'>

export interface LateLook {
  late: LateWrites | undefined
  /** Everything that was committed before is known: the slot need not keep it. */
  lookedUpTo: Lsn
  /** There may be more behind it. */
  isCut: boolean
}

export interface LateQuestion {
  slot: string
  publication: Publications
  after: Lsn
  /** The position of changes that we bring to this side ourselves: they are not late. */
  ours?: string | undefined
}

const enoughChanges = 10_000
const patienceMs = 10_000
const lookEveryMs = 50
const objectInUse = '55006'
/** Names are in the first bytes of a message, rows behind them. */
const longestNames = 600

/** Nobody may read from the slot meanwhile; the changes stay in it. */
export async function readLateWrites(
  session: Session,
  question: LateQuestion,
): Promise<LateWrites | undefined> {
  // A commit that did not wait for the disk is in the log that can be read behind one that did.
  await writeSentinel(session)
  return (await lookForLateWrites(session, question)).late
}

/** Up to where the log is on disk. */
export async function lookForLateWrites(
  session: Session,
  { slot, publication, after, ours }: LateQuestion,
): Promise<LateLook> {
  const names = [publication].flat().map(quoteIdentifier).join(', ')
  const { lsn } = await session.one<{ lsn: string }>(
    'select pg_catalog.pg_current_wal_flush_lsn()::text as lsn',
  )
  const end = parseLsn(lsn)
  const messages = await peek(
    session,
    `select pg_catalog.encode(case pg_catalog.get_byte(data, 0)
                                when ${letter('T')} then data
                                else pg_catalog.substr(data, 1, ${longestNames}) end, 'hex') as data
       from pg_catalog.pg_logical_slot_peek_binary_changes(${quoteLiteral(slot)}, null, ${enoughChanges},
              'proto_version', '1', 'publication_names', ${quoteLiteral(names)}
              ${session.major >= messagesSince ? ", 'messages', 'true'" : ''})`,
  )
  const count = new LateCount(after, ours)
  for (const { data } of messages) count.message(Buffer.from(data, 'hex'))
  const isCut = messages.length >= enoughChanges
  return { late: count.late, lookedUpTo: isCut ? (count.end ?? end) : end, isCut }
}

/** Frees log that the server keeps for nothing else. What is behind the position stays in the slot. */
export async function forgetUpTo(session: Session, slot: string, lsn: Lsn): Promise<void> {
  await session.query(
    `select pg_catalog.pg_replication_slot_advance(${quoteLiteral(slot)}, ${quoteLiteral(showLsn(lsn))}::pg_catalog.pg_lsn)
       from pg_catalog.pg_replication_slots
      where slot_name = ${quoteLiteral(slot)}
        and confirmed_flush_lsn < ${quoteLiteral(showLsn(lsn))}::pg_catalog.pg_lsn`,
  )
}

/** The process that read from the slot may take a moment to end. */
async function peek(session: Session, sql: string) {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await session.query<{ data: string }>(sql)
    } catch (error) {
      const isInUse = error instanceof ServerError && error.sqlstate === objectInUse
      if (!isInUse || performance.now() > deadline) throw error
      await Bun.sleep(lookEveryMs)
    }
  }
}

/** A transaction is known to be ours by what comes within it: it is counted at its end. */
class LateCount {
  /** Behind the last whole transaction. */
  end: Lsn | undefined
  #transactions = 0
  readonly #changes = new Map<number, number>()
  readonly #names = new Map<number, TableId>()
  #isLate = false
  #open: number[] = []
  readonly #cursor = new MessageCursor()

  constructor(
    readonly after: Lsn,
    readonly ours: string | undefined,
  ) {}

  get late(): LateWrites | undefined {
    if (this.#transactions === 0) return undefined
    const tables = [...this.#changes].map(([relation, changes]) => {
      return { ...(this.#names.get(relation) ?? { schema: '', name: String(relation) }), changes }
    })
    return {
      transactions: this.#transactions,
      changes: tables.reduce((sum, { changes }) => sum + changes, 0),
      tables: tables.sort((one, other) => (showName(one) < showName(other) ? -1 : 1)),
    }
  }

  /** https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html */
  message(bytes: Buffer) {
    const cursor = this.#cursor.over(bytes, 1, bytes.length)
    switch (String.fromCharCode(bytes[0] as number)) {
      case 'B':
        this.#isLate = cursor.lsn() >= this.after
        this.#open = []
        break
      case 'O':
        cursor.lsn()
        if (this.ours !== undefined && cursor.string() === originName(this.ours)) this.#isLate = false
        break
      case 'M':
        cursor.byte()
        cursor.lsn()
        if (cursor.string() === echoPrefix) this.#echo(cursor)
        break
      case 'R': {
        const relation = cursor.uint32()
        // One that is renamed on the way keeps the name that it had on the other side.
        if (this.#names.has(relation)) break
        this.#names.set(relation, { schema: cursor.string() || 'pg_catalog', name: cursor.string() })
        break
      }
      case 'I':
      case 'U':
      case 'D':
        this.#open.push(cursor.uint32())
        break
      case 'T': {
        const tables = cursor.uint32()
        cursor.byte()
        for (let table = 0; table < tables; table++) this.#open.push(cursor.uint32())
        break
      }
      case 'C':
        cursor.byte()
        cursor.lsn()
        this.end = cursor.lsn()
        this.#commit()
        break
    }
  }

  #echo(cursor: MessageCursor) {
    const name = Buffer.from(cursor.bytes(cursor.uint32())).toString('utf8')
    if (name === this.ours) this.#isLate = false
  }

  #commit() {
    if (!this.#isLate || this.#open.length === 0) return
    this.#transactions++
    for (const relation of this.#open) {
      this.#changes.set(relation, (this.#changes.get(relation) ?? 0) + 1)
    }
  }
}

function letter(text: string): number {
  return text.charCodeAt(0)
}
