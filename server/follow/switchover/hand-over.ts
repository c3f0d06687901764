// The one moment at which the other side becomes the primary: a transaction on the old primary. Before it
// everything can be taken back; after it everything that is still to do can be done by whoever comes next.

import type { Direction } from '../../../shared/follow.ts'
import { messageOf } from '../../../shared/message-of.ts'
import { ConnectFailed, ConnectionLost, PgtrekError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../../postgres/settings.ts'
import { inTransaction } from '../../postgres/transaction.ts'
import type { HandedOver } from '../../store/follow-memory.ts'
import { type FollowRecord, moveOf } from '../../store/follow-memory.ts'
import type { Link } from '../link.ts'
import { handedOverOf, type MoveFacts, waysOf } from '../move-state.ts'
import { linkNames } from '../names.ts'
import { markHandedOver, readMark } from '../ownership.ts'
import { keepReadOnly, undoReadOnly } from './read-only.ts'

/** So long a server that was lost at this moment may take to say what became of it. */
const patienceMs = 30_000
const betweenLooksMs = 250

/** The server was lost in the middle of it, and does not come back. */
export class HandOverUnknown extends PgtrekError {}

/** Returns when the server has it on disk. Throws when it certainly has not, or `HandOverUnknown`. */
export async function handOver(
  { from, names }: Pick<Link, 'from' | 'names'>,
  record: FollowRecord,
  handedOver: HandedOver,
  signal: AbortSignal,
): Promise<void> {
  const { failedTables: tables, failedObjects: objects } = record
  const known = { move: moveOf(record), missing: { tables, objects } }
  const deadline = performance.now() + patienceMs
  for (let isUnsure = false; ; isUnsure = true) {
    try {
      await using session = await Session.open(from)
      if (isUnsure && (await readMark(session, names.publication))?.handedOver?.lsn === handedOver.lsn) return
      await inTransaction(session, async () => {
        await session.execute('set local synchronous_commit = on')
        if (names.ownPublication) await markHandedOver(session, names.publication, handedOver, known)
        await keepReadOnly(session, record.name)
      })
      return
    } catch (error) {
      const isLost = error instanceof ConnectionLost || error instanceof ConnectFailed
      if (!isLost && !isUnsure) throw error
      if (!isLost || performance.now() > deadline || signal.aborted) {
        throw new HandOverUnknown(
          `the connection to ${describeSettings(from)} was lost during the handover, and its outcome is not known: ${messageOf(error)}. ` +
            'When the server is available again, "pgtrek status" with the same connections shows it, and "pgtrek follow" continues',
          { cause: error },
        )
      }
      await Bun.sleep(betweenLooksMs)
    }
  }
}

/**
 * What a process that was killed right after it could not write down, or what others have done since; nothing where all
 * of it is known here.
 */
export function missedHandOver(record: FollowRecord, facts: MoveFacts): Partial<FollowRecord> | undefined {
  const directions: Direction[] =
    record.bidirectional && !record.handedOver ? ['forward', 'back'] : [record.direction]
  for (const direction of directions) {
    const handedOver = handedOverOf(facts, direction)
    if (!handedOver || isKnown(record, direction, handedOver)) continue
    const other = direction === 'forward' ? 'back' : 'forward'
    const goesOn = waysOf(facts).includes(other)
    return {
      progress: direction === 'back' && goesOn ? 'following' : 'done',
      handedOver: { direction, ...handedOver },
      ...ofTheSideThatWasLeft,
      ...(goesOn && { direction: other, [other]: record[other] ?? linkNames(record.name, other) }),
    }
  }
  return theOtherWay(record, facts)
}

const ofTheSideThatWasLeft = { memberships: undefined, learned: undefined, foreignWrites: undefined }

/** Several switchovers may have come since, of which the last has taken away what the one before had left. */
function theOtherWay(record: FollowRecord, facts: MoveFacts): Partial<FollowRecord> | undefined {
  const [way, ...others] = waysOf(facts)
  const { direction } = record
  const isBothWays = record.bidirectional && !record.handedOver
  if (!way || others.length > 0 || way === direction || isBothWays) return undefined
  return {
    progress: way === 'forward' ? 'following' : 'done',
    direction: way,
    [way]: record[way] ?? linkNames(record.name, way),
    handedOver: { direction, lsn: '0/0', isReleased: true },
    ...ofTheSideThatWasLeft,
  }
}

function isKnown({ handedOver }: FollowRecord, direction: Direction, { lsn }: HandedOver): boolean {
  return handedOver?.direction === direction && handedOver.lsn === lsn
}

/** Nothing flows any more: what there was has been handed over, and nothing was made for the way back. */
export function isAtItsEnd({ progress, handedOver, direction, back }: FollowRecord): boolean {
  if (progress !== 'done') return false
  return handedOver ? handedOver.direction === direction : !(direction === 'back' && back)
}

/** The side that the application belongs on. */
export function primarySide(record: Pick<FollowRecord, 'direction' | 'progress' | 'handedOver' | 'back'>) {
  const { direction } = record
  const flowsFrom = direction === 'forward' ? 'source' : 'destination'
  if (!isAtItsEnd(record as FollowRecord)) return flowsFrom
  return flowsFrom === 'source' ? 'destination' : 'source'
}

export interface MadeWritable {
  said: string[]
  /** What is not as it was, a sentence each. */
  left: string[]
}

/** Of a side that this move has made read-only; the server says whether it is writable. */
export async function makeWritable(settings: ConnectionSettings, move: string): Promise<MadeWritable> {
  const place = describeSettings(settings)
  try {
    const undone = await undoReadOnly(settings, move)
    switch (undone.state) {
      case 'not_ours':
        return { said: [], left: [] }
      case 'kept':
        return {
          said: [],
          left: [
            `${place} stays read-only: another move made it read-only (${undone.moves.join(', ')}; "pgtrek cleanup --writable --name" undoes it)`,
          ],
        }
      case 'writable':
        return {
          said: [
            `${place} can be written to again`,
            ...undone.left.map(
              (table) =>
                `the trigger pgtrek_read_only of ${table} is left; it does nothing, and "pgtrek cleanup --writable" drops it`,
            ),
          ],
          left: [],
        }
    }
  } catch (error) {
    return {
      said: [],
      left: [`${place} may still be read-only, "pgtrek cleanup --writable" undoes it: ${messageOf(error)}`],
    }
  }
}
