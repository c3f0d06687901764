// The handover: a transaction on the old primary that makes the other side the primary. Before it everything can be
// undone; after it every process can complete what remains to be done.

import type { Direction } from '../../../shared/follow.ts'
import { messageOf } from '../../../shared/message-of.ts'
import { say } from '../../../shared/say.ts'
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

/** How long a server that was lost during the handover is asked for its outcome. */
const patienceMs = 30_000
const checkEveryMs = 250

/** The server was lost during the handover and does not answer. */
export class HandoverUnknown extends PgtrekError {}

/** Returns when the handover is on the server's disk. Throws when it certainly failed, or `HandoverUnknown`. */
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
        throw new HandoverUnknown(
          say`the connection to ${describeSettings(from)} was lost during the handover, and its outcome is not known: ${messageOf(error)}. When the server is available again, "pgtrek status" with the same connections shows it, and "pgtrek follow" continues`,
          { cause: error },
        )
      }
      await Bun.sleep(checkEveryMs)
    }
  }
}

/**
 * Changes of the record for a handover that a killed process could not record, or that another process has done.
 * Undefined when the record has it.
 */
export function missedHandover(record: FollowRecord, facts: MoveFacts): Partial<FollowRecord> | undefined {
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
      ...withoutOldPrimary,
      ...(goesOn && { direction: other, [other]: record[other] ?? linkNames(record.name, other) }),
    }
  }
  return theOtherWay(record, facts)
}

const withoutOldPrimary = { memberships: undefined, learned: undefined, foreignWrites: undefined }

/** After several switchovers, the last of which has removed the marks of the one before. */
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
    ...withoutOldPrimary,
  }
}

function isKnown({ handedOver }: FollowRecord, direction: Direction, { lsn }: HandedOver): boolean {
  return handedOver?.direction === direction && handedOver.lsn === lsn
}

/** Changes do not flow any more: the switchover is done, and there is no way back. */
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
  /** What was done, a sentence each. */
  said: string[]
  /** What could not be undone, a sentence each. */
  left: string[]
}

/** Makes a side writable that this move has made read-only. */
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
            say`${place} stays read-only: another move made it read-only (${undone.moves.join(', ')}; "pgtrek cleanup --writable --name" undoes it)`,
          ],
        }
      case 'writable':
        return {
          said: [
            say`${place} can be written to again`,
            ...undone.left.map(
              (table) =>
                say`the trigger pgtrek_read_only of ${table} is left; it does nothing, and "pgtrek cleanup --writable" drops it`,
            ),
          ],
          left: [],
        }
    }
  } catch (error) {
    return {
      said: [],
      left: [
        say`${place} may still be read-only, "pgtrek cleanup --writable" undoes it: ${messageOf(error)}`,
      ],
    }
  }
}
