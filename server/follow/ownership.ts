// Whose a publication is: a comment on it names the move that made it, and what of that move's copy is missing.
// A slot cannot have a comment: it belongs to the move whose publication stands beside it.

import type { SkippedTransaction } from '../../shared/skipped.ts'
import type { TableName } from '../../shared/table-name.ts'
import { publicationMark } from '../catalog/own.ts'
import { sessionNameFor, sessionNamePrefix } from '../coordination/session-name.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { inTransaction } from '../postgres/transaction.ts'
import type { Memberships } from '../replication/tables/membership.ts'
import type { HandedOver } from '../store/follow-memory.ts'

export interface Mark {
  /** The move's own number: another move may have had the same name. */
  move: string
  /** By whom, on which machine, since when. */
  begunBy: string
  missing: Missing
  /** A switchover has left this side. */
  handedOver?: HandedOver | undefined
  /** Made by a switchover that is not done, for the other direction: nothing flows there. */
  isWayBack?: boolean | undefined
  /** Transactions that were left out at a conflict, whose tables are not right again. */
  skipped?: SkippedTransaction[] | undefined
  /** Tables that joined since the publication was made and are whole, or were dropped on the other side and are not. */
  learned?: Memberships | undefined
}

type More = Pick<Mark, 'handedOver' | 'isWayBack' | 'skipped' | 'learned'>

/** What the copy could not bring. */
export interface Missing {
  tables: (TableName & { error: string; oid?: number | undefined })[]
  /** Of other objects, in words. */
  objects?: string | undefined
}

const nothing: Missing = { tables: [] }

export async function markPublication(
  session: Session,
  publication: string,
  move: string,
  { missing = nothing, isWayBack }: { missing?: Missing; isWayBack?: boolean | undefined } = {},
): Promise<void> {
  const known = await readMark(session, publication)
  const begunBy = known?.move === move ? known.begunBy : begunByUs()
  await write(session, publication, { move, begunBy, missing, isWayBack })
}

function begunByUs(): string {
  return sessionNameFor('begun by').slice(sessionNamePrefix.length)
}

async function write(session: Session, publication: string, { move, begunBy, missing, ...more }: Mark) {
  const lines = [
    `${publicationMark}${move}`,
    begunBy,
    JSON.stringify(missing),
    JSON.stringify(more satisfies More),
  ]
  await session.execute(
    `comment on publication ${quoteIdentifier(publication)} is ${quoteLiteral(lines.join('\n'))}`,
  )
}

/** Nothing where there is no publication, or where it is not one of a move. */
export async function readMark(session: Session, publication: string): Promise<Mark | undefined> {
  const [row] = await session.query<{ comment: string | null }>(`
    select pg_catalog.obj_description(oid, 'pg_publication') as comment
      from pg_catalog.pg_publication
     where pubname = ${quoteLiteral(publication)}`)
  if (!row?.comment?.startsWith(publicationMark)) return undefined
  const [first = '', begunBy = '', missing = '', last] = row.comment.split('\n')
  const list = parsed(missing)
  return list && { ...moreIn(last), move: first.slice(publicationMark.length), begunBy, missing: list }
}

/**
 * Also for a process that has no record of the move. Within the transaction that hands over. Where somebody has
 * changed the comment, it is written again from what is known here.
 */
export async function markHandedOver(
  session: Session,
  publication: string,
  handedOver: HandedOver,
  known: Pick<Mark, 'move' | 'missing'>,
): Promise<void> {
  await session.query(lockSql)
  const mark = (await readMark(session, publication)) ?? { ...known, begunBy: begunByUs() }
  await write(session, publication, { ...mark, handedOver })
}

/** The switchover is done: changes flow there from now on. */
export async function settleWayBack(session: Session, publication: string): Promise<void> {
  await change(session, publication, { isWayBack: undefined })
}

/** Nothing where the publication is not one of a move. */
export async function markMissing(session: Session, publication: string, missing: Missing): Promise<void> {
  await change(session, publication, { missing })
}

/** What was left out at conflicts, and is not right again. */
export async function markSkipped(
  session: Session,
  publication: string,
  skipped: readonly SkippedTransaction[],
): Promise<void> {
  await change(session, publication, { skipped: skipped.length > 0 ? [...skipped] : undefined })
}

/** Which tables are known to be whole, or not, whatever the age of the publication says. */
export async function markLearned(
  session: Session,
  publication: string,
  learned: Memberships | undefined,
): Promise<void> {
  await change(session, publication, { learned })
}

/** Until the transaction ends. */
const lockSql = `select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('pgtrek mark'))`

/** Several parts of a process may have something to say at the same time. */
async function change(session: Session, publication: string, some: Partial<Mark>): Promise<void> {
  await inTransaction(session, async () => {
    await session.query(lockSql)
    const mark = await readMark(session, publication)
    if (mark) await write(session, publication, { ...mark, ...some })
  })
}

/** Older versions have not written it. */
function moreIn(text = '{}'): More {
  try {
    const { handedOver, isWayBack, skipped, learned } = JSON.parse(text) as More
    return { handedOver, isWayBack, skipped, learned }
  } catch {
    return {}
  }
}

/** Nothing where somebody has changed the comment: it proves nothing any more. */
function parsed(text: string): Missing | undefined {
  try {
    const missing = JSON.parse(text) as Missing
    return Array.isArray(missing.tables) ? missing : undefined
  } catch {
    return undefined
  }
}
