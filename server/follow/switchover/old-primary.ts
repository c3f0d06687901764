// The old primary after a switchover: watched for late writes, and released before changes flow to it again.

import { formatDuration } from '../../../shared/format.ts'
import { describeLate, type LateWritesView } from '../../../shared/late-writes.ts'
import { say } from '../../../shared/say.ts'
import type { SwitchoverOptions } from '../../../shared/switchover.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { describeSettings } from '../../postgres/settings.ts'
import { parseLsn } from '../../replication/stream/lsn.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import { dropLink } from '../link.ts'
import { type FollowEnd, type MoveContext, publicationsOf } from '../move-context.ts'
import { checkObjects } from '../moved-objects.ts'
import { LateWatch } from './late-watch.ts'
import type { SequenceState } from './sequences.ts'

/** How often it is checked: while the process runs only for that, and while changes flow back. */
const watchEveryMs = { atFirst: 1000, later: 5000 }
/** How long comparing its objects waits for a locked table. */
const watchLockMs = 5000
/** Its reasons against a return. */
export const lateTroubles = ['late writes', 'watch'] as const

/** The slot of the last switchover still exists and shows late writes. */
export function isOldPrimaryWatched({ handedOver, direction }: FollowRecord): boolean {
  return handedOver !== undefined && handedOver.direction !== direction && !handedOver.isReleased
}

export class OldPrimary {
  #watch: LateWatch | undefined
  #until: ReturnType<typeof setTimeout> | undefined

  constructor(readonly move: MoveContext) {}

  get isWatched(): boolean {
    return this.#watch !== undefined
  }

  /** From now on the move sets them itself. */
  forgetSequences() {
    this.#watch?.forgetSequences()
  }

  /** For so many seconds, after which the run ends; without a limit while changes flow back. */
  watch({ seconds, sequences = [] }: { seconds?: number; sequences?: readonly SequenceState[] } = {}) {
    const { move } = this
    const { handedOver } = move.record
    if (!handedOver) return
    const { status } = move
    const link = move.link(handedOver.direction)
    const place = describeSettings(link.from)
    const until = seconds === undefined ? {} : { until: Date.now() + seconds * 1000 }
    status.watch = { place, ...until }
    this.#watch = new LateWatch(
      {
        from: link.from,
        slot: link.names.slot,
        publication: () => publicationsOf(link),
        after: parseLsn(handedOver.lsn),
        ours: move.ownPosition(handedOver.direction),
        catalog: handedOver.catalog,
        compareObjects: async (signal) => {
          const publication = await publicationsOf(link)
          const work = { record: move.record, link, publication, lockWaitMs: watchLockMs, signal }
          return (await checkObjects(work)).problems
        },
        everyMs:
          move.services.watchEveryMs ?? (seconds === undefined ? watchEveryMs.later : watchEveryMs.atFirst),
        onFound: (found) => this.#found(found),
        onTrouble: (trouble) => {
          status.watch = { place, ...until, ...(trouble !== undefined && { trouble }) }
          if (trouble === undefined) status.troubles.delete('watch')
          else {
            status.troubles.set('watch', trouble)
            status.say(trouble, 'warn')
          }
          status.onChange('now')
        },
        onImpossible: (words) => {
          status.watch = undefined
          status.warn(words)
        },
        onSequences: (names) =>
          status.warn(
            say`sequences of ${place} advanced after the switchover, so a client is still connected: ${names.join(', ')}`,
          ),
      },
      sequences,
    )
    if (seconds === undefined) return
    if (seconds > 0) status.say(say`${place} is watched for late writes for ${formatDuration(seconds)}`)
    this.#until = setTimeout(() => move.finish(), seconds * 1000)
  }

  #found(found: LateWritesView) {
    const { status } = this.move
    const before = status.lateWrites
    status.lateWrites = found
    status.troubles.set('late writes', describeLate(found).join('; '))
    // Each table is logged once; the status has the counts as they grow.
    const fresh = {
      ...found,
      transactions: found.tables.length === before?.tables.length ? 0 : found.transactions,
      objects: found.objects.slice(before?.objects.length ?? 0),
    }
    for (const line of describeLate(fresh)) status.say(line, 'error')
    status.onChange('now')
  }

  /** Checks a last time, also when the run is stopped early. */
  async end(end: FollowEnd): Promise<FollowEnd> {
    const { watch } = this.move.status
    await this.#watch?.end()
    const isOver = this.#watch !== undefined && watch?.until !== undefined
    return isOver && end === 'stopped' ? 'switched_over' : end
  }

  /** Without a last check. */
  async abandon() {
    clearTimeout(this.#until)
    await this.#watch?.abandon()
  }

  /** Called before changes flow to it again, which would conflict with late writes. */
  async release({ discard_late_writes: isAccepted }: SwitchoverOptions) {
    const { move } = this
    const { status } = move
    const { handedOver } = move.record
    if (!this.#watch || !handedOver) return
    await this.#watch.end()
    const reasons = lateTroubles.flatMap((about) => status.troubles.get(about) ?? [])
    if (reasons.length > 0 && !isAccepted) {
      this.watch()
      throw new PgtrekError(
        say`${reasons.join('; ')}. When that is resolved, continue with --discard-late-writes`,
      )
    }
    for (const words of reasons) status.say(`accepted: ${words}`, 'warn')
    await dropLink(move.link(handedOver.direction), move.owner)
    move.update({ handedOver: { ...handedOver, isReleased: true } })
    this.#watch = undefined
    status.lateWrites = undefined
    status.watch = undefined
    for (const about of lateTroubles) status.troubles.delete(about)
  }
}
