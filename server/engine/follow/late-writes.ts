// What was written to the old primary behind the last position that the new one has. The slot is kept until
// cleanup, so the old primary's own log answers exactly.
import { formatCount } from '../../../shared/format.ts'
import { showName } from '../../../shared/phase.ts'
import { ServerError } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { TableId } from '../../replication/destination-tables.ts'
import { type Lsn, showLsn } from '../../replication/lsn.ts'
import type { Publications } from '../../replication/publication.ts'
import { writeSentinel } from './sentinel.ts'

export interface LateWrites {
  /** At least so many: it stops counting when it has seen enough. */
  transactions: number
  tables: TableId[]
}

const mostNamed = 10
const enoughChanges = 10_000
const patienceMs = 10_000
const lookEveryMs = 50
const objectInUse = '55006'

/** Nobody may read from the slot meanwhile; the changes stay in it. */
export async function readLateWrites(
  session: Session,
  { slot, publication, after }: { slot: string; publication: Publications; after: Lsn },
): Promise<LateWrites | undefined> {
  // A commit that did not wait for the disk is in the log that can be read behind one that did.
  await writeSentinel(session)
  const names = [publication].flat().map(quoteIdentifier).join(', ')
  const changes = await peek(
    session,
    // Messages: B begin, with the position of its commit; O origin, of what we have written ourselves; R relation.
    // https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
    `with message as (
       select xid::text as xid, pg_catalog.chr(pg_catalog.get_byte(data, 0)) as kind, data
         from pg_catalog.pg_logical_slot_peek_binary_changes(${quoteLiteral(slot)}, null, ${enoughChanges},
                'proto_version', '1', 'publication_names', ${quoteLiteral(names)})),
     late as (
       select xid from message
        where kind = 'B'
          and ('x' || pg_catalog.encode(pg_catalog.substr(data, 2, 8), 'hex'))::bit(64)::bigint
              >= (${quoteLiteral(showLsn(after))}::pg_catalog.pg_lsn - '0/0'::pg_catalog.pg_lsn)::bigint
          and xid not in (select xid from message where kind = 'O')),
     change as (
       select xid, pg_catalog.substr(data, case kind when 'T' then 7 else 2 end, 4) as relation
         from message where kind in ('I', 'U', 'D', 'T') and xid in (select xid from late))
     select (select pg_catalog.count(distinct xid) from change)::int as transactions,
            array_to_json(array(
              select distinct pg_catalog.encode(data, 'hex') from message
               where kind = 'R' and pg_catalog.substr(data, 2, 4) in (select relation from change)))::text as relations`,
  )
  const { transactions, relations } = changes
  if (transactions === 0) return undefined
  const tables = (JSON.parse(relations) as string[]).map(relationName)
  const known = new Map(tables.map((table) => [showName(table), table]))
  const inOrder = [...known].sort(([one], [other]) => (one < other ? -1 : 1))
  return { transactions, tables: inOrder.map(([, table]) => table) }
}

/** `3 transactions in public.a and public.b` */
export function namedLateWrites({ transactions, tables }: LateWrites): string {
  const more = tables.length - mostNamed
  const names = tables.slice(0, mostNamed).map(showName).join(', ')
  return `${formatCount(transactions, 'transaction')} in ${names}${more > 0 ? ` and ${more} more` : ''}`
}

export function describeLateWrites(late: LateWrites, place: string): string {
  return (
    `${place} was written to after the switchover, and only there: ${namedLateWrites(late)}. ` +
    'These rows are not on the new primary: bring them over by hand, and stop whatever still writes there'
  )
}

/** The process that read from the slot may take a moment to end. */
async function peek(session: Session, sql: string) {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await session.one<{ transactions: number; relations: string }>(sql)
    } catch (error) {
      const isInUse = error instanceof ServerError && error.sqlstate === objectInUse
      if (!isInUse || performance.now() > deadline) throw error
      await Bun.sleep(lookEveryMs)
    }
  }
}

/** `R`, its OID, then schema and name, each with a zero behind it. */
function relationName(hex: string): TableId {
  const [schema = '', name = ''] = Buffer.from(hex, 'hex').subarray(5).toString('utf8').split('\0')
  return { schema: schema || 'pg_catalog', name }
}
