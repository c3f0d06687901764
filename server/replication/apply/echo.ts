// When changes flow in both directions at once, each stream must leave out what the other one has written: echoes.
// Our writes carry a replication origin, which is part of the stream. Where the role may not use an origin, each of
// our transactions begins with a logical message, which only sources from 14 on send.
// https://www.postgresql.org/docs/current/replication-origins.html
import { say } from '../../../shared/say.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import type { Session } from '../../postgres/session.ts'
import { since } from '../stream/stream.ts'
import { hasTablePositions, positionKindFor } from './position.ts'

/** Both directions cannot be followed at once: changes would be sent back and forth for ever. */
export class EchoesUnseen extends PgtrekError {}

export interface Unseen {
  side: 'source' | 'destination'
  problem: string
  advice: string
}

/**
 * A preflight check for following in both directions, to be run on each side: whether the stream from this server can
 * leave out what the stream to it writes.
 */
export async function checkEchoes(session: Session, side: Unseen['side']): Promise<Unseen[]> {
  if (session.major >= since.messages || (await positionKindFor(session)) === 'origin') return []
  return [
    {
      side,
      problem: say`both directions at once: ${unseen(session.major)}`,
      advice:
        session.major >= functionsGrantable
          ? say`grant execute on the functions pg_replication_origin_* of pg_catalog to the role that writes there; or follow one direction only`
          : say`let a superuser write there; or follow one direction only`,
    },
  ]
}

/** Throws when the stream of this source would send back what was written to it. */
export async function refuseUnseenEchoes(source: Session): Promise<void> {
  if (source.major >= since.messages || !(await hasTablePositions(source))) return
  const why = unseen(source.major)
  throw new EchoesUnseen(
    source.major >= functionsGrantable
      ? say`changes cannot flow both ways at once: ${why}. Nothing was changed. To go on, grant execute on the functions pg_replication_origin_* of pg_catalog to the role that writes there, and start again; or follow one direction only.`
      : say`changes cannot flow both ways at once: ${why}. Nothing was changed. To go on, let a superuser write there, and start again; or follow one direction only.`,
  )
}

function unseen(major: number): string {
  return say`the role has no privilege to use replication origins there, and PostgreSQL ${major} has no other way to show which changes came from the other side`
}

/** Before it the functions require a superuser, even with the privilege. */
const functionsGrantable = 13
