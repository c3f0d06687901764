// What a follower reports: events, and each warning once.

import type { FollowEvent } from '../../../shared/follow.ts'
import { say } from '../../../shared/say.ts'
import type { Relation } from '../stream/event.ts'
import { type Lsn, showLsn } from '../stream/lsn.ts'
import type { Followed, NotFollowedReason } from '../tables/followed.ts'

/** An `Omit` that keeps the members of a union separate. */
type Without<Event, Key extends PropertyKey> = Event extends unknown ? Omit<Event, Key> : never

/** Any role may write messages of any size to the log. */
const mostMessageBytes = 8192

const reasons: Record<NonNullable<NotFollowedReason>, string> = {
  left_out: say`it was excluded when the move started`,
  extension: say`it belongs to an extension`,
  own: say`it belongs to another move`,
  dropped: say`it was created after the move started, and has since been dropped`,
}

export class FollowReports {
  readonly #warned = new Set<string>()

  constructor(readonly onEvent: ((event: FollowEvent) => void) | undefined) {}

  report(event: Without<FollowEvent, 'at'>) {
    this.onEvent?.({ ...event, at: Date.now() } as FollowEvent)
  }

  message(prefix: string, lsn: Lsn, content: Uint8Array) {
    const text = Buffer.from(content.subarray(0, mostMessageBytes)).toString('utf8')
    this.report({ type: 'follow_message', prefix, lsn: showLsn(lsn), content: text })
  }

  /** Tables whose changes or copied rows are missing. */
  missing({ gone, replaced }: Pick<Followed, 'gone' | 'replaced'>) {
    for (const { schema, name } of gone) {
      this.#warn(
        say`${schema}.${name} is not published any more: it was dropped, detached or taken out of the publication, and its changes are not sent`,
      )
    }
    for (const { schema, name } of replaced) {
      this.#warn(
        say`${schema}.${name} of the destination was dropped and created again: rows that were copied before are missing`,
      )
    }
  }

  unwanted({ schema, name }: Relation, reason: NonNullable<NotFollowedReason>) {
    this.#warn(say`changes of ${schema}.${name} are sent and not applied: ${reasons[reason]}`)
  }

  #warn(message: string) {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    this.report({ type: 'follow_warning', message })
  }
}
