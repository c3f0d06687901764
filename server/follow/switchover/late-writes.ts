// Late writes: changes in the log of the old primary after the last position that the new primary has. The slot is kept
// until cleanup, so they are read exactly.
import { enoughChanges, type LateWritesView } from '../../../shared/late-writes.ts'
import type { TableName } from '../../../shared/table-name.ts'
import { showName } from '../../../shared/table-name.ts'
import { ServerError } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { echoPrefix, originName } from '../../replication/apply/position.ts'
import { type Lsn, parseLsn, showLsn } from '../../replication/stream/lsn.ts'
import { MessageCursor } from '../../replication/stream/message-cursor.ts'
import type { Publications } from '../../replication/stream/publication.ts'
import { messagesSince, writeSentinel } from './sentinel.ts'

export type LateWrites = Pick<LateWritesView, 'transactions' | 'changes' | 'tables'>

interface LateRead {
  late: LateWrites | undefined
  /** Everything before was checked: the slot need not keep it. */
  readUpTo: Lsn
  /** There may be more after it. */
  isCut: boolean
}

export interface LateQuestion {
  slot: string
  publication: Publications
  after: Lsn
  /** The position of changes that the move applies to this side itself: they are not late. */
  ours?: string | undefined
}

const patienceMs = 10_000
const checkEveryMs = 50
const objectInUse = '55006'
/** The names in a message come before its rows. */
const longestNames = 600

/** No other session may read from the slot meanwhile. All changes stay in it. */
export async function readLateWrites(
  session: Session,
  question: LateQuestion,
): Promise<LateWrites | undefined> {
  // A synchronous commit flushes earlier asynchronous commits to the log that can be read.
  await writeSentinel(session)
  const { late, isCut } = await readLate(session, question, enoughChanges)
  // When many changes are not late, all have to be read.
  return isCut && !late ? (await readLate(session, question, null)).late : late
}

/** Reads up to the end of the log on disk. While nothing is late, the slot is advanced past what was read. */
export async function passLateWrites(
  session: Session,
  question: LateQuestion,
  goesOn: () => boolean = () => true,
): Promise<LateWrites | undefined> {
  for (;;) {
    const { late, readUpTo, isCut } = await readLate(session, question, enoughChanges)
    if (late) return late
    await advanceSlot(session, question.slot, readUpTo)
    if (!isCut || !goesOn()) return undefined
  }
}

async function readLate(
  session: Session,
  { slot, publication, after, ours }: LateQuestion,
  most: number | null,
): Promise<LateRead> {
  const names = [publication].flat().map(quoteIdentifier).join(', ')
  const { lsn } = await session.one<{ lsn: string }>(
    'select pg_catalog.pg_current_wal_flush_lsn()::text as lsn',
  )
  const end = parseLsn(lsn)
  const messages = await peek(
    session,
    // Counted on the server, because a large transaction comes as a whole.
    `select xid::text as xid,
            kind,
            case when kind in ('I', 'U', 'D') then pg_catalog.encode(pg_catalog.substr(data, 2, 4), 'hex')
                 when kind = 'T' then pg_catalog.encode(data, 'hex')
                 else pg_catalog.encode(pg_catalog.substr(data, 1, ${longestNames}), 'hex') end as body,
            pg_catalog.count(*)::float8 as count
       from (select xid, data, number, pg_catalog.chr(pg_catalog.get_byte(data, 0)) as kind
               from pg_catalog.pg_logical_slot_peek_binary_changes(${quoteLiteral(slot)}, null, ${most},
                      'proto_version', '1', 'publication_names', ${quoteLiteral(names)}
                      ${session.major >= messagesSince ? ", 'messages', 'true'" : ''})
                    with ordinality as message (lsn, xid, data, number)) as messages
      group by 1, 2, 3
      order by pg_catalog.min(number)`,
  )
  const count = new LateCount(after, ours)
  for (const message of messages) count.message(message)
  const seen = messages.reduce((sum, message) => sum + message.count, 0)
  const isCut = most !== null && seen >= most
  return { late: count.late, readUpTo: isCut ? (count.end ?? after) : end, isCut }
}

/** Advances the slot, so that the server can remove log. Later changes stay in the slot. */
async function advanceSlot(session: Session, slot: string, lsn: Lsn): Promise<void> {
  await session.query(
    `select pg_catalog.pg_replication_slot_advance(${quoteLiteral(slot)}, ${quoteLiteral(showLsn(lsn))}::pg_catalog.pg_lsn)
       from pg_catalog.pg_replication_slots
      where slot_name = ${quoteLiteral(slot)}
        and confirmed_flush_lsn < ${quoteLiteral(showLsn(lsn))}::pg_catalog.pg_lsn`,
  )
}

/** Waits while the process that read from the slot ends. */
async function peek(session: Session, sql: string): Promise<Message[]> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await session.query<Message>(sql)
    } catch (error) {
      const isInUse = error instanceof ServerError && error.sqlstate === objectInUse
      if (!isInUse || performance.now() > deadline) throw error
      await Bun.sleep(checkEveryMs)
    }
  }
}

/** Equal messages of a transaction, with their number. */
interface Message {
  xid: string
  kind: string
  /** In hexadecimal; of a changed row only the OID of its table. */
  body: string
  count: number
}

interface Transaction {
  isLate: boolean
  changes: Map<number, number>
}

class LateCount {
  /** The end of the last transaction. */
  end: Lsn | undefined
  readonly #transactions = new Map<string, Transaction>()
  readonly #names = new Map<number, TableName>()
  readonly #cursor = new MessageCursor()

  constructor(
    readonly after: Lsn,
    readonly ours: string | undefined,
  ) {}

  get late(): LateWrites | undefined {
    const late = [...this.#transactions.values()].filter(({ isLate, changes }) => isLate && changes.size > 0)
    if (late.length === 0) return undefined
    const changes = new Map<number, number>()
    for (const transaction of late)
      for (const [relation, count] of transaction.changes) add(changes, relation, count)
    const tables = [...changes].map(([relation, count]) => {
      return { ...(this.#names.get(relation) ?? { schema: '', name: String(relation) }), changes: count }
    })
    return {
      transactions: late.length,
      changes: tables.reduce((sum, table) => sum + table.changes, 0),
      tables: tables.sort((one, other) => (showName(one) < showName(other) ? -1 : 1)),
    }
  }

  /** https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html */
  message({ xid, kind, body, count }: Message) {
    const bytes = Buffer.from(body, 'hex')
    const transaction = this.#transactions.get(xid) ?? { isLate: false, changes: new Map() }
    this.#transactions.set(xid, transaction)
    if (kind === 'I' || kind === 'U' || kind === 'D') {
      add(transaction.changes, bytes.readUInt32BE(), count)
      return
    }
    const cursor = this.#cursor.over(bytes, 1, bytes.length)
    switch (kind) {
      case 'B':
        transaction.isLate = cursor.lsn() >= this.after
        break
      case 'O':
        cursor.lsn()
        if (this.ours !== undefined && cursor.string() === originName(this.ours)) transaction.isLate = false
        break
      case 'M':
        if (this.#isEcho(cursor)) transaction.isLate = false
        break
      case 'R': {
        const relation = cursor.uint32()
        // A table that is renamed later keeps its first name, by which the new primary knows it.
        if (this.#names.has(relation)) break
        this.#names.set(relation, { schema: cursor.string() || 'pg_catalog', name: cursor.string() })
        break
      }
      case 'T': {
        const tables = cursor.uint32()
        cursor.byte()
        for (let table = 0; table < tables; table++) add(transaction.changes, cursor.uint32(), count)
        break
      }
      case 'C':
        cursor.byte()
        cursor.lsn()
        this.end = cursor.lsn()
        break
    }
  }

  /** A message in transactions of the move where they cannot have an origin. */
  #isEcho(cursor: MessageCursor): boolean {
    cursor.byte()
    cursor.lsn()
    // Longer messages are cut off, and are not those of the move.
    if (cursor.string() !== echoPrefix) return false
    return Buffer.from(cursor.bytes(cursor.uint32())).toString('utf8') === this.ours
  }
}

function add(counts: Map<number, number>, relation: number, count: number) {
  counts.set(relation, (counts.get(relation) ?? 0) + count)
}
