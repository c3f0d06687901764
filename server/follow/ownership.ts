// The mark of a move: a comment on its publication has the ID of the move, and what is missing of its copy. A slot cannot
// have a comment, so it belongs to the move that the publication with its name belongs to.

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
  /** The ID of the move; another move may have had the same name. */
  move: string
  /** The user, the machine and the time. */
  begunBy: string
  missing: Missing
  /** A switchover has ended this direction. */
  handedOver?: HandedOver | undefined
  /** Created for the way back by a switchover that is not completed: no changes flow in this direction. */
  isWayBack?: boolean | undefined
  /** Transactions that were skipped at a conflict, with tables that were not found equal since. */
  skipped?: SkippedTransaction[] | undefined
  /** Tables that joined later and are complete, or were dropped on the other side and are not. */
  learned?: Memberships | undefined
}

type More = Pick<Mark, 'handedOver' | 'isWayBack' | 'skipped' | 'learned'>

/** What the copy could not copy or create. */
export interface Missing {
  tables: (TableName & { error: string; oid?: number | undefined })[]
  /** Other objects, as a sentence. */
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

/** Undefined without a publication, or when it does not belong to a move. */
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
 * Part of the handover's transaction, so that a process without a record of the move knows it too. A comment that was
 * changed by a user is written anew.
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

/** The switchover is completed: changes flow in this direction from now on. */
export async function settleWayBack(session: Session, publication: string): Promise<void> {
  await change(session, publication, { isWayBack: undefined })
}

export async function markMissing(session: Session, publication: string, missing: Missing): Promise<void> {
  await change(session, publication, { missing })
}

export async function markSkipped(
  session: Session,
  publication: string,
  skipped: readonly SkippedTransaction[],
): Promise<void> {
  await change(session, publication, { skipped: skipped.length > 0 ? [...skipped] : undefined })
}

/** Whether tables are complete where the age of the publication does not show it. */
export async function markLearned(
  session: Session,
  publication: string,
  learned: Memberships | undefined,
): Promise<void> {
  await change(session, publication, { learned })
}

/** Held until the transaction ends. */
const lockSql = `select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('pgtrek mark'))`

/** Locked, because parts of a process change the mark concurrently. */
async function change(session: Session, publication: string, some: Partial<Mark>): Promise<void> {
  await inTransaction(session, async () => {
    await session.query(lockSql)
    const mark = await readMark(session, publication)
    if (mark) await write(session, publication, { ...mark, ...some })
  })
}

/** Older versions do not write this line. */
function moreIn(text = '{}'): More {
  try {
    const { handedOver, isWayBack, skipped, learned } = JSON.parse(text) as More
    return { handedOver, isWayBack, skipped, learned }
  } catch {
    return {}
  }
}

/** Undefined when a user has changed the comment: then it is no mark any more. */
function parsed(text: string): Missing | undefined {
  try {
    const missing = JSON.parse(text) as Missing
    return Array.isArray(missing.tables) ? missing : undefined
  } catch {
    return undefined
  }
}
